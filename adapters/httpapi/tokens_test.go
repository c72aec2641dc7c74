package httpapi_test

import (
	"bytes"
	"context"
	"crypto/cipher"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"github.com/perfectworks/backend/adapters/eventnode/eventnodetest"
	"github.com/perfectworks/backend/adapters/eventstore"
	"github.com/perfectworks/backend/adapters/eventstore/eventstoretest"
	"github.com/perfectworks/backend/adapters/postgres"
	"github.com/perfectworks/backend/adapters/statement"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
)

var _ = inContract(map[string]string{
	"GET /token-transactions":         byKeyToo,
	"GET /token-transactions/balance": byKeyToo,
	"GET /token-transactions/{id}":    byKeyToo,

	"GET /token-transactions/statement":      byKeyToo,
	"GET /token-transactions/statement-keys": publicly,
})

// tokens does what policies do, and the finance department.
func (p *person) tokens(do, reference string, amount int64, more object) answer {
	p.t.Helper()
	body := object{"do": do, "reference": reference, "amount": amount}
	for name, value := range more {
		body[name] = value
	}
	text, err := json.Marshal(body)
	if err != nil {
		p.t.Fatal(err)
	}
	a := p.post("/odd/tokens", string(text))
	a.data(p.t, 200)
	return a
}

func TestTokenTransactions(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ada := s.owner("ada")
	ada.tokens("grant", "payment/1", 1000, nil)
	ada.tokens("reserve", "op 1", 50, object{"seconds": 3600, "userId": ada.id, "fileId": "file_00000000000000000000000001"})
	ada.tokens("capture", "op 1", 40, nil)
	ada.tokens("reserve", "op 2", 5, object{"seconds": 3600, "userId": "user_00000000000000000000000009", "fileId": "file_00000000000000000000000002"})
	ada.tokens("adjust", "ticket 9", -10, nil)
	last := ada.tokens("align", "payment/1", 955, object{"seconds": 1}).header.Get("X-Position")

	items := ada.get("/token-transactions?sort=createdAt:asc").items(t)
	if len(items) != 6 {
		t.Fatalf("%d transactions", len(items))
	}
	captured := items[2]
	want := object{
		"type": "capture", "amount": 40.0, "balanceAfter": 960.0, "reference": "op 1", "reservation": nil,
		"purpose": "accessibility", "fileId": "file_00000000000000000000000001", "userId": ada.id, "actor": object{"kind": "policy", "id": "test-tokens"},
		"reason": nil, "expireAt": nil,
		"accountsAfter": object{
			"issued": -1000.0, "available": 960.0, "held": 0.0, "frozen": 0.0, "consumed": 40.0, "expired": 0.0, "clawedBack": 0.0, "debt": 0.0,
		},
		"movements": []any{
			object{"account": "held", "amount": -50.0}, object{"account": "consumed", "amount": 40.0}, object{"account": "available", "amount": 10.0},
		},
	}
	if diff := cmp.Diff(want, captured, withoutTimes, cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
	times(t, captured, "createdAt")
	if diff := cmp.Diff(captured, ada.get("/token-transactions/"+str(captured, "id")).data(t, 200)); diff != "" {
		t.Error(diff)
	}
	if adjusted := items[4]; adjusted["amount"] != -10.0 || adjusted["reason"] != "=goodwill" {
		t.Errorf("%v", adjusted)
	}
	for query, want := range map[string]string{
		"type=capture,adjustment":                                    "adjustment capture",
		"fileId=file_00000000000000000000000002":                     "reservation",
		"from=2999-01-01T00:00:00Z":                                  "",
		"to=2999-01-01T00:00:00Z":                                    "clawback adjustment reservation capture reservation grant",
		"sort=amount:desc&limit=1":                                   "grant",
		"from=2000-01-01T00:00:00.0Z&to=2000-01-01T01:00:00%2B01:00": "",
	} {
		var got []string
		for _, item := range ada.get("/token-transactions?" + query).items(t) {
			got = append(got, str(item, "type"))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v", query, got)
		}
	}
	for query, want := range map[string]string{
		"type=gift": "type[0] VALUE_UNKNOWN", "from=today": "from FORMAT_INVALID", "to=2026-01-01": "to FORMAT_INVALID",
		"from=2026-01-01T00:00:00Z&to=2025-01-01T00:00:00Z": "to OUT_OF_RANGE", "format=xml": "format VALUE_UNKNOWN",
		"sort=hash": "sort VALUE_UNKNOWN", "type=gift&format=csv": "type[0] VALUE_UNKNOWN", "from=99999-01-01T00:00:00Z": "from FORMAT_INVALID",
	} {
		ada.get("/token-transactions?"+query).refused(t, "400 VALIDATION_FAILED "+want)
	}
	for _, name := range []string{"txn_01jd9z3q5we8x9v6m2k4t7r1b9", "x", "balances", "key_01jd9z3q5we8x9v6m2k4t7r1b9"} {
		ada.get("/token-transactions/"+name).refused(t, "404 TOKEN_TRANSACTION_NOT_FOUND")
	}
	s.owner("bob").get("/token-transactions/"+str(captured, "id")).refused(t, "404 TOKEN_TRANSACTION_NOT_FOUND")
	s.register("carol").get("/token-transactions").refused(t, "409 NO_ACTIVE_ORGANIZATION")

	b := ada.get("/token-transactions/balance").data(t, 200)
	wantBalance := object{
		"available": 0.0, "held": 5.0, "frozen": 0.0, "settled": 5.0, "debt": 10.0,
		"grants": []any{object{
			"reference": "payment/1", "source": "purchase", "priority": 30.0, "amount": 1000.0,
			"available": 0.0, "held": 5.0, "frozen": 0.0, "expireAt": nil,
		}},
		"accounts": object{
			"issued": -990.0, "available": 0.0, "held": 5.0, "frozen": 0.0, "consumed": 40.0, "expired": 0.0, "clawedBack": 955.0, "debt": -10.0,
		},
	}
	if diff := cmp.Diff(wantBalance, b, cmpopts.IgnoreMapEntries(func(k string, _ any) bool { return k == "asOf" })); diff != "" {
		t.Error(diff)
	}
	before := str(items[1], "createdAt")
	if past := ada.get("/token-transactions/balance?asOf="+before).data(t, 200); str(past, "asOf") != before {
		t.Errorf("%v", past)
	}
	if past := ada.get("/token-transactions/balance?asOf="+url.QueryEscape(last)).data(t, 200); past["debt"] != 10.0 {
		t.Errorf("at %s: %v", last, past)
	}
	if past := ada.get("/token-transactions/balance?asOf=2000-01-01T00:00:00Z").data(t, 200); past["settled"] != 0.0 || len(past["grants"].([]any)) > 0 {
		t.Errorf("before the account: %v", past)
	}
	for text, want := range map[string]string{
		"yesterday": "asOf FORMAT_INVALID", "C:1": "asOf FORMAT_INVALID", "C:0/P:0": "asOf FORMAT_INVALID",
		"C:-1/P:1": "asOf FORMAT_INVALID", "2999-01-01T00:00:00Z": "asOf OUT_OF_RANGE", "0000-01-01T00:00:00Z": "asOf FORMAT_INVALID",
	} {
		ada.get("/token-transactions/balance?asOf="+url.QueryEscape(text)).refused(t, "400 VALIDATION_FAILED "+want)
	}
	ada.get("/token-transactions/balance?asOf="+url.QueryEscape("C:999999999999/P:999999999999")).refused(t, "503 READ_MODEL_BEHIND")
}

// Tokens expire, and reservations time out, at the instant itself: nothing has
// recorded it.
func TestTheBalanceFollowsTheClock(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ada := s.owner("ada")
	begun := time.Now().Add(-time.Hour).UTC().Truncate(time.Second)
	at := func(d time.Duration) string { return begun.Add(d).Format(time.RFC3339Nano) }
	ada.tokens("grant", "g", 100, object{"at": at(0), "seconds": 1200})
	ada.tokens("reserve", "op", 30, object{"at": at(0), "seconds": 600})
	for when, want := range map[time.Duration]string{
		0: "70 30", 10*time.Minute - time.Millisecond: "70 30", 10 * time.Minute: "100 0",
		20*time.Minute - time.Millisecond: "100 0", 20 * time.Minute: "0 0",
	} {
		b := ada.get("/token-transactions/balance?asOf="+url.QueryEscape(at(when))).data(t, 200)
		if got := fmt.Sprint(b["available"], " ", b["held"]); got != want {
			t.Errorf("after %s: %s, want %s", when, got, want)
		}
	}
	if b := ada.get("/token-transactions/balance").data(t, 200); b["settled"] != 0.0 {
		t.Errorf("now: %v", b)
	}
}

// An organization's key and those who may see all get the balance of each row; a
// member gets what was spent on their own behalf.
func TestWhoSeesWhichTokenTransactions(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ada := s.owner("ada")
	bob := ada.hired("bob", "member")
	eve := ada.hired("eve", "viewer")
	ada.tokens("grant", "g", 100, nil)
	ada.tokens("reserve", "op 1", 5, object{"seconds": 3600, "userId": ada.id})
	ada.tokens("reserve", "op 2", 6, object{"seconds": 3600, "userId": bob.id, "fileId": "file_0000000000000000000000000b"})
	at := ada.tokens("capture", "op 2", 4, nil).header.Get("X-Position")

	all := ada.get("/token-transactions?sort=createdAt:asc").items(t)
	items := bob.call(http.MethodGet, "/token-transactions?sort=createdAt:asc", "", "X-Min-Position", at).items(t)
	if len(all) != 4 || len(items) != 2 {
		t.Fatalf("the owner sees %d, the member %d", len(all), len(items))
	}
	for _, item := range append(items, bob.get("/token-transactions/"+str(all[3], "id")).data(t, 200)) {
		for _, hidden := range []string{"balanceAfter", "accountsAfter", "movements"} {
			if _, shown := item[hidden]; shown || item["userId"] != bob.id {
				t.Errorf("a member sees %s of %v", hidden, item)
			}
		}
	}
	bob.get("/token-transactions/"+str(all[1], "id")).refused(t, "404 TOKEN_TRANSACTION_NOT_FOUND")
	if b := bob.get("/token-transactions/balance").data(t, 200); b["available"] != 91.0 {
		t.Errorf("a member's balance: %v", b)
	}
	rows := readCSV(t, bob.get("/token-transactions?format=csv"))
	if len(rows) != 3 || strings.Contains(strings.Join(rows[0], " "), "After") {
		t.Errorf("a member exports %v", rows)
	}
	if got := eve.call(http.MethodGet, "/token-transactions", "", "X-Min-Position", at).items(t); len(got) != 4 || got[0]["balanceAfter"] != 91.0 {
		t.Errorf("a viewer sees %v", got)
	}
	key := str(ada.post("/api-keys", `{"ownerType":"organization","scopes":["tokens:read"]}`).data(t, 201), "key")
	var got answer
	eventually(t, func() bool {
		got = s.withKey(key, http.MethodGet, "/token-transactions", "")
		return got.status == 200
	}, func() string { return string(got.body) })
	if items := got.items(t); len(items) != 4 || items[0]["balanceAfter"] != 91.0 {
		t.Errorf("an organization's key sees %s", got.body)
	}
	own := str(bob.post("/api-keys", `{"scopes":["tokens:read"]}`).data(t, 201), "key")
	eventually(t, func() bool {
		got = s.withKey(own, http.MethodGet, "/token-transactions", "")
		return got.status == 200
	}, func() string { return string(got.body) })
	if len(got.items(t)) != 2 {
		t.Errorf("a member's key sees %s", got.body)
	}
	other := str(ada.post("/api-keys", `{"scopes":["files:read"]}`).data(t, 201), "key")
	eventually(t, func() bool {
		got = s.withKey(other, http.MethodGet, "/token-transactions/balance", "")
		return got.status == 403
	}, func() string { return string(got.body) })
}

func TestExportOfTokenTransactions(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ada := s.owner("ada")
	ada.tokens("grant", "g", 100, nil)
	ada.tokens("adjust", "ticket", -3, nil)
	ada.tokens("reserve", "op", 5, object{"seconds": 3600, "fileId": "file_00000000000000000000000001"})
	a := ada.get("/token-transactions?format=csv&limit=1&page=2")
	rows := readCSV(t, a)
	if len(rows) != 4 || a.header.Get("Content-Type") != "text/csv; charset=utf-8; header=present" ||
		a.header.Get("Content-Disposition") != `attachment; filename="token-transactions.csv"` {
		t.Fatalf("%v\n%s", a.header, a.body)
	}
	cells := map[string]string{}
	for i, name := range rows[0] {
		cells[name] = rows[2][i]
	}
	if cells["type"] != "adjustment" || cells["amount"] != "-3" || cells["balanceAfter"] != "97" || cells["reason"] != "'=goodwill" ||
		cells["issuedAfter"] != "-97" || cells["hash"] != "" {
		t.Errorf("%v", cells)
	}
	if rows := readCSV(t, ada.get("/token-transactions?format=csv&fileId=file_00000000000000000000000001")); len(rows) != 2 {
		t.Errorf("filtered: %v", rows)
	}
}

// A statement that was fetched is verified with the published keys; a member gets
// none.
func TestTokenStatements(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ada := s.owner("ada")
	ada.tokens("grant", "g", 100, nil)
	ada.tokens("reserve", "op", 5, object{"seconds": 3600})
	ada.tokens("capture", "op", 5, nil)
	published := s.do(call{method: http.MethodGet, path: "/api/v0/token-transactions/statement-keys"}).data(t, 200)["keys"].([]any)
	key := published[0].(object)
	if len(published) != 1 || key["current"] != true || key["algorithm"] != "Ed25519" {
		t.Errorf("%v", published)
	}
	keys, err := statement.ReadPublicKeys([]byte(str(key, "publicKey")))
	if err != nil {
		t.Fatal(err)
	}
	a := ada.get("/token-transactions/statement")
	got, err := statement.Verify(bytes.NewReader(a.body), keys)
	if err != nil || got.Entries != 3 || got.Closing.Balance.Available != 95 || got.KeyID != str(key, "id") ||
		got.OrganizationID != id.Organization(str(ada.get("/organizations/current").data(t, 200), "id")) {
		t.Errorf("%+v, %v\n%s", got, err, a.body)
	}
	if a.header.Get("Content-Type") != "text/csv; charset=utf-8; header=present" || a.header.Get("Content-Disposition") != `attachment; filename="statement.csv"` {
		t.Errorf("%v", a.header)
	}
	of := ada.get("/token-transactions?sort=createdAt:asc").items(t)
	part, err := statement.Verify(bytes.NewReader(ada.get("/token-transactions/statement?to="+str(of[0], "createdAt")).body), keys)
	if err != nil || part.Entries != 0 {
		t.Errorf("%+v, %v", part, err)
	}
	ada.get("/token-transactions/statement?from=2026").refused(t, "400 VALIDATION_FAILED from FORMAT_INVALID")
	bob := ada.hired("bob", "member")
	bob.get("/token-transactions/statement").refused(t, "403 FORBIDDEN")
}

func readCSV(t *testing.T, a answer) [][]string {
	t.Helper()
	if a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	rows, err := csv.NewReader(bytes.NewReader(a.body)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// hired registers somebody who is a member of another's organization.
func (p *person) hired(name, role string) *person {
	p.t.Helper()
	member := p.register(name)
	o := id.Organization(str(p.get("/organizations/current").data(p.t, 200), "id"))
	p.append(organization.Aggregate.Stream(o), organization.MemberJoined{
		OrganizationID: o, UserID: id.User(member.id), Role: access.Role(role), OccurredAt: time.Now().UTC(),
	})
	eventually(p.t, func() bool {
		return member.put("/users/active-organization", `{"organizationId":"`+string(o)+`"}`).status == 200
	}, func() string { return "the membership is not known" })
	return member
}

// append writes an event to the log of a world, as another process does.
func (w *world) append(stream string, e event.Event) {
	w.t.Helper()
	pool, err := postgres.Open(w.t.Context(), w.database, postgres.Options{})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(pool.Close)
	codec, err := eventstore.NewCodec(eventstore.Schemas(), keyless{})
	if err != nil {
		w.t.Fatal(err)
	}
	node := eventnodetest.Start(w.t, eventnodetest.WithPool(pool))
	streams, err := eventstore.NewStreams(eventstoretest.Connect(w.t, eventstore.Options{URL: node.ConnectionString()}), codec, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	fold := commands.Fold{Apply: func(any, event.Event) any { return nil }}
	at, err := streams.Load(w.t.Context(), stream, fold, true)
	if err == nil {
		_, err = streams.Append(w.t.Context(), at, fold, []event.Draft{{ID: event.ID(uuid.New()), Event: e}})
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// keyless holds no keys: personal texts read as erased.
type keyless struct{}

func (keyless) Key(context.Context, string) (cipher.AEAD, bool, error) { return nil, false, nil }

func (keyless) KeyFor(context.Context, string) (cipher.AEAD, bool, error) { return nil, false, nil }
