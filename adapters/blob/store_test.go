package blob_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"pgregory.net/rapid"

	"github.com/perfectworks/backend/adapters/blob"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/failure"
)

// hasher derives hashes as a keyring does.
type hasher string

func (h hasher) Hash(purpose, value string) string {
	mac := hmac.New(sha256.New, []byte(string(h)+purpose))
	mac.Write([]byte(value))
	return hex.EncodeToString(mac.Sum(nil))
}

func open(t *testing.T) (*blob.Store, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "objects")
	s, err := blob.Open(t.Context(), blob.Config{Folder: dir, Keys: hasher("root"), PublicURL: "https://app.example.com/", Keep: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, dir
}

func pdf(size int64) blob.Link {
	return blob.Link{Method: http.MethodPut, Object: "uploads/org_1/a", ContentType: "application/pdf", Size: size}
}

func receive(t *testing.T, s *blob.Store, content string) {
	t.Helper()
	if err := s.Receive(t.Context(), pdf(int64(len(content))), strings.NewReader(content)); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, s *blob.Store, object string) string {
	t.Helper()
	r, size, err := s.Open(t.Context(), object)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	content, err := io.ReadAll(r)
	if err != nil || int64(len(content)) != size {
		t.Fatalf("%d bytes of %d: %v", len(content), size, err)
	}
	return string(content)
}

func query(t *testing.T, signed string) string {
	t.Helper()
	before, after, found := strings.Cut(signed, "?")
	if !found || before != "https://app.example.com"+blob.Path {
		t.Fatalf("the URL is %s", signed)
	}
	return after
}

var expires = time.Date(2026, 11, 30, 23, 59, 59, 0, time.UTC)

func upload() commands.Upload {
	return commands.Upload{
		Object: "uploads/org_1/a", ContentType: "application/pdf", Size: 1234, Principal: "user_1", Organization: "org_1", Expires: expires,
	}
}

func TestAnUploadURLAllowsExactlyWhatItWasIssuedFor(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	signed, headers, err := s.UploadURL(t.Context(), upload())
	if err != nil {
		t.Fatal(err)
	}
	if headers["Content-Type"] != "application/pdf" || headers["Content-Length"] != "1234" || len(headers) != 2 {
		t.Errorf("the headers are %v", headers)
	}
	again, _, _ := s.UploadURL(t.Context(), upload())
	if again != signed {
		t.Error("the same URL is not issued again")
	}
	q := query(t, signed)
	got, err := s.Verify(http.MethodPut, q, expires.Add(-time.Second))
	want := blob.Link{
		Method: http.MethodPut, Object: "uploads/org_1/a", ContentType: "application/pdf", Size: 1234,
		Principal: "user_1", Organization: "org_1", ExpireAt: expires,
	}
	if err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := s.Verify(http.MethodPut, q, expires); !errors.Is(err, blob.ErrLinkExpired) {
		t.Errorf("at the instant of its end: %v", err)
	}
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodDelete, "put"} {
		if _, err := s.Verify(method, q, expires.Add(-time.Second)); !errors.Is(err, blob.ErrLinkInvalid) {
			t.Errorf("%s: %v", method, err)
		}
	}
	// Another installation does not take it.
	other, err := blob.Open(t.Context(), blob.Config{Folder: t.TempDir(), Keys: hasher("other")})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if _, err := other.Verify(http.MethodPut, q, expires.Add(-time.Second)); !errors.Is(err, blob.ErrLinkInvalid) {
		t.Errorf("another installation: %v", err)
	}
}

func TestADownloadURLIsForGETAndHEAD(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	signed, err := s.DownloadURL(t.Context(), "files/org_1/file_1/a", "Bericht für alle.pdf", "application/pdf", expires)
	if err != nil {
		t.Fatal(err)
	}
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		l, err := s.Verify(method, query(t, signed), expires.Add(-time.Hour))
		if err != nil || l.Filename != "Bericht für alle.pdf" || l.Object != "files/org_1/file_1/a" || l.ContentType != "application/pdf" {
			t.Errorf("%s: %+v, %v", method, l, err)
		}
	}
	if _, err := s.Verify(http.MethodPut, query(t, signed), expires.Add(-time.Hour)); !errors.Is(err, blob.ErrLinkInvalid) {
		t.Errorf("PUT: %v", err)
	}
}

// Whatever is changed in a signed URL, it is no signed URL any more.
func TestChangedURLsAreRefused(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "application/pdf", "text/html", "org_1", "1234", "-1", "01234", "+1234", " 1234", "1e3"}))
	rapid.Check(t, func(rt *rapid.T) {
		u := upload()
		u.ContentType, u.Principal = text.Draw(rt, "type"), text.Draw(rt, "principal")
		signed, _, err := s.UploadURL(context.Background(), u)
		if err != nil {
			rt.Fatal(err)
		}
		now := expires.Add(-time.Minute)
		original := query(t, signed)
		if l, err := s.Verify(http.MethodPut, original, now); err != nil || l.ContentType != u.ContentType || l.Principal != u.Principal {
			rt.Fatalf("got %+v, %v", l, err)
		}
		q, err := url.ParseQuery(original)
		if err != nil {
			rt.Fatal(err)
		}
		name := rapid.SampledFrom([]string{"object", "type", "length", "principal", "organization", "expires", "signature", "filename"}).Draw(rt, "name")
		value := text.Draw(rt, "value")
		if q.Get(name) == value {
			return
		}
		q.Set(name, value)
		if l, err := s.Verify(http.MethodPut, q.Encode(), now); !errors.Is(err, blob.ErrLinkInvalid) {
			rt.Fatalf("with %s=%q it is %+v, %v", name, value, l, err)
		}
	})
	for _, q := range []string{"", "a", "%", "signature=x", strings.Repeat("a", 100_000)} {
		if _, err := s.Verify(http.MethodPut, q, expires); !errors.Is(err, blob.ErrLinkInvalid) {
			t.Errorf("%.20q: %v", q, err)
		}
	}
}

// A body of another length than announced stores nothing, and what was there stays.
func TestUploadsHaveTheirLength(t *testing.T) {
	t.Parallel()
	s, dir := open(t)
	receive(t, s, "first")
	broken := errors.New("the connection broke")
	for name, c := range map[string]struct {
		body io.Reader
		want error
	}{
		"short":  {strings.NewReader("12345678"), blob.ErrShort},
		"empty":  {strings.NewReader(""), blob.ErrShort},
		"broken": {io.MultiReader(strings.NewReader("1234"), iotest.ErrReader(broken)), broken},
	} {
		if err := s.Receive(t.Context(), pdf(9), c.body); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := read(t, s, "uploads/org_1/a"); got != "first" {
		t.Errorf("got %q", got)
	}
	// What follows is not read.
	body := strings.NewReader("second and more")
	if err := s.Receive(t.Context(), pdf(6), iotest.OneByteReader(body)); err != nil {
		t.Fatal(err)
	}
	if got := read(t, s, "uploads/org_1/a"); got != "second" || body.Len() != len(" and more") {
		t.Errorf("got %q, and %d bytes are left", got, body.Len())
	}
	if left, err := os.ReadDir(filepath.Join(dir, ".incoming")); err != nil || len(left) > 0 {
		t.Errorf("what is left: %v, %v", left, err)
	}
}

func TestAFullDiskRefusesUploads(t *testing.T) {
	t.Parallel()
	s, err := blob.Open(t.Context(), blob.Config{Folder: t.TempDir(), Keys: hasher("root"), Keep: 1 << 60})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	read := false
	body := readerFunc(func(p []byte) (int, error) { read = true; return len(p), nil })
	if err := s.Receive(t.Context(), pdf(5), body); !errors.Is(err, failure.ErrStorageFull) || read {
		t.Errorf("got %v; the body was read: %v", err, read)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestAClaimKeepsWhatItSaw(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	content := "%PDF-1.7 " + strings.Repeat("x", 5000)
	receive(t, s, content)
	for range 2 { // A claim can be repeated.
		sum, head, size, err := s.Claim(t.Context(), "uploads/org_1/a", int64(len(content)), "files/org_1/file_1/a")
		want := sha256.Sum256([]byte(content))
		if err != nil || sum != hex.EncodeToString(want[:]) || size != int64(len(content)) || string(head) != content[:1024] {
			t.Fatalf("got %s, %d bytes that begin with %.10q, %v", sum, size, head, err)
		}
	}
	receive(t, s, "something else")
	if got := read(t, s, "files/org_1/file_1/a"); got != content {
		t.Error("a second upload changed what was claimed")
	}
	// One of another size leaves no copy.
	sum, head, size, err := s.Claim(t.Context(), "uploads/org_1/a", 15, "files/org_1/file_2/a")
	if err != nil || sum != "" || head != nil || size != 14 {
		t.Errorf("got %q, %q, %d, %v", sum, head, size, err)
	}
	if _, _, err := s.Open(t.Context(), "files/org_1/file_2/a"); !errors.Is(err, commands.ErrNoObject) {
		t.Errorf("got %v", err)
	}
	if _, _, _, err := s.Claim(t.Context(), "uploads/org_1/none", 1, "files/org_1/file_3/a"); !errors.Is(err, commands.ErrNoObject) {
		t.Errorf("got %v", err)
	}
	if _, _, _, err := s.Claim(t.Context(), "uploads/org_1/a", 14, "../a"); err == nil {
		t.Error("a key leads out of the folder")
	}
}

func TestWritersStoreAllOrNothing(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	ctx, giveUp := context.WithCancel(t.Context())
	w, err := s.Create(ctx, "files/org_1/file_1/result", "application/pdf")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(w, "half")
	giveUp()
	if err := w.Close(); err == nil {
		t.Error("a result that was given up is said to be stored")
	}
	if _, _, err := s.Open(t.Context(), "files/org_1/file_1/result"); !errors.Is(err, commands.ErrNoObject) {
		t.Errorf("got %v", err)
	}
	if w, err = s.Create(t.Context(), "files/org_1/file_1/result", "application/pdf"); err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(w, "whole")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got := read(t, s, "files/org_1/file_1/result"); got != "whole" {
		t.Errorf("got %q", got)
	}
	for range 2 {
		if err := s.Delete(t.Context(), "files/org_1/file_1/result"); err != nil {
			t.Errorf("delete: %v", err)
		}
	}
}

func TestContentIsReadFromAnyPlace(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	receive(t, s, "0123456789")
	c, err := s.Content(t.Context(), "uploads/org_1/a")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, at := range []int64{7, 0, 10} {
		if _, err := c.Seek(at, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(c); err != nil || string(got) != "0123456789"[at:] {
			t.Errorf("at %d: %q, %v", at, got, err)
		}
	}
}

// What was never claimed is collected after its time, what crashed is swept, and all
// else stays.
func TestCollection(t *testing.T) {
	t.Parallel()
	s, dir := open(t)
	now := time.Now()
	for name, hours := range map[string]int{"uploads/org_1/old": 25, "uploads/org_2/new": 23, "files/org_1/file_1/a": 48, ".incoming/crashed": 2, ".incoming/young": 0} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, now, now.Add(-time.Duration(hours)*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	n, err := s.CollectUnclaimed(t.Context(), commands.UploadsPrefix, now.Add(-24*time.Hour))
	if err != nil || n != 1 {
		t.Errorf("%d were collected: %v", n, err)
	}
	for name, want := range map[string]bool{"uploads/org_1": false, "uploads/org_2/new": true, "files/org_1/file_1/a": true, ".incoming/crashed": false, ".incoming/young": true} {
		if _, err := os.Stat(filepath.Join(dir, name)); (err == nil) != want {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n, bytes, err := s.DeleteAll(t.Context(), "files/org_1/"); err != nil || n != 1 || bytes != 1 {
		t.Errorf("%d objects with %d bytes were deleted: %v", n, bytes, err)
	}
	for o, err := range s.List(t.Context(), "") {
		if err != nil || o.Key != "uploads/org_2/new" || o.Size != 1 {
			t.Errorf("listed: %+v, %v", o, err)
		}
	}
}

func TestFileNamesInHeaders(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"report.pdf":       `attachment; filename="report.pdf"`,
		"my report.pdf":    `attachment; filename="my report.pdf"`,
		"Prüfung.pdf":      `attachment; filename="Pr_fung.pdf"; filename*=UTF-8''Pr%C3%BCfung.pdf`,
		"":                 `attachment; filename="download"`,
		"日本":               `attachment; filename="download"; filename*=UTF-8''%E6%97%A5%E6%9C%AC`,
		"a\"b;c\\d/e%41":   `attachment; filename="a_b_c_d_e_41"; filename*=UTF-8''a%22b%3Bc%5Cd%2Fe%2541`,
		"x\r\nSet-Cookie:": `attachment; filename="x__Set-Cookie:"; filename*=UTF-8''x%0D%0ASet-Cookie%3A`,
	} {
		if got := blob.Attachment(name); got != want {
			t.Errorf("%q: got %s, want %s", name, got, want)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		value := blob.Attachment(rapid.String().Draw(rt, "name"))
		for _, b := range []byte(value) {
			if b < ' ' || b > '~' {
				rt.Fatalf("%q is no value of a header", value)
			}
		}
		if strings.Count(value, `"`) != 2 {
			rt.Fatalf("%q can be read in two ways", value)
		}
	})
}

func TestURLsOfStores(t *testing.T) {
	t.Parallel()
	for raw, good := range map[string]bool{
		"": true, "file:///var/objects": true, "s3://files?region=x": true, "gs://files": true,
		"file://var/objects": false, "file:objects": false, "file:///x?create_dir=1": false, "s3://": false, "mem://": false, "files": false, "%": false,
	} {
		if err := blob.CheckURL(raw); (err == nil) != good {
			t.Errorf("%q: %v", raw, err)
		}
	}
	dir := t.TempDir()
	s, err := blob.Open(t.Context(), blob.Config{URL: "file://" + dir + "/a", Folder: "/nonexistent", Keys: hasher("root"), Keep: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	receive(t, s, "x")
	if _, err := os.Stat(dir + "/a/uploads/org_1/a"); err != nil {
		t.Error(err)
	}
	_, err = blob.Open(t.Context(), blob.Config{URL: "mem://secret"})
	if err == nil || strings.Contains(fmt.Sprint(err), "secret") {
		t.Errorf("got %v", err)
	}
}

// However large an upload is, a piece of it is in memory.
func TestUploadsTakeLittleMemory(t *testing.T) {
	s, _ := open(t)
	const size = 32 << 20
	content := bytes.Repeat([]byte("0123456789abcdef"), size/16)
	allocated := testing.Benchmark(func(b *testing.B) {
		b.Helper()
		b.ReportAllocs()
		for b.Loop() {
			if err := s.Receive(context.Background(), pdf(size), bytes.NewReader(content)); err != nil {
				b.Fatal(err)
			}
		}
	}).AllocedBytesPerOp()
	if allocated > 1<<20 {
		t.Errorf("an upload of %d bytes took %d bytes of memory", size, allocated)
	}
}
