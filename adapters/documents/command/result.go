package command

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// result is a file in the making. It takes the place of what was there only when it is whole.
type result struct {
	*os.File
	path string
	kept bool
}

// create makes a file for a result at a path, which may not be that of the source.
func create(path string, source *os.File) (*result, error) {
	folder := filepath.Dir(path)
	if path == standardOutput {
		folder = ""
	} else if err := mayReplace(path, source); err != nil {
		return nil, &ExitError{Code: ExitUsage, Err: fmt.Errorf("open the output: %w", err)}
	}
	file, err := os.CreateTemp(folder, ".perfectworks-*")
	if err != nil {
		return nil, &ExitError{Code: ExitUsage, Err: fmt.Errorf("open the output: %w", reason(err))}
	}
	return &result{File: file, path: path}, nil
}

// mayReplace refuses a folder, and the source itself.
func mayReplace(path string, source *os.File) error {
	there, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if there.IsDir() {
		return fmt.Errorf("%s is a folder", path)
	}
	own, err := source.Stat()
	if err == nil && os.SameFile(own, there) {
		err = fmt.Errorf("%s is the file to read", path)
	}
	return err
}

// permissions of a result, less what the user's mask takes away.
const permissions = 0o666

// keep puts the result into its place.
func (r *result) keep(standard io.Writer) error {
	if r.path == standardOutput {
		if _, err := r.Seek(0, io.SeekStart); err != nil {
			return err
		}
		_, err := io.Copy(standard, r.File)
		return err
	}
	if err := errors.Join(r.Chmod(permissions&^umask()), r.Sync(), r.Close()); err != nil {
		return err
	}
	if err := os.Rename(r.Name(), r.path); err != nil {
		return err
	}
	r.kept = true
	return nil
}

// discard removes what was not kept.
func (r *result) discard() {
	if r.kept {
		return
	}
	_ = r.Close()           // it is of no use any more
	_ = os.Remove(r.Name()) // as above
}
