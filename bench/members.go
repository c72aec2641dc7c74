package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"github.com/perfectworks/backend/adapters/eventstore"
	"github.com/perfectworks/backend/adapters/identity"
	"github.com/perfectworks/backend/adapters/keyring"
	"github.com/perfectworks/backend/adapters/postgres"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/personal"
	"github.com/perfectworks/backend/domain/user"
)

const (
	// joinedOrganizations are joined in turn, and joinsPerSecond is more than any
	// machine gets done: so many people are invited.
	joinedOrganizations = 1000
	joinsPerSecond      = 1500
	// listedMembers is how many members the organization has whose members are
	// listed.
	listedMembers = 10_000
	// removals is how many members are removed, one after another.
	removals = 100
)

// measureMembers measures how people join, are listed and are removed.
func measureMembers(ctx context.Context, p plan) (rows []measurement, err error) {
	databaseURL, drop, err := freshDatabase(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, drop()) }()
	data, remove, err := dataFolder()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, remove()) }()
	config := childConfig{Kind: serverChild, DatabaseURL: databaseURL, Data: data}
	err = withChild(ctx, config, func(server *child) error {
		api := "http://" + server.Address + "/api/v0"
		return withLog(ctx, databaseURL, data, func(l *memberLog) error {
			joins, err := l.measureJoins(ctx, p, api)
			if err != nil {
				return fmt.Errorf("join: %w", err)
			}
			lists, err := l.measureLists(ctx, p, api)
			if err != nil {
				return fmt.Errorf("list members: %w", err)
			}
			rows = append([]measurement{joins}, lists...)
			config.Role = "api"
			return withChild(ctx, config, func(second *child) error {
				row, err := l.measureRemovals(ctx, api, "http://"+second.Address+"/api/v0")
				rows = append(rows, row)
				return err
			})
		})
	})
	return rows, err
}

// memberLog writes people and organizations into the log of an installation, as its
// servers would.
type memberLog struct {
	pool   *pgxpool.Pool
	data   string
	issuer string
	keys   *keyring.Keyring
	codec  *eventstore.Codec
	events *eventstore.Client
}

func withLog(ctx context.Context, databaseURL, data string, run func(*memberLog) error) (err error) {
	pool, err := postgres.Open(ctx, databaseURL, postgres.Options{MaxConns: 16})
	if err != nil {
		return err
	}
	defer pool.Close()
	keeper, err := keyring.LocalKeeper(filepath.Join(data, "master.key"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, keeper.Close()) }()
	l := &memberLog{pool: pool, data: data}
	if l.keys, err = keyring.Open(ctx, pool, keeper, keyring.Options{Logger: slog.New(slog.DiscardHandler)}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.keys.Close()) }()
	if l.codec, err = eventstore.NewCodec(eventstore.Schemas(), l.keys); err != nil {
		return err
	}
	token, err := identity.MintToken(data, "any", "", false, time.Minute)
	if err != nil {
		return err
	}
	if l.issuer, err = issuerOf(token); err != nil {
		return err
	}
	return withNode(ctx, pool, func(_ *child, client *eventstore.Client) error {
		l.events = client
		return run(l)
	})
}

// issuerOf reads who issued a token.
func issuerOf(token string) (string, error) {
	_, rest, _ := strings.Cut(token, ".")
	payload, _, _ := strings.Cut(rest, ".")
	text, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		return "", err
	}
	var claims struct {
		Issuer string `json:"iss"`
	}
	return claims.Issuer, json.Unmarshal(text, &claims)
}

// begin writes the events of a new stream, of an organization if one is named.
func (l *memberLog) begin(ctx context.Context, stream string, home id.Organization, events ...event.Event) error {
	const together = 500
	at := event.NoStream
	for len(events) > 0 {
		part := events[:min(len(events), together)]
		events = events[len(part):]
		encoded := make([]esdb.EventData, len(part))
		for i, e := range part {
			var err error
			if encoded[i], err = l.codec.Encode(ctx, event.Draft{
				ID: event.ID(uuid.New()), Event: e, Metadata: event.Metadata{OrganizationID: string(home)},
			}); err != nil {
				return err
			}
		}
		if _, _, err := l.events.Append(ctx, stream, at, encoded); err != nil {
			return err
		}
		at += event.Revision(len(part))
	}
	return nil
}

// guest is a person with an account, who is invited to one organization.
type guest struct {
	id         id.User
	token      string
	emailHash  string
	invitation id.Invitation
}

// people registers n people.
func (l *memberLog) people(ctx context.Context, prefix string, n int) ([]guest, error) {
	all := make([]guest, n)
	at := time.Now().UTC().Truncate(time.Millisecond)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(32)
	for i := range all {
		group.Go(func() error {
			name := fmt.Sprintf("%s-%d", prefix, i)
			email := name + "@example.org"
			source := id.Source{Now: at, Entropy: rand.Reader}
			var err, invitationErr, tokenErr error
			g := guest{emailHash: l.keys.Hash(identity.PurposeEmail, email)}
			g.id, err = id.New[id.User](source)
			g.invitation, invitationErr = id.New[id.Invitation](source)
			g.token, tokenErr = identity.MintToken(l.data, name, email, true, time.Hour)
			if err := errors.Join(err, invitationErr, tokenErr); err != nil {
				return err
			}
			all[i] = g
			return l.begin(ctx, user.Aggregate.Stream(g.id), "", user.Registered{
				UserID: g.id, SubjectHash: l.keys.Hash(identity.PurposeSubject, l.issuer+"\n"+name),
				EmailHash: g.emailHash, Email: personal.New(email), EmailVerified: true,
				FirstName: personal.New("Grace"), LastName: personal.New("Hopper " + name), OccurredAt: at,
			})
		})
	}
	return all, group.Wait()
}

// organization begins one with an owner.
func (l *memberLog) organization(ctx context.Context, owner id.User, more ...event.Event) (id.Organization, error) {
	at := time.Now().UTC().Truncate(time.Millisecond)
	name, err := id.New[id.Organization](id.Source{Now: at, Entropy: rand.Reader})
	if err != nil {
		return "", err
	}
	events := []event.Event{
		organization.Registered{OrganizationID: name, Name: "Measured", Slug: strings.ReplaceAll(string(name), "_", "-"), CreatedBy: owner, OccurredAt: at},
		organization.MemberJoined{OrganizationID: name, UserID: owner, Role: access.Owner, OccurredAt: at},
	}
	for _, e := range more {
		switch e := e.(type) {
		case organization.MemberInvited:
			e.OrganizationID = name
			events = append(events, e)
		case organization.MemberJoined:
			e.OrganizationID = name
			events = append(events, e)
		}
	}
	return name, l.begin(ctx, organization.Aggregate.Stream(name), name, events...)
}

func invitationTo(g guest, by id.User) organization.MemberInvited {
	at := time.Now().UTC().Truncate(time.Millisecond)
	return organization.MemberInvited{
		InvitationID: g.invitation, EmailHash: g.emailHash, Role: access.Viewer, InvitedBy: by,
		ExpireAt: at.Add(organization.InvitationLife), OccurredAt: at,
	}
}

// as calls an API as somebody.
func as(g guest, api string) client { return client{http: newHTTPClient(), api: api, token: g.token} }

// measureJoins compares joining, by people without an organization, with bare
// appends: a join takes two, the membership and the active organization.
func (l *memberLog) measureJoins(ctx context.Context, p plan, api string) (measurement, error) {
	row := measurement{
		What: fmt.Sprintf("join over HTTP, %d connections, %d organizations", connections, joinedOrganizations), Unit: "joins/s",
		LimitedBy: "bare append", Aim: 0.35,
	}
	n := int(float64(joinsPerSecond) * (slice + slice/10).Seconds() * float64(p.rounds+1))
	guests, err := l.people(ctx, "guest", n)
	if err != nil {
		return row, err
	}
	owners, err := l.people(ctx, "host", joinedOrganizations)
	if err != nil {
		return row, err
	}
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(16)
	for i, owner := range owners {
		group.Go(func() error {
			var invited []event.Event
			for j := i; j < n; j += joinedOrganizations {
				invited = append(invited, invitationTo(guests[j], owner.id))
			}
			_, err := l.organization(groupCtx, owner.id, invited...)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return row, err
	}
	if err := l.awaitMails(ctx, n); err != nil {
		return row, err
	}
	c := client{http: newHTTPClient(), api: api}
	defer c.http.CloseIdleConnections()
	var next atomic.Int64
	join := func(ctx context.Context, _ int) error {
		i := int(next.Add(1)) - 1
		if i >= n {
			return errors.New("there are not enough invitations")
		}
		_, err := c.do(ctx, http.MethodPost, "/organization-members/join", `{"invitationId":"`+string(guests[i].invitation)+`"}`,
			http.Header{"Authorization": {"Bearer " + guests[i].token}})
		return err
	}
	compared, err := compare(ctx, p.rounds, driven(connections, join), bareAppends(l.events, connections))
	return row.from(compared), err
}

// awaitMails waits until the jobs of all invitations are done, which are no part of
// joining. The read models know of the invitations then, too.
func (l *memberLog) awaitMails(ctx context.Context, invitations int) error {
	for {
		var done int
		if err := l.pool.QueryRow(ctx, "SELECT count(*) FROM jobs.river_job WHERE kind = 'policy/send-invitation' AND state = 'completed'").Scan(&done); err != nil {
			return err
		}
		if done >= invitations {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// actIn makes an organization the active one, once the server knows of it: it may
// have thousands of events to read that were just written.
func (c client) actIn(ctx context.Context, home id.Organization) error {
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		_, err := c.do(ctx, http.MethodPut, "/users/active-organization", `{"organizationId":"`+string(home)+`"}`, c.bearer())
		if err == nil || time.Now().After(deadline) {
			return err
		}
	}
}

// measureLists measures the pages of a long list of members with their names, the
// first and the last, by the time of joining.
func (l *memberLog) measureLists(ctx context.Context, p plan, api string) ([]measurement, error) {
	guests, err := l.people(ctx, "member", listedMembers)
	if err != nil {
		return nil, err
	}
	joined := make([]event.Event, 0, len(guests)-1)
	for i, g := range guests[1:] {
		joined = append(joined, organization.MemberJoined{
			UserID: g.id, Role: access.Member, OccurredAt: time.Now().UTC().Truncate(time.Millisecond).Add(time.Duration(i-listedMembers) * time.Second),
		})
	}
	home, err := l.organization(ctx, guests[0].id, joined...)
	if err != nil {
		return nil, err
	}
	c := as(guests[0], api)
	defer c.http.CloseIdleConnections()
	if err := c.actIn(ctx, home); err != nil {
		return nil, err
	}
	var last string
	for deadline := time.Now().Add(time.Minute); last == ""; {
		var err error
		if last, err = c.lastPage(ctx); err != nil && time.Now().After(deadline) {
			return nil, err
		}
	}
	var rows []measurement
	for _, page := range []struct{ name, query string }{{"first", firstPage}, {"last", last}} {
		done, err := drive(ctx, 1, p.lasting, func(ctx context.Context, _ int) error {
			_, err := c.do(ctx, http.MethodGet, "/organization-members?"+page.query, "", c.bearer())
			return err
		})
		if err != nil {
			return nil, err
		}
		rows = append(rows, measurement{
			What: fmt.Sprintf("list members of %d, %s page", listedMembers, page.name), Unit: "requests/s", Value: done.perSecond(),
			P50: percentile(done.Latencies, .5), P99: percentile(done.Latencies, .99), AimP99: 20,
		})
	}
	return rows, nil
}

const firstPage = "limit=100"

// lastPage follows the cursors to the last page of all members.
func (c client) lastPage(ctx context.Context) (query string, err error) {
	query = firstPage
	for pages, seen := 1, 0; ; pages++ {
		body, err := c.do(ctx, http.MethodGet, "/organization-members?"+query, "", c.bearer())
		if err != nil {
			return "", err
		}
		var answer struct {
			Data struct {
				Items      []struct{ FirstName string }
				Pagination struct {
					NextCursor string `json:"nextCursor"`
				}
			}
		}
		if err := json.Unmarshal(body, &answer); err != nil {
			return "", err
		}
		for _, item := range answer.Data.Items {
			if item.FirstName != "" {
				seen++
			}
		}
		if answer.Data.Pagination.NextCursor == "" {
			if seen != listedMembers {
				return "", fmt.Errorf("%d members with a name on %d pages, want %d", seen, pages, listedMembers)
			}
			return query, nil
		}
		query = firstPage + "&cursor=" + url.QueryEscape(answer.Data.Pagination.NextCursor)
	}
}

// measureRemovals measures how long after a removal was asked for at one server the
// member's key is refused at another one.
func (l *memberLog) measureRemovals(ctx context.Context, api, second string) (measurement, error) {
	row := measurement{What: "removal until the key is refused, two processes", Unit: "removals/s", AimP50: 100, AimP99: 1000}
	guests, err := l.people(ctx, "leaver", removals+1)
	if err != nil {
		return row, err
	}
	var joined []event.Event
	for _, g := range guests[1:] {
		joined = append(joined, organization.MemberJoined{UserID: g.id, Role: access.Member, OccurredAt: time.Now().UTC().Truncate(time.Millisecond)})
	}
	home, err := l.organization(ctx, guests[0].id, joined...)
	if err != nil {
		return row, err
	}
	owner := as(guests[0], api)
	defer owner.http.CloseIdleConnections()
	if err := owner.actIn(ctx, home); err != nil {
		return row, err
	}
	var took []time.Duration
	began := time.Now()
	for _, g := range guests[1:] {
		member := client{http: owner.http, api: second, token: g.token}
		if err := member.actIn(ctx, home); err != nil {
			return row, err
		}
		key, err := member.issue(ctx)
		if err != nil {
			return row, err
		}
		member.key = key.Data.Key
		if status, err := member.withKey(ctx); err != nil || status != http.StatusOK {
			return row, fmt.Errorf("a key of a member is answered %d: %w", status, err)
		}
		asked := time.Now()
		if _, err := owner.do(ctx, http.MethodDelete, "/organization-members/"+string(g.id), "", owner.bearer()); err != nil {
			return row, err
		}
		for {
			status, err := member.withKey(ctx)
			if err != nil {
				return row, err
			}
			if status == http.StatusUnauthorized {
				break
			}
			if time.Since(asked) > time.Minute {
				return row, errors.New("the key of a removed member works")
			}
			time.Sleep(time.Millisecond)
		}
		took = append(took, time.Since(asked))
	}
	row.Value = float64(len(took)) / time.Since(began).Seconds()
	row.P50, row.P99 = percentile(took, .5), percentile(took, .99)
	return row, nil
}

// withKey asks something with the key, and returns the status of the answer.
func (c client) withKey(ctx context.Context) (status int, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.api+"/users/active-organization", nil)
	if err != nil {
		return 0, err
	}
	request.Header.Set("X-Api-Key", c.key)
	response, err := c.http.Do(request)
	if err != nil {
		return 0, err
	}
	return response.StatusCode, response.Body.Close()
}
