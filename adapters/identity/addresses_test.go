package identity_test

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/user"
)

// follower notes whose addresses it was told to follow.
type follower struct {
	mu   sync.Mutex
	told []access.Principal
	errs []error // of the next calls
}

func (f *follower) follow(_ context.Context, p access.Principal) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.told = append(f.told, p)
	if len(f.errs) == 0 {
		return nil
	}
	err := f.errs[0]
	f.errs = f.errs[1:]
	return err
}

func (f *follower) calls() []access.Principal {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]access.Principal(nil), f.told...)
}

func (f *follower) fail(errs ...error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.errs = errs
}

// authenticate uses a token of Ada's, with some claims changed, n times. It
// returns what uses the same token again.
func (w *world) authenticate(n int, change func(map[string]any)) (again func(n int)) {
	w.t.Helper()
	claims := w.issuer.claims()
	change(claims)
	token := bearer(sign(w.t, w.key, claims))
	again = func(n int) {
		w.t.Helper()
		for range n {
			if _, err := w.Authenticate(w.t.Context(), token, nil); err != nil {
				w.t.Fatal(err)
			}
		}
	}
	again(n)
	return again
}

func TestVerifiedAddressesAreNoticedOncePerToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t, discard())
	background(t, w.addresses.Run)
	w.authenticate(1, func(map[string]any) {}) // not registered
	w.given(w.registered())
	for _, change := range []func(map[string]any){
		func(c map[string]any) { c["email_verified"] = false },
		func(c map[string]any) { delete(c, "email") },
		func(c map[string]any) { c["email"] = "not an address" },
		func(c map[string]any) { delete(c, "iat") },
	} {
		w.authenticate(2, change)
	}
	w.authenticate(5, func(c map[string]any) { c["email"] = "augusta@example.com" })
	eventually(t, func() bool { return len(w.calls()) > 0 })
	w.authenticate(5, func(c map[string]any) { c["email"] = "byron@example.com" })
	eventually(t, func() bool { return len(w.calls()) == 2 })
	calls := w.calls()
	if calls[0].UserID != ada || calls[0].Identity.Email.Reveal() != "augusta@example.com" || calls[1].Identity.Email.Reveal() != "byron@example.com" {
		t.Errorf("got %v and %v", calls[0].Identity.Email.Reveal(), calls[1].Identity.Email.Reveal())
	}
}

func TestAnAddressThatCannotBeFollowedIsTriedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, discard()).given()
	background(t, w.addresses.Run)
	w.given(w.registered())
	w.fail(errors.New("the store is away"))
	token := w.token()
	eventually(t, func() bool { // Nobody is locked out meanwhile.
		if _, err := w.Authenticate(t.Context(), token, nil); err != nil {
			t.Fatal(err)
		}
		return len(w.calls()) == 2
	})
	w.fail(user.ErrEmailTaken)
	use := w.authenticate(1, func(c map[string]any) { c["email"] = "taken@example.com" })
	eventually(t, func() bool { return len(w.calls()) == 3 })
	use(3)
	w.authenticate(1, func(c map[string]any) { c["email"] = "last@example.com" })
	eventually(t, func() bool { return len(w.calls()) == 4 }) // and not 5: a refusal stands
}

func TestNoticingNeverWaits(t *testing.T) {
	t.Parallel()
	w := newWorld(t, discard()) // nobody follows
	w.given(w.registered())
	began := time.Now()
	for n := range 1500 { // more than may wait
		w.authenticate(1, func(c map[string]any) { c["jti"] = strconv.Itoa(n) })
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
	if _, err := w.Authenticate(t.Context(), http.Header{}, nil); err == nil {
		t.Error("no credential is accepted")
	}
}
