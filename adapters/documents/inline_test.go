package documents

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestInline takes files into a document: those below its folder and no others.
func TestInline(t *testing.T) {
	t.Parallel()
	outside := t.TempDir()
	folder := t.TempDir()
	const gif = "GIF89a\x01\x00\x01\x00\x00\x00\x00;"
	for path, content := range map[string]string{
		filepath.Join(outside, "secret.gif"):       gif,
		filepath.Join(folder, "a b.gif"):           gif,
		filepath.Join(folder, "sub", "style.css"):  "p { color: red }",
		filepath.Join(folder, "evil.css"):          "</style><script>",
		filepath.Join(folder, "text.gif"):          "no image",
		filepath.Join(folder, "drawing.svg"):       "<svg/>",
		filepath.Join(folder, "notes.svg"):         "secret <svg/>",
		filepath.Join(folder, "old.png"):           "<?xml version=\"1.0\"?>\n<!-- x -->\n<svg xmlns=\"http://www.w3.org/2000/svg\"/>",
		filepath.Join(folder, ".env"):              "KEY=secret",
		filepath.Join(folder, "notes.txt"):         "secret",
		filepath.Join(folder, "binary.css"):        "a\x00b",
		filepath.Join(folder, ".hidden/style.css"): "secret",
	} {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(outside, "secret.gif"), filepath.Join(folder, "link.gif")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(".env", filepath.Join(folder, "inner.css")); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	const data = "data:image/gif;base64,R0lGODlhAQABAAAAADs="
	for source, want := range map[string]string{
		`<p>Text</p><!-- <img src="a b.gif"> -->`:                "",
		`<img alt="x" src="a%20b.gif">`:                          `<img alt="x" src="` + data + `">`,
		`<img src=drawing.svg>`:                                  `<img src="data:image/svg+xml;base64,PHN2Zy8+">`,
		`<link rel=stylesheet href="sub/style.css?v=1">`:         `<style>p { color: red }</style>`,
		`<link rel=stylesheet media=print href=./evil.css>`:      "",
		`<link rel=icon href="a b.gif">`:                         "",
		`<img src="text.gif">`:                                   "missing",
		`<img src="notes.svg">`:                                  "missing",
		`<img src=old.png>`:                                      `<img src="data:image/svg+xml;base64,PD94bWwgdmVyc2lvbj0iMS4wIj8+CjwhLS0geCAtLT4KPHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciLz4=">`,
		`<link rel=stylesheet href=".env">`:                      "missing",
		`<link rel=stylesheet href="notes.txt">`:                 "missing",
		`<link rel=stylesheet href="binary.css">`:                "missing",
		`<link rel=stylesheet href="inner.css">`:                 "missing",
		`<link rel=stylesheet href=".hidden/style.css">`:         "missing",
		`<link rel=stylesheet href="sub/../.hidden/style.css">`:  "missing",
		`<img src="https://example.com/a.gif">`:                  "",
		`<img src="//example.com/a.gif">`:                        "",
		`<img src="/etc/passwd">`:                                "",
		`<img src="file:///etc/passwd">`:                         "",
		`<img src="` + data + `">`:                               "",
		`<script>document.write('<img src="a b.gif">')</script>`: "",
		`<img src="link.gif">`:                                   "missing",
		`<img src="../secret.gif">`:                              "missing",
		`<img src="not there.gif">`:                              "missing",
		`<img src="sub">`:                                        "missing",
	} {
		in := &inliner{root: root, left: maxInlined}
		got := string(in.inline([]byte(source)))
		missing := len(in.missing)
		if (want == "missing") != (missing > 0) {
			t.Errorf("%s: missing %q", source, in.missing)
		}
		if want == "" || want == "missing" {
			want = source
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", source, diff)
		}
	}
	in := &inliner{root: root, left: 3}
	if got := string(in.inline([]byte(`<img src="a%20b.gif">`))); strings.Contains(got, "data:") {
		t.Errorf("more is taken in than is allowed: %s", got)
	}
}
