package corpustest

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPick(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for name, content := range map[string]string{"./doc/a.pdf": "A", "doc/b.pdf": "B", "doc/c.pdf": "C"} {
		if err := w.WriteHeader(&tar.Header{Name: name, Size: int64(len(content)), Mode: 0o600, Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	whole := b.Bytes()
	got, err := pick(bytes.NewReader(whole), map[string]bool{"doc/a.pdf": true, "doc/b.pdf": true, "doc/none.pdf": true})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string][]byte{"doc/a.pdf": []byte("A"), "doc/b.pdf": []byte("B")}, got); diff != "" {
		t.Error(diff)
	}
	if _, err := pick(bytes.NewReader(whole[:1300]), map[string]bool{"doc/a.pdf": true}); err == nil {
		t.Error("no error for an archive that is cut")
	}
}

func TestPlace(t *testing.T) {
	t.Parallel()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write([]byte("%PDF-1.4")); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte("%PDF-1.4"))
	d := Document{Registry: "deb", Package: "some-doc", SHA256: hex.EncodeToString(sum[:])}
	for _, test := range []struct {
		inside string
		data   []byte
		fails  string
	}{
		{"a.pdf", []byte("%PDF-1.4"), ""},
		{"a.pdf.gz", packed.Bytes(), ""},
		{"a.pdf", []byte("%PDF-1.5"), "has the checksum"},
		{"a.pdf.gz", []byte("%PDF-1.4"), "unpack"},
	} {
		d.Inside = test.inside
		path := filepath.Join(t.TempDir(), "placed.pdf")
		err := place(t.TempDir(), path, d, test.data)
		if test.fails != "" {
			if err == nil || !strings.Contains(err.Error(), test.fails) {
				t.Errorf("%s: error %v, want %s", test.inside, err, test.fails)
			}
			if _, statErr := os.Stat(path); statErr == nil {
				t.Errorf("%s: a wrong file was placed", test.inside)
			}
			continue
		}
		got, readErr := os.ReadFile(path)
		if err != nil || readErr != nil || string(got) != "%PDF-1.4" {
			t.Errorf("%s: placed %q, %v, %v", test.inside, got, err, readErr)
		}
	}
}

// TestMissingPackage proves that a registry's refusal is a sentence for this package, not the end of the set.
func TestMissingPackage(t *testing.T) {
	t.Parallel()
	skipped := collectParcel(t.Context(), t.TempDir(), []Document{{Registry: "nowhere", Package: "p", Version: "1", SHA256: strings.Repeat("0", 64)}})
	want := []string{`nowhere package p 1: there is no registry "nowhere".`}
	if diff := cmp.Diff(want, skipped); diff != "" {
		t.Error(diff)
	}
}
