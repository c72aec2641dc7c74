package projections

import (
	"context"
	"encoding/json"
	"fmt"
	"math/big"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/personal"
)

// Read models of other kinds than a table of aggregates: a ledger with its
// running balance, counters by time, statistics that several streams share, a
// history of everything.
type (
	captured struct {
		Account, Transaction string
		Tokens, BalanceAfter int64
		At                   time.Time
	}
	clicked struct { // A segment of many clicks.
		Campaign string
		Clicks   []time.Time
		Bots     int
	}
	joined struct{ Organization, User string }
	left   struct{ Organization, User string }
	acted  struct {
		ID     [16]byte
		UserID string        `json:"userId"`
		Note   personal.Text `json:"note" subject:"userId"`
		Fields map[string]any
		Cost   *big.Int
	}
)

func (captured) EventType() string { return "Captured" }
func (clicked) EventType() string  { return "Clicked" }
func (joined) EventType() string   { return "Joined" }
func (left) EventType() string     { return "Left" }
func (acted) EventType() string    { return "Acted" }

func examples() Definition {
	return Definition{
		Name: "examples", Version: 1,
		Tables: `
			CREATE TABLE accounts (id text PRIMARY KEY, balance bigint NOT NULL DEFAULT 0, spent bigint NOT NULL DEFAULT 0,
				entries integer NOT NULL DEFAULT 0);
			CREATE TABLE entries (account text, revision bigint, transaction text NOT NULL, tokens bigint NOT NULL,
				balance bigint NOT NULL, at timestamptz NOT NULL, PRIMARY KEY (account, revision));
			CREATE TABLE clicks (campaign text, quarter timestamptz, day date, clicks bigint NOT NULL DEFAULT 0,
				PRIMARY KEY (campaign, quarter));
			CREATE TABLE campaigns (id text PRIMARY KEY, bots bigint NOT NULL DEFAULT 0, last timestamptz);
			CREATE TABLE statistics (organization text PRIMARY KEY, members integer NOT NULL DEFAULT 0,
				joins integer NOT NULL DEFAULT 0, cost numeric NOT NULL DEFAULT 0);
			CREATE TABLE history (id uuid PRIMARY KEY, at timestamptz NOT NULL, user_id text NOT NULL, note text NOT NULL,
				actor_id text NOT NULL, address text NOT NULL, fields jsonb);`,
		Indexes: "CREATE INDEX entries_at ON entries (account, at, revision); CREATE INDEX history_user ON history (user_id, at);",
		Personal: []Personal{
			{Table: "history", Subject: "user_id", Columns: []string{"note"}},
			{Table: "history", Subject: "actor_id", Columns: []string{"address"}},
		},
		Reducers: Join(
			// The balance is carried in the event; what was spent in all is counted.
			On(func(e captured, r event.Recorded) []Change {
				account := Row{"id": e.Account}
				return []Change{
					Merge("accounts", account, Row{"balance": e.BalanceAfter}),
					Add("accounts", account, Row{"spent": e.Tokens, "entries": 1}),
					Put("entries", Row{"account": e.Account, "revision": r.Revision}, Row{
						"transaction": e.Transaction, "tokens": -e.Tokens, "balance": e.BalanceAfter, "at": e.At,
					}),
				}
			}),
			On(func(e clicked, _ event.Recorded) []Change {
				campaign := Row{"id": e.Campaign}
				changes := []Change{
					Merge("campaigns", campaign, Row{"last": e.Clicks[len(e.Clicks)-1]}),
					Add("campaigns", campaign, Row{"bots": e.Bots}),
				}
				for _, at := range e.Clicks {
					quarter := Row{"campaign": e.Campaign, "quarter": at.Truncate(15 * time.Minute)}
					changes = append(changes, Merge("clicks", quarter, Row{"day": at}), Add("clicks", quarter, Row{"clicks": 1}))
				}
				return changes
			}),
			On(func(e joined, _ event.Recorded) []Change {
				return []Change{Add("statistics", Row{"organization": e.Organization}, Row{"members": 1, "joins": 1})}
			}),
			On(func(e left, _ event.Recorded) []Change {
				return []Change{Add("statistics", Row{"organization": e.Organization}, Row{"members": -1})}
			}),
			On(func(e acted, r event.Recorded) []Change {
				return []Change{
					Put("history", Row{"id": e.ID}, Row{
						"at": r.Time, "user_id": e.UserID, "note": e.Note.Reveal(), "fields": e.Fields,
						"actor_id": r.Metadata.ActorUserID, "address": r.Metadata.ClientAddress.Reveal(),
					}),
					Add("statistics", Row{"organization": "all"}, Row{"cost": e.Cost}),
				}
			}),
		),
	}
}

var someExample = rapid.Custom(func(t *rapid.T) event.Event {
	name := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "name")
	n := rapid.IntRange(1, 1000).Draw(t, "n")
	at := time.Date(2026, 1, 1, 0, n, 0, 0, time.UTC)
	switch rapid.IntRange(0, 4).Draw(t, "type") {
	case 0:
		return captured{name, fmt.Sprint("transaction_", n), int64(n), int64(1000 - n), at}
	case 1:
		return clicked{name, []time.Time{at, at.Add(time.Minute), at.Add(20 * time.Minute)}, n % 3}
	case 2:
		return joined{name, "user"}
	case 3:
		return left{name, "user"}
	default:
		return acted{
			ID: [16]byte{byte(n), byte(n >> 8)}, UserID: name, Note: personal.New("by " + name),
			Fields: map[string]any{"n": json.Number(fmt.Sprint(n)), "name": name}, Cost: big.NewInt(int64(n)),
		}
	}
})

func TestLedgersCountersStatisticsAndHistories(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := newHarness(t)
	events := rapid.SliceOfN(someExample, 200, 200).Example(int(time.Now().UnixNano() % 1e9))
	var tokens, clicks, members int
	for i, e := range events {
		switch e := e.(type) {
		case captured:
			tokens += int(e.Tokens)
		case clicked:
			clicks += len(e.Clicks)
		case joined:
			members++
		case left:
			members--
		}
		h.log.AppendWith(event.Metadata{ActorUserID: []string{"a", "b"}[i%2], ClientAddress: personal.New("192.0.2.1")}, fmt.Sprint(e.EventType(), "-1"), e)
	}
	config := h.config(examples())
	config.Live.MaxEvents, config.Rebuild.MaxEvents = 7, 60
	e := h.engine(config)
	h.run(e)
	last, _ := h.log.Head(ctx)
	h.waitFor(e, "examples", last)
	for what, want := range map[string]int{
		"coalesce(sum(spent), 0) FROM examples.accounts":     tokens,
		"coalesce(sum(clicks), 0) FROM examples.clicks":      clicks,
		"coalesce(sum(members), 0) FROM examples.statistics": members,
	} {
		if got := h.count("SELECT " + what); got != want {
			t.Errorf("%s: %d, want %d", what, got, want)
		}
	}
	if n := h.count("SELECT count(*) FROM projection.parked"); n != 0 {
		t.Errorf("%d events are parked", n)
	}
	h.log.Erase("a")
	if err := e.Erase(ctx, "a"); err != nil {
		t.Fatal(err)
	}
	live := h.dump("examples")
	if err := e.Rebuild(ctx, "examples", func(BuildProgress) {}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(live, h.dump("examples")); diff != "" {
		t.Errorf("the rebuilt tables differ (-live +rebuilt):\n%.2000s", diff)
	}
}
