package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/perfectworks/backend/adapters/eventnode/eventnodetest"
	"github.com/perfectworks/backend/adapters/eventstore"
	"github.com/perfectworks/backend/adapters/eventstore/eventstoretest"
	"github.com/perfectworks/backend/adapters/keyring"
	"github.com/perfectworks/backend/adapters/postgres"
	"github.com/perfectworks/backend/adapters/postgres/heartbeat"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/personal"
)

// killsVariable asks for more rounds than the few that the tests have time for.
const killsVariable = "WORKER_KILLS"

// A worker is killed at random points of its work: what the policies decided has
// been done in the end, once, and what a rebuild does to the read models makes no
// policy run.
func TestWorkerKilledAtRandomPoints(t *testing.T) {
	t.Parallel()
	rounds := 3
	if text := os.Getenv(killsVariable); text != "" {
		var err error
		if rounds, err = strconv.Atoi(text); err != nil {
			t.Fatalf("%s: %v", killsVariable, err)
		}
	}
	place := newInstallation(t)
	f := newFacts(t, place)
	projector := place.serve("--role", "projector")
	const members, keysOfEach = 6, 3
	revoked := 0
	for range rounds {
		worker := place.elsewhere().serve("--role", "worker")
		for range members {
			f.removeMember(keysOfEach)
		}
		point := revoked + mathrand.IntN(members*keysOfEach)
		revoked += members * keysOfEach
		eventually(t, "the point to kill the worker at", func() bool { return f.revocations() >= point })
		worker.end(syscall.SIGKILL)
	}
	last := place.elsewhere().serve("--role", "worker")
	eventually(t, "all keys are revoked", func() bool {
		return f.revocations() == revoked && f.number(`SELECT count(*) FROM jobs.river_job WHERE kind = $1 AND state = 'completed'`, policyJobs) == rounds*members
	})
	f.checkOnce(revoked)
	f.checkTakenUp(rounds)

	// Three policies follow each removal, and may come after one another.
	const policies = 3
	jobs := func() int {
		return f.number(`SELECT count(*) FROM jobs.river_job WHERE kind = ANY ($1)`, []string{
			policyJobs, "policy/revoke-late-keys-of-removed-member", "policy/leave-active-organization",
		})
	}
	before := rounds * members * policies
	eventually(t, "all policies have followed", func() bool { return jobs() == before })
	if _, stderr, code := output(t, place.settings, "projections", "rebuild", "apikeys", "--data", place.data); code != 0 {
		t.Errorf("rebuild ended with %d: %s", code, stderr)
	}
	f.removeMember(1) // What the policies see after it, they saw the rebuild before.
	eventually(t, "the last key is revoked", func() bool { return f.revocations() == revoked+1 })
	f.checkOnce(revoked + 1)
	eventually(t, "all policies have followed the last removal", func() bool { return jobs() >= before+policies })
	if made := jobs() - before; made != policies {
		t.Errorf("the rebuild and one event made %d jobs, want %d", made, policies)
	}
	for name, p := range map[string]*process{"worker": last, "projector": projector} {
		stopping := time.Now()
		p.end(syscall.SIGTERM)
		if code := p.command.ProcessState.ExitCode(); code != 0 || time.Since(stopping) > 30*time.Second {
			t.Errorf("SIGTERM ended the %s with %d after %v: %s", name, code, time.Since(stopping), p.log)
		}
	}
	if n := f.number("SELECT count(*) FROM jobs.river_job WHERE state = 'running'"); n > 0 {
		t.Errorf("%d jobs are left running", n)
	}
}

// elsewhere is the same installation on another machine, which cannot see there
// that a process was killed here.
func (i *installation) elsewhere() *installation {
	i.t.Helper()
	other := *i
	other.data = i.t.TempDir()
	other.settings = append(slices.Clip(i.settings), "PERFECTWORKS_ERASURE_JOURNAL="+filepath.Join(i.data, "erasures.journal"))
	key, err := os.ReadFile(filepath.Join(i.data, masterKey))
	if err == nil {
		err = os.WriteFile(filepath.Join(other.data, masterKey), key, 0o600)
	}
	if err != nil {
		i.t.Fatal(err)
	}
	return &other
}

const masterKey = "master.key"

const policyJobs = "policy/revoke-keys-of-removed-member"

// facts appends to the log of an installation what no operation does yet.
type facts struct {
	t        *testing.T
	db       *pgxpool.Pool
	streams  *eventstore.Streams
	commands *commands.Commands
	home     id.Organization
	people   int
}

type noObserver struct{}

// Begin implements commands.Observer.
func (noObserver) Begin(ctx context.Context, _ string, _ commands.Request) (context.Context, func(error)) {
	return ctx, func(error) {}
}

// newFacts shares the installation's database, log and keys.
func newFacts(t *testing.T, place *installation) *facts {
	t.Helper()
	f := &facts{t: t}
	var err error
	if f.db, err = postgres.Open(t.Context(), place.databaseURL(), postgres.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.db.Close)
	keeper, err := keyring.LocalKeeper(filepath.Join(place.data, masterKey))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := keyring.Open(t.Context(), f.db, keeper, keyring.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = keys.Close(), keeper.Close() })
	codec, err := eventstore.NewCodec(eventstore.Schemas(), keys)
	if err != nil {
		t.Fatal(err)
	}
	node := eventnodetest.Start(t, eventnodetest.WithPool(f.db))
	client := eventstoretest.Connect(t, eventstore.Options{URL: node.ConnectionString()})
	if f.streams, err = eventstore.NewStreams(client, codec, 0); err != nil {
		t.Fatal(err)
	}
	f.commands = commands.New(commands.Deps{Streams: f.streams, Observer: noObserver{}})
	name := "Engines"
	o, err := f.commands.CreateOrganization(t.Context(), f.request(f.person()),
		commands.CreateOrganization{Profile: organization.ProfileChange{Name: &name}})
	if err != nil {
		t.Fatal(err)
	}
	f.home = o.Value.Organization.ID
	return f
}

func (f *facts) request(p access.Principal) commands.Request {
	r := commands.Request{ID: event.ID(uuid.New()), Now: time.Now(), Principal: p}
	_, _ = rand.Read(r.Seed[:]) // It never fails.
	return r
}

func (f *facts) person() access.Principal {
	f.t.Helper()
	f.people++
	name := fmt.Sprintf("person-%d", f.people)
	p := access.Principal{Kind: access.KindUser, Identity: access.Identity{
		SubjectHash: name, Email: personal.New(name + "@example.org"), EmailHash: name, EmailVerified: true,
	}}
	u, err := f.commands.RegisterUser(f.t.Context(), f.request(p), commands.RegisterUser{FirstName: personal.New("Ada"), LastName: personal.New("L")})
	if err != nil {
		f.t.Fatal(err)
	}
	p.UserID = u.Value.User.ID
	return p
}

// removeMember lets somebody join, create keys and be removed.
func (f *facts) removeMember(keys int) {
	f.t.Helper()
	p := f.person()
	f.append(organization.MemberJoined{OrganizationID: f.home, UserID: p.UserID, Role: access.Member, OccurredAt: time.Now().UTC()})
	p.OrganizationID, p.Role = f.home, access.Member
	for range keys {
		if _, err := f.commands.IssueAPIKey(f.t.Context(), f.request(p), commands.IssueAPIKey{}); err != nil {
			f.t.Fatal(err)
		}
	}
	f.append(organization.MemberRemoved{OrganizationID: f.home, UserID: p.UserID, OccurredAt: time.Now().UTC()})
}

func (f *facts) append(e event.Event) {
	f.t.Helper()
	none := commands.Fold{Apply: func(any, event.Event) any { return nil }}
	ctx, stream := f.t.Context(), organization.Aggregate.Stream(f.home)
	at, err := f.streams.Load(ctx, stream, none, true)
	if err == nil {
		_, err = f.streams.Append(ctx, at, none, []event.Draft{{ID: event.ID(uuid.New()), Event: e, Metadata: event.Metadata{OrganizationID: string(f.home)}}})
	}
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f *facts) revocations() int {
	return f.number("SELECT count(*) FROM eventnode.events WHERE type = 'ApiKeyRevoked'")
}

// checkOnce wants each key revoked by one event, by a policy.
func (f *facts) checkOnce(want int) {
	f.t.Helper()
	if got := f.revocations(); got != want {
		f.t.Errorf("%d revocations, want %d", got, want)
	}
	for _, stream := range f.keys() {
		last, err := f.streams.Load(f.t.Context(), stream, commands.Fold{Apply: func(any, event.Event) any { return nil }}, true)
		if err != nil || last.Revision != 1 {
			f.t.Errorf("%s ends at %d, %v: it was not revoked once", stream, last.Revision, err)
		}
	}
}

func (f *facts) keys() []string {
	f.t.Helper()
	rows, err := f.db.Query(f.t.Context(), "SELECT DISTINCT stream FROM eventnode.events WHERE type = 'ApiKeyIssued'")
	if err != nil {
		f.t.Fatal(err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			f.t.Fatal(err)
		}
		all = append(all, s)
	}
	return all
}

// takenUpWithin is how long a job of a killed worker may wait, given that
// another worker runs.
const takenUpWithin = 30 * time.Second

// checkTakenUp looks at when the jobs of killed workers were taken from them,
// counted from the workers' last signs of life.
func (f *facts) checkTakenUp(kills int) {
	f.t.Helper()
	const died = "the process that worked it died"
	var jobs int
	var longest time.Duration
	err := f.db.QueryRow(f.t.Context(), `
		SELECT count(*), coalesce(max((e ->> 'at')::timestamptz - (p.alive_until - $2::interval)), '0')
		FROM jobs.river_job j, unnest(errors) AS e, processes p
		WHERE e ->> 'error' = $1 AND p.id = j.attempted_by[(e ->> 'attempt')::int]::uuid`,
		died, heartbeat.Bound).Scan(&jobs, &longest)
	if err != nil {
		f.t.Fatal(err)
	}
	if longest > takenUpWithin {
		f.t.Errorf("a job of a killed worker waited for %v", longest)
	}
	// Work by the clock may fail: no process serves the payments that it asks about.
	const others = " FROM jobs.river_job, unnest(errors) AS e WHERE e ->> 'error' <> $1 AND kind NOT LIKE 'periodic/%'"
	if other := f.number("SELECT count(*)"+others, died); other > 0 {
		var kind, reason string
		err := f.db.QueryRow(f.t.Context(), "SELECT kind, e ->> 'error'"+others+" LIMIT 1", died).Scan(&kind, &reason)
		f.t.Errorf("%d attempts failed for another reason, such as %s: %s (%v)", other, kind, reason, err)
	}
	f.t.Logf("%d workers were killed, and %d attempts with them; the longest wait was %v", kills, jobs, longest)
}

func (f *facts) number(sql string, args ...any) (n int) {
	f.t.Helper()
	if err := f.db.QueryRow(context.Background(), sql, args...).Scan(&n); err != nil {
		f.t.Fatal(err)
	}
	return n
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(90 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it did not happen: %s", what)
		}
	}
}
