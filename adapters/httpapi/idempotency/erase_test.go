package idempotency

import (
	"testing"

	"github.com/perfectworks/backend/domain/id"
)

// A person's requests go, the answers in their organizations too, also of what
// was under way; and nothing else.
func TestErase(t *testing.T) {
	t.Parallel()
	store, _ := newStore(t)
	of := func(key, person string, organization id.Organization) Request {
		r := request
		r.Key, r.Person, r.Organization = key, person, organization
		return r
	}
	own, before := of("own", "user_1", ""), of("before", "hash_1", "")
	shared, running, foreign := of("shared", "user_2", "org_1"), of("running", "user_2", "org_1"), of("foreign", "user_2", "org_2")
	nobody := of("nobody", "", "")
	for _, r := range []Request{own, before, shared, foreign, nobody} {
		if err := store.Finish(t.Context(), begin(t, store, r), created); err != nil {
			t.Fatal(err)
		}
	}
	underWay := begin(t, store, running)
	if err := store.Erase(t.Context(), []string{"user_1", "hash_1", ""}, []id.Organization{"org_1", ""}); err != nil {
		t.Fatal(err)
	}
	if err := store.Finish(t.Context(), underWay, created); err != nil {
		t.Fatal(err)
	}
	for _, r := range []Request{own, before} {
		if a := begin(t, store, r); a.Retry {
			t.Errorf("the request %s is still known", r.Key)
		}
	}
	// The same command runs again, and finds what it has written.
	if a := begin(t, store, shared); !a.Retry {
		t.Error("the request of another person is forgotten")
	}
	if n := answers(t, store); n != 2 {
		t.Errorf("%d answers are left, want those of another organization and of nobody", n)
	}
}

func answers(t *testing.T, store *Store) (n int) {
	t.Helper()
	if err := store.pool.QueryRow(t.Context(), "SELECT count(*) FROM idempotency.requests WHERE answer IS NOT NULL").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
