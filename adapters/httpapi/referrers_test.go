package httpapi_test

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/perfectworks/backend/app"
)

var _ = inContract(map[string]string{
	"POST /referrers":                        byToken,
	"GET /referrers/profile":                 byToken,
	"GET /referrer-transactions":             byToken,
	"GET /referrer-transactions/{id}":        byToken,
	"POST /referrer-transactions/withdrawal": byToken,
	"POST /referrer-campaigns":               byToken,
	"GET /referrer-campaigns":                byToken,
	"GET /referrer-campaigns/{id}":           byToken,
	"PUT /referrer-campaigns/{id}":           byToken,
	"POST /referrer-campaigns/{id}/end":      byToken,
})

// atOnce is a programme by which commissions mature at once.
func atOnce(t *testing.T) func(*app.Settings) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "programme.json")
	text := `{"termsVersion":"2026-01","minimumPayout":5000,"secondApprovalAbove":9000,"rules":[
		{"version":1,"windowDays":30,"rateBasisPoints":2000,"months":12,"holdDays":0,"currency":"eur"}]}`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return func(s *app.Settings) { s.ReferralProgramme = file }
}

// referrer is somebody who is one.
func (s *server) referrer(name string) (p *person, code string) {
	s.t.Helper()
	p = s.register(name)
	code = str(p.post("/referrers", `{"termsAccepted":true,"payoutMethod":"paypal","payoutEmail":"`+name+`@pay.example"}`).data(s.t, 201), "referralCode")
	return p, code
}

// brought is the owner of an organization who came with a code.
func (s *server) brought(name, code string) *person {
	s.t.Helper()
	p := &person{server: s, name: name, bearer: s.token(name)}
	p.id = str(p.post("/users/client", `{"firstName":"`+name+`","lastName":"Example","referralCode":"`+code+`"}`).data(s.t, 201), "id")
	p.post("/organizations", `{"name":"`+name+` Inc"}`).data(s.t, 201)
	return p
}

// earns waits until a referrer's earnings have a value.
func (p *person) earns(name string, want float64) object {
	p.t.Helper()
	var earnings object
	eventually(p.t, func() bool {
		earnings, _ = p.get("/referrers/profile").data(p.t, 200)["earnings"].(object)
		return earnings[name] == want
	}, func() string { return fmt.Sprintf("%s of %v is not %v", name, earnings, want) })
	sum := earnings["held"].(float64) + earnings["available"].(float64) + earnings["withdrawing"].(float64) +
		earnings["withdrawn"].(float64) - earnings["carried"].(float64)
	if earnings["total"] != sum {
		p.t.Errorf("%v do not sum up", earnings)
	}
	return earnings
}

func TestReferrers(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ada := s.register("ada")
	ada.get("/referrers/profile").refused(t, "404 REFERRER_NOT_FOUND")
	ada.post("/referrer-campaigns", `{"name":"Spring"}`).refused(t, "404 REFERRER_NOT_FOUND")
	for body, want := range map[string]string{
		`{}`:                      "termsAccepted REQUIRED",
		`{"termsAccepted":false}`: "termsAccepted REQUIRED",
		`{"termsAccepted":true,"payoutMethod":"cash"}`:   "payoutMethod VALUE_UNKNOWN",
		`{"termsAccepted":true,"payoutEmail":"nowhere"}`: "payoutEmail FORMAT_INVALID",
	} {
		ada.post("/referrers", body).refused(t, "400 VALIDATION_FAILED "+want)
	}
	ada.get("/referrers/profile").refused(t, "404 REFERRER_NOT_FOUND")
	first := ada.post("/referrers", `{"termsAccepted":true}`).data(t, 201)
	times(t, first, "createdAt", "updatedAt")
	code := str(first, "referralCode")
	if len(code) != 8 || first["referralUrl"] != s.url+"/api/v0/referral-links/"+code || first["status"] != "active" ||
		first["termsVersion"] != "2026-01" || first["payoutMethod"] != nil || first["payoutEmail"] != nil {
		t.Errorf("%v", first)
	}
	second := ada.post("/referrers", `{"termsAccepted":true,"payoutMethod":"bankTransfer","payoutEmail":"ada@pay.example"}`).data(t, 200)
	if second["referralCode"] != code || second["payoutMethod"] != "bankTransfer" || second["payoutEmail"] != "ada@pay.example" {
		t.Errorf("%v", second)
	}
	profile := ada.get("/referrers/profile").data(t, 200)
	if earnings := profile["earnings"].(object); profile["id"] != first["id"] || earnings["total"] != 0.0 || earnings["currency"] != "eur" {
		t.Errorf("%v", profile)
	}
}

func TestCampaigns(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ada, _ := s.referrer("ada")
	bob, _ := s.referrer("bob")
	inAYear := time.Now().UTC().AddDate(1, 0, 0).Format(time.RFC3339)
	made := ada.post("/referrer-campaigns", `{"name":"Spring","code":"Spring-26","destinationPath":"/pricing?plan=a","utm":{"source":"mail"},"endAt":"`+inAYear+`"}`)
	c := made.data(t, 201)
	times(t, c, "createdAt", "updatedAt", "endAt")
	if c["code"] != "spring-26" || c["url"] != s.url+"/api/v0/referral-links/spring-26" || c["status"] != "active" || c["utm"].(object)["source"] != "mail" {
		t.Errorf("%v", c)
	}
	path := "/referrer-campaigns/" + str(c, "id")
	if got := ada.get(path); got.header.Get("ETag") != made.header.Get("ETag") || got.header.Get("ETag") == "" {
		t.Errorf("%v, after %v", got.header, made.header)
	}
	// A code is taken whatever its case, and whoever asks; it is not given again.
	bob.post("/referrer-campaigns", `{"name":"Mine","code":"SPRING-26"}`).refused(t, "409 REFERRAL_CODE_TAKEN")
	bob.get(path).refused(t, "404 CAMPAIGN_NOT_FOUND")
	bob.put(path, `{"name":"Mine"}`).refused(t, "404 CAMPAIGN_NOT_FOUND")
	bob.post(path+"/end", "").refused(t, "404 CAMPAIGN_NOT_FOUND")
	for body, want := range map[string]string{
		`{}`:                           "name REQUIRED",
		`{"name":""}`:                  "name REQUIRED",
		`{"name":"a","code":"admin"}`:  "code RESERVED",
		`{"name":"a","code":"a b"}`:    "code FORMAT_INVALID",
		`{"name":"a","code":"sprіng"}`: "code FORMAT_INVALID", // with a Cyrillic letter
		`{"name":"a","destinationPath":"https://evil.example/"}`:                       "destinationPath FORMAT_INVALID",
		`{"name":"a","destinationPath":"https://ada:pw@127.0.0.1/"}`:                   "destinationPath FORMAT_INVALID",
		`{"name":"a","destinationPath":"/a/../b"}`:                                     "destinationPath FORMAT_INVALID",
		`{"name":"a","destinationPath":"/%2f%2fevil.example"}`:                         "destinationPath FORMAT_INVALID",
		`{"name":"a","destinationPath":"ftp://127.0.0.1/"}`:                            "destinationPath FORMAT_INVALID",
		`{"name":"a","endAt":"2001-01-01T00:00:00Z"}`:                                  "endAt NOT_IN_THE_FUTURE",
		`{"name":"a","startAt":"2030-01-01T00:00:00Z","endAt":"2029-12-31T00:00:00Z"}`: "endAt OUT_OF_RANGE",
		`{"name":"a","startAt":"2199-01-01T00:00:00Z"}`:                                "startAt OUT_OF_RANGE",
		`{"name":"a","utm":{"source":"` + strings.Repeat("x", 101) + `"}}`:             "utm.source TOO_LONG",
	} {
		ada.post("/referrer-campaigns", body).refused(t, "400 VALIDATION_FAILED "+want)
	}
	changed := ada.put(path, `{"name":"Summer","destinationPath":"","endAt":null}`).data(t, 200)
	if changed["name"] != "Summer" || changed["destinationPath"] != nil || changed["code"] != "spring-26" {
		t.Errorf("%v", changed)
	}
	if all := ada.get("/referrer-campaigns?status=active&search=umm").items(t); len(all) != 1 {
		t.Errorf("%v", all)
	}
	ended := ada.post(path+"/end", "").data(t, 200)
	again := ada.post(path+"/end", "").data(t, 200)
	if ended["status"] != "ended" || ended["endedAt"] == nil || again["endedAt"] != ended["endedAt"] {
		t.Errorf("%v, then %v", ended, again)
	}
	ada.put(path, `{"name":"Autumn"}`).refused(t, "409 CAMPAIGN_ENDED")
	ada.post("/referrer-campaigns", `{"name":"Again","code":"spring-26"}`).refused(t, "409 REFERRAL_CODE_TAKEN")
	if all := ada.get("/referrer-campaigns?status=active").items(t); len(all) != 0 {
		t.Errorf("%v", all)
	}
}

// withdraw asks for money under a key.
func (p *person) withdraw(key, body string) answer {
	p.t.Helper()
	return p.call(http.MethodPost, "/referrer-transactions/withdrawal", body, "Idempotency-Key", key)
}

// A payment of somebody who came with a code earns a commission, which is
// withdrawn, and all that happens to the payment later is followed.
func TestEarningAndWithdrawing(t *testing.T) {
	t.Parallel()
	s := newWorld(t).start(atOnce(t))
	ada, code := s.referrer("ada")
	till := s.till()
	bob := s.brought("bob", strings.ToUpper(code))
	session := bob.checkout(`{"productId":"tokens-1000","quantity":10}`)
	till.pay(session)
	bob.shows(session, "paid")
	ada.earns("available", 9800)
	commission := ada.get("/referrer-transactions?type=commission").items(t)
	if len(commission) != 1 || commission[0]["amount"] != 9800.0 || commission[0]["status"] != "available" || commission[0]["currency"] != "eur" {
		t.Fatalf("%v", commission)
	}
	if one := ada.get("/referrer-transactions/"+str(commission[0], "id")).data(t, 200); one["paymentId"] != commission[0]["paymentId"] {
		t.Errorf("%v", one)
	}
	bob.get("/referrer-transactions/"+str(commission[0], "id")).refused(t, "404 REFERRER_TRANSACTION_NOT_FOUND")

	ada.post("/referrer-transactions/withdrawal", `{"amount":5000}`).refused(t, "400 VALIDATION_FAILED Idempotency-Key REQUIRED")
	bad := 0
	for body, want := range map[string]string{
		`{}`:                                    "400 VALIDATION_FAILED amount REQUIRED",
		`{"amount":0}`:                          "400 VALIDATION_FAILED amount OUT_OF_RANGE",
		`{"amount":-1}`:                         "400 VALIDATION_FAILED amount OUT_OF_RANGE",
		`{"amount":4999}`:                       "409 WITHDRAWAL_BELOW_MINIMUM",
		`{"amount":9801}`:                       "409 EARNINGS_INSUFFICIENT",
		`{"amount":5000,"payoutMethod":"cash"}`: "400 VALIDATION_FAILED payoutMethod VALUE_UNKNOWN",
	} {
		bad++
		ada.withdraw(fmt.Sprint("bad-", bad), body).refused(t, want)
	}
	bob.withdraw("key", `{"amount":5000}`).refused(t, "404 REFERRER_NOT_FOUND")
	wanted := ada.withdraw("one", `{"amount":9800}`).data(t, 201)
	if wanted["type"] != "withdrawal" || wanted["status"] != "requested" || wanted["amount"] != -9800.0 {
		t.Errorf("%v", wanted)
	}
	if again := ada.withdraw("one", `{"amount":9800}`); again.header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("%v", again.header)
	}
	ada.withdraw("two", `{"amount":5000}`).refused(t, "409 WITHDRAWAL_IN_PROGRESS")
	ada.earns("withdrawing", 9800)
	ada.delete("/users/profile") // Without a body it is refused in any case.
	ada.call(http.MethodDelete, "/users/profile", `{"confirmEmail":"ada@example.com"}`).refused(t, "409 WITHDRAWAL_IN_PROGRESS")

	// Above an amount it takes two people of finance.
	admin := s.bootstrapped("root")
	grace, heidi := admin.systemUser("grace", "finance"), admin.systemUser("heidi", "finance")
	payouts := "/admin/payouts/" + str(wanted, "id")
	ada.post(payouts+"/approve", "{}").refused(t, "403 FORBIDDEN")
	grace.post("/admin/payouts/rtx_1/approve", "").refused(t, "404 WITHDRAWAL_NOT_FOUND")
	if first := grace.post(payouts+"/approve", "").data(t, 200); first["status"] != "requested" || first["approvals"] != 1.0 {
		t.Errorf("%v", first)
	}
	grace.post(payouts+"/approve", "").refused(t, "409 WITHDRAWAL_APPROVED")
	grace.post(payouts+"/send", "").refused(t, "409 WITHDRAWAL_UNAPPROVED")
	if second := heidi.post(payouts+"/approve", "").data(t, 200); second["status"] != "approved" || second["approvals"] != 2.0 {
		t.Errorf("%v", second)
	}
	if open := heidi.get("/admin/payouts?status=approved").items(t); len(open) != 1 || open[0]["id"] != wanted["id"] {
		t.Errorf("%v", open)
	}
	// A refund takes what is reserved: the withdrawal is stopped.
	charge := till.charge(session)
	till.act("/payments/"+session, url.Values{"act": {"refund"}, "target": {charge}, "amount": {"24500"}})
	bob.shows(session, "partiallyRefunded")
	ada.earns("available", 4900)
	grace.post(payouts+"/send", "").refused(t, "409 WITHDRAWAL_SENT")
	if got := ada.get("/referrer-transactions/"+str(wanted, "id")).data(t, 200); got["status"] != "stopped" {
		t.Errorf("%v", got)
	}
	reversals := ada.get("/referrer-transactions?type=reversal").items(t)
	if len(reversals) != 1 || reversals[0]["amount"] != -4900.0 {
		t.Errorf("%v", reversals)
	}
	// A dispute holds what is left.
	till.act("/payments/"+session, url.Values{"act": {"dispute"}, "target": {charge}, "amount": {"1000"}})
	ada.earns("held", 4900)
	dispute := str(till.get("/v1/disputes")["data"].([]any)[0].(object), "id")
	till.act("/payments/"+session, url.Values{"act": {"won"}, "target": {dispute}})
	ada.earns("available", 4900)
}

// Who refers themselves in any way, and who is not there, earns nothing.
func TestReferralsThatEarnNothing(t *testing.T) {
	t.Parallel()
	s := newWorld(t).start(atOnce(t))
	ada, code := s.referrer("ada")
	// The same mailbox in another spelling.
	eve := &person{server: s, name: "eve", bearer: s.token("eve", func(o *tokenOptions) { o.email = "e.ve+1@gmail.com" })}
	eve.post("/users/client", `{"firstName":"Eve","lastName":"Example"}`).data(t, 201)
	hers := str(eve.post("/referrers", `{"termsAccepted":true}`).data(t, 201), "referralCode")
	twin := &person{server: s, name: "twin", bearer: s.token("twin", func(o *tokenOptions) { o.email = "eve@gmail.com" })}
	twin.post("/users/client", `{"firstName":"Eve","lastName":"Example","referralCode":"`+hers+`"}`).data(t, 201)
	twin.post("/organizations", `{"name":"Twin Inc"}`).data(t, 201)
	// A member of the referrer's organization who registers another one.
	bob := s.brought("bob", code)
	invited := bob.invite("ada@example.com", "viewer")
	ada.post("/organization-members/join", `{"invitationId":"`+str(invited, "id")+`"}`).data(t, 200)
	till := s.till()
	for _, p := range []*person{twin, bob, s.brought("carol", "nothing-here")} {
		session := p.checkout(`{"productId":"tokens-1000"}`)
		till.pay(session)
		p.shows(session, "paid")
	}
	// One that earns comes last: what is before it has been looked at by then.
	dave := s.brought("dave", code)
	session := dave.checkout(`{"productId":"tokens-1000"}`)
	till.pay(session)
	dave.shows(session, "paid")
	if got := ada.earns("available", 980); got["total"] != 980.0 {
		t.Errorf("%v", got)
	}
	if got := eve.earns("total", 0); got["available"] != 0.0 {
		t.Errorf("%v", got)
	}
}
