package commands

import (
	"io"
	"math/rand/v2"
	"time"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/personal"
)

// Request is what surrounds a command: who asks, when, and the randomness that
// it may use. Deciding takes time and chance from here alone, so that the same
// request, repeated after a crash, makes the same ids, secrets and events.
type Request struct {
	// ID names the command. A retry carries the same one.
	ID event.ID
	// Now is when the command was first made, in UTC.
	Now time.Time
	// Seed feeds Entropy. It is secret: keys are made from it.
	Seed [32]byte
	// Retry says that an earlier attempt may have been written already.
	Retry bool

	Principal access.Principal
	// Expected is the revision that the caller has seen, or nil if any will do.
	Expected *event.Revision

	CorrelationID string
	RequestID     string
	ClientAddress personal.Text
	UserAgent     personal.Text
	TraceParent   string
}

// Entropy is the request's randomness from its beginning: two readers of one
// request read the same bytes. ChaCha8 is cryptographically strong.
func (r Request) Entropy() io.Reader { return rand.NewChaCha8(r.Seed) }

// IDs makes the ids of new aggregates.
func (r Request) IDs() id.Source { return id.Source{Now: r.Now, Entropy: r.Entropy()} }

func (r Request) metadata(organization id.Organization) event.Metadata {
	kind, actor, person := r.Principal.Actor()
	m := event.Metadata{
		CorrelationID: r.CorrelationID, CausationID: r.ID.String(),
		ActorKind: kind, ActorID: actor, ActorUserID: string(person),
		OrganizationID: string(organization),
		RequestID:      r.RequestID, TraceParent: r.TraceParent,
	}
	if person != "" { // Without a person there is no key to encrypt with.
		m.ClientAddress, m.UserAgent = r.ClientAddress, r.UserAgent
	}
	return m
}
