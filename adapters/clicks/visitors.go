package clicks

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// keepSalts is how long a salt lives after its day has begun.
const keepSalts = 2 * 24 * time.Hour

// Sealer encrypts what is stored of no subject.
type Sealer interface {
	Seal(purpose string, plaintext, additionalData []byte) []byte
	Open(purpose string, sealed, additionalData []byte) ([]byte, error)
}

const saltPurpose = "salt of visitors"

// Visitors tells visitors apart, on one UTC day each. It is safe for concurrent
// use.
type Visitors struct {
	pool   *pgxpool.Pool
	sealer Sealer
	window time.Duration

	mu    sync.RWMutex
	salts map[string][]byte // by day
}

// NewVisitors returns one on a database. A visitor who comes again to a link within
// the window is not counted again.
func NewVisitors(pool *pgxpool.Pool, sealer Sealer, window time.Duration) *Visitors {
	return &Visitors{pool: pool, sealer: sealer, window: window, salts: map[string][]byte{}}
}

func dayOf(at time.Time) string { return at.UTC().Format(time.DateOnly) }

// Key is the hash by which a visitor of a link is known on the day of a time. While
// the day's salt cannot be read, it is one that no other process knows.
func (v *Visitors) Key(at time.Time, link, address, agent string) string {
	day := dayOf(at)
	v.mu.RLock()
	salt := v.salts[day]
	v.mu.RUnlock()
	if salt == nil {
		v.mu.Lock()
		if salt = v.salts[day]; salt == nil {
			salt = newSalt()
			v.salts[day] = salt
		}
		v.mu.Unlock()
	}
	mac := hmac.New(sha256.New, salt)
	_, _ = fmt.Fprintf(mac, "%s\n%s\n%s", link, address, agent)
	return hex.EncodeToString(mac.Sum(nil)[:12])
}

func newSalt() []byte {
	salt := make([]byte, 32)
	_, _ = rand.Read(salt) // It never fails.
	return salt
}

// Refresh reads the salts of today and tomorrow, which it creates if no process
// has, and destroys old ones with all that was stored under them.
func (v *Visitors) Refresh(ctx context.Context, now time.Time) error {
	for _, day := range []string{dayOf(now), dayOf(now.Add(24 * time.Hour))} {
		fresh := v.sealer.Seal(saltPurpose, newSalt(), []byte(day))
		var stored []byte
		err := v.pool.QueryRow(ctx, `WITH made AS (
			INSERT INTO referral_salts (day, salt) VALUES ($1, $2) ON CONFLICT (day) DO NOTHING RETURNING salt)
			SELECT salt FROM made UNION ALL SELECT salt FROM referral_salts WHERE day = $1 LIMIT 1`, day, fresh).Scan(&stored)
		if errors.Is(err, pgx.ErrNoRows) { // Another process created it at this moment.
			err = v.pool.QueryRow(ctx, "SELECT salt FROM referral_salts WHERE day = $1", day).Scan(&stored)
		}
		if err != nil {
			return fmt.Errorf("read the salt of a day: %w", err)
		}
		salt, err := v.sealer.Open(saltPurpose, stored, []byte(day))
		if err != nil {
			return fmt.Errorf("read the salt of a day: %w", err)
		}
		v.mu.Lock()
		v.salts[day] = salt
		v.mu.Unlock()
	}
	return v.forget(ctx, now)
}

func (v *Visitors) forget(ctx context.Context, now time.Time) error {
	oldest := dayOf(now.Add(-keepSalts))
	v.mu.Lock()
	for day := range v.salts {
		if day <= oldest {
			delete(v.salts, day)
		}
	}
	v.mu.Unlock()
	for _, table := range []string{"referral_salts", "referral_visitors"} {
		if _, err := v.pool.Exec(ctx, "DELETE FROM "+table+" WHERE day <= $1", oldest); err != nil {
			return fmt.Errorf("destroy salts of days past: %w", err)
		}
	}
	return nil
}

// visit is a click that would be counted.
type visit struct {
	click   string
	at      time.Time
	link    string
	visitor string
}

// seen is what is known of a visitor after a visit.
type seen struct {
	// counted says that this visit counts, first that it is the first of the day.
	counted, first bool
}

// known is what is stored of a visitor of a link on a day.
type known struct {
	firstClick, countedClick string
	countedAt                time.Time
}

// note notes visits in their order, and returns what is known after each. Noting
// the same ones again gives the same. The database is asked once for each visitor,
// unless a visit comes after the window of the one that was counted.
func (v *Visitors) note(ctx context.Context, visits []visit) ([]seen, error) {
	type key struct{ day, link, visitor string }
	keyOf := func(at visit) key { return key{dayOf(at.at), at.link, at.visitor} }
	all := make([]seen, len(visits))
	tx, err := v.pool.Begin(ctx)
	if err != nil {
		return nil, fmt.Errorf("note visits: %w", err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	stored := map[key]*known{}
	for next := 0; next < len(visits); {
		// The next visits of which nothing is known that decides.
		batch := &pgx.Batch{}
		asked := map[key]bool{}
		end := next
		for ; end < len(visits); end++ {
			at := visits[end]
			k := keyOf(at)
			if asked[k] {
				if at.at.Sub(visits[next].at) >= v.window {
					break // What is asked for now may not decide it.
				}
				continue
			}
			if s := stored[k]; s != nil && at.at.Add(-v.window).Before(s.countedAt) {
				continue
			}
			asked[k] = true
			batch.Queue(`INSERT INTO referral_visitors AS v (day, link, visitor, first_click, counted_click, counted_at)
				VALUES ($1, $2, $3, $4, $4, $5)
				ON CONFLICT (day, link, visitor) DO UPDATE SET
					counted_click = CASE WHEN v.counted_at <= $6 THEN excluded.counted_click ELSE v.counted_click END,
					counted_at = CASE WHEN v.counted_at <= $6 THEN excluded.counted_at ELSE v.counted_at END
				RETURNING counted_click, first_click, counted_at`,
				k.day, k.link, k.visitor, at.click, at.at, at.at.Add(-v.window)).QueryRow(func(row pgx.Row) error {
				s := &known{}
				stored[k] = s
				return row.Scan(&s.countedClick, &s.firstClick, &s.countedAt)
			})
		}
		if batch.Len() > 0 {
			if err := tx.SendBatch(ctx, batch).Close(); err != nil {
				return nil, fmt.Errorf("note visits: %w", err)
			}
		}
		for begin := next; next < end; next++ {
			at := visits[next]
			s := stored[keyOf(at)]
			if next > begin && !at.at.Add(-v.window).Before(s.countedAt) && s.countedClick != at.click {
				break // Its window is over: it is asked for next.
			}
			all[next] = seen{counted: s.countedClick == at.click, first: s.firstClick == at.click}
		}
	}
	if err := tx.Commit(ctx); err != nil {
		return nil, fmt.Errorf("note visits: %w", err)
	}
	return all, nil
}
