package processing

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"

	"github.com/perfectworks/backend/adapters/documents"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/file"
)

// engineName names the engine and all that may take part, with their versions: the
// same name stands for the same results.
func engineName(c documents.Capabilities) string {
	name := c.Engine.Name + "/" + c.Engine.Version
	for _, other := range c.Engines {
		name += "+" + other.Name + "/" + other.Version
	}
	return name
}

// Engine implements commands.Documents.
func (s *Service) Engine() string { return s.engine }

// Inspect implements commands.Documents.
func (s *Service) Inspect(ctx context.Context, object string, format file.Format) (commands.Inspection, error) {
	local, err := s.fetch(ctx, object)
	switch {
	case isFull(err):
		return commands.Inspection{}, failure.ErrStorageFull
	case err != nil:
		return commands.Inspection{}, err
	}
	defer local.Close()
	limited, cancel := context.WithTimeout(ctx, s.Inspection)
	defer cancel()
	count, err := s.Counter.Count(limited, documents.Source{File: local, Format: documents.Format(format)})
	var wrong *documents.FileError
	switch {
	case errors.As(err, &wrong):
		return commands.Inspection{Problem: reasonOf(wrong)}, nil
	case ctx.Err() == nil && limited.Err() != nil:
		return commands.Inspection{}, commands.ErrInspectionBusy
	case err != nil:
		return commands.Inspection{}, fmt.Errorf("count a document: %w", err)
	}
	return commands.Inspection{Pages: int64(count.Pages), Characters: count.Characters}, nil
}

// reasons are what the problems of documents become.
var reasons = map[documents.Problem]file.Reason{
	documents.Unsupported: file.DocumentUnsupported,
	documents.Damaged:     file.DocumentUnreadable,
	documents.Encrypted:   file.DocumentEncrypted,
	documents.Protected:   file.DocumentProtected,
	documents.TooLarge:    file.DocumentTooLarge,
	documents.TooSlow:     file.DocumentTooSlow,
	documents.Crashed:     file.EngineFailed,
}

func reasonOf(wrong *documents.FileError) file.Reason {
	if wrong.Problem == documents.Crashed && strings.Contains(wrong.Message, syscall.ENOSPC.Error()) {
		return file.StorageFull
	}
	if reason, known := reasons[wrong.Problem]; known {
		return reason
	}
	return file.EngineFailed
}

// fetch copies an object to a file without a name, at its beginning.
func (s *Service) fetch(ctx context.Context, object string) (*os.File, error) {
	from, _, err := s.Objects.Open(ctx, object)
	if err != nil {
		return nil, err
	}
	defer from.Close()
	local, err := s.temporary()
	if err != nil {
		return nil, err
	}
	_, err = io.Copy(local, from)
	if err == nil {
		_, err = local.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("fetch an object: %w", err), local.Close())
	}
	return local, nil
}

// temporary returns a file without a name: it vanishes with the process.
func (s *Service) temporary() (*os.File, error) {
	local, err := os.CreateTemp(s.Folder, "perfectworks-file-")
	if err != nil {
		return nil, fmt.Errorf("create a temporary file: %w", err)
	}
	if err := os.Remove(local.Name()); err != nil {
		return nil, errors.Join(fmt.Errorf("create a temporary file: %w", err), local.Close())
	}
	return local, nil
}

// isFull tells whether an error says that there is no space.
func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, failure.ErrStorageFull)
}
