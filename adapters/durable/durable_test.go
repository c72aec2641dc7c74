package durable_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/perfectworks/backend/adapters/durable"
)

// Of many that create a file at once one succeeds, and nothing else is left in the
// folder.
func TestOneCreatesAFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	var created, found atomic.Int64
	var writer atomic.Value
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			content := fmt.Sprint("of ", i)
			switch err := durable.Create(path, []byte(content)); {
			case err == nil:
				created.Add(1)
				writer.Store(content)
			case errors.Is(err, fs.ErrExist):
				found.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	all.Wait()
	if created.Load() != 1 || found.Load() != 19 {
		t.Errorf("%d created it, and %d found it", created.Load(), found.Load())
	}
	if err := durable.CreateOnce(path, []byte("late")); err != nil {
		t.Error(err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != writer.Load() {
		t.Errorf("it holds %q, and %v was written: %v", text, writer.Load(), err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("its mode is %v: %v", info.Mode(), err)
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
		t.Errorf("in the folder are %v: %v", left, err)
	}
}

func TestAFolderThatIsMissing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "missing", "file")
	for name, err := range map[string]error{
		"create": durable.Create(path, nil), "once": durable.CreateOnce(path, nil), "sync": durable.SyncFolder(filepath.Dir(path)),
	} {
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
