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
)

// folder keeps each mail in a file, for those who run the product without a mail
// server.
type folder struct {
	path   string
	logger *slog.Logger
}

// deliver writes the file under its name only when it is whole and on the disk.
// The name is taken by a link, which exactly one attempt wins.
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
	draft, err := os.CreateTemp(f.path, ".draft-*")
	if err != nil {
		return fmt.Errorf("write a mail: %w", err)
	}
	defer os.Remove(draft.Name())
	_, err = draft.Write(data)
	err = errors.Join(err, draft.Sync(), draft.Close())
	if err == nil {
		err = os.Link(draft.Name(), name)
	}
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("write a mail: %w", err)
	}
	if err := syncFolder(f.path); err != nil {
		return fmt.Errorf("write a mail: %w", err)
	}
	f.logger.InfoContext(ctx, "a mail was written into a file, as no mail server is set", slog.String("file", name))
	return nil
}

func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
