//go:build cloud

package objects_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/embedgw"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/perfectworks/backend/adapters/blob"
	"github.com/perfectworks/backend/commands"
)

const (
	accessKey = "test-access"
	secretKey = "test-secret"
	region    = "eu-central-1"
	bucket    = "files"
)

// endpoint is the address of the server. There can be one in a process.
var endpoint string

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "objects")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	for _, name := range []string{"buckets", "attributes"} {
		if err := os.Mkdir(dir+"/"+name, 0o700); err != nil {
			panic(err)
		}
	}
	attributes, err := meta.NewSideCar(dir + "/attributes")
	if err != nil {
		panic(err)
	}
	backend, err := posix.New(dir+"/buckets", attributes, posix.PosixOpts{SideCarDir: dir + "/attributes", NewDirPerm: 0o700, Concurrency: 100, CopyObjectThreshold: 5 << 30})
	if err != nil {
		panic(err)
	}
	address := freeAddress()
	endpoint = "http://" + address
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- embedgw.RunVersityGW(ctx, backend, &embedgw.Config{
			RootUserAccess: accessKey, RootUserSecret: secretKey, Region: region, Ports: []string{address},
			MaxConnections: 1000, MaxRequests: 1000, MultipartMaxParts: 10000, Quiet: true, KeepAlive: true,
		})
	}()
	defer func() {
		stop()
		<-ended
	}()
	os.Setenv("AWS_ACCESS_KEY_ID", accessKey)
	os.Setenv("AWS_SECRET_ACCESS_KEY", secretKey)
	createBucket()
	return m.Run()
}

func freeAddress() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// createBucket creates the bucket once the server answers.
func createBucket() {
	client := s3.New(s3.Options{
		Region: region, BaseEndpoint: &endpoint, UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(accessKey, secretKey, ""),
	})
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		_, err := client.CreateBucket(context.Background(), &s3.CreateBucketInput{Bucket: aws.String(bucket)})
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			panic(err)
		}
	}
}

type hasher struct{}

func (hasher) Hash(purpose, value string) string {
	mac := hmac.New(sha256.New, []byte(purpose))
	mac.Write([]byte(value))
	return hex.EncodeToString(mac.Sum(nil))
}

func open(t *testing.T) *blob.Store {
	t.Helper()
	query := url.Values{"endpoint": {endpoint}, "region": {region}, "use_path_style": {"true"}}
	s, err := blob.Open(t.Context(), blob.Config{URL: "s3://" + bucket + "?" + query.Encode(), Keys: hasher{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// send sends a request with no header but those that net/http needs. A size of -1
// sends a body without a length.
func send(t *testing.T, method, target, contentType string, body []byte, header ...string) (int, http.Header, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, target, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header, string(answer)
}

func uploadURL(t *testing.T, s *blob.Store, object string, size int64, life time.Duration) string {
	t.Helper()
	signed, headers, err := s.UploadURL(t.Context(), commands.Upload{
		Object: object, ContentType: "application/pdf", Size: size, Principal: "user_1", Organization: "org_1", Expires: time.Now().Add(life),
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(headers) != 2 || headers["Content-Type"] != "application/pdf" {
		t.Errorf("the headers are %v", headers)
	}
	return signed
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

// A bare PUT with the type and the length that were signed is taken, and any other is
// refused.
func TestASignedURLTakesExactlyWhatWasSigned(t *testing.T) {
	s := open(t)
	const object = "uploads/org_1/exact"
	good := uploadURL(t, s, object, 5, time.Hour)
	for name, c := range map[string]struct{ method, target, contentType, body string }{
		"another type":     {http.MethodPut, good, "text/html", "12345"},
		"no type":          {http.MethodPut, good, "", "12345"},
		"a longer body":    {http.MethodPut, good, "application/pdf", "123456"},
		"a shorter body":   {http.MethodPut, good, "application/pdf", "1234"},
		"no body":          {http.MethodPut, good, "application/pdf", ""},
		"another object":   {http.MethodPut, strings.Replace(good, "exact", "other", 1), "application/pdf", "12345"},
		"another method":   {http.MethodDelete, good, "application/pdf", "12345"},
		"a read":           {http.MethodGet, good, "", ""},
		"a changed length": {http.MethodPut, strings.Replace(good, "content-length", "content-range", 1), "application/pdf", "12345"},
	} {
		if status, _, answer := send(t, c.method, c.target, c.contentType, []byte(c.body)); status != http.StatusForbidden && status != http.StatusBadRequest {
			t.Errorf("%s: %d: %s", name, status, answer)
		}
	}
	if _, _, err := s.Open(t.Context(), object); !errors.Is(err, commands.ErrNoObject) {
		t.Fatalf("something was stored: %v", err)
	}
	for _, content := range []string{"first", "again"} {
		if status, _, answer := send(t, http.MethodPut, good, "application/pdf", []byte(content)); status != http.StatusOK {
			t.Fatalf("%d: %s", status, answer)
		}
		if got := read(t, s, object); got != content {
			t.Errorf("got %q", got)
		}
	}
	expired := uploadURL(t, s, object, 5, 2*time.Second)
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		if status, _, _ := send(t, http.MethodPut, expired, "application/pdf", []byte("12345")); status == http.StatusForbidden {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the URL does not expire")
		}
	}
	if _, _, err := s.UploadURL(t.Context(), commands.Upload{Object: object, ContentType: "application/pdf", Size: 5, Expires: time.Now()}); err == nil {
		t.Error("a URL is issued that has expired")
	}
}

// S3 takes a second PUT to a URL whose upload was claimed. It changes nothing.
func TestAClaimKeepsWhatItSaw(t *testing.T) {
	s := open(t)
	first, second := strings.Repeat("1", 3000), strings.Repeat("2", 3000)
	target := uploadURL(t, s, "uploads/org_1/claimed", 3000, time.Hour)
	if _, _, _, err := s.Claim(t.Context(), "uploads/org_1/claimed", 3000, "files/org_1/file_1/a"); !errors.Is(err, commands.ErrNoObject) {
		t.Errorf("got %v", err)
	}
	put := func(content string) {
		t.Helper()
		if status, _, answer := send(t, http.MethodPut, target, "application/pdf", []byte(content)); status != http.StatusOK {
			t.Fatalf("%d: %s", status, answer)
		}
	}
	put(first)
	sum, head, size, err := s.Claim(t.Context(), "uploads/org_1/claimed", 3000, "files/org_1/file_1/a")
	want := sha256.Sum256([]byte(first))
	if err != nil || sum != hex.EncodeToString(want[:]) || string(head) != first[:1024] || size != 3000 {
		t.Fatalf("got %s, %d bytes, %v", sum, size, err)
	}
	put(second)
	if got := read(t, s, "files/org_1/file_1/a"); got != first {
		t.Error("a second upload changed what was claimed")
	}
	if _, _, size, err := s.Claim(t.Context(), "uploads/org_1/claimed", 2999, "files/org_1/file_2/a"); err != nil || size != 3000 {
		t.Errorf("got %d, %v", size, err)
	}
	if _, _, err := s.Open(t.Context(), "files/org_1/file_2/a"); !errors.Is(err, commands.ErrNoObject) {
		t.Errorf("a copy of another size is left: %v", err)
	}
}

func TestDownloadsAreStoredAndNotShown(t *testing.T) {
	s := open(t)
	const object = "files/org_1/file_3/a"
	w, err := s.Create(t.Context(), object, "text/html")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(w, "0123456789")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	target, err := s.DownloadURL(t.Context(), object, "Größe \"1\"\r\n.html", "text/html", time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	status, header, body := send(t, http.MethodGet, target, "", nil)
	if status != http.StatusOK || body != "0123456789" {
		t.Fatalf("%d: %s", status, body)
	}
	if got := header.Get("Content-Disposition"); got != blob.Attachment("Größe \"1\"\r\n.html") {
		t.Errorf("Content-Disposition: %s", got)
	}
	if got := header.Get("Content-Type"); got != "text/html" {
		t.Errorf("Content-Type: %s", got)
	}
	if status, header, body := send(t, http.MethodGet, target, "", nil, "Range", "bytes=4-"); status != http.StatusPartialContent || body != "456789" {
		t.Errorf("a range: %d, %v, %s", status, header, body)
	}
	for _, changed := range []string{
		strings.Replace(target, "attachment", "inline", 1), strings.Replace(target, "file_3", "file_1", 1),
	} {
		if status, _, body := send(t, http.MethodGet, changed, "", nil); status != http.StatusForbidden {
			t.Errorf("%s: %d: %s", changed, status, body)
		}
	}
	if err := s.Delete(t.Context(), object); err != nil {
		t.Fatal(err)
	}
	if status, _, _ := send(t, http.MethodGet, target, "", nil); status != http.StatusNotFound {
		t.Errorf("after it was deleted: %d", status)
	}
}

// Also what is sent in parts is there as a whole or not at all.
func TestWritersStoreAllOrNothing(t *testing.T) {
	s := open(t)
	large := strings.Repeat("0123456789abcdef", 1<<20) // 16 MiB: several parts
	ctx, giveUp := context.WithCancel(t.Context())
	defer giveUp()
	w, err := s.Create(ctx, "files/org_2/file_1/result", "application/pdf")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(w, large)
	giveUp()
	if err := w.Close(); err == nil {
		t.Error("a result that was given up is said to be stored")
	}
	if _, _, err := s.Open(t.Context(), "files/org_2/file_1/result"); !errors.Is(err, commands.ErrNoObject) {
		t.Errorf("got %v", err)
	}
	if w, err = s.Create(t.Context(), "files/org_2/file_1/result", "application/pdf"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, large); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got := read(t, s, "files/org_2/file_1/result"); got != large {
		t.Errorf("%d bytes are stored of %d", len(got), len(large))
	}
}

func TestCollection(t *testing.T) {
	s := open(t)
	for _, object := range []string{"uploads/org_3/a", "uploads/org_3/b", "files/org_3/file_1/a"} {
		w, err := s.Create(t.Context(), object, "application/pdf")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(w, "x")
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := s.CollectUnclaimed(t.Context(), "uploads/org_3/", time.Now().Add(-time.Hour)); err != nil || n != 0 {
		t.Errorf("%d young objects were collected: %v", n, err)
	}
	if n, err := s.CollectUnclaimed(t.Context(), "uploads/org_3/", time.Now().Add(time.Hour)); err != nil || n != 2 {
		t.Errorf("%d objects were collected: %v", n, err)
	}
	if n, size, err := s.DeleteAll(t.Context(), "files/org_3/"); err != nil || n != 1 || size != 1 {
		t.Errorf("%d objects with %d bytes were deleted: %v", n, size, err)
	}
	for o := range s.List(t.Context(), "files/org_3/") {
		t.Errorf("left: %s", o.Key)
	}
	if err := s.Delete(t.Context(), "files/org_3/none"); err != nil {
		t.Errorf("what is not there cannot be deleted: %v", err)
	}
}

// Our own URLs are not served for a bucket: it has its own.
func TestOurURLsAreNotTaken(t *testing.T) {
	if _, err := open(t).Verify(http.MethodPut, "signature=x", time.Now()); !errors.Is(err, blob.ErrLinkInvalid) {
		t.Errorf("got %v", err)
	}
}
