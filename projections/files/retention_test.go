package files_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/perfectworks/backend/domain/file"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/projections/files"
)

func TestFilesFromBeforeATime(t *testing.T) {
	t.Parallel()
	m, q, _ := newModel(t)
	for n, home := range map[int]id.Organization{1: "org_1", 2: "org_1", 3: "org_1", 4: "org_1", 5: "org_2"} {
		name := id.File(fmt.Sprintf("file_%d", n))
		m.Given("file-"+string(name), file.Registered{
			FileID: name, OrganizationID: home, Content: file.Content{Object: "o", Format: file.PDF, Size: 1}, OccurredAt: start.Add(time.Duration(n) * time.Minute),
		})
	}
	m.Given("file-file_2", file.Removed{FileID: "file_2", OrganizationID: "org_1", Was: file.Uploaded, Type: file.Original, PurgeAt: start, OccurredAt: start})
	var got []id.File
	var after files.Old
	for {
		page, err := q.Before(t.Context(), "org_1", start.Add(3*time.Minute), after, 1)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		got, after = append(got, page[0].ID), page[0]
	}
	if fmt.Sprint(got) != "[file_1 file_3]" {
		t.Errorf("got %v", got)
	}
}
