package identity_test

import (
	"context"
	"crypto/cipher"
	"errors"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/uuid"

	"github.com/perfectworks/backend/adapters/eventstore"
	"github.com/perfectworks/backend/adapters/eventstore/eventstoretest"
	"github.com/perfectworks/backend/adapters/identity"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/apikey"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/user"
	"github.com/perfectworks/backend/projections"
	"github.com/perfectworks/backend/projections/directory"
)

// blind has no key of anybody: personal texts read as erased.
type blind struct{}

func (blind) Key(context.Context, string) (cipher.AEAD, bool, error)    { return nil, false, nil }
func (blind) KeyFor(context.Context, string) (cipher.AEAD, bool, error) { return nil, false, nil }

// server is the authentication of one server: issuer, store and database are
// shared with others, all else is its own.
func server(t *testing.T, store *eventstoretest.Store, dataDir string) (*identity.Authenticator, *directory.Directory) {
	t.Helper()
	client := eventstoretest.Connect(t, eventstore.Options{URL: store.Node.ConnectionString()})
	codec, err := eventstore.NewCodec(eventstore.Schemas(), blind{})
	if err != nil {
		t.Fatal(err)
	}
	d := directory.New(directory.Config{
		Subscribe: func(p projections.Progress, o projections.SubscribeOptions) (message.Subscriber, error) {
			return eventstore.NewSubscriber(client, eventstore.SubscriberOptions{
				Progress:  func(string) eventstore.Progress { return p },
				BatchSize: o.MaxEvents, BatchDelay: o.MaxDelay, Bundle: o.Bundle,
			}), nil
		},
		Decode: codec.Decode, Parts: eventstore.Parts, Head: client.HeadOf(eventstore.StreamPrefixes()), Logger: discard(),
	})
	background(t, func(ctx context.Context) {
		if err := d.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	usage := identity.NewUsage(store.Pool, discard())
	background(t, usage.Run)
	tokens := develop(t, dataDir)
	eventually(t, func() bool { return d.Ready() == nil })
	return identity.NewAuthenticator(identity.Parts{
		Tokens: tokens, Directory: d, Usage: usage, Addresses: identity.NewAddresses(nil, discard()),
	}), d
}

func TestTwoServersOnARealStore(t *testing.T) {
	t.Parallel()
	store, dataDir := eventstoretest.New(t), t.TempDir()
	write := func(stream string, after event.Revision, events ...event.Event) {
		t.Helper()
		data := make([]esdb.EventData, len(events))
		for i, e := range events {
			var err error
			if data[i], err = store.Codec.Encode(t.Context(), event.Draft{ID: event.ID(uuid.New()), Event: e}); err != nil {
				t.Fatal(err)
			}
		}
		if _, _, err := store.Client.Append(t.Context(), stream, after, data); err != nil {
			t.Fatal(err)
		}
	}
	one, _ := server(t, store, dataDir)
	two, _ := server(t, store, dataDir)
	servers := []*identity.Authenticator{one, two}

	// Each is asked right after the write, whichever process made it.
	token := bearer(mint(t, dataDir))
	p, err := one.Authenticate(t.Context(), token, nil)
	if err != nil || p.UserID != "" || p.Identity.SubjectHash == "" {
		t.Fatalf("not registered: %v %v", p, err)
	}
	write("user-user_ada", event.NoStream, user.Registered{
		UserID: ada, SubjectHash: p.Identity.SubjectHash, EmailHash: p.Identity.EmailHash, Email: p.Identity.Email,
	})
	write("organization-org_acme", event.NoStream,
		organization.Registered{OrganizationID: acme, Name: "Acme", Slug: "acme"},
		organization.MemberJoined{OrganizationID: acme, UserID: ada, Role: access.Owner})
	mine := secret(t, 1)
	write("apiKey-key_1", event.NoStream, issued(key1, mine, ada, time.Time{}))
	for n, s := range servers {
		p, err := s.Authenticate(t.Context(), keyHeader(mine), nil)
		if err != nil || p.Kind != access.KindUserKey || p.UserID != ada || p.Role != access.Owner {
			t.Fatalf("server %d, the key: %v %v", n, p, err)
		}
		p, err = s.Authenticate(t.Context(), at(token, acme), nil)
		if err != nil || p.UserID != ada || p.OrganizationID != acme {
			t.Fatalf("server %d, the token: %v %v", n, p, err)
		}
	}

	write("apiKey-key_1", 0, apikey.Revoked{KeyID: key1})
	revoked := time.Now()
	for n, s := range servers {
		eventually(t, func() bool {
			asked := time.Since(revoked)
			_, err := s.Authenticate(t.Context(), keyHeader(mine), nil)
			if err == nil && asked > directory.Bound {
				t.Fatalf("server %d accepts the key %v after it was revoked", n, asked)
			}
			return errors.Is(err, identity.ErrKeyRevoked)
		})
	}
}
