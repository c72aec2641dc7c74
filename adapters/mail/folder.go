package mail

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	gomail "github.com/wneessen/go-mail"

	"github.com/perfectworks/backend/adapters/durable"
)

// folder keeps each mail in a file, for those who run the product without a mail
// server.
type folder struct {
	path   string
	logger *slog.Logger
}

// deliver writes the file, which exactly one attempt does.
func (f *folder) deliver(ctx context.Context, key string, m *gomail.Msg) error {
	name := filepath.Join(f.path, key+".eml")
	if _, err := os.Lstat(name); err == nil {
		return nil
	}
	data, err := encode(m)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(f.path, 0o700); err != nil {
		return fmt.Errorf("create the folder of mails: %w", err)
	}
	err = durable.Create(name, data)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("write a mail: %w", err)
	}
	f.logger.InfoContext(ctx, "a mail was written into a file, as no mail server is set", slog.String("file", name))
	return nil
}
