package httpapi_test

import (
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/id"
)

// The purge of an organization deletes the bytes of all its files, and those of
// nobody else. The certificate says so.
func TestPurgingAnOrganizationDeletesItsFiles(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ada, bob := s.register("ada"), s.register("bob")
	acme := id.Organization(str(ada.post("/organizations", `{"name":"Acme","slug":"acme"}`).data(t, 201), "id"))
	other := id.Organization(str(bob.post("/organizations", `{"name":"Other"}`).data(t, 201), "id"))
	const secret = "what only Acme may know"
	for _, key := range []string{
		commands.UploadKey(acme, "unclaimed"), commands.FileKey(acme, "file_1", "original.pdf"), commands.FileKey(acme, "file_2", "accessible.pdf"),
		commands.FileKey(other, "file_3", "original.pdf"),
	} {
		path := filepath.Join(s.data, "objects", key)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(secret), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ada.call(http.MethodDelete, "/organizations/current", confirmAcme).data(t, 200)
	if got := filesWith(t, s.data, secret); len(got) != 4 {
		t.Errorf("after the deletion, which can be undone, there are %v", got)
	}
	purged := ada.call(http.MethodDelete, "/organizations/"+string(acme)+"/permanent", confirmAcme)
	certificate, _ := purged.data(t, 202)["certificate"].(object)
	if !strings.Contains(string(purged.body), "the bytes were deleted from the file store") {
		t.Errorf("the certificate: %v", certificate)
	}
	if got := filesWith(t, s.data, secret); len(got) != 1 || !strings.Contains(got[0], string(other)) {
		t.Errorf("there are %v", got)
	}
	if _, err := os.Stat(filepath.Join(s.data, "objects/files", string(acme))); err == nil {
		t.Error("there is a folder of the organization")
	}
}

// filesWith are the files below a folder that hold a text.
func filesWith(t *testing.T, dir, text string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		if strings.Contains(string(content), text) {
			found = append(found, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
