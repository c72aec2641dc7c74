package identity_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/perfectworks/backend/adapters/identity"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/apikey"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/user"
	"github.com/perfectworks/backend/projections"
	"github.com/perfectworks/backend/projections/directory"
)

const (
	ada  id.User         = "user_ada"
	acme id.Organization = "org_acme"
	zeta id.Organization = "org_zeta"
	key1 id.APIKey       = "key_1"
)

// world is an authenticator with everything around it. Its log is written to
// the directory at once; node_test.go has real servers.
type world struct {
	*identity.Authenticator
	follower
	t         testing.TB
	parts     identity.Parts
	addresses *identity.Addresses
	issuer    *testIssuer
	key       signingKey
	tokens    *identity.Tokens

	directory *directory.Directory
	mu        sync.Mutex
	last      event.Position
	elsewhere []event.Recorded // written by another process, and not here yet
	headErr   error
}

func newWorld(tb testing.TB, logger *slog.Logger) *world {
	tb.Helper()
	w := &world{t: tb, issuer: newTestIssuer(tb), key: newKey(tb, "k1", jose.ES256)}
	w.issuer.publish(w.key)
	config := w.issuer.config()
	config.Logger = logger
	w.tokens = ready(tb, config)
	w.directory = directory.New(directory.Config{
		Subscribe: func(projections.Progress, projections.SubscribeOptions) (message.Subscriber, error) {
			return silent{}, nil
		},
		Head:   w.head,
		Logger: logger,
	})
	background(tb, func(ctx context.Context) { _ = w.directory.Run(ctx) })
	eventually(tb, func() bool { return w.directory.Ready() == nil })
	w.addresses = identity.NewAddresses(w.follow, logger)
	w.parts = identity.Parts{
		Tokens: w.tokens, Directory: w.directory, Usage: identity.NewUsage(nil, logger), Addresses: w.addresses,
	}
	w.Authenticator = identity.NewAuthenticator(w.parts)
	return w
}

// silent is a subscriber that brings nothing.
type silent struct{}

func (silent) Close() error { return nil }

func (silent) Subscribe(ctx context.Context, _ string) (<-chan *message.Message, error) {
	out := make(chan *message.Message)
	context.AfterFunc(ctx, func() { close(out) })
	return out, nil
}

// head also brings what was written elsewhere, as a subscription would.
func (w *world) head(context.Context) (event.Position, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range w.elsewhere {
		w.directory.Apply(r)
	}
	w.elsewhere = nil
	return w.last, w.headErr
}

func (w *world) record(e event.Event) event.Recorded {
	w.last.Commit++
	w.last.Prepare++
	return event.Recorded{Position: w.last, Event: e}
}

func (w *world) given(events ...event.Event) *world {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range events {
		w.directory.Apply(w.record(e))
	}
	return w
}

func (w *world) givenElsewhere(events ...event.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range events {
		w.elsewhere = append(w.elsewhere, w.record(e))
	}
}

// token is one of Ada's.
func (w *world) token() http.Header {
	return bearer(sign(w.t, w.key, w.issuer.claims()))
}

func (w *world) registered() event.Event {
	return user.Registered{UserID: ada, SubjectHash: w.identity().SubjectHash}
}

func (w *world) identity() access.Identity {
	w.t.Helper()
	i, err := w.tokens.Verify(w.t.Context(), sign(w.t, w.key, w.issuer.claims()))
	if err != nil {
		w.t.Fatal(err)
	}
	return i
}

// atAcme makes Ada a member of one organization, which she chose, and of
// another.
func (w *world) atAcme() *world {
	return w.given(
		w.registered(),
		organization.Registered{OrganizationID: acme, Name: "Acme"}, organization.MemberJoined{OrganizationID: acme, UserID: ada, Role: access.Admin},
		organization.Registered{OrganizationID: zeta, Name: "Zeta"}, organization.MemberJoined{OrganizationID: zeta, UserID: ada, Role: access.Viewer},
		user.ActiveOrganizationSwitched{UserID: ada, OrganizationID: acme},
	)
}

func issued(k id.APIKey, s apikey.Secret, owner id.User, expireAt time.Time) apikey.Issued {
	e := apikey.Issued{
		KeyID: k, OrganizationID: acme, OwnerType: apikey.OwnerOrganization,
		Scopes: []access.Scope{access.ScopeReadFiles}, SecretHash: s.HexHash(), ExpireAt: expireAt,
	}
	if owner != "" {
		e.OwnerType, e.UserID = apikey.OwnerUser, owner
	}
	return e
}

func at(h http.Header, o id.Organization) http.Header {
	h = h.Clone()
	h.Set("X-Organization-Id", string(o))
	return h
}

func bearer(token string) http.Header { return http.Header{"Authorization": {"Bearer " + token}} }

func keyHeader(s apikey.Secret) http.Header { return http.Header{"X-Api-Key": {s.Reveal()}} }

// expect compares what a request is with what it should be.
func (w *world) expect(t *testing.T, h http.Header, want access.Principal, wantErr *failure.Failure) {
	t.Helper()
	got, err := w.Authenticate(t.Context(), h, nil)
	if wantErr == nil && err != nil || wantErr != nil && !errors.Is(err, wantErr) {
		t.Fatalf("got %v, want %v", err, wantErr)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("principal (-want +got):\n%s", diff)
	}
}

func TestAuthenticateATokenOfAUser(t *testing.T) {
	t.Parallel()
	user1 := func(w *world) access.Principal {
		return access.Principal{Kind: access.KindUser, Identity: w.identity(), UserID: ada}
	}
	in := func(p access.Principal, o id.Organization, r access.Role) access.Principal {
		p.OrganizationID, p.Role = o, r
		return p
	}
	for name, c := range map[string]struct {
		given     func(*world)
		in        id.Organization // as X-Organization-Id
		want      func(*world) access.Principal
		wantError *failure.Failure
	}{
		"not registered": {
			func(*world) {}, "",
			func(w *world) access.Principal {
				return access.Principal{Kind: access.KindUser, Identity: w.identity()}
			}, nil,
		},
		"not registered, with an organization": {
			func(*world) {}, acme,
			func(w *world) access.Principal {
				return access.Principal{Kind: access.KindUser, Identity: w.identity()}
			}, nil,
		},
		"erased": {
			func(w *world) { w.given(w.registered(), user.Erased{UserID: ada}) }, "",
			func(w *world) access.Principal {
				return access.Principal{Kind: access.KindUser, Identity: w.identity()}
			}, nil,
		},
		"no organization": {func(w *world) { w.given(w.registered()) }, "", user1, nil},
		"active organization": {
			func(w *world) { w.atAcme() }, "",
			func(w *world) access.Principal { return in(user1(w), acme, access.Admin) }, nil,
		},
		"named organization": {
			func(w *world) { w.atAcme() }, zeta,
			func(w *world) access.Principal { return in(user1(w), zeta, access.Viewer) }, nil,
		},
		"unknown organization": {func(w *world) { w.atAcme() }, "org_nobody", nil, organization.ErrNotFound},
		"no organization at all": {
			func(w *world) { w.atAcme() }, "nonsense", nil, organization.ErrNotFound,
		},
		"another's organization": {
			func(w *world) { w.atAcme().given(organization.Registered{OrganizationID: "org_other"}) },
			"org_other", nil, organization.ErrNotFound,
		},
		"removed from the active organization": {
			func(w *world) { w.atAcme().given(organization.MemberRemoved{OrganizationID: acme, UserID: ada}) },
			"", user1, nil,
		},
		"removed from the named organization": {
			func(w *world) { w.atAcme().given(organization.MemberRemoved{OrganizationID: zeta, UserID: ada}) },
			zeta, nil, organization.ErrNotFound,
		},
		"the active organization is deleted": {
			func(w *world) { w.atAcme().given(organization.Deleted{OrganizationID: acme}) },
			"", user1, nil,
		},
		"the named organization is deleted": {
			func(w *world) { w.atAcme().given(organization.Deleted{OrganizationID: zeta}) },
			zeta, nil, organization.ErrNotFound,
		},
		"deactivated: the principal is there beside the failure": {
			func(w *world) { w.atAcme().given(user.Deactivated{UserID: ada}) },
			"", user1, user.ErrDeactivated,
		},
		"restored": {
			func(w *world) { w.atAcme().given(user.Deactivated{UserID: ada}, user.Restored{UserID: ada}) }, "",
			func(w *world) access.Principal { return in(user1(w), acme, access.Admin) }, nil,
		},
		"registered elsewhere a moment ago": {
			func(w *world) { w.givenElsewhere(w.registered()) }, "", user1, nil,
		},
		"joined elsewhere a moment ago": {
			func(w *world) {
				w.atAcme().givenElsewhere(
					organization.Registered{OrganizationID: "org_new"},
					organization.MemberJoined{OrganizationID: "org_new", UserID: ada, Role: access.Owner})
			}, "org_new",
			func(w *world) access.Principal { return in(user1(w), "org_new", access.Owner) }, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, discard())
			c.given(w)
			h := w.token()
			if c.in != "" {
				h = at(h, c.in)
			}
			var want access.Principal
			if c.want != nil {
				want = c.want(w)
			}
			w.expect(t, h, want, c.wantError)
		})
	}
}

func TestAuthenticateAKey(t *testing.T) {
	t.Parallel()
	mine := secret(t, 1)
	userKey := access.Principal{
		Kind: access.KindUserKey, UserID: ada, OrganizationID: acme, Role: access.Admin,
		KeyID: key1, Scopes: []access.Scope{access.ScopeReadFiles},
	}
	organizationKey := access.Principal{
		Kind: access.KindOrganizationKey, OrganizationID: acme, KeyID: key1, Scopes: []access.Scope{access.ScopeReadFiles},
	}
	ofAda := issued(key1, mine, ada, time.Time{})
	for name, c := range map[string]struct {
		given     []event.Event
		elsewhere []event.Event
		headers   http.Header
		want      access.Principal
		wantError *failure.Failure
	}{
		"of a user":          {given: []event.Event{ofAda}, want: userKey},
		"of an organization": {given: []event.Event{issued(key1, mine, "", time.Time{})}, want: organizationKey},
		"as bearer": {
			given: []event.Event{ofAda}, want: userKey,
			headers: http.Header{"Authorization": {"Bearer " + mine.Reveal()}},
		},
		"with its own organization": {given: []event.Event{ofAda}, want: userKey, headers: at(keyHeader(mine), acme)},
		"with another organization": {given: []event.Event{ofAda}, headers: at(keyHeader(mine), zeta), wantError: identity.ErrKeyElsewhere},
		"with an unknown organization": {
			given: []event.Event{ofAda}, headers: at(keyHeader(mine), "org_nobody"), wantError: identity.ErrKeyElsewhere,
		},
		"not expired yet": {given: []event.Event{issued(key1, mine, ada, time.Now().Add(time.Hour))}, want: userKey},
		"expired":         {given: []event.Event{issued(key1, mine, ada, time.Now())}, wantError: identity.ErrKeyExpired},
		"unknown":         {given: []event.Event{issued(key1, secret(t, 2), ada, time.Time{})}, wantError: identity.ErrKeyUnknown},
		"issued elsewhere a moment ago": {
			elsewhere: []event.Event{ofAda}, want: userKey,
		},
		"revoked": {given: []event.Event{ofAda, apikey.Revoked{KeyID: key1}}, wantError: identity.ErrKeyRevoked},
		"rotated, within the overlap": {
			given: []event.Event{ofAda, apikey.Rotated{KeyID: key1, ExpireAt: time.Now().Add(time.Hour)}}, want: userKey,
		},
		"rotated, after the overlap": {
			given:     []event.Event{ofAda, apikey.Rotated{KeyID: key1, ExpireAt: time.Now()}},
			wantError: identity.ErrKeyExpired,
		},
		"owner removed": {
			given:     []event.Event{ofAda, organization.MemberRemoved{OrganizationID: acme, UserID: ada}},
			wantError: identity.ErrKeyOrphaned,
		},
		"owner removed elsewhere": {
			given: []event.Event{ofAda, organization.MemberRemoved{OrganizationID: zeta, UserID: ada}}, want: userKey,
		},
		"owner deactivated": {given: []event.Event{ofAda, user.Deactivated{UserID: ada}}, wantError: identity.ErrKeyOrphaned},
		"owner restored": {
			given: []event.Event{ofAda, user.Deactivated{UserID: ada}, user.Restored{UserID: ada}}, want: userKey,
		},
		"owner suspended": {
			given:     []event.Event{ofAda, organization.MemberSuspended{OrganizationID: acme, UserID: ada}},
			wantError: identity.ErrKeyOrphaned,
		},
		"owner reinstated": {
			given: []event.Event{
				ofAda,
				organization.MemberSuspended{OrganizationID: acme, UserID: ada},
				organization.MemberReinstated{OrganizationID: acme, UserID: ada},
			},
			want: userKey,
		},
		"owner removed and back": {
			given: []event.Event{
				ofAda,
				organization.MemberRemoved{OrganizationID: acme, UserID: ada},
				organization.MemberJoined{OrganizationID: acme, UserID: ada, Role: access.Member},
			},
			wantError: identity.ErrKeyOrphaned,
		},
		"owner erased":         {given: []event.Event{ofAda, user.Erased{UserID: ada}}, wantError: identity.ErrKeyOrphaned},
		"organization deleted": {given: []event.Event{ofAda, organization.Deleted{OrganizationID: acme}}, wantError: identity.ErrKeyOrphaned},
		"organization key of a deleted organization": {
			given:     []event.Event{issued(key1, mine, "", time.Time{}), organization.Deleted{OrganizationID: acme}},
			wantError: identity.ErrKeyOrphaned,
		},
		"organization restored": {
			given: []event.Event{ofAda, organization.Deleted{OrganizationID: acme}, organization.Restored{OrganizationID: acme}},
			want:  userKey,
		},
		"organization purged": {
			given:     []event.Event{ofAda, organization.Deleted{OrganizationID: acme}, organization.Purged{OrganizationID: acme}},
			wantError: identity.ErrKeyOrphaned,
		},
		"malformed": {headers: http.Header{"X-Api-Key": {"pw_test_" + strings.Repeat("x", 49)}}, wantError: apikey.ErrMalformedKey},
		"nothing":   {headers: http.Header{}, wantError: identity.ErrTokenMissing},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, discard()).atAcme().given(c.given...)
			w.givenElsewhere(c.elsewhere...)
			h := c.headers
			if h == nil {
				h = keyHeader(mine)
			}
			w.expect(t, h, c.want, c.wantError)
		})
	}
}

// A key works in the environment that it was made for alone.
func TestAuthenticateAKeyOfAnotherEnvironment(t *testing.T) {
	t.Parallel()
	w := newWorld(t, discard()).atAcme()
	live, err := apikey.Mint(rand.NewChaCha8([32]byte{7}), true)
	if err != nil {
		t.Fatal(err)
	}
	test := secret(t, 1)
	w.given(issued(key1, test, "", time.Time{}), issued("key_2", live, "", time.Time{}))
	development, parts := w.Authenticator, w.parts
	parts.Live = true
	production := identity.NewAuthenticator(parts)
	for _, c := range []struct {
		at   *identity.Authenticator
		key  apikey.Secret
		want error
	}{{development, test, nil}, {development, live, identity.ErrKeyEnvironment}, {production, live, nil}, {production, test, identity.ErrKeyEnvironment}} {
		if _, err := c.at.Authenticate(t.Context(), keyHeader(c.key), nil); !errors.Is(err, c.want) {
			t.Errorf("live %t: got %v, want %v", c.key.Live(), err, c.want)
		}
	}
}

func TestAuthenticateNobodyWithoutAFreshDirectory(t *testing.T) {
	t.Parallel()
	w := newWorld(t, discard()).atAcme().given(issued(key1, secret(t, 1), ada, time.Time{}))
	w.mu.Lock()
	w.headErr = errors.New("the store is away")
	w.mu.Unlock()
	eventually(t, func() bool { return w.directory.Ready() != nil })
	eventually(t, func() bool {
		age, _ := w.directory.Age()
		return age > 2*directory.Bound
	})
	for name, h := range map[string]http.Header{"key": keyHeader(secret(t, 1)), "unknown key": keyHeader(secret(t, 2)), "token": w.token()} {
		began := time.Now()
		w.expect(t, h, access.Principal{}, directory.ErrBehind)
		if waited := time.Since(began); waited > 100*time.Millisecond {
			t.Errorf("%s: waited %v in a long outage", name, waited)
		}
	}
}

func TestAuthenticateNobodyOfWhomSomethingCannotBeRead(t *testing.T) {
	t.Parallel()
	for _, stream := range []string{"user-user_ada", "organization-org_acme", "apiKey-key_1"} {
		w := newWorld(t, discard()).atAcme().given(issued(key1, secret(t, 1), ada, time.Time{}))
		w.mu.Lock()
		blocked := w.record(nil)
		w.mu.Unlock()
		blocked.Stream = stream
		w.directory.Block(blocked)
		w.expect(t, keyHeader(secret(t, 1)), access.Principal{}, directory.ErrBehind)
		if !strings.HasPrefix(stream, "apiKey") {
			w.expect(t, w.token(), access.Principal{}, directory.ErrBehind)
		}
	}
}

func TestNothingSecretIsLoggedOrAnswered(t *testing.T) {
	t.Parallel()
	var said bytes.Buffer
	var mu sync.Mutex
	logger := slog.New(slog.NewTextHandler(lockedWriter{&mu, &said}, &slog.HandlerOptions{Level: slog.LevelDebug}))
	w := newWorld(t, logger).atAcme()
	w.given(issued(key1, secret(t, 1), ada, time.Time{}), issued("key_2", secret(t, 2), ada, time.Now()))
	token := strings.TrimPrefix(w.token().Get("Authorization"), "Bearer ")
	forged := token[:len(token)-8] + "AAAAAAAA"
	unknown := sign(t, newKey(t, "k9", jose.ES256), w.issuer.claims())
	w.issuer.set(func(i *testIssuer) { i.keysAway = true })

	secrets := []string{token, forged, unknown}
	for n := range byte(4) {
		secrets = append(secrets, secret(t, n).Reveal())
	}
	secrets = append(secrets, secret(t, 1).Reveal()[:30], "Ada@Example.com", "subject-1")
	for _, s := range secrets {
		for _, h := range []http.Header{{"Authorization": {"Bearer " + s}}, {"X-Api-Key": {s}}, {"Authorization": {s}}} {
			p, err := w.Authenticate(t.Context(), h, nil)
			mu.Lock()
			fmt.Fprintf(&said, "%v %+v %v\n", p, p, err)
			mu.Unlock()
		}
	}
	mu.Lock()
	defer mu.Unlock()
	for _, s := range secrets {
		for _, part := range strings.Split(s, ".") {
			if len(part) > 8 && strings.Contains(said.String(), part) {
				t.Errorf("said: %q", part)
			}
		}
	}
}

type lockedWriter struct {
	mu *sync.Mutex
	to *bytes.Buffer
}

func (w lockedWriter) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.to.Write(b)
}

func BenchmarkAuthenticateKey(b *testing.B) {
	w := newWorld(b, discard()).atAcme().given(issued(key1, secret(b, 1), ada, time.Time{}))
	h := keyHeader(secret(b, 1))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.Authenticate(b.Context(), h, nil); err != nil {
			b.Fatal(err)
		}
	}
}

// What anybody can invent is checked only when it can be afforded; what has been
// checked before, or is known, costs nothing.
func TestCostlyChecksMustBeAfforded(t *testing.T) {
	t.Parallel()
	tooMany := errors.New("too many")
	w := newWorld(t, slog.New(slog.DiscardHandler))
	w.given(w.registered(), issued(key1, secret(t, 1), "", time.Time{})).atAcme()
	asked := 0
	afford := func(answer error) func() error { return func() error { asked++; return answer } }
	forged := bearer(strings.TrimPrefix(w.token().Get("Authorization"), "Bearer ") + "x")
	token := w.token()
	for _, c := range []struct {
		name   string
		header http.Header
		afford error
		want   error
		asked  int
	}{
		{"an unknown key", keyHeader(secret(t, 9)), tooMany, tooMany, 1},
		{"an unknown key, afforded", keyHeader(secret(t, 9)), nil, identity.ErrKeyUnknown, 1},
		{"a known key", keyHeader(secret(t, 1)), tooMany, nil, 0},
		{"nothing", http.Header{}, tooMany, identity.ErrTokenMissing, 0},
		{"a forged token", forged, tooMany, tooMany, 1},
		{"a forged token, afforded", forged, nil, identity.ErrTokenSignature, 1},
		{"a good token", token, tooMany, tooMany, 1},
		{"a good token, afforded", token, nil, nil, 1},
		{"a good token again", token, tooMany, nil, 0},
	} {
		asked = 0
		_, err := w.Authenticate(t.Context(), c.header, afford(c.afford))
		if !errors.Is(err, c.want) || asked != c.asked {
			t.Errorf("%s: %v, asked %d times; want %v, %d times", c.name, err, asked, c.want, c.asked)
		}
	}
}
