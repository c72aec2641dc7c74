package folder_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"
	"pgregory.net/rapid"

	"github.com/perfectworks/backend/adapters/blob/folder"
)

func open(t *testing.T) (*blob.Bucket, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "objects")
	b, err := folder.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b, dir
}

// text has a content type: without one, gocloud's writer does not close ours after
// every error.
var text = &blob.WriterOptions{ContentType: "text/plain"}

func write(t *testing.T, b *blob.Bucket, key, content string) {
	t.Helper()
	if err := b.WriteAll(t.Context(), key, []byte(content), text); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, b *blob.Bucket, key string) string {
	t.Helper()
	content, err := b.ReadAll(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// files are all files below a folder, whatever they are.
func files(t *testing.T, dir string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err == nil && name != dir && entry.Name() != ".incoming" {
			all = append(all, strings.TrimPrefix(name, dir+"/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestObjectsAreWrittenReadAndDeleted(t *testing.T) {
	t.Parallel()
	b, dir := open(t)
	write(t, b, "a/b/one", "first")
	write(t, b, "a/b/one", "second")
	if got := read(t, b, "a/b/one"); got != "second" {
		t.Errorf("got %q", got)
	}
	part, err := b.NewRangeReader(t.Context(), "a/b/one", 2, 3, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(part); err != nil || string(got) != "con" || part.Size() != 6 {
		t.Errorf("got %q of %d, %v", got, part.Size(), err)
	}
	_ = part.Close()
	if info, err := os.Stat(filepath.Join(dir, "a/b/one")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others can read it: %v, %v", info.Mode(), err)
	}
	if err := b.Delete(t.Context(), "a/b/one"); err != nil {
		t.Fatal(err)
	}
	if left := files(t, dir); len(left) > 0 {
		t.Errorf("what is left: %v", left)
	}
	for _, err := range []error{
		b.Delete(t.Context(), "a/b/one"),
		func() error { _, err := b.ReadAll(t.Context(), "a/b/one"); return err }(),
		func() error { _, err := b.Attributes(t.Context(), "a"); return err }(),
		b.Copy(t.Context(), "x", "a/b/one", nil),
	} {
		if gcerrors.Code(err) != gcerrors.NotFound {
			t.Errorf("got %v", err)
		}
	}
}

// A folder of objects is no object, and no object is a folder.
func TestFoldersAreNoObjects(t *testing.T) {
	t.Parallel()
	b, _ := open(t)
	write(t, b, "a/b", "1")
	for _, key := range []string{"a", "a/b/c"} {
		if _, err := b.ReadAll(t.Context(), key); gcerrors.Code(err) != gcerrors.NotFound {
			t.Errorf("%s: %v", key, err)
		}
		if err := b.Delete(t.Context(), key); gcerrors.Code(err) != gcerrors.NotFound {
			t.Errorf("delete %s: %v", key, err)
		}
		if err := b.WriteAll(t.Context(), key, nil, text); err == nil {
			t.Errorf("%s was written", key)
		}
	}
	if got := read(t, b, "a/b"); got != "1" {
		t.Errorf("got %q", got)
	}
}

func TestKeysLeadNowhereElse(t *testing.T) {
	t.Parallel()
	b, dir := open(t)
	if err := os.WriteFile(filepath.Join(dir, "../secret"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("..", filepath.Join(dir, "up")); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{
		"", "/", "/a", "a/", "a//b", ".", "..", "../secret", "a/../../secret", ".incoming/x", "a/.b", "a b", "a\x00", "ä", "a\\b", "a:b",
		strings.Repeat("a", 201), strings.Repeat("a/", 300) + "a",
	} {
		if folder.ValidKey(key) {
			t.Errorf("%q is taken for a key", key)
		}
		if _, err := b.ReadAll(t.Context(), key); gcerrors.Code(err) != gcerrors.InvalidArgument {
			t.Errorf("read %q: %v", key, err)
		}
		if err := b.WriteAll(t.Context(), key, []byte("x"), text); gcerrors.Code(err) != gcerrors.InvalidArgument {
			t.Errorf("write %q: %v", key, err)
		}
		if err := b.Delete(t.Context(), key); gcerrors.Code(err) != gcerrors.InvalidArgument {
			t.Errorf("delete %q: %v", key, err)
		}
	}
	if _, err := b.ReadAll(t.Context(), "up/secret"); err == nil {
		t.Error("a symbolic link leads out of the folder")
	}
	if err := b.WriteAll(t.Context(), "up/other", []byte("x"), text); err == nil {
		t.Error("a symbolic link leads out of the folder")
	}
}

// A writer that is given up leaves the object as it was, and no file.
func TestWritersAreGivenUp(t *testing.T) {
	t.Parallel()
	b, dir := open(t)
	write(t, b, "one", "first")
	for _, key := range []string{"one", "two/three"} {
		ctx, cancel := context.WithCancel(t.Context())
		w, err := b.NewWriter(ctx, key, text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte("half")); err != nil {
			t.Fatal(err)
		}
		cancel()
		if err := w.Close(); gcerrors.Code(err) != gcerrors.Canceled {
			t.Errorf("got %v", err)
		}
	}
	if got := read(t, b, "one"); got != "first" {
		t.Errorf("got %q", got)
	}
	if left := files(t, dir); !slices.Equal(left, []string{"one"}) {
		t.Errorf("what is left: %v", left)
	}
}

// What a crash leaves behind is swept, what is being written is not, and neither is
// ever listed.
func TestSweepingLeavesWritersAlone(t *testing.T) {
	t.Parallel()
	b, dir := open(t)
	var driver *folder.Bucket
	b.As(&driver)
	w, err := b.NewWriter(t.Context(), "one", text)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("whole")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, ".incoming/crashed"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if n, err := driver.Sweep(time.Hour); err != nil || n != 0 {
		t.Errorf("%d young files were swept: %v", n, err)
	}
	if n, err := driver.Sweep(0); err != nil || n != 1 {
		t.Errorf("%d files were swept: %v", n, err)
	}
	if _, err := b.List(nil).Next(t.Context()); !errors.Is(err, io.EOF) {
		t.Errorf("something is listed: %v", err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got := read(t, b, "one"); got != "whole" {
		t.Errorf("got %q", got)
	}
}

// A copy shares nothing with its original but the bytes on disk: what happens to the
// one does not change the other. It is as old as it is.
func TestCopiesStayAsTheyAre(t *testing.T) {
	t.Parallel()
	b, dir := open(t)
	write(t, b, "upload/a", "first")
	old := time.Now().Add(-48 * time.Hour)
	if err := os.Chtimes(filepath.Join(dir, "upload/a"), old, old); err != nil {
		t.Fatal(err)
	}
	for range 2 { // A copy can be repeated.
		if err := b.Copy(t.Context(), "final/a", "upload/a", nil); err != nil {
			t.Fatal(err)
		}
	}
	if a, err := b.Attributes(t.Context(), "final/a"); err != nil || time.Since(a.ModTime) > time.Hour {
		t.Errorf("the copy is of %v, %v", a.ModTime, err)
	}
	write(t, b, "upload/a", "second")
	if got := read(t, b, "final/a"); got != "first" {
		t.Errorf("the copy has become %q", got)
	}
	if err := b.Copy(t.Context(), "final/a", "upload/a", nil); err != nil {
		t.Fatal(err)
	}
	if err := b.Delete(t.Context(), "upload/a"); err != nil {
		t.Fatal(err)
	}
	if got := read(t, b, "final/a"); got != "second" {
		t.Errorf("the copy has become %q", got)
	}
	if left := files(t, dir); !slices.Equal(left, []string{"final", "final/a"}) {
		t.Errorf("what is left: %v", left)
	}
}

// A list has each key once and in order, whatever the sizes of its pages and the
// prefix.
func TestListsAreInOrder(t *testing.T) {
	t.Parallel()
	name := rapid.SampledFrom([]string{"a", "a-b", "a.b", "a_b", "ab", "b", "B", "0"})
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "")
		if err != nil {
			rt.Fatal(err)
		}
		b, err := folder.Open(dir)
		if err != nil {
			rt.Fatal(err)
		}
		defer b.Close()
		var all []string
		for _, parts := range rapid.SliceOfN(rapid.SliceOfN(name, 1, 3), 0, 12).Draw(rt, "keys") {
			key := strings.Join(parts, "/")
			if b.WriteAll(t.Context(), key, nil, text) == nil { // Another may be a folder.
				all = append(all, key)
			}
		}
		slices.Sort(all)
		all = slices.Compact(all)
		prefix := rapid.SampledFrom([]string{"", "a", "a/", "a/a", "a-", "a/a-b/", "b/", "zz/"}).Draw(rt, "prefix")
		want := slices.DeleteFunc(slices.Clone(all), func(key string) bool { return !strings.HasPrefix(key, prefix) })
		var got []string
		token := blob.FirstPageToken
		for token != nil {
			objects, next, err := b.ListPage(t.Context(), token, rapid.IntRange(1, 4).Draw(rt, "page"), &blob.ListOptions{Prefix: prefix})
			if err != nil {
				rt.Fatal(err)
			}
			for _, o := range objects {
				got = append(got, o.Key)
			}
			token = next
		}
		if !slices.Equal(got, want) {
			rt.Fatalf("got %q, want %q", got, want)
		}
	})
}

// Writers and deletions of neighbours do not disturb each other, though a deletion
// removes the folders that it leaves empty.
func TestNeighboursComeAndGo(t *testing.T) {
	t.Parallel()
	b, dir := open(t)
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			key := fmt.Sprintf("a/b/%d", i)
			for range 50 {
				if err := b.WriteAll(t.Context(), key, bytes.Repeat([]byte("x"), 10), text); err != nil {
					t.Errorf("write: %v", err)
					return
				}
				if err := b.Delete(t.Context(), key); err != nil {
					t.Errorf("delete: %v", err)
					return
				}
			}
		})
	}
	group.Wait()
	if left := files(t, dir); len(left) > 0 {
		t.Errorf("what is left: %v", left)
	}
}

func TestReservingKeepsSpaceForOthers(t *testing.T) {
	t.Parallel()
	b, dir := open(t)
	try := func(size, keep int64) error {
		w, err := b.NewWriter(t.Context(), "one", &blob.WriterOptions{ContentType: "text/plain", BeforeWrite: func(as func(any) bool) error {
			var file *folder.Writer
			if !as(&file) {
				return errors.New("there is no writer")
			}
			return file.Reserve(size, keep)
		}})
		if err != nil {
			return err
		}
		return w.Close()
	}
	if err := try(1<<20, 0); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(dir, "one")); err != nil || info.Size() != 0 {
		t.Errorf("reserving made the object %d bytes long: %v", info.Size(), err)
	}
	for _, err := range []error{try(1<<43, 0), try(1, 1<<50)} {
		if gcerrors.Code(err) != gcerrors.ResourceExhausted {
			t.Errorf("got %v", err)
		}
	}
	if left := files(t, dir); !slices.Equal(left, []string{"one"}) {
		t.Errorf("what is left: %v", left)
	}
}
