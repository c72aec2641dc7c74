// Package durable writes files that outlast a crash and the loss of power: each is on
// disk as a whole, or not there at all.
package durable

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// DraftPattern matches the names of files that are not whole yet. A process that dies
// while it writes leaves one.
const DraftPattern = ".draft-*"

// Create writes a new file, which only its owner may read, into a folder that exists.
// When it returns, the file is on disk under its name. Of several processes that do so
// at once, one succeeds. The error wraps fs.ErrExist if there is a file already, which
// is left as it is.
func Create(path string, content []byte) error {
	folder := filepath.Dir(path)
	draft, err := os.CreateTemp(folder, DraftPattern) // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(draft.Name()) }() // Linked or of no use.
	_, err = draft.Write(content)
	if err := errors.Join(err, draft.Sync(), draft.Close()); err != nil {
		return err
	}
	if err := os.Link(draft.Name(), path); err != nil { // Unlike a renaming, it replaces nothing.
		return err
	}
	return SyncFolder(folder)
}

// CreateOnce is Create, unless there is a file already: then it does nothing.
func CreateOnce(path string, content []byte) error {
	if err := Create(path, content); !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// SyncFolder makes what was created, renamed or removed in a folder outlast the loss
// of power.
func SyncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
