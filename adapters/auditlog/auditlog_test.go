package auditlog_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perfectworks/backend/adapters/auditlog"
	"github.com/perfectworks/backend/domain"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/personal"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

var errUnreadable = errors.New("it cannot be decoded")

// memory is a log.
type memory struct {
	events []event.Recorded
	broken map[int]bool
}

func (m *memory) add(stream string, e event.Event, metadata event.Metadata) event.Recorded {
	n, revision := len(m.events)+1, event.Revision(0)
	for _, other := range m.events {
		if other.Stream == stream {
			revision++
		}
	}
	r := event.Recorded{
		ID: event.ID{byte(n)}, Stream: stream, Revision: revision, Position: event.Position{Commit: uint64(n * 10), Prepare: uint64(n * 10)},
		Time: start.Add(time.Duration(n) * time.Minute), Event: e, Metadata: metadata,
	}
	m.events = append(m.events, r)
	return r
}

func (m *memory) reader() *auditlog.Reader {
	return &auditlog.Reader{
		Read: func(_ context.Context, from, upTo event.Position, each func(event.Recorded, error) error) error {
			for i, r := range m.events {
				if r.Position.Compare(from) < 0 || r.Position.Compare(upTo) > 0 {
					continue
				}
				var err error
				if m.broken[i] {
					r.Event, err = nil, errUnreadable
				}
				if err := each(r, err); err != nil {
					return err
				}
			}
			return nil
		},
		Undecodable: func(err error) bool { return errors.Is(err, errUnreadable) },
		Head: func(context.Context) (event.Position, error) {
			return event.Position{Commit: uint64(len(m.events) * 10), Prepare: uint64(len(m.events) * 10)}, nil
		},
		Events: m.stream, Facts: m.stream,
		Kinds: domain.Aggregates(),
	}
}

func (m *memory) stream(_ context.Context, stream string) iter.Seq2[event.Recorded, error] {
	return func(yield func(event.Recorded, error) bool) {
		for _, r := range m.events {
			if r.Stream == stream && !yield(r, nil) {
				return
			}
		}
	}
}

const stream = "organization-org_1"

// someLog is an organization that two people join, by requests r1 and r2.
func someLog() *memory {
	m := &memory{broken: map[int]bool{}}
	by := func(request, command, cause string) event.Metadata {
		return event.Metadata{
			ActorKind: event.ActorUser, ActorID: "user_1", ActorUserID: "user_1", OrganizationID: "org_1",
			RequestID: request, CorrelationID: request, CausationID: command, CauseEventID: cause, ClientAddress: personal.New("192.0.2.7"),
		}
	}
	m.add(stream, organization.Registered{OrganizationID: "org_1", Name: "Acme", Email: personal.New("secret@example.org"), Slug: "acme", OccurredAt: start}, by("r1", "c1", ""))
	joined := m.add(stream, organization.MemberJoined{OrganizationID: "org_1", UserID: "user_1", Role: access.Owner, OccurredAt: start}, by("r1", "c1", ""))
	policy := by("", "c2", joined.ID.String())
	policy.CorrelationID, policy.ActorKind, policy.ActorID = "r1", event.ActorPolicy, "grant"
	m.add("user-user_1", organization.Restored{OrganizationID: "org_1"}, policy)
	m.add(stream, organization.MemberJoined{OrganizationID: "org_1", UserID: "user_2", Role: access.Member, OccurredAt: start}, by("r2", "c3", ""))
	return m
}

func TestLog(t *testing.T) {
	t.Parallel()
	m := someLog()
	m.broken[2] = true
	r, ctx := m.reader(), t.Context()
	end := event.Position{Commit: 1000}
	for name, c := range map[string]struct {
		filter auditlog.Filter
		want   int
	}{
		"all": {auditlog.Filter{}, 4}, "organization": {auditlog.Filter{Organization: "org_1"}, 4}, "another": {auditlog.Filter{Organization: "org_2"}, 0},
		"actor": {auditlog.Filter{Actor: "grant"}, 1}, "person": {auditlog.Filter{Actor: "user_1"}, 4},
		"category": {auditlog.Filter{Aggregate: "organization"}, 3}, "stream": {auditlog.Filter{Aggregate: "user-user_1"}, 1},
		"type": {auditlog.Filter{Type: "MemberJoined"}, 2}, "correlation": {auditlog.Filter{Correlation: "r1"}, 3},
		"since": {auditlog.Filter{Since: start.Add(2 * time.Minute)}, 3}, "until": {auditlog.Filter{Until: start.Add(2 * time.Minute)}, 1},
	} {
		n, text := 0, ""
		if err := r.Log(ctx, c.filter, event.Position{}, end, func(e auditlog.Entry) error {
			line, err := json.Marshal(e)
			n, text = n+1, text+string(line)
			return err
		}); err != nil || n != c.want {
			t.Errorf("%s: %d events, want %d, %v", name, n, c.want, err)
		}
		if strings.Contains(text, "secret@") || strings.Contains(text, "192.0.2.7") {
			t.Errorf("%s shows data about people: %s", name, text)
		}
		if name == "all" && (!strings.Contains(text, `"failure":"it cannot be decoded"`) || !strings.Contains(text, `"name":"Acme"`)) {
			t.Errorf("%s", text)
		}
	}
	if err := r.Log(ctx, auditlog.Filter{}, m.events[1].Position, end, func(e auditlog.Entry) error {
		if e.Position == m.events[1].Position.String() {
			t.Error("the position to begin after is included")
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

func TestStates(t *testing.T) {
	t.Parallel()
	r, ctx := someLog().reader(), t.Context()
	members := func(s auditlog.State) int {
		state, _ := s.State.(map[string]any)
		all, _ := state["members"].(map[string]any)
		return len(all)
	}
	at := func(n event.Revision) auditlog.Point { return auditlog.Point{Revision: &n} }
	for name, c := range map[string]struct {
		point             auditlog.Point
		revision, members int
	}{
		"now": {auditlog.Point{}, 2, 2}, "revision": {at(1), 1, 1}, "beyond": {at(99), 2, 2},
		"time": {auditlog.Point{Time: start.Add(2 * time.Minute)}, 1, 1}, "before": {auditlog.Point{Time: start}, -1, 0},
	} {
		s, err := r.State(ctx, stream, c.point)
		if err != nil || s.Revision != int64(c.revision) || members(s) != c.members || (s.Time == nil) != (c.revision < 0) {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
		if text := fmt.Sprintf("%+v", s); strings.Contains(text, "secret@") {
			t.Errorf("%s shows data about people: %s", name, text)
		}
	}
	if _, err := r.State(ctx, "organization-org_9", auditlog.Point{}); !errors.Is(err, auditlog.ErrNoStream) {
		t.Error(err)
	}
	if _, err := r.State(ctx, "dream-1", auditlog.Point{}); !errors.Is(err, auditlog.ErrNoKind) {
		t.Error(err)
	}
	var steps []string
	var last any
	if err := r.Replay(ctx, stream, func(e auditlog.Entry, before, after any) error {
		if diff := cmp.Diff(last, before); diff != "" {
			t.Errorf("%s begins with another state: %s", e.Type, diff)
		}
		steps, last = append(steps, e.Type), after
		return nil
	}); err != nil || !cmp.Equal(steps, []string{"OrganizationRegistered", "MemberJoined", "MemberJoined"}) {
		t.Errorf("%v, %v", steps, err)
	}
	if now, _ := r.State(ctx, stream, auditlog.Point{}); !cmp.Equal(now.State, last) {
		t.Errorf("the last step is not the state now: %s", cmp.Diff(now.State, last))
	}
}

func TestTrace(t *testing.T) {
	t.Parallel()
	m := someLog()
	r := m.reader()
	jobs := func(_ context.Context, events []string) (map[string][]auditlog.Job, error) {
		if len(events) != 3 {
			t.Errorf("asked for the jobs of %v", events)
		}
		return map[string][]auditlog.Job{m.events[1].ID.String(): {{ID: 7, Kind: "policy/grant", State: "completed"}}}, nil
	}
	around := auditlog.Around{Jobs: jobs, Webhooks: func(_ context.Context, entries []auditlog.Entry) ([]*auditlog.Webhook, error) {
		return nil, nil
	}}
	for _, id := range []string{"r1", "c1", "c2", m.events[1].ID.String(), m.events[2].ID.String()} {
		roots, err := r.Trace(t.Context(), id, around)
		if err != nil || len(roots) != 1 || len(roots[0].Events) != 2 {
			t.Fatalf("%s: %+v, %v", id, roots, err)
		}
		joined := roots[0].Events[1]
		if roots[0].ID != "c1" || len(joined.Jobs) != 1 || len(joined.Commands) != 1 || joined.Commands[0].ActorID != "grant" || len(joined.Commands[0].Events) != 1 {
			t.Errorf("%s: %+v", id, joined)
		}
	}
	if _, err := r.Trace(t.Context(), "nothing", around); !errors.Is(err, auditlog.ErrNoTrace) {
		t.Error(err)
	}
}

// What a webhook sets in motion is below the event that it answers; where that is not in
// the trace, the webhook is at the top.
func TestTraceOverWebhooks(t *testing.T) {
	t.Parallel()
	m := someLog()
	m.add(stream, organization.Restored{OrganizationID: "org_1"}, event.Metadata{CorrelationID: "c9", CausationID: "c9", ActorKind: event.ActorPolicy, ActorID: "follow"})
	opened, last := m.events[0].ID.String(), m.events[len(m.events)-1].ID.String()
	around := auditlog.Around{
		Jobs: func(context.Context, []string) (map[string][]auditlog.Job, error) { return nil, nil },
		Webhooks: func(_ context.Context, entries []auditlog.Entry) ([]*auditlog.Webhook, error) {
			w := &auditlog.Webhook{ID: "evt_1", CommandID: "c9"}
			for _, e := range entries {
				if e.ID == opened || e.ID == last && w.Answers == "" {
					w.Answers = e.ID
				}
			}
			silent := &auditlog.Webhook{ID: "evt_2", CommandID: "c10", Answers: w.Answers}
			return []*auditlog.Webhook{w, silent}, nil
		},
	}
	roots, err := m.reader().Trace(t.Context(), "r1", around)
	if err != nil || len(roots) != 1 || len(roots[0].Events[0].Webhooks) != 2 {
		t.Fatalf("%+v, %v", roots, err)
	}
	first, second := roots[0].Events[0].Webhooks[0], roots[0].Events[0].Webhooks[1]
	if first.ID != "evt_1" || len(first.Commands) != 1 || first.Commands[0].Events[0].Type != "OrganizationRestored" || second.ID != "evt_2" || len(second.Commands) != 0 {
		t.Errorf("%+v, %+v", first, second)
	}
	if roots, err = m.reader().Trace(t.Context(), "c9", around); err != nil || len(roots) != 1 || roots[0].Webhook == nil || roots[0].Webhook.ID != "evt_1" || len(roots[0].Webhook.Commands) != 0 {
		t.Errorf("%+v, %v", roots, err)
	}
}

func TestFollow(t *testing.T) {
	t.Parallel()
	m := someLog()
	r := m.reader()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	began := make(chan struct{})
	head := r.Head
	asked := 0
	r.Head = func(ctx context.Context) (event.Position, error) {
		if asked++; asked == 2 { // Both calls are of one goroutine, that of Follow.
			close(began)
			m.add(stream, organization.Restored{OrganizationID: "org_1"}, event.Metadata{})
		}
		return head(ctx)
	}
	var got []string
	err := r.Follow(ctx, auditlog.Filter{}, func(e auditlog.Entry) error {
		got = append(got, e.Type)
		cancel()
		return nil
	})
	<-began
	if err != nil || !cmp.Equal(got, []string{"OrganizationRestored"}) {
		t.Errorf("%v, %v", got, err)
	}
}

func TestPlainNamesFieldsAsJSONDoes(t *testing.T) {
	t.Parallel()
	got := auditlog.Plain(struct {
		ID, LogoURL, URLPath, Name string
		SecretHash                 string
		Named                      int `json:"other"`
	}{"1", "2", "3", "4", "secret", 5})
	if diff := cmp.Diff(map[string]any{"id": "1", "logoURL": "2", "urlPath": "3", "name": "4", "other": 5}, got); diff != "" {
		t.Error(diff)
	}
}
