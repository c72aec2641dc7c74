package httpapi_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

func email(address string, verified bool) func(*tokenOptions) {
	return func(o *tokenOptions) { o.email, o.verified = address, verified }
}

// becomes waits until somebody's account has an address, as verified or not.
func (p *person) becomes(address string, verified bool) {
	p.t.Helper()
	var got answer
	eventually(p.t, func() bool {
		got = p.get("/users/profile")
		data := got.data(p.t, 200)
		return data["email"] == address && data["emailVerified"] == verified
	}, func() string { return string(got.body) })
}

const signUp = `{"firstName":"A","lastName":"B"}`

// An address that is not verified blocks nobody, and tells nothing of its owner.
func TestAnUnverifiedAddressBlocksNobodyAndTellsNothing(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	squatter := &person{server: s, bearer: s.token("squatter", email("ada@example.org", false))}
	before := squatter.post("/users/client", signUp)
	if before.data(t, 201)["emailVerified"] != false {
		t.Errorf("got %s", before.body)
	}
	ada := &person{server: s, bearer: s.token("ada", email("Ada@Example.org", true))}
	ada.post("/users/client", signUp).data(t, 201)

	// The answer is the same now that the address has an owner.
	late := &person{server: s, bearer: s.token("late", email("ada@example.org", false))}
	after := late.post("/users/client", signUp)
	after.data(t, 201)
	for name := range before.header {
		if _, there := after.header[name]; !there || len(before.header) != len(after.header) {
			t.Errorf("the headers differ: %v, %v", before.header, after.header)
		}
	}
	if len(before.body) != len(after.body) {
		t.Errorf("the answers differ: %s, %s", before.body, after.body)
	}

	// Who has it verified too is told so, and is not locked out.
	rival := &person{server: s, bearer: s.token("rival", email("ada@example.org", true))}
	rival.post("/users/client", signUp).refused(t, "409 EMAIL_TAKEN")
	squatter.bearer = s.token("squatter", email("ada@example.org", true))
	squatter.get("/users/profile").data(t, 200)
	squatter.put("/users/profile", `{"firstName":"Still here"}`).data(t, 200)
	eventually(t, func() bool { return strings.Contains(s.logs.String(), `"reason":"EMAIL_TAKEN"`) }, s.logs.String)
	squatter.becomes("ada@example.org", false)
	if strings.Contains(s.logs.String(), "example.org") {
		t.Errorf("an address is logged: %s", s.logs)
	}
}

// A newly verified or changed address is followed at the next token, by any
// request, with its reservation.
func TestAddressesAreFollowed(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ada := &person{server: s, bearer: s.token("ada", email("one@example.org", false))}
	ada.post("/users/client", signUp).data(t, 201)
	old := s.token("ada", email("one@example.org", true))
	ada.bearer = s.token("ada", email("one@example.org", true))
	ada.becomes("one@example.org", true)
	bob := &person{server: s, bearer: s.token("bob", email("one@example.org", true))}
	bob.post("/users/client", signUp).refused(t, "409 EMAIL_TAKEN")

	ada.bearer = s.token("ada", email("two@example.org", true))
	ada.becomes("two@example.org", true)
	bob.post("/users/client", signUp).data(t, 201) // the former one is free

	// Tokens from before, and what is not verified, bring nothing back.
	ada.bearer = old
	ada.get("/users/profile").data(t, 200)
	ada.bearer = s.token("ada", email("three@example.org", false))
	ada.get("/users/profile").data(t, 200)
	ada.bearer = s.token("ada", email("four@example.org", true))
	ada.becomes("four@example.org", true)
}

func TestRegistrationNeedsAnAddressThatIsOne(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for address, want := range map[string]string{
		"":                    "422 EMAIL_MISSING",
		"ada":                 "422 EMAIL_INVALID",
		"ada\x00@example.org": "422 EMAIL_INVALID",
	} {
		p := &person{server: s, bearer: s.token("ada", email(address, true))}
		p.post("/users/client", signUp).refused(t, want)
	}
	p := &person{server: s, bearer: s.token("ada")}
	for _, name := range []string{`\u200b\u200d`, `\u3164`, `\u2800`, ` \u00ad `} {
		p.post("/users/client", `{"firstName":"`+name+`","lastName":"B"}`).refused(t, "400 VALIDATION_FAILED firstName REQUIRED")
	}
	p.post("/users/client", signUp).data(t, 201)
	p.post("/organizations", `{"name":"\u2800\u200b"}`).refused(t, "400 VALIDATION_FAILED name REQUIRED")
}

// Of many registrations of one person at once, one creates the account and the
// others find it, on two servers. A server that is busy asks to try again.
func TestOnePersonSignsUpInParallel(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	servers := []*server{w.start(), w.start()}
	token := w.token("ada")
	var mu sync.Mutex
	statuses := map[int]int{}
	var wg sync.WaitGroup
	for n := range 60 {
		wg.Go(func() {
			status := http.StatusTooManyRequests
			for deadline := time.Now().Add(time.Minute); status == http.StatusTooManyRequests && time.Now().Before(deadline); {
				a, err := servers[n%2].try(call{
					method: http.MethodPost, path: "/api/v0/users/client", body: signUp,
					header: []string{"Authorization", "Bearer " + token},
				})
				if err != nil {
					t.Error(err)
					return
				}
				status = a.status
			}
			mu.Lock()
			defer mu.Unlock()
			statuses[status]++
		})
	}
	wg.Wait()
	if len(statuses) != 2 || statuses[201] != 1 || statuses[200] != 59 {
		t.Errorf("the answers were %v, want one 201 and 59 times 200", statuses)
	}
}
