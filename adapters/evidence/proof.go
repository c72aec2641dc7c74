package evidence

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"

	"github.com/google/uuid"

	"github.com/perfectworks/backend/domain/event"
)

// proofFormat names the form of proofs.
const proofFormat = "perfectworks inclusion proof 1"

// Proof proves that an event was in the log when a checkpoint was taken. It holds the
// event as it is stored, where data about people is encrypted, and can be checked with
// nothing but the public key.
type Proof struct {
	Format string `json:"format"`
	// Event is what is proven.
	Event ProvenEvent `json:"event"`
	// Leaf is the event's index in the tree, and Hashes the path from it to the root.
	Leaf   uint64 `json:"leaf"`
	Hashes []Hash `json:"hashes"`
	// Checkpoint is the signed text.
	Checkpoint string `json:"checkpoint"`
}

// ProvenEvent is an event in a proof.
type ProvenEvent struct {
	Position string    `json:"position"`
	Stream   string    `json:"stream"`
	Revision int64     `json:"revision"`
	ID       uuid.UUID `json:"id"`
	Type     string    `json:"type"`
	JSON     bool      `json:"json"`
	Time     time.Time `json:"time"`
	// Data and Metadata are the stored bytes.
	Data     []byte `json:"data"`
	Metadata []byte `json:"metadata"`
}

func (e ProvenEvent) event() (Event, error) {
	position, err := event.ParsePosition(e.Position)
	return Event{
		Position: position, Stream: e.Stream, Revision: event.Revision(e.Revision), ID: event.ID(e.ID), Type: e.Type,
		JSON: e.JSON, Time: e.Time, Data: e.Data, Metadata: e.Metadata,
	}, err
}

// ErrNotCovered says that the newest checkpoint does not cover an event yet.
var ErrNotCovered = errors.New("no checkpoint covers the event yet: take one first")

// ErrNotAsItWas says that an event in the log is not what the tree says of it.
var ErrNotAsItWas = errors.New("the event is not in the tree as it is: verify the log")

// Prove returns the proof of an event in the newest tree.
func (l *Ledger) Prove(ctx context.Context, e Event) (Proof, error) {
	p, err := l.prove(ctx, e)
	if err != nil {
		return Proof{}, fmt.Errorf("prove the event: %w", err)
	}
	return p, nil
}

func (l *Ledger) prove(ctx context.Context, e Event) (Proof, error) {
	number, err := l.Trees(ctx)
	if err != nil {
		return Proof{}, err
	}
	if number == 0 {
		return Proof{}, ErrNoCheckpoint
	}
	c, err := l.Latest(ctx, number)
	if err != nil {
		return Proof{}, err
	}
	if e.Position.Compare(c.Position) > 0 {
		return Proof{}, ErrNotCovered
	}
	t, err := l.openTree(ctx, number, c)
	if err != nil {
		return Proof{}, err
	}
	leaf, found, err := t.find(ctx, newDigester().entry(e))
	if err != nil {
		return Proof{}, err
	}
	if !found {
		return Proof{}, ErrNotAsItWas
	}
	needed, err := proof.Inclusion(leaf, c.Size)
	if err != nil {
		return Proof{}, err
	}
	nodes := make([][]byte, len(needed.IDs))
	for i, id := range needed.IDs {
		if nodes[i], err = t.node(ctx, id); err != nil {
			return Proof{}, err
		}
	}
	if nodes, err = needed.Rehash(nodes, rfc6962.DefaultHasher.HashChildren); err != nil {
		return Proof{}, err
	}
	p := Proof{Format: proofFormat, Leaf: leaf, Hashes: make([]Hash, len(nodes)), Checkpoint: c.Note, Event: ProvenEvent{
		Position: e.Position.String(), Stream: e.Stream, Revision: int64(e.Revision), ID: uuid.UUID(e.ID), Type: e.Type,
		JSON: e.JSON, Time: e.Time.UTC(), Data: e.Data, Metadata: e.Metadata,
	}}
	for i, node := range nodes {
		p.Hashes[i] = Hash(node)
	}
	return p, nil
}

// MaxProof bounds a proof, in bytes: events are at most 1 MiB.
const MaxProof = 4 << 20

// ErrProof says that a proof does not prove what it holds.
var ErrProof = errors.New("the proof does not prove the event")

// ErrProofForm says that a file is not a proof.
var ErrProofForm = errors.New("this is not an inclusion proof")

// CheckProof checks a proof, and returns it with its checkpoint. Its error wraps
// ErrProofForm, ErrSignature, ErrCheckpoint or ErrProof. It needs nothing but the
// public keys.
func CheckProof(text []byte, keys *Keys) (Proof, Checkpoint, error) {
	var p Proof
	if err := json.Unmarshal(text, &p); err != nil || p.Format != proofFormat {
		return Proof{}, Checkpoint{}, ErrProofForm
	}
	c, err := OpenCheckpoint([]byte(p.Checkpoint), keys)
	if err != nil {
		return Proof{}, Checkpoint{}, err
	}
	e, err := p.Event.event()
	if err != nil {
		return Proof{}, Checkpoint{}, fmt.Errorf("%w: %w", ErrProofForm, err)
	}
	leaf := newDigester().entry(e).hash()
	path := make([][]byte, len(p.Hashes))
	for i := range p.Hashes {
		path[i] = p.Hashes[i][:]
	}
	if err := proof.VerifyInclusion(rfc6962.DefaultHasher, p.Leaf, c.Size, leaf[:], path, c.Root[:]); err != nil {
		return Proof{}, Checkpoint{}, fmt.Errorf("%w: it does not lead to the root of the checkpoint", ErrProof)
	}
	return p, c, nil
}
