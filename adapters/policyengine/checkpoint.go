package policyengine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/perfectworks/backend/commands/policies"
	"github.com/perfectworks/backend/domain/event"
)

var (
	errNotOwner = errors.New("another process runs the policies")
	errFenced   = errors.New("a policy was advanced or stopped by somebody else")
)

// queryTimeout bounds the questions of this package to the database.
const queryTimeout = 5 * time.Second

// owner is the ownership of the policies at an epoch: every change of a position
// names it.
type owner struct{ epoch int64 }

// acquire takes the ownership, unless a living process has it.
func (e *Engine) acquire(ctx context.Context) (owner, error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	var o owner
	err := e.config.Pool.QueryRow(ctx, `
		UPDATE policy.owner SET process = $1, epoch = epoch + 1
		WHERE (process IS NULL OR process = $1 OR NOT process_alive(process)) AND process_alive($1)
		RETURNING epoch`, e.config.Process).Scan(&o.epoch)
	if errors.Is(err, pgx.ErrNoRows) {
		return owner{}, errNotOwner
	}
	if err != nil {
		return owner{}, fmt.Errorf("take the ownership of the policies: %w", err)
	}
	return o, nil
}

// release lets another process take over at once. Without it the ownership
// lapses with the heartbeat.
func (e *Engine) release(ctx context.Context, o owner) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	_, err := e.config.Pool.Exec(ctx, "UPDATE policy.owner SET process = NULL WHERE process = $1 AND epoch = $2", e.config.Process, o.epoch)
	if err != nil {
		e.config.Logger.DebugContext(ctx, "the ownership of the policies lapses by itself", slog.Any("error", err))
	}
}

// watch returns when the ownership is lost, or an operator has started a policy
// anew.
func (e *Engine) watch(ctx context.Context, o owner) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(e.config.StandBy):
		}
		var epoch int64
		err := e.config.Pool.QueryRow(ctx, "SELECT epoch FROM policy.owner WHERE process = $1", e.config.Process).Scan(&epoch)
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			return errNotOwner
		case err == nil && epoch != o.epoch:
			return errRegroup
		}
	}
}

// Begin gives each policy that has never run its position; it changes no other.
// Every process does this before it serves, whether it runs policies or not:
// what it records is then reacted to by a process that starts later. The
// position is on disk before the policy runs: "now" is chosen once, by the first
// process.
func (e *Engine) Begin(ctx context.Context) error {
	known, err := e.checkpoints(ctx)
	if err != nil {
		return err
	}
	for _, p := range e.config.Policies {
		if _, begun := known[p.Name]; begun {
			continue
		}
		begun, err := e.place(ctx, p.Name, p.Start, "DO NOTHING")
		if err != nil {
			return err
		}
		if begun {
			e.config.Logger.InfoContext(ctx, "a policy begins for the first time",
				slog.String("policy", p.Name), slog.String("start", p.Start.String()))
		}
	}
	return nil
}

// Start puts a policy at a position, whether it has run before, is stopped, or
// is new. Events before the position are not reacted to; those after it are,
// again where they have been before, which their ids make harmless for commands.
func (e *Engine) Start(ctx context.Context, name string, start policies.Start) error {
	if _, known := e.policies[name]; !known {
		return fmt.Errorf("%w: %s", ErrUnknownPolicy, name)
	}
	_, err := e.place(ctx, name, start, `DO UPDATE SET
		commit_position = excluded.commit_position, prepare_position = excluded.prepare_position,
		last_event_id = NULL, last_event_commit = NULL, last_event_prepare = NULL,
		log = NULL, last_stream = NULL, last_revision = NULL,
		began_from = excluded.began_from, began_at = now(), caught_up = false, stopped = NULL, stopped_at = NULL`)
	if err != nil {
		return err
	}
	// The process that runs the policies begins anew with the new position.
	if _, err := e.config.Pool.Exec(ctx, "UPDATE policy.owner SET epoch = epoch + 1"); err != nil {
		return fmt.Errorf("start policy %s: %w", name, err)
	}
	return nil
}

// ErrUnknownPolicy says that this program has no policy of the name.
var ErrUnknownPolicy = errors.New("there is no such policy")

// place stores a policy's position, and tells whether it did. Known is what
// happens when it has one.
func (e *Engine) place(ctx context.Context, name string, start policies.Start, known string) (bool, error) {
	position := start.Position
	if start.Now() {
		var err error
		if position, err = e.config.Head(ctx); err != nil {
			return false, fmt.Errorf("start policy %s: %w", name, err)
		}
	}
	at := stored(position)
	tag, err := e.config.Pool.Exec(ctx, `
		INSERT INTO policy.checkpoints (policy, commit_position, prepare_position, began_from)
		VALUES ($1, $2::text::numeric, $3::text::numeric, $4) ON CONFLICT (policy) `+known,
		name, at.commit, at.prepare, start.String())
	if err != nil {
		return false, fmt.Errorf("start policy %s: %w", name, err)
	}
	return tag.RowsAffected() == 1, nil
}

// checkpoint is how far a policy has come.
type checkpoint struct {
	policy string
	// mark is how far, and by what the log is recognised.
	mark      event.Mark
	lastAt    time.Time
	beganFrom string
	beganAt   time.Time
	jobs      int64
	caughtUp  bool
	advanced  time.Time
	stopped   string
}

func (e *Engine) checkpoints(ctx context.Context) (map[string]checkpoint, error) {
	rows, err := e.config.Pool.Query(ctx, `
		SELECT policy, commit_position::text, prepare_position::text, coalesce(log, ''),
			last_event_id, coalesce(last_event_commit, 0)::text, coalesce(last_event_prepare, 0)::text,
			coalesce(last_stream, ''), coalesce(last_revision, 0), last_event_at,
			began_from, began_at, jobs, caught_up, advanced_at, coalesce(stopped, '')
		FROM policy.checkpoints`)
	if err != nil {
		return nil, fmt.Errorf("read the positions of the policies: %w", err)
	}
	all := map[string]checkpoint{}
	var c checkpoint
	var at, lastAt storedPosition
	var lastID pgtype.UUID
	var lastTime, advanced pgtype.Timestamptz
	_, err = pgx.ForEachRow(rows, []any{
		&c.policy, &at.commit, &at.prepare, &c.mark.Log,
		&lastID, &lastAt.commit, &lastAt.prepare, &c.mark.Last.Stream, &c.mark.Last.Revision, &lastTime,
		&c.beganFrom, &c.beganAt, &c.jobs, &c.caughtUp, &advanced, &c.stopped,
	}, func() (err error) {
		if c.mark.Position, err = at.position(); err != nil {
			return err
		}
		if c.mark.Last.Position, err = lastAt.position(); err != nil {
			return err
		}
		c.mark.Last.ID, c.lastAt, c.advanced = event.ID(lastID.Bytes), lastTime.Time.UTC(), advanced.Time.UTC()
		all[c.policy] = c
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the positions of the policies: %w", err)
	}
	return all, nil
}

// group are policies that share a subscription.
type group struct {
	members []member
	// mark is that of the member that has seen most.
	mark   event.Mark
	lastAt time.Time
}

type member struct {
	policy policies.Policy
	// position is the one in the database, last that of the last event that the
	// member has seen; zero when it has seen none since it began.
	position, last event.Position
}

// groups are the policies to be run: first those that had caught up, or stand
// where the foremost does, then each that is behind by itself. Stopped ones are
// in none.
func (e *Engine) groups(ctx context.Context) ([]group, error) {
	all, err := e.checkpoints(ctx)
	if err != nil {
		return nil, err
	}
	var front event.Position
	for name := range e.policies {
		if c := all[name]; c.stopped == "" && c.mark.Position.Compare(front) > 0 {
			front = c.mark.Position
		}
	}
	var together group
	var behind []group
	for _, p := range e.config.Policies {
		switch c := all[p.Name]; {
		case c.stopped != "":
		case c.caughtUp, c.mark.Position == front:
			together.add(p, c)
		default:
			var alone group
			alone.add(p, c)
			behind = append(behind, alone)
		}
	}
	if len(together.members) == 0 {
		return behind, nil
	}
	return append([]group{together}, behind...), nil
}

func (g *group) add(p policies.Policy, c checkpoint) {
	g.members = append(g.members, member{p, c.mark.Position, c.mark.Last.Position})
	if len(g.members) == 1 || c.mark.Last.Position.Compare(g.mark.Last.Position) > 0 {
		g.mark, g.lastAt = c.mark, c.lastAt
	}
}

// position is where the subscription begins: some members may have been further.
func (g *group) position(recognised *event.Position) event.Position {
	least := g.members[0].after(recognised)
	for _, m := range g.members[1:] {
		if at := m.after(recognised); at.Compare(least) < 0 {
			least = at
		}
	}
	return least
}

// after is where the member goes on: at its own position, unless the log is
// recognised only up to an earlier one. Between the two was nothing of ours, unless
// the member has not begun there: it never goes back beyond its beginning.
func (m member) after(recognised *event.Position) event.Position {
	if recognised != nil && recognised.Compare(m.position) < 0 && !m.last.IsZero() {
		return *recognised
	}
	return m.position
}

// advance moves the positions of those members of a group that have not been
// further, in the transaction of their jobs, which it counts by policy. The
// positions are compared with those before, and the owner with its epoch, so
// that of two processes one alone gets through.
func (o owner) advance(ctx context.Context, tx pgx.Tx, from group, to event.Mark, lastAt time.Time, jobs map[string]int64, live bool) error {
	var names, commits, prepares []string
	var counts []int64
	var seen []bool // whether the last event is the member's too: it began before
	for _, m := range from.members {
		if m.position.Compare(to.Position) > 0 {
			continue
		}
		at := stored(m.position)
		names, commits, prepares = append(names, m.policy.Name), append(commits, at.commit), append(prepares, at.prepare)
		counts, seen = append(counts, jobs[m.policy.Name]), append(seen, to.Last.Position.Compare(m.position) > 0)
	}
	after, last := stored(to.Position), stored(to.Last.Position)
	tag, err := tx.Exec(ctx, `
		UPDATE policy.checkpoints c SET
			commit_position = $5::text::numeric, prepare_position = $6::text::numeric,
			last_event_id = CASE WHEN seen THEN $7::uuid ELSE last_event_id END,
			last_event_commit = CASE WHEN seen THEN $8::text::numeric ELSE last_event_commit END,
			last_event_prepare = CASE WHEN seen THEN $9::text::numeric ELSE last_event_prepare END,
			last_event_at = CASE WHEN seen THEN $10 ELSE last_event_at END,
			last_stream = CASE WHEN seen THEN $13 ELSE last_stream END,
			last_revision = CASE WHEN seen THEN $14 ELSE last_revision END,
			log = nullif($15, ''),
			jobs = c.jobs + n.jobs, caught_up = c.caught_up OR $11, advanced_at = clock_timestamp()
		FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $16::bool[]) AS n (policy, at_commit, at_prepare, jobs, seen)
		WHERE c.policy = n.policy AND c.stopped IS NULL
			AND c.commit_position = n.at_commit::numeric AND c.prepare_position = n.at_prepare::numeric
			AND EXISTS (SELECT FROM policy.owner WHERE epoch = $12)`,
		names, commits, prepares, counts, after.commit, after.prepare,
		uuid.UUID(to.Last.ID), last.commit, last.prepare, nullTime(lastAt), live, o.epoch,
		to.Last.Stream, to.Last.Revision, to.Log, seen)
	if err != nil {
		return fmt.Errorf("advance policies: %w", err)
	}
	if tag.RowsAffected() != int64(len(names)) {
		return errFenced
	}
	return nil
}

func nullTime(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t
}

// storedPosition reads and writes a position as two numerics in their text form,
// for no integer type of Postgres holds an unsigned 64-bit number.
type storedPosition struct{ commit, prepare string }

func stored(p event.Position) storedPosition {
	return storedPosition{strconv.FormatUint(p.Commit, 10), strconv.FormatUint(p.Prepare, 10)}
}

func (s storedPosition) position() (event.Position, error) {
	commit, err := strconv.ParseUint(s.commit, 10, 64)
	if err != nil {
		return event.Position{}, fmt.Errorf("read a position: %w", err)
	}
	prepare, err := strconv.ParseUint(s.prepare, 10, 64)
	if err != nil {
		return event.Position{}, fmt.Errorf("read a position: %w", err)
	}
	return event.Position{Commit: commit, Prepare: prepare}, nil
}
