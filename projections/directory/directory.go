// Package directory is the read model for authentication: who the users,
// organizations, members and API keys are. Every process holds all of it in
// memory, so that a credential is checked without I/O, and follows the log so
// closely that it can prove how old what it knows may be.
//
// It differs from the other projections in that it has no tables. A start goes
// on from a snapshot of an earlier one, if there is one by the same rules, else
// from the log's beginning.
//
// Keys end with what they depend on. Removing a member and erasing a user end that
// user's keys for good: a new membership does not bring them back. While an
// organization is deleted, an account deactivated or a member suspended, the keys
// sleep: they are refused, and work again once that is undone, because nobody's
// right to them has changed meanwhile. Keys that ended stay in memory, so that
// their holders learn why they are refused.
package directory

import (
	"context"
	"log/slog"
	"strings"
	"sync"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/perfectworks/backend/domain/apikey"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/user"
	"github.com/perfectworks/backend/projections"
)

// Config says what the directory follows.
type Config struct {
	Subscribe projections.Subscribe
	// Decode may leave personal texts out: the directory reads none, and reading
	// them takes the key of each person in the log.
	Decode projections.Decode
	// Parts, when set, takes bundles apart, and lets the subscription send them.
	Parts projections.Parts
	// Head is the position of the last event in the log that the subscription
	// delivers; zero when there is none. It must come from a node that knows of
	// every acknowledged write.
	Head func(context.Context) (event.Position, error)
	// Recognise makes sure at each subscription, and before a snapshot is used,
	// that the log did not go back.
	Recognise projections.Recognise
	// RestartWhenLogWentBack has the directory begin again with the log when that
	// no longer holds what the directory knows. Otherwise, and when it is another
	// log that is not to be adopted, it vouches for nobody until the log is back or
	// the program is started again with a free hand.
	RestartWhenLogWentBack, AdoptAnotherLog bool
	// Shapes are the newest versions of stored shapes that Decode can read, by
	// event type; 1 for those that are missing. A snapshot of a program that could
	// read others is not used.
	Shapes map[string]int
	// Snapshots, when set, spare a start the reading of a long log.
	Snapshots *Snapshots
	// SnapshotEvery is how many events a snapshot must spare the next start to be
	// worth its writing; 100,000 when zero, which are a few seconds.
	SnapshotEvery int

	Logger *slog.Logger
}

const defaultSnapshotEvery = 100_000

// Directory knows who may do what. It is safe for concurrent use.
type Directory struct {
	config    Config
	subscribe projections.SubscribeOptions

	mu        sync.RWMutex
	state     *state
	applied   event.Position
	log       string      // the log's identity
	last      event.Place // the last event that was delivered
	unsaved   int         // events since the latest snapshot
	freshness freshness
	waiters   []*waiter

	demand chan struct{} // asks the heart to beat at once
	closed chan struct{} // says that freshness has to be opened again
}

// New returns a directory that knows nothing until Run follows the log.
func New(c Config) *Directory {
	if c.SnapshotEvery <= 0 {
		c.SnapshotEvery = defaultSnapshotEvery
	}
	if c.Recognise == nil {
		c.Recognise = func(_ context.Context, mark event.Mark) (event.Mark, error) { return mark, nil }
	}
	if c.Snapshots != nil {
		c.Snapshots = c.Snapshots.reading(c.Shapes)
	}
	d := &Directory{config: c, state: newState(), subscribe: subscribeOptions, demand: make(chan struct{}, 1), closed: make(chan struct{}, 1)}
	if c.Parts == nil {
		d.subscribe.Bundle = 1
		d.config.Parts = func(*message.Message) []*message.Message { return nil }
	}
	return d
}

// Apply adds an event of the log. One that is not after all that were applied
// changes nothing, so that events may be delivered twice.
func (d *Directory) Apply(r event.Recorded) {
	d.advance(r.Position, func() {
		d.state.apply(r.Event)
		d.unsaved++
	})
}

// Block marks the aggregate of an event that cannot be read: nothing is known
// for sure of it any more, so that callers who depend on it are refused.
func (d *Directory) Block(r event.Recorded) {
	d.advance(r.Position, func() {
		category, name, _ := strings.Cut(r.Stream, "-")
		switch category {
		case user.Aggregate.Category:
			d.state.user(id.User(name)).unreadable = true
		case organization.Aggregate.Category:
			d.state.organization(id.Organization(name)).unreadable = true
		case apikey.Aggregate.Category:
			d.state.key(id.APIKey(name)).flags |= flagUnreadable
		}
	})
}

// Commit is part of projections.Progress.
func (d *Directory) Commit(_ context.Context, upTo event.Mark, _ bool) error {
	d.advance(upTo.Position, func() {})
	d.mu.Lock()
	defer d.mu.Unlock()
	if upTo.Last.Position.Compare(d.last.Position) > 0 {
		d.last = upTo.Last
	}
	return nil
}

// Applied is the position up to which the directory knows the log.
func (d *Directory) Applied() event.Position {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.applied
}

func (d *Directory) advance(to event.Position, change func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if to.Compare(d.applied) <= 0 {
		return
	}
	change()
	d.applied = to
	d.freshness.reached(to)
	d.wake()
}

// Key finds an API key by the hash of its secret.
func (d *Directory) Key(h Hash) (Key, bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	n := d.state.keys.withSecret(h)
	if n == 0 {
		return Key{}, false
	}
	return d.state.viewKey(d.state.keys.at(n)), true
}

// KeyByID finds an API key by its id.
func (d *Directory) KeyByID(name id.APIKey) (Key, bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	n := d.state.keys.withID(name)
	if n == 0 {
		return Key{}, false
	}
	return d.state.viewKey(d.state.keys.at(n)), true
}

// UserBySubject finds a user by the keyed hash of issuer and subject. Somebody
// who was erased is not found.
func (d *Directory) UserBySubject(subjectHash string) (User, bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	u, ok := d.state.subjects[subjectHash]
	if !ok {
		return User{}, false
	}
	return d.state.viewUser(u), true
}

// User finds a user by id, erased ones included.
func (d *Directory) User(name id.User) (User, bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	u, ok := d.state.users[name]
	if !ok {
		return User{}, false
	}
	return d.state.viewUser(u), true
}

// Organization finds an organization by id, whatever its status.
func (d *Directory) Organization(name id.Organization) (Organization, bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	o, ok := d.state.organizations[name]
	if !ok {
		return Organization{}, false
	}
	return o.view(), true
}

// Membership finds a user's place in an organization, whatever the status of
// either. False says that there is none, or that it is suspended.
func (d *Directory) Membership(u id.User, o id.Organization) (Membership, bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	userRecord, organizationRecord := d.state.users[u], d.state.organizations[o]
	if userRecord == nil || organizationRecord == nil {
		return Membership{}, false
	}
	return d.state.viewMembership(userRecord, organizationRecord)
}
