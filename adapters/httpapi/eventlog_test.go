package httpapi_test

import (
	"context"
	"crypto/cipher"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/perfectworks/backend/adapters/eventnode/eventnodetest"
	"github.com/perfectworks/backend/adapters/eventstore"
	"github.com/perfectworks/backend/adapters/eventstore/eventstoretest"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
)

// noKeys has no key of anybody: what is written holds no personal texts.
type noKeys struct{}

func (noKeys) Key(context.Context, string) (cipher.AEAD, bool, error)    { return nil, false, nil }
func (noKeys) KeyFor(context.Context, string) (cipher.AEAD, bool, error) { return nil, false, nil }

// append writes an event into an organization's stream, as another process would.
func (s *server) append(o string, e event.Event) {
	s.t.Helper()
	ctx := s.t.Context()
	pool, err := pgxpool.New(ctx, s.database)
	if err != nil {
		s.t.Fatal(err)
	}
	defer pool.Close()
	node := eventnodetest.Start(s.t, eventnodetest.WithPool(pool))
	client := eventstoretest.Connect(s.t, eventstore.Options{URL: node.ConnectionString()})
	codec, err := eventstore.NewCodec(eventstore.Schemas(), noKeys{})
	if err != nil {
		s.t.Fatal(err)
	}
	streams, err := eventstore.NewStreams(client, codec, -1)
	if err != nil {
		s.t.Fatal(err)
	}
	none := commands.Fold{Apply: func(any, event.Event) any { return nil }}
	at, err := streams.Load(ctx, organization.Aggregate.Stream(id.Organization(o)), none, true)
	if err == nil {
		_, err = streams.Append(ctx, at, none, []event.Draft{{
			ID: event.ID(uuid.New()), Event: e, Metadata: event.Metadata{OrganizationID: o, ActorKind: event.ActorPolicy, ActorID: "test"},
		}})
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// member is somebody who acts in an organization as a member.
func (s *server) member(o, name, role string) *person {
	s.t.Helper()
	p := s.register(name)
	s.append(o, organization.MemberJoined{
		OrganizationID: id.Organization(o), UserID: id.User(p.id), Role: access.Role(role), OccurredAt: time.Now().UTC(),
	})
	p.switchTo(s.t, o)
	return p
}

// switchTo makes an organization the active one, once its server knows of the
// membership.
func (p *person) switchTo(t *testing.T, o string) {
	t.Helper()
	var last answer
	eventually(t, func() bool {
		last = p.put("/users/active-organization", `{"organizationId":"`+o+`"}`)
		return last.status == 200
	}, func() string { return string(last.body) })
}
