package commands

import (
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
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
	// Seed feeds Entropy.
	Seed Seed
	// Retry says that an earlier attempt may have been written already.
	Retry bool

	Principal access.Principal
	// Expected is the revision that the caller has seen, or nil if any will do.
	Expected *event.Revision

	CorrelationID string
	// CauseEventID is the event that the request follows from, when no person or
	// key made it; else empty.
	CauseEventID  string
	RequestID     string
	ClientAddress personal.Text
	UserAgent     personal.Text
	TraceParent   string
}

// Seed is the beginning of a request's randomness: 32 bytes from a strong
// source. It is secret, for keys are made from it, and hides itself from
// printing and logs.
type Seed [32]byte

// String hides the seed.
func (Seed) String() string { return "[seed]" }

// Format hides the seed, whatever the verb.
func (s Seed) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue hides the seed from structured logs.
func (s Seed) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText hides the seed from encoders.
func (s Seed) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

var errNoSeed = errors.New("the request has no seed")

// Entropy is the request's randomness for one purpose, from its beginning: the
// same purpose reads the same bytes, and no two purposes share any. A request
// without a seed has none: reading fails. ChaCha8, as Go seeds and runs it, is
// cryptographically strong.
func (r Request) Entropy(purpose string) io.Reader {
	if r.Seed == (Seed{}) {
		return failing{errNoSeed}
	}
	key, err := hkdf.Expand(sha256.New, r.Seed[:], purpose, len(Seed{}))
	if err != nil {
		return failing{err}
	}
	return rand.NewChaCha8([32]byte(key))
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// IDs makes the ids of new aggregates, always the same ones: a command that
// makes several takes them from one source.
func (r Request) IDs() id.Source { return id.Source{Now: r.Now, Entropy: r.Entropy("id")} }

// at is the time of all that the command decides, as precise as it is shown.
func (r Request) at() time.Time { return r.Now.UTC().Truncate(time.Millisecond) }

func (r Request) metadata(organization id.Organization) event.Metadata {
	kind, actor, person := r.Principal.Actor()
	m := event.Metadata{
		CorrelationID: r.CorrelationID, CausationID: r.ID.String(), CauseEventID: r.CauseEventID,
		ActorKind: kind, ActorID: actor, ActorUserID: string(person),
		OrganizationID: string(organization),
		RequestID:      r.RequestID, TraceParent: r.TraceParent,
	}
	if person != "" { // Without a person there is no key to encrypt with.
		m.ClientAddress, m.UserAgent = r.ClientAddress, r.UserAgent
	}
	return m
}

// policyMetadata is for what the request sets in motion that is not the doing
// of its principal, and may stand in somebody else's stream.
func (r Request) policyMetadata(policy string, organization id.Organization) event.Metadata {
	r.Principal, r.RequestID = access.ByPolicy(policy, organization), ""
	return r.metadata(organization)
}
