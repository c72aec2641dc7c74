package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/perfectworks/backend/adapters/eventstore"
	"github.com/perfectworks/backend/adapters/eventstore/snapshots"
	"github.com/perfectworks/backend/adapters/postgres"
	"github.com/perfectworks/backend/adapters/statement"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/tokenaccount"
	"github.com/perfectworks/backend/migrations"
	"github.com/perfectworks/backend/projections/tokens"
)

const (
	spenders      = 64
	spentAccounts = 1000
	// leastSpent is how many operations a second one account must take in any case.
	leastSpent = 2000
)

// measureTokens compares reserving and capturing tokens with updating balances,
// and a statement with a copy of its rows.
func measureTokens(ctx context.Context, p plan) ([]measurement, error) {
	var rows []measurement
	for _, at := range []struct {
		accounts int
		aim      float64
		least    float64
	}{{1, 3, leastSpent}, {spentAccounts, 0.7, 0}} {
		row := measurement{
			What: fmt.Sprintf("reserve and capture tokens, %d callers on %s", spenders, plural(at.accounts, "account")),
			Unit: "operations/s", LimitedBy: "updates of as many balances, each committed by itself", Aim: at.aim, Least: at.least,
		}
		err := withDatabase(ctx, spenders+16, func(pool *pgxpool.Pool) error {
			if err := postgres.Migrate(ctx, pool, migrations.App, migrations.AppTable); err != nil {
				return err
			}
			updates, err := bareBalances(ctx, pool, at.accounts)
			if err != nil {
				return err
			}
			return withNode(ctx, pool, func(_ *child, client *eventstore.Client) error {
				spending, err := spendTokens(ctx, pool, client, at.accounts)
				if err != nil {
					return err
				}
				c, err := compare(ctx, p.rounds, spending, updates)
				row = row.from(c)
				return err
			})
		})
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	row, err := measureStatement(ctx, p)
	return append(rows, row), err
}

func bareBalances(ctx context.Context, pool *pgxpool.Pool, accounts int) (side, error) {
	if _, err := pool.Exec(ctx, `CREATE TABLE balances (id bigint PRIMARY KEY, balance bigint NOT NULL CHECK (balance >= 0))`); err != nil {
		return nil, err
	}
	if _, err := pool.Exec(ctx, `INSERT INTO balances SELECT i, 1000000000 FROM generate_series(1, $1::bigint) i`, accounts); err != nil {
		return nil, err
	}
	return driven(spenders, func(ctx context.Context, _ int) error {
		_, err := pool.Exec(ctx, `UPDATE balances SET balance = balance - 1 WHERE id = $1`, 1+rand.IntN(accounts)) //nolint:gosec // No secret.
		return err
	}), nil
}

// spendTokens is a side on which each caller reserves and captures in turn: two
// operations.
func spendTokens(ctx context.Context, pool *pgxpool.Pool, client *eventstore.Client, accounts int) (side, error) {
	codec, err := eventstore.NewCodec(eventstore.Schemas(), noKeys{})
	if err != nil {
		return nil, err
	}
	streams, err := eventstore.NewStreams(client, codec, 0)
	if err != nil {
		return nil, err
	}
	table, err := snapshots.NewTable(pool)
	if err != nil {
		return nil, err
	}
	streams.KeepSnapshots(table)
	do := commands.New(commands.Deps{Streams: streams, Observer: unobserved{}, Turns: postgres.NewTurns(pool)})
	organizations := make([]id.Organization, accounts)
	for i := range organizations {
		organizations[i] = id.FromUUID[id.Organization](uuid.New())
	}
	for _, organization := range organizations {
		if err == nil {
			_, err = do.GrantTokens(ctx, tokenRequest(organization), commands.GrantTokens{
				Grant: reference("grant"), Source: tokenaccount.SourcePurchase, Amount: tokenaccount.MaxAmount,
			})
		}
	}
	if err != nil {
		return nil, err
	}
	type open struct {
		organization id.Organization
		reservation  tokenaccount.Reference
	}
	var next atomic.Int64
	held := make([]*open, spenders)
	return driven(spenders, func(ctx context.Context, worker int) error {
		if h := held[worker]; h != nil {
			held[worker] = nil
			_, err := do.CaptureTokens(ctx, tokenRequest(h.organization), commands.CaptureTokens{Reservation: h.reservation, Amount: 1})
			return err
		}
		h := &open{organizations[rand.IntN(accounts)], reference("op " + strconv.FormatInt(next.Add(1), 10))} //nolint:gosec // No secret.
		_, err := do.ReserveTokens(ctx, tokenRequest(h.organization), commands.ReserveTokens{
			Reference: h.reservation, Amount: 2, Purpose: "accessibility", Hold: time.Hour,
		})
		if err == nil {
			held[worker] = h
		}
		return err
	}), nil
}

func reference(name string) tokenaccount.Reference {
	return tokenaccount.Reference{ID: name, At: time.Now().UTC().Truncate(time.Millisecond)}
}

func tokenRequest(organization id.Organization) commands.Request {
	return commands.Request{
		ID: event.ID(uuid.New()), Now: time.Now().UTC(),
		Principal: access.ByPolicy("bench", organization, access.SpendTokens, access.GrantTokens),
	}
}

type unobserved struct{}

func (unobserved) Begin(ctx context.Context, _ string, _ commands.Request) (context.Context, func(error)) {
	return ctx, func(error) {}
}

// statementMemory bounds how far the heap may grow while a statement of any
// length is written, in bytes.
const statementMemory = 64 << 20

// measureStatement compares the statement of a long account with a copy of its
// rows, each into a file.
func measureStatement(ctx context.Context, p plan) (measurement, error) {
	row := measurement{
		What: fmt.Sprintf("statement of %d entries as CSV", p.events),
		Unit: "entries/s", LimitedBy: "COPY of the same rows to a file", Aim: 0.5,
	}
	err := withDatabase(ctx, 8, func(pool *pgxpool.Pool) error {
		if err := fillTransactions(ctx, pool, p.events); err != nil {
			return err
		}
		private, err := statement.NewKey()
		if err != nil {
			return err
		}
		keys, err := statement.ReadKeys(private)
		if err != nil {
			return err
		}
		queries, grown := tokens.NewQueries(pool), uint64(0)
		writing := intoFile(p.events, func(ctx context.Context, w io.Writer) error {
			of, err := queries.Statement(ctx, "org_1", tokens.Period{})
			if err != nil {
				return err
			}
			grew := watchHeap()
			err = statement.Write(w, statement.Subject{OrganizationID: "org_1"}, of, keys, time.Now())
			grown = max(grown, grew())
			return err
		})
		copying := intoFile(p.events, func(ctx context.Context, w io.Writer) error {
			conn, err := pool.Acquire(ctx)
			if err != nil {
				return err
			}
			defer conn.Release()
			_, err = conn.Conn().PgConn().CopyTo(ctx, w, `COPY (
				SELECT 'entry', sequence, occurred_at, event_type, movements,
					issued, available, held, frozen, consumed, expired, clawed_back, debt, details, hash
				FROM tokens.transactions WHERE organization_id = 'org_1' ORDER BY sequence) TO STDOUT (FORMAT csv)`)
			return err
		})
		c, err := compare(ctx, min(p.rounds, 3), writing, copying)
		if err == nil && grown > statementMemory {
			err = fmt.Errorf("the heap grew by %d MiB while a statement was written", grown>>20)
		}
		row = row.from(c)
		return err
	})
	return row, err
}

// fillTransactions creates the read model's tables with one long account.
func fillTransactions(ctx context.Context, pool *pgxpool.Pool, entries int) error {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	d := tokens.Definition()
	for _, sql := range []string{
		"CREATE SCHEMA tokens", "SET search_path = tokens", d.Tables,
		fmt.Sprintf(`INSERT INTO transactions SELECT 'org_1', i, 'txn_' || i, 'capture', 1, 'op ' || i, '', 'accessibility', 'file_' || i,
			'user_1', 'policy', 'bench', '', null, '2026-01-01T00:00:00Z'::timestamptz + make_interval(secs => i * 0.001),
			'held=-2 consumed=1 available=1', -1000000000, 999999000 - i, 0, 0, i, 0, 0, 0,
			'[{"grant": {"id": "grant", "at": "2026-01-01T00:00:00Z"}, "held": -2, "free": 1}]', 'TokensCaptured',
			concat_ws(E'\t', 'capture', 'op ' || i || '@2026-01-01T00:00:00.000Z', '1'), md5(i::text) || md5((-i)::text), i, i
			FROM generate_series(1, %d) i`, entries),
		d.Indexes, "RESET search_path", "VACUUM ANALYZE tokens.transactions",
	} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("fill a token account: %w", err)
		}
	}
	return nil
}

// intoFile is a side that writes so many rows into a file.
func intoFile(rows int, write func(context.Context, io.Writer) error) side {
	return func(ctx context.Context) (_ load, err error) {
		file, err := os.CreateTemp("", "bench-*.csv")
		if err != nil {
			return load{}, err
		}
		defer func() { err = errors.Join(err, file.Close(), os.Remove(file.Name())) }()
		started := time.Now()
		if err := write(ctx, file); err != nil {
			return load{}, err
		}
		return load{Count: rows, Took: time.Since(started)}, nil
	}
}

// watchHeap measures by how much the live heap grows until the function that it
// returns is called.
func watchHeap() (grew func() uint64) {
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	done, most := make(chan struct{}), make(chan uint64)
	go func() {
		highest := before.HeapAlloc
		for {
			select {
			case <-done:
				most <- highest - before.HeapAlloc
				return
			case <-time.After(50 * time.Millisecond):
				var now runtime.MemStats
				runtime.ReadMemStats(&now)
				highest = max(highest, now.HeapAlloc)
			}
		}
	}()
	return func() uint64 { close(done); return <-most }
}
