package httpapi

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/perfectworks/backend/adapters/blob"
	"github.com/perfectworks/backend/adapters/httpapi/admission"
	"github.com/perfectworks/backend/adapters/identity"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/failure"
)

// hasher derives hashes as a keyring does.
type hasher struct{}

func (hasher) Hash(purpose, value string) string {
	mac := hmac.New(sha256.New, []byte(purpose))
	mac.Write([]byte(value))
	return hex.EncodeToString(mac.Sum(nil))
}

// withObjects is a harness with a store of objects in a folder.
func withObjects(t *testing.T, change ...func(*Deps)) (*harness, *blob.Store, string) {
	t.Helper()
	dir := t.TempDir()
	store, err := blob.Open(t.Context(), blob.Config{Folder: dir, Keys: hasher{}, Keep: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return newHarness(t, func(d *Deps) {
		d.Objects = store
		for _, c := range change {
			c(d)
		}
	}), store, dir
}

// signedUpload is the path of a URL for an upload by Alice.
func signedUpload(t *testing.T, s *blob.Store, size int64, change ...func(*commands.Upload)) string {
	t.Helper()
	u := commands.Upload{
		Object: "uploads/org_acme/a", ContentType: "application/pdf", Size: size,
		Principal: alice.ID(), Organization: alice.OrganizationID, Expires: time.Now().Add(time.Hour),
	}
	for _, c := range change {
		c(&u)
	}
	signed, _, err := s.UploadURL(t.Context(), u)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func signedDownload(t *testing.T, s *blob.Store, filename, contentType string) string {
	t.Helper()
	signed, err := s.DownloadURL(t.Context(), "files/org_acme/file_1/a", filename, contentType, time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func stored(t *testing.T, dir string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, "uploads/org_acme/a"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return string(content)
}

func (a answer) want(t *testing.T, status int) {
	t.Helper()
	if a.status != status {
		t.Fatalf("status %d, want %d: %s", a.status, status, a.body)
	}
}

// bare is a request with nothing but what a signed URL needs.
func bare(method, path, body, contentType string) call {
	c := call{method: method, path: path}
	if body != "" {
		c = c.from(strings.NewReader(body))
	}
	if contentType != "" {
		c = c.with("Content-Type", contentType)
	}
	return c
}

func TestASignedURLTakesABarePUT(t *testing.T) {
	t.Parallel()
	h, s, dir := withObjects(t)
	url := signedUpload(t, s, 5)
	for _, content := range []string{"first", "again"} {
		a := h.do(bare(http.MethodPut, url, content, "application/pdf"))
		if a.status != http.StatusOK || !strings.Contains(string(a.body), `"objectKey":"uploads/org_acme/a"`) {
			t.Fatalf("got %d: %s", a.status, a.body)
		}
		if got := stored(t, dir); got != content {
			t.Errorf("it holds %q", got)
		}
	}
	// Credentials that come along do not matter, not even bad ones.
	if a := h.do(bare(http.MethodPut, url, "third", "application/pdf").as("nobody")); a.status != http.StatusOK {
		t.Errorf("got %d: %s", a.status, a.body)
	}
	if logs := h.logs.String(); strings.Contains(logs, "signature") || strings.Contains(logs, "uploads/org_acme") {
		t.Error("the URL is in the log")
	}
	if logs := h.logs.String(); !strings.Contains(logs, string(alice.UserID)) {
		t.Error("the log does not say who uploaded")
	}
}

// A mismatch says which header differs, and stores nothing.
func TestUploadsHaveTheHeadersThatWereSigned(t *testing.T) {
	t.Parallel()
	h, s, dir := withObjects(t)
	url := signedUpload(t, s, 5)
	for name, c := range map[string]struct {
		call  call
		field string
		tells string
	}{
		"another type": {bare(http.MethodPut, url, "12345", "text/html"), "Content-Type", `must be \"application/pdf\"`},
		"a parameter":  {bare(http.MethodPut, url, "12345", "application/pdf; charset=utf-8"), "Content-Type", `charset=utf-8`},
		"no type":      {bare(http.MethodPut, url, "12345", ""), "Content-Type", "no such header"},
		"too long":     {bare(http.MethodPut, url, "123456", "application/pdf"), "Content-Length", `must be \"5\", for which the URL was signed; the request has \"6\"`},
		"too short":    {bare(http.MethodPut, url, "1234", "application/pdf"), "Content-Length", `\"4\"`},
		"empty":        {bare(http.MethodPut, url, "", "application/pdf"), "Content-Length", `\"0\"`},
		"without a length": {
			call{method: http.MethodPut, path: url}.from(io.MultiReader(strings.NewReader("12345"))).with("Content-Type", "application/pdf"),
			"Content-Length", "no such header",
		},
		"a long value": {bare(http.MethodPut, url, "12345", strings.Repeat("x", 1000)), "Content-Type", strings.Repeat("x", 100) + `\"`},
	} {
		a := h.do(c.call)
		a.wantError(t, http.StatusForbidden, errUploadMismatched.Code)
		if !strings.Contains(string(a.body), `"field":"`+c.field+`"`) || !strings.Contains(string(a.body), c.tells) {
			t.Errorf("%s: %s", name, a.body)
		}
		if got := stored(t, dir); got != "" {
			t.Errorf("%s: %q was stored", name, got)
		}
	}
	if a := h.do(bare(http.MethodPut, url, "12345", "application/pdf").with("Content-Encoding", "gzip")); a.status != http.StatusUnsupportedMediaType {
		t.Errorf("compressed: %d: %s", a.status, a.body)
	}
}

func TestSignedURLsAreRefusedUnlessTheyAreGood(t *testing.T) {
	t.Parallel()
	h, s, dir := withObjects(t, func(d *Deps) { d.MaxFileSize = 10 })
	good := signedUpload(t, s, 5)
	for name, c := range map[string]struct {
		call   call
		status int
		code   string
	}{
		"changed":         {bare(http.MethodPut, strings.Replace(good, "length=5", "length=6", 1), "123456", "application/pdf"), 403, blob.ErrLinkInvalid.Code},
		"for a GET":       {bare(http.MethodGet, good, "", ""), 403, blob.ErrLinkInvalid.Code},
		"no signature":    {bare(http.MethodPut, "/api/v0/objects", "12345", "application/pdf"), 403, blob.ErrLinkInvalid.Code},
		"a method":        {bare(http.MethodDelete, good, "", ""), 405, errMethodNotAllowed.code},
		"expired":         {bare(http.MethodPut, signedUpload(t, s, 5, func(u *commands.Upload) { u.Expires = time.Now() }), "12345", "application/pdf"), 403, blob.ErrLinkExpired.Code},
		"access ended":    {bare(http.MethodPut, signedUpload(t, s, 5, func(u *commands.Upload) { u.Principal = "user_gone" }), "12345", "application/pdf"), 403, identity.ErrAccessEnded.Code},
		"elsewhere":       {bare(http.MethodPut, signedUpload(t, s, 5, func(u *commands.Upload) { u.Organization = "org_other" }), "12345", "application/pdf"), 403, identity.ErrAccessEnded.Code},
		"not permitted":   {bare(http.MethodPut, signedUpload(t, s, 5, func(u *commands.Upload) { u.Principal = "key_2" }), "12345", "application/pdf"), 403, identity.ErrAccessEnded.Code},
		"above the limit": {bare(http.MethodPut, signedUpload(t, s, 11), "12345678901", "application/pdf"), 413, errBodyTooLarge(0).code},
	} {
		a := h.do(c.call)
		if a.status != c.status || !strings.Contains(string(a.body), c.code) {
			t.Errorf("%s: %d: %s", name, a.status, a.body)
		}
	}
	if got := stored(t, dir); got != "" {
		t.Errorf("%q was stored", got)
	}
}

// Guessing is slow: URLs that are no good are counted for the address.
func TestBadSignedURLsAreCounted(t *testing.T) {
	t.Parallel()
	h, s, _ := withObjects(t, func(d *Deps) { d.RateLimits.PerAddress = Quota{3, time.Hour} })
	for range 5 {
		if a := h.do(bare(http.MethodPut, signedUpload(t, s, 1), "x", "application/pdf")); a.status != http.StatusOK {
			t.Fatalf("a good one: %d: %s", a.status, a.body)
		}
	}
	for range 3 {
		h.do(bare(http.MethodGet, "/api/v0/objects?signature=x", "", "")).wantError(t, 403, blob.ErrLinkInvalid.Code)
	}
	if a := h.do(bare(http.MethodGet, "/api/v0/objects?signature=x", "", "")); a.status != http.StatusTooManyRequests {
		t.Errorf("got %d: %s", a.status, a.body)
	}
}

// A client that goes away in the middle leaves nothing.
func TestABrokenUploadLeavesNothing(t *testing.T) {
	t.Parallel()
	h, s, dir := withObjects(t)
	h.do(bare(http.MethodPut, signedUpload(t, s, 5), "first", "application/pdf")).want(t, http.StatusOK)
	conn, err := net.Dial("tcp", h.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "PUT %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/pdf\r\nContent-Length: 1000000\r\n\r\n%s",
		signedUpload(t, s, 1_000_000), strings.Repeat("x", 500_000))
	incoming := filepath.Join(dir, ".incoming")
	waitFor(t, func() bool { entries, _ := os.ReadDir(incoming); return len(entries) == 1 })
	conn.Close()
	waitFor(t, func() bool { entries, _ := os.ReadDir(incoming); return len(entries) == 0 })
	if got := stored(t, dir); got != "first" {
		t.Errorf("it holds %d bytes", len(got))
	}
}

func waitFor(t *testing.T, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it did not come about")
		}
	}
}

// An upload that is refused before its body is read is answered at once, also to a
// client that asks first.
func TestAnUploadIsRefusedBeforeItIsSent(t *testing.T) {
	t.Parallel()
	h, s, _ := withObjects(t)
	for name, c := range map[string]struct{ contentType, want string }{
		"refused": {"text/html", "403"}, "welcome": {"application/pdf", "100"},
	} {
		conn, err := net.Dial("tcp", h.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
		fmt.Fprintf(conn, "PUT %s HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: 1000000\r\nExpect: 100-continue\r\n\r\n",
			signedUpload(t, s, 1_000_000), c.contentType)
		line, err := bufio.NewReader(conn).ReadString('\n')
		if err != nil || !strings.Contains(line, c.want) {
			t.Errorf("%s: %q, %v", name, line, err)
		}
	}
}

// Uploads that make no progress keep nobody from working, and are bounded.
func TestSlowUploadsHoldNoPlace(t *testing.T) {
	t.Parallel()
	h, s, dir := withObjects(t, func(d *Deps) {
		d.Admission = admission.Limits{Working: 1}
		d.Streams = admission.StreamLimits{Streams: 3, PerCaller: 2, PerOrganization: 3}
	})
	for range 2 {
		conn, err := net.Dial("tcp", h.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "PUT %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/pdf\r\nContent-Length: 10\r\n\r\n1", signedUpload(t, s, 10))
	}
	waitFor(t, func() bool { entries, _ := os.ReadDir(filepath.Join(dir, ".incoming")); return len(entries) == 2 })
	if n, bytes := h.api.Transfers(); n != 2 || bytes != 20 {
		t.Errorf("%d transfers of %d bytes are under way", n, bytes)
	}
	h.do(get("/api/v0/api-keys")).want(t, http.StatusOK)
	a := h.do(bare(http.MethodPut, signedUpload(t, s, 1), "x", "application/pdf"))
	a.wantError(t, http.StatusTooManyRequests, errConcurrencyLimited.code)
	if a.header.Get("Retry-After") == "" {
		t.Error("it does not say when to come back")
	}
	carol := signedUpload(t, s, 1, func(u *commands.Upload) { u.Principal = "user_carol" })
	if a := h.do(bare(http.MethodPut, carol, "x", "application/pdf")); a.status != http.StatusForbidden {
		t.Errorf("somebody without a role: %d: %s", a.status, a.body)
	}
	key := signedUpload(t, s, 1, func(u *commands.Upload) { u.Principal = "key_1" })
	h.do(bare(http.MethodPut, key, "x", "application/pdf")).want(t, http.StatusOK)
}

func TestAFullDiskRefusesAnUpload(t *testing.T) {
	t.Parallel()
	full, err := blob.Open(t.Context(), blob.Config{Folder: t.TempDir(), Keys: hasher{}, Keep: 1 << 60})
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	h, s, _ := withObjects(t, func(d *Deps) { d.Objects = full })
	h.do(bare(http.MethodPut, signedUpload(t, s, 1), "x", "application/pdf")).
		wantError(t, http.StatusServiceUnavailable, failure.ErrStorageFull.Code)
}

func put1(t *testing.T, s *blob.Store, content string) {
	t.Helper()
	w, err := s.Create(t.Context(), "files/org_acme/file_1/a", "text/html")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestDownloadsAreStoredAndNotShown(t *testing.T) {
	t.Parallel()
	h, s, _ := withObjects(t)
	put1(t, s, "<script>alert(1)</script>")
	url := signedDownload(t, s, "Größe \"1\"\r\n.html", "text/html")
	a := h.do(bare(http.MethodGet, url, "", ""))
	if a.status != http.StatusOK || string(a.body) != "<script>alert(1)</script>" {
		t.Fatalf("got %d: %s", a.status, a.body)
	}
	disposition, params, err := mime.ParseMediaType(a.header.Get("Content-Disposition"))
	if err != nil || disposition != "attachment" || params["filename"] != "Größe \"1\"\r\n.html" {
		t.Errorf("Content-Disposition: %s", a.header.Get("Content-Disposition"))
	}
	for name, want := range map[string]string{
		"Content-Type": "text/html", "X-Content-Type-Options": "nosniff", "Content-Length": "25", "Accept-Ranges": "bytes",
		"Content-Security-Policy": sandboxed, "Cache-Control": "private, no-store", "Referrer-Policy": "no-referrer",
	} {
		if got := a.header.Values(name); len(got) != 1 || got[0] != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	// A browser asks for HTML, and other things for anything: the type is the file's.
	for _, accept := range []string{"text/html,application/xhtml+xml;q=0.9", "application/pdf", "image/png"} {
		if a := h.do(bare(http.MethodGet, url, "", "").with("Accept", accept)); a.status != http.StatusOK {
			t.Errorf("Accept %s: %d: %s", accept, a.status, a.body)
		}
	}
}

func TestDownloadsGoOn(t *testing.T) {
	t.Parallel()
	h, s, _ := withObjects(t)
	put1(t, s, "0123456789")
	url := signedDownload(t, s, "a.pdf", "application/pdf")
	whole := h.do(bare(http.MethodHead, url, "", ""))
	tag := whole.header.Get("ETag")
	if whole.status != http.StatusOK || len(whole.body) > 0 || whole.header.Get("Content-Length") != "10" || tag == "" {
		t.Fatalf("HEAD: %d, %v", whole.status, whole.header)
	}
	for name, c := range map[string]struct {
		header []string
		status int
		body   string
		field  string
	}{
		"the rest":            {[]string{"Range", "bytes=4-"}, 206, "456789", "bytes 4-9/10"},
		"the end":             {[]string{"Range", "bytes=-3"}, 206, "789", "bytes 7-9/10"},
		"if it is the same":   {[]string{"Range", "bytes=4-5", "If-Range", tag}, 206, "45", "bytes 4-5/10"},
		"if it is another":    {[]string{"Range", "bytes=4-5", "If-Range", `"other"`}, 200, "0123456789", ""},
		"not there":           {[]string{"Range", "bytes=10-"}, 416, "", "bytes */10"},
		"known":               {[]string{"If-None-Match", tag}, 304, "", ""},
		"another is wanted":   {[]string{"If-Match", `"other"`}, 412, "", ""},
		"not one of the kind": {[]string{"Range", "lines=1-2"}, 416, "", ""},
	} {
		r := bare(http.MethodGet, url, "", "")
		for i := 0; i < len(c.header); i += 2 {
			r = r.with(c.header[i], c.header[i+1])
		}
		a := h.do(r)
		if a.status != c.status || a.status < 300 && string(a.body) != c.body || c.field != "" && a.header.Get("Content-Range") != c.field {
			t.Errorf("%s: %d, %q, %q", name, a.status, a.header.Get("Content-Range"), a.body)
		}
		if a.status >= 400 && !strings.Contains(a.header.Get("Content-Type"), "json") {
			t.Errorf("%s: %v", name, a.header)
		}
	}
}

// A link dies with its file at once, and so does one whose object is gone.
func TestLinksDie(t *testing.T) {
	t.Parallel()
	gone := failure.New(failure.NotFound, "FILE_NOT_FOUND", "there is no such file")
	var refused error
	h, s, _ := withObjects(t, func(d *Deps) {
		d.Downloadable = func(_ context.Context, object string) error {
			if object != "files/org_acme/file_1/a" {
				t.Errorf("it was asked for %s", object)
			}
			return refused
		}
	})
	put1(t, s, "0123456789")
	url := signedDownload(t, s, "a.pdf", "application/pdf")
	h.do(bare(http.MethodGet, url, "", "")).want(t, http.StatusOK)
	refused = gone
	a := h.do(bare(http.MethodGet, url, "", ""))
	a.wantError(t, http.StatusNotFound, gone.Code)
	if a.header.Get("Content-Disposition") != "" || a.header.Get("ETag") != "" {
		t.Errorf("the refusal has %v", a.header)
	}
	if a := h.do(bare(http.MethodHead, url, "", "")); a.status != http.StatusNotFound {
		t.Errorf("HEAD: %d", a.status)
	}
	refused = nil
	if err := s.Delete(t.Context(), "files/org_acme/file_1/a"); err != nil {
		t.Fatal(err)
	}
	h.do(bare(http.MethodGet, url, "", "")).wantError(t, http.StatusNotFound, errDownloadGone.Code)
}
