package commands_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/file"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
)

// file puts a file of an organization into the store.
func (w *world) file(home id.Organization) (name id.File, object string) {
	w.Helper()
	name = id.FromUUID[id.File](uuid.Must(uuid.NewV7()))
	object = commands.FileKey(home, name, "a.pdf")
	fold := commands.Fold{Zero: file.State{}, Apply: func(s any, e event.Event) any { return file.Apply(s.(file.State), e) }}
	_, err := w.store.Append(w.Context(), commands.Snapshot{Stream: file.Aggregate.Stream(name), Revision: event.NoStream, State: file.State{}}, fold,
		[]event.Draft{{ID: event.ID(uuid.New()), Event: file.Registered{
			FileID: name, OrganizationID: home, Content: file.Content{Object: object, Format: file.PDF, Size: 1, Pages: 1}, OccurredAt: w.now,
		}}})
	if err != nil {
		w.Fatal(err)
	}
	return name, object
}

func TestFilesExpire(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(w *world) {
		owner, home := w.organization()
		name, object := w.file(home.ID)
		clock := access.ByPolicy("expire-files", home.ID, access.WriteFilesOfOthers)
		expire := func(by access.Principal) (file.State, error) {
			r, err := w.ExpireFile(w.Context(), w.request(by), commands.ExpireFile{FileID: name})
			return r.Value, err
		}
		holds := func(object string) bool {
			worker := access.ByPolicy("collect-objects", home.ID, access.WorkOnFiles)
			return must(w.HoldsObject(w.Context(), w.request(worker), commands.HoldsObject{FileID: name, Object: object})).in(w).Value
		}
		w.now = start.AddDate(10, 0, 0)
		if _, err := expire(clock); !errors.Is(err, organization.ErrRetained) {
			w.Errorf("by default: %v", err)
		}
		days := 30
		must(w.UpdateOrganization(w.Context(), w.request(owner), commands.UpdateOrganization{Change: organization.Change{FileRetention: &days}})).in(w)
		w.now = start.AddDate(0, 0, days).Add(-time.Millisecond)
		if _, err := expire(clock); !errors.Is(err, organization.ErrRetained) {
			w.Errorf("before its time: %v", err)
		}
		w.now = start.AddDate(0, 0, days)
		for _, other := range []access.Principal{
			access.ByPolicy("expire-files", "org_other", access.WriteFilesOfOthers), access.ByPolicy("other", home.ID, access.WorkOnFiles),
		} {
			if _, err := expire(other); err == nil {
				w.Errorf("%+v can do it", other)
			}
		}
		for range 2 { // It may be repeated.
			if got, err := expire(clock); err != nil || !got.DeletedAt.Equal(w.now) || !got.PurgeAt.Equal(w.now.Add(file.Grace)) {
				w.Errorf("at its time: %+v, %v", got, err)
			}
		}
		if !holds(object) || holds(object+"x") {
			w.Error("the bytes must be kept until the grace is over, and nothing else")
		}
	})
}
