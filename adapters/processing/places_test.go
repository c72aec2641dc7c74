package processing

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/perfectworks/backend/domain/domaintest"
	"github.com/perfectworks/backend/domain/id"
)

// A free place is for the organization that has the fewest, and then for the attempt
// that came first.
func TestPlacesAreShared(t *testing.T) {
	t.Parallel()
	domaintest.Bubble(t, func(t *testing.T) {
		p := newPlaces(2)
		var got []id.Organization
		leaves := map[id.Organization][]func(){}
		take := func(organization id.Organization) {
			go func() {
				leave, err := p.take(t.Context(), organization)
				if err != nil {
					t.Error(err)
					return
				}
				got = append(got, organization)
				leaves[organization] = append(leaves[organization], leave)
			}()
			synctest.Wait()
		}
		leave := func(organization id.Organization) {
			all := leaves[organization]
			leaves[organization] = all[1:]
			all[0]()
			synctest.Wait()
		}
		for _, organization := range []id.Organization{"many", "many", "many", "many", "few", "other"} {
			take(organization)
		}
		if len(got) != 2 {
			t.Fatalf("%v have a place", got)
		}
		leave("many")
		leave("many")
		leave("few")
		leave("other")
		if want := []id.Organization{"many", "many", "few", "many", "other", "many"}; !slices.Equal(got, want) {
			t.Errorf("the places went to %v, want %v", got, want)
		}
		leave("many")
		leave("many")
		if p.free != 2 || len(p.taken) != 0 || len(p.waiting) != 0 {
			t.Errorf("at the end: %+v", p)
		}
	})
}

// One that gives up waiting leaves nothing behind.
func TestGivingUpAPlace(t *testing.T) {
	t.Parallel()
	domaintest.Bubble(t, func(t *testing.T) {
		p := newPlaces(1)
		leave, err := p.take(t.Context(), "one")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { _, err := p.take(ctx, "two"); ended <- err }()
		synctest.Wait()
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("it ended with %v", err)
		}
		leave()
		if p.free != 1 || len(p.taken) != 0 || len(p.waiting) != 0 {
			t.Errorf("at the end: %+v", p)
		}
	})
}
