package folder_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"github.com/perfectworks/backend/adapters/blob/folder"
)

// A full disk, noticed before, in the middle or at the end: the object is as it was,
// nothing is left behind, and all is well again once there is space.
func TestAFullDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const size = 1 << 20
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_NOSUID|syscall.MS_NODEV, fmt.Sprintf("size=%d", size)); err != nil {
		t.Skipf("no disk can be mounted to be filled up: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	b, err := folder.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	write(t, b, "one", "first")

	large := strings.Repeat("x", size)
	full := []error{b.WriteAll(t.Context(), "one", []byte(large), text)}
	w, err := b.NewWriter(t.Context(), "two/three", text)
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Write([]byte(large))
	full = append(full, err, w.Close())
	_, err = b.NewWriter(t.Context(), "four", &blob.WriterOptions{ContentType: "text/plain", BeforeWrite: func(as func(any) bool) error {
		var file *folder.Writer
		as(&file)
		return file.Reserve(size, 0)
	}})
	for _, err := range append(full, err) {
		if gcerrors.Code(err) != gcerrors.ResourceExhausted {
			t.Errorf("got %v", err)
		}
	}
	if got := read(t, b, "one"); got != "first" {
		t.Errorf("the object has become %d bytes", len(got))
	}
	if left := files(t, dir); !slices.Equal(left, []string{"one"}) {
		t.Errorf("what is left: %v", left)
	}

	filler := filepath.Join(dir, ".filler")
	if err := os.WriteFile(filler, []byte(large), 0o600); err == nil {
		t.Fatal("the disk is not full")
	}
	if err := b.WriteAll(t.Context(), "a/b", []byte("x"), text); gcerrors.Code(err) != gcerrors.ResourceExhausted {
		t.Errorf("got %v", err)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	write(t, b, "a/b", "x")
	if left := files(t, dir); !slices.Equal(left, []string{"a", "a/b", "one"}) {
		t.Errorf("what is left: %v", left)
	}
}
