package processing_test

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/perfectworks/backend/adapters/documents"
	"github.com/perfectworks/backend/adapters/documents/documentstest/pdftest"
	"github.com/perfectworks/backend/adapters/processing"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/file"
)

// A disk that is full while a document is fetched, or while the child process writes
// the result, ends the operation with a sentence. It costs nothing, leaves nothing, and
// with space all is well.
func TestAFullDiskUnderWork(t *testing.T) {
	t.Parallel()
	document := pdftest.Pages(400).Bytes()
	for name, space := range map[string]int{"fetch": len(document) / 2, "result": len(document) + 4096} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_NOSUID|syscall.MS_NODEV, fmt.Sprintf("size=%d", 1<<20)); err != nil {
				t.Skipf("no disk can be mounted to be filled up: %v", err)
			}
			t.Cleanup(func() {
				if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
					t.Error(err)
				}
			})
			engine, err := documents.New(slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			w := newWorkshop(t, func(c *processing.Config) { c.Documents, c.Folder = engine, dir })
			of := w.upload(document)
			filler := filepath.Join(dir, "filler")
			if err := os.WriteFile(filler, make([]byte, 1<<20-(space+4095)/4096*4096), 0o600); err != nil {
				t.Fatal(err)
			}
			if name == "fetch" { // A claim looks at the document, too.
				if _, err := w.claim(document); !errors.Is(err, failure.ErrStorageFull) {
					t.Errorf("a claim ends with %v", err)
				}
				w.wantObjects(2) // The upload can be claimed later.
				if _, _, err := w.stock.DeleteAll(t.Context(), commands.UploadsPrefix); err != nil {
					t.Fatal(err)
				}
			}
			w.work()
			asked := w.ask(of)
			if o := w.ended(of, asked.Work.JobID); o.Phase != file.Broken || o.Reason != file.StorageFull {
				t.Errorf("it is %+v", o)
			}
			w.wantBalance(100, 0)
			w.wantObjects(1)
			if err := os.Remove(filler); err != nil {
				t.Fatal(err)
			}
			again := w.ask(of)
			if o := w.ended(of, again.Work.JobID); o.Phase != file.Completed {
				t.Errorf("with space it is %+v", o)
			}
			w.wantObjects(3)
			if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
				t.Errorf("in the folder of work are %v: %v", left, err)
			}
		})
	}
}
