//go:build cloud

package objects_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/perfectworks/backend/adapters/blob"
	"github.com/perfectworks/backend/commands"
)

// There is no server of Google Cloud Storage here that checks signatures, so this is
// only about what is signed.
func TestWhatGoogleCloudStorageIsAskedToCheck(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "key.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	query := url.Values{"access_id": {"test@example.com"}, "private_key_path": {path}, "anonymous": {"true"}}
	s, err := blob.Open(t.Context(), blob.Config{URL: "gs://files?" + query.Encode(), Keys: hasher{}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	signed, headers, err := s.UploadURL(t.Context(), commands.Upload{
		Object: "uploads/org_1/a", ContentType: "application/pdf", Size: 1234, Expires: time.Now().Add(time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(signed)
	if err != nil {
		t.Fatal(err)
	}
	if got := u.Query().Get("X-Goog-SignedHeaders"); got != "content-length;content-type;host" {
		t.Errorf("the signed headers of an upload are %s", got)
	}
	if len(headers) != 2 || headers["Content-Length"] != "1234" {
		t.Errorf("the headers are %v", headers)
	}
	signed, err = s.DownloadURL(t.Context(), "files/org_1/file_1/a", "a.pdf", "application/pdf", time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if u, err = url.Parse(signed); err != nil {
		t.Fatal(err)
	}
	if got := u.Query().Get("response-content-disposition"); got != blob.Attachment("a.pdf") {
		t.Errorf("the content disposition of a download is %s", got)
	}
	if got := u.Query().Get("response-content-type"); got != "application/pdf" {
		t.Errorf("the content type of a download is %s", got)
	}
}
