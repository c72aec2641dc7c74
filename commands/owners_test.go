package commands_test

import (
	"errors"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/perfectworks/backend/adapters/eventstore/eventstoretest"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/organization"
)

// Whatever owners do to each other and to themselves at the same moment, in
// several processes that each have a cache of their own, one who is not suspended
// is left: after every event.
func TestAnOwnerIsLeftOnTheRealStore(t *testing.T) {
	t.Parallel()
	store := eventstoretest.New(t)
	w := newWorld(t, store.Streams)
	processes := []*commands.Commands{w.Commands, newCommands(store.Streams), newCommands(store.Streams)}
	for range 6 {
		founder, o := w.organization()
		owners := []access.Principal{founder, w.member(o.ID, access.Owner), w.member(o.ID, access.Owner), w.member(o.ID, access.Admin)}
		var all sync.WaitGroup
		for i, by := range owners {
			of := owners[rand.IntN(len(owners))]
			for _, deed := range []func(*commands.Commands) error{
				func(c *commands.Commands) error {
					return must(c.RemoveMember(w.Context(), w.request(by), commands.RemoveMember{UserID: of.UserID})).err
				},
				func(c *commands.Commands) error {
					return must(c.ChangeMemberRole(w.Context(), w.request(by), commands.ChangeMemberRole{UserID: of.UserID, Role: new(access.Viewer)})).err
				},
				func(c *commands.Commands) error {
					return must(c.TransferOwnership(w.Context(), w.request(by), commands.TransferOwnership{UserID: of.UserID})).err
				},
				func(c *commands.Commands) error {
					return must(c.SuspendMember(w.Context(), w.request(by), commands.SuspendMember{OrganizationID: o.ID, UserID: by.UserID})).err
				},
				func(c *commands.Commands) error {
					return must(c.RemoveMember(w.Context(), w.request(by), commands.RemoveMember{UserID: by.UserID})).err
				},
			} {
				c := processes[(i+rand.IntN(len(processes)))%len(processes)]
				all.Go(func() {
					if err := deed(c); err != nil && (failure.Of(err) == nil || errors.Is(err, commands.ErrContended)) {
						t.Errorf("neither done nor refused: %v", err)
					}
				})
			}
		}
		all.Wait()
		fold := commands.Fold{Zero: organization.State{}, Apply: func(s any, e event.Event) any {
			next := organization.Apply(s.(organization.State), e)
			if _, registered := e.(organization.Registered); !registered && next.Owners() == 0 {
				t.Errorf("no owner is left after %T", e)
			}
			return next
		}}
		last, err := store.Streams.Load(w.Context(), organization.Aggregate.Stream(o.ID), fold, true)
		if err != nil || last.State.(organization.State).Owners() == 0 {
			t.Errorf("in the end: %v, %+v", err, last.State)
		}
	}
}
