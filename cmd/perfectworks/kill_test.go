package main

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// issue is one attempt to issue a key, under an Idempotency-Key of its own.
type issue struct {
	idempotencyKey string
	acknowledged   bool
	answer         answer
}

func (i *issue) try(ctx context.Context, c caller) error {
	a, err := c.do(ctx, http.MethodPost, "/api-keys", fmt.Sprintf(`{"description": "%s"}`, i.idempotencyKey), i.idempotencyKey)
	if err == nil && a.Status == http.StatusCreated {
		i.acknowledged, i.answer = true, a
	}
	return err
}

// Whatever was acknowledged survives kill -9 of the server under load; what was
// not can be repeated, and nothing is there twice; and the read models are what
// a rebuild from the log makes of it.
func TestKilledUnderLoad(t *testing.T) {
	t.Parallel()
	place := newInstallation(t)
	first := place.serve()
	ada := caller{first.api, place.token("ada")}
	ada.settle(t)

	attempts := killUnderLoad(t, first, ada)
	killed := time.Now()

	second := place.serve()
	ada.api = second.api
	acknowledged := 0
	var retries sync.WaitGroup
	for _, i := range attempts {
		if !i.acknowledged {
			retries.Go(func() { retryAtOnce(t, ada, i) })
		} else {
			acknowledged++
		}
	}
	retries.Wait()
	t.Logf("the longest gap, restart included: %v, of %d writers", time.Since(killed), len(attempts)-acknowledged)
	for _, i := range attempts {
		if i.acknowledged {
			ada.must(t, http.StatusOK, http.MethodGet, "/api-keys/"+i.answer.Data.ID, "")
			checkKeyWorks(t, ada.api, i.answer.Data.Key)
			checkReplayed(t, ada, i)
		}
	}
	if acknowledged == 0 || acknowledged == len(attempts) {
		t.Fatalf("%d of %d attempts were acknowledged: the kill did not come under load", acknowledged, len(attempts))
	}
	db := connect(t, place)
	for what, want := range map[string]int{
		`SELECT count(*) FROM apikeys.keys`:                                           len(attempts),
		`SELECT count(*) FROM eventnode.events WHERE type = 'ApiKeyIssued'`:           len(attempts),
		`SELECT count(*) - count(DISTINCT description) FROM apikeys.keys`:             0,
		`SELECT count(*) FROM eventnode.events WHERE type = 'UserRegistered'`:         1,
		`SELECT count(*) FROM eventnode.events WHERE type = 'OrganizationRegistered'`: 1,
	} {
		if got := number(t, db, what); got != want {
			t.Errorf("%s gives %d, want %d", what, got, want)
		}
	}
	for _, name := range []string{"users", "organizations", "apikeys"} {
		checkRebuildEqual(t, place, db, name)
	}
}

// killUnderLoad lets many writers issue keys until the server, killed in the
// midst of it, answers no more.
func killUnderLoad(t *testing.T, server *process, c caller) []*issue {
	t.Helper()
	const writers, killAfter = 16, 300
	var (
		mu    sync.Mutex
		all   []*issue
		wg    sync.WaitGroup
		acked = make(chan struct{}, 1<<16)
	)
	for w := range writers {
		wg.Go(func() {
			for n := 0; ; n++ {
				i := &issue{idempotencyKey: "load-" + strconv.Itoa(w) + "-" + strconv.Itoa(n)}
				mu.Lock()
				all = append(all, i)
				mu.Unlock()
				if i.try(t.Context(), c) != nil {
					return
				}
				acked <- struct{}{}
			}
		})
	}
	for range killAfter {
		<-acked
	}
	server.end(syscall.SIGKILL)
	wg.Wait()
	return all
}

// retryAtOnce repeats an attempt. What the killed process had under way is
// nobody's any more for a server in the same folder: it need not be waited for.
func retryAtOnce(t *testing.T, c caller, i *issue) {
	t.Helper()
	if err := i.try(t.Context(), c); err != nil {
		t.Error(err)
	} else if !i.acknowledged {
		t.Errorf("%s, repeated after the kill, was not acknowledged at once", i.idempotencyKey)
	}
}

func checkReplayed(t *testing.T, c caller, i *issue) {
	t.Helper()
	former := i.answer
	if err := i.try(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if !i.answer.Replayed || i.answer.Data != former.Data {
		t.Fatalf("%s, repeated, gave another answer", i.idempotencyKey)
	}
}

func checkKeyWorks(t *testing.T, api, key string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, api+"/users/active-organization", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-API-Key", key)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("a key that was issued is answered %d", response.StatusCode)
	}
}

func connect(t *testing.T, place *installation) *pgx.Conn {
	t.Helper()
	db, err := pgx.Connect(t.Context(), place.databaseURL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close(context.Background()) })
	return db
}

func number(t *testing.T, db *pgx.Conn, query string) (n int) {
	t.Helper()
	if err := db.QueryRow(t.Context(), query).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

// checkRebuildEqual is checkSame for a projection that has no empty tables.
func checkRebuildEqual(t *testing.T, place *installation, db *pgx.Conn, name string) {
	t.Helper()
	for _, table := range checkSame(t, place, db, name) {
		if n := number(t, db, `SELECT count(*) FROM `+table); n == 0 {
			t.Errorf("%s is empty", table)
		}
	}
}

// checkSame rebuilds a projection beside the running server, by the command for it,
// and compares the tables that it replaced with the new ones, whose names it returns.
func checkSame(t *testing.T, place *installation, db *pgx.Conn, name string) (checked []string) {
	t.Helper()
	if _, stderr, code := output(t, place.settings, "projections", "rebuild", name, "--data", place.data); code != 0 {
		t.Fatalf("rebuild %s ended with %d: %s", name, code, stderr)
	}
	var former string
	if err := db.QueryRow(t.Context(), `SELECT projection || '_g' || id FROM projection.generations
		WHERE projection = $1 AND state = 'retired'`, name).Scan(&former); err != nil {
		t.Fatalf("find the former generation of %s: %v", name, err)
	}
	rows, err := db.Query(t.Context(), `SELECT tablename FROM pg_tables WHERE schemaname = $1`, name)
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(tables) == 0 {
		t.Fatalf("%s has the tables %v (%v)", name, tables, err)
	}
	for _, table := range tables {
		live, old := pgx.Identifier{name, table}.Sanitize(), pgx.Identifier{former, table}.Sanitize()
		query := fmt.Sprintf(`SELECT count(*) FROM ((TABLE %[1]s EXCEPT TABLE %[2]s) UNION ALL (TABLE %[2]s EXCEPT TABLE %[1]s)) d`, live, old)
		if n := number(t, db, query); n != 0 {
			t.Errorf("%d rows of %s differ from a rebuild", n, live)
		}
		checked = append(checked, live)
	}
	return checked
}
