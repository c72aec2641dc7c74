package httpapi_test

import (
	"encoding/hex"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var _ = inContract(map[string]string{
	"POST /organization-members":              byToken,
	"GET /organization-members":               byKeyToo,
	"GET /organization-members/invitations":   byToken,
	"GET /organization-members/{memberId}":    byKeyToo,
	"PUT /organization-members/{memberId}":    byToken,
	"DELETE /organization-members/{memberId}": byToken,
	"POST /organization-members/join":         byToken,
})

// invite invites an address and returns the invitation.
func (p *person) invite(email, role string) object {
	p.t.Helper()
	return p.post("/organization-members", `{"email":"`+email+`","role":"`+role+`"}`).data(p.t, 201)
}

// bring makes somebody a member of the organization that p acts in.
func (p *person) bring(name, role string) *person {
	p.t.Helper()
	q := p.register(name)
	invited := p.invite(name+"@example.com", role)
	q.post("/organization-members/join", `{"invitationId":"`+str(invited, "id")+`"}`).data(p.t, 200)
	return q
}

// isDead checks that a key is refused because its owner is gone: by what the
// directory knows, or by what the policy has written into the key's stream since.
func (s *server) isDead(key string) {
	s.t.Helper()
	a := s.withKey(key, http.MethodGet, "/organization-members", "")
	e, _ := a.envelope(s.t)["error"].(object)
	if code := str(e, "code"); a.status != http.StatusUnauthorized || code != "API_KEY_ORPHANED" && code != "API_KEY_REVOKED" {
		s.t.Errorf("the key of somebody who is gone: %d %s", a.status, a.body)
	}
}

func ids(items []object) (all []string) {
	for _, item := range items {
		all = append(all, str(item, "id"))
	}
	return all
}

// From the invitation to the removal, as clients see it.
func TestMembersComeAndGo(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ada, bob := s.owner("ada"), s.register("bob")

	a := ada.post("/organization-members", `{"email":"Bob@Example.com","role":"admin"}`)
	invited := a.data(t, 201)
	invitation := str(invited, "id")
	if a.header.Get("Location") != "/api/v0/organization-members/"+invitation || invited["status"] != "invited" || invited["role"] != "admin" ||
		invited["invitedBy"] != ada.id || invited["userId"] != nil || invited["joinedAt"] != nil {
		t.Errorf("%s", a.body)
	}
	expires, err := time.Parse(time.RFC3339, str(invited, "expireAt"))
	if left := time.Until(expires); err != nil || left < 6*24*time.Hour || left > 7*24*time.Hour {
		t.Errorf("it is open until %v, %v", expires, err)
	}
	if got := ids(ada.get("/organization-members").items(t)); !cmp.Equal(got, []string{invitation, ada.id}) {
		t.Errorf("listed: %v", got)
	}
	own := bob.get("/organization-members/invitations").items(t)
	if len(own) != 1 || own[0]["id"] != invitation || own[0]["role"] != "admin" || own[0]["invitedBy"] != "ada Example" || str(own[0]["organization"].(object), "name") != "ada Inc" {
		t.Errorf("own invitations: %v", own)
	}
	if others := s.register("eve").get("/organization-members/invitations").items(t); len(others) != 0 {
		t.Errorf("somebody else sees %v", others)
	}

	join := `{"invitationId":"` + invitation + `"}`
	first := bob.post("/organization-members/join", join).data(t, 200)
	if first["memberId"] != bob.id || first["role"] != "admin" || first["isActive"] != true {
		t.Errorf("joined: %v", first)
	}
	if second := bob.post("/organization-members/join", join).data(t, 200); !cmp.Equal(first, second) {
		t.Errorf("the second time: %v", cmp.Diff(first, second))
	}
	if got := bob.get("/organizations/current").data(t, 200); got["role"] != "admin" {
		t.Errorf("he acts as %v", got)
	}
	if own := bob.get("/organization-members/invitations").items(t); len(own) != 0 {
		t.Errorf("his invitation is still open: %v", own)
	}
	member := ada.get("/organization-members/" + bob.id)
	if m := member.data(t, 200); m["firstName"] != "bob" || m["email"] != "bob@example.com" || m["status"] != "active" || m["role"] != "admin" || m["expireAt"] != nil {
		t.Errorf("%s", member.body)
	}
	ada.get("/organization-members/"+invitation).refused(t, "404 MEMBER_NOT_FOUND")

	// Keys: his own, and one of the organization that he creates.
	mine := str(bob.post("/api-keys", `{}`).data(t, 201), "key")
	ours := bob.post("/api-keys", `{"ownerType":"organization","description":"CI"}`).data(t, 201)
	s.withKey(mine, http.MethodGet, "/organization-members", "").items(t)
	s.withKey(str(ours, "key"), http.MethodGet, "/organization-members", "").items(t)

	// A change at the revision that was read, and not at an older one.
	tag := member.header.Get("ETag")
	changed := ada.call(http.MethodPut, "/organization-members/"+bob.id, `{"role":"admin"}`, "If-Match", tag).data(t, 200)
	if changed["role"] != "admin" || changed["firstName"] != "bob" {
		t.Errorf("%v", changed)
	}
	ada.put("/organization-members/"+bob.id, `{"role":"owner"}`).data(t, 200)
	ada.call(http.MethodPut, "/organization-members/"+bob.id, `{"role":"admin"}`, "If-Match", tag).refused(t, "412 REVISION_STALE")
	if unchanged := ada.put("/organization-members/"+bob.id, `{}`).data(t, 200); unchanged["role"] != "owner" {
		t.Errorf("%v", unchanged)
	}

	removed := ada.delete("/organization-members/"+bob.id).data(t, 200)
	keys, _ := removed["organizationKeys"].([]any)
	if removed["status"] != "removed" || len(keys) != 1 || keys[0].(object)["id"] != ours["id"] || keys[0].(object)["description"] != "CI" {
		t.Errorf("removed: %v", removed)
	}
	s.isDead(mine)
	s.withKey(str(ours, "key"), http.MethodGet, "/organization-members", "").items(t)
	bob.get("/organization-members").refused(t, "409 NO_ACTIVE_ORGANIZATION")
	if got := bob.get("/users/profile").data(t, 200); got["activeOrganizationId"] != nil {
		t.Errorf("his active organization is %v", got["activeOrganizationId"])
	}
	bob.post("/organization-members/join", join).refused(t, "410 INVITATION_REVOKED")
	ada.delete("/organization-members/"+bob.id).refused(t, "404 MEMBER_NOT_FOUND")

	// He comes back, and his key does not.
	again := ada.invite("bob@example.com", "viewer")
	bob.post("/organization-members/join", `{"invitationId":"`+str(again, "id")+`"}`).data(t, 200)
	s.isDead(mine)
	if left := bob.delete("/organization-members/"+bob.id).data(t, 200); left["status"] != "removed" {
		t.Errorf("left: %v", left)
	}
}

func TestWhatMembersMayDoToEachOther(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ada := s.owner("ada")
	bob, eve := ada.bring("bob", "admin"), ada.bring("eve", "member")
	stranger := s.owner("mallory")

	for body, want := range map[string]string{
		`{"email":"x@example.com","role":"king"}`:           "400 VALIDATION_FAILED role VALUE_UNKNOWN",
		`{"email":"nobody","role":"member"}`:                "400 VALIDATION_FAILED email FORMAT_INVALID",
		`{"email":"","role":"member"}`:                      "400 VALIDATION_FAILED email REQUIRED",
		`{"email":"a\u0000@example.com","role":"member"}`:   "400 VALIDATION_FAILED email CHARACTER_FORBIDDEN",
		`{"email":"x@example.com"}`:                         "400 VALIDATION_FAILED role REQUIRED",
		`{"email":"x@example.com","role":"owner"}`:          "403 FORBIDDEN",
		`{"email":"x@example.com","role":"admin"}`:          "403 FORBIDDEN",
		`{"email":"eve@example.com","role":"viewer"}`:       "409 MEMBER_JOINED",
		`{"email":"x@example.com","role":"viewer","a":"b"}`: "400 VALIDATION_FAILED a FIELD_UNKNOWN",
	} {
		bob.post("/organization-members", body).refused(t, want)
	}
	eve.post("/organization-members", `{"email":"x@example.com","role":"viewer"}`).refused(t, "403 FORBIDDEN")
	open := bob.invite("x@example.com", "viewer")
	bob.post("/organization-members", `{"email":"X@EXAMPLE.com","role":"viewer"}`).refused(t, "409 EMAIL_INVITED")
	again := bob.post("/organization-members", `{"email":"x@example.com","role":"viewer","resend":true}`).data(t, 201)
	if again["id"] != open["id"] {
		t.Errorf("sent again as %v", again)
	}
	other := bob.post("/organization-members", `{"email":"x@example.com","role":"billing","resend":true}`).data(t, 201)
	if other["id"] == open["id"] || other["role"] != "billing" {
		t.Errorf("replaced by %v", other)
	}
	path := "/organization-members/" + str(other, "id")
	stranger.delete(path).refused(t, "404 INVITATION_NOT_FOUND")
	stranger.get(path).refused(t, "404 MEMBER_NOT_FOUND")
	for range 2 {
		if got := bob.delete(path).data(t, 200); got["status"] != "revoked" {
			t.Errorf("revoked: %v", got)
		}
	}

	for _, c := range []struct {
		by       *person
		of, body string
		want     string
	}{
		{bob, ada.id, `{"role":"member"}`, "403 FORBIDDEN"},
		{bob, bob.id, `{"role":"member"}`, "403 FORBIDDEN"},
		{bob, eve.id, `{"role":"admin"}`, "403 FORBIDDEN"},
		{bob, eve.id, `{"role":"emperor"}`, "400 VALIDATION_FAILED role VALUE_UNKNOWN"},
		{bob, eve.id, `{"transferOwnership":true}`, "403 FORBIDDEN"},
		{eve, bob.id, `{"role":"viewer"}`, "403 FORBIDDEN"},
		{ada, ada.id, `{"role":"admin"}`, "409 LAST_OWNER"},
		{ada, eve.id, `{"role":"admin","transferOwnership":true}`, "400 VALIDATION_FAILED role MISMATCHED"},
		{ada, stranger.id, `{"role":"admin"}`, "404 MEMBER_NOT_FOUND"},
		{ada, stranger.id, `{"transferOwnership":true}`, "404 MEMBER_NOT_FOUND"},
		{ada, "nobody", `{"role":"admin"}`, "404 MEMBER_NOT_FOUND"},
		{stranger, eve.id, `{"role":"viewer"}`, "404 MEMBER_NOT_FOUND"},
	} {
		c.by.put("/organization-members/"+c.of, c.body).refused(t, c.want)
	}
	bob.delete("/organization-members/"+ada.id).refused(t, "403 FORBIDDEN")
	eve.delete("/organization-members/"+bob.id).refused(t, "403 FORBIDDEN")
	ada.delete("/organization-members/"+ada.id).refused(t, "409 LAST_OWNER")
	stranger.delete("/organization-members/"+eve.id).refused(t, "404 MEMBER_NOT_FOUND")
	ada.delete("/organization-members/org_1").refused(t, "404 MEMBER_NOT_FOUND")

	transferred := ada.put("/organization-members/"+eve.id, `{"transferOwnership":true}`).data(t, 200)
	if transferred["role"] != "owner" || ada.get("/organization-members/"+ada.id).data(t, 200)["role"] != "admin" {
		t.Errorf("transferred: %v", transferred)
	}
	// The former owner's rank counts at once, in everything.
	ada.delete("/organization-members/"+eve.id).refused(t, "403 FORBIDDEN")
	ada.delete("/organization-members/"+ada.id).data(t, 200)
}

func TestJoiningOverHTTP(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ada, bob := s.owner("ada"), s.register("bob")
	invited := ada.invite("bob@example.com", "member")
	join := `{"invitationId":"` + str(invited, "id") + `"}`
	for body, want := range map[string]string{
		`{}`: "400 VALIDATION_FAILED invitationId REQUIRED",
		`{"invitationId":"inv_01jd9z3q5we8x9v6m2k4t7r1b9","token":"x"}`:                      "400 VALIDATION_FAILED token FORMAT_INVALID",
		`{"invitationId":"inv_01jd9z3q5we8x9v6m2k4t7r1b9"}`:                                  "404 INVITATION_NOT_FOUND",
		`{"invitationId":"nonsense"}`:                                                        "404 INVITATION_NOT_FOUND",
		`{"token":"nonsense"}`:                                                               "404 INVITATION_NOT_FOUND",
		`{"token":"` + str(invited, "id")[4:] + hex.EncodeToString(make([]byte, 21)) + `A"}`: "404 INVITATION_NOT_FOUND",
	} {
		bob.post("/organization-members/join", body).refused(t, want)
	}
	s.register("eve").post("/organization-members/join", join).refused(t, "404 INVITATION_NOT_FOUND")
	unverified := &person{server: s, bearer: s.token("bob", func(o *tokenOptions) { o.verified = false })}
	unverified.post("/organization-members/join", join).refused(t, "403 EMAIL_NOT_VERIFIED")
	unverified.get("/organization-members/invitations").refused(t, "403 EMAIL_NOT_VERIFIED")
	nobody := &person{server: s, bearer: s.token("nobody")}
	nobody.post("/organization-members/join", join).refused(t, "403 USER_NOT_REGISTERED")
	key := str(ada.post("/api-keys", `{}`).data(t, 201), "key")
	s.withKey(key, http.MethodPost, "/organization-members/join", join).refused(t, "403 CREDENTIAL_NOT_ALLOWED")
	s.withKey(key, http.MethodPost, "/organization-members", `{"email":"a@example.com","role":"viewer"}`).refused(t, "403 CREDENTIAL_NOT_ALLOWED")
	s.withKey(key, http.MethodDelete, "/organization-members/"+ada.id, "").refused(t, "403 CREDENTIAL_NOT_ALLOWED")
	bob.post("/organization-members/join", join).data(t, 200)

	// Somebody who acts elsewhere goes on acting there.
	eve := s.owner("carol")
	second := ada.invite("carol@example.com", "viewer")
	if joined := eve.post("/organization-members/join", `{"invitationId":"`+str(second, "id")+`"}`).data(t, 200); joined["isActive"] != false {
		t.Errorf("%v", joined)
	}
	if got := eve.get("/organizations/current").data(t, 200); got["name"] != "carol Inc" {
		t.Errorf("she acts in %v", got["name"])
	}
}

// The token goes by mail alone: it is in no answer, no log and no row, and works
// once. Each invitation and each resend has one mail.
func TestTheMailOfAnInvitation(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ada, bob := s.owner("ada"), s.register("bob")
	folder := filepath.Join(s.data, "mail")
	// mails waits for so many mails, and returns the tokens in them.
	mails := func(n int) map[string]bool {
		t.Helper()
		var files []string
		eventually(t, func() bool {
			files, _ = filepath.Glob(filepath.Join(folder, "*.eml"))
			return len(files) >= n
		}, func() string { return strings.Join(files, " ") })
		tokens := map[string]bool{}
		for _, file := range files {
			mail, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			plain := strings.ReplaceAll(string(mail), "=\r\n", "")
			tokens[regexp.MustCompile(`(?m)^([0-9a-z]{26}[A-Za-z0-9_-]{43})\r?$`).FindStringSubmatch(plain)[1]] = true
			if !strings.Contains(plain, "bob@example.com") || !strings.Contains(plain, "ada Example invites you to join ada Inc") {
				t.Errorf("the mail says\n%s", plain)
			}
		}
		if len(files) != n || len(tokens) != n {
			t.Fatalf("%d mails with %d tokens, want %d", len(files), len(tokens), n)
		}
		return tokens
	}
	invited := ada.post("/organization-members", `{"email":"bob@example.com","role":"member"}`)
	invited.data(t, 201)
	first := mails(1)
	again := ada.post("/organization-members", `{"email":"bob@example.com","role":"member","resend":true}`)
	again.data(t, 201)
	both := mails(2)
	for token := range both {
		for _, shown := range []string{string(invited.body), string(again.body), s.logs.String()} {
			if strings.Contains(shown, token[26:]) {
				t.Error("the token shows outside of its mail")
			}
		}
		join := `{"token":"` + token + `"}`
		if first[token] {
			bob.post("/organization-members/join", join).refused(t, "410 INVITATION_REVOKED")
			continue
		}
		defer func() {
			if got := bob.post("/organization-members/join", join).data(t, 200); got["role"] != "member" {
				t.Errorf("joined: %v", got)
			}
		}()
	}
}
