package httpapi_test

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/perfectworks/backend/app"
)

var _ = inContract(map[string]string{
	"POST /referrers":                         byToken,
	"GET /referrers/profile":                  byToken,
	"GET /referrer-transactions":              byToken,
	"GET /referrer-transactions/{id}":         byToken,
	"POST /referrer-transactions/withdrawal":  byToken,
	"POST /referrer-campaigns":                byToken,
	"GET /referrer-campaigns":                 byToken,
	"GET /referrer-campaigns/{id}":            byToken,
	"PUT /referrer-campaigns/{id}":            byToken,
	"POST /referrer-campaigns/{id}/end":       byToken,
	"GET /referral-links/{code}":              publicly,
	"GET /referrers/dashboard":                byToken,
	"GET /referrer-campaigns/{id}/analytics":  byToken,
	"GET /referrer-transactions/{id}/explain": byToken,
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
	return func(s *app.Settings) { s.ReferralProgramme, s.ClickJudge = file, 200*time.Millisecond }
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

// buys has somebody pay for something, and waits until it is paid.
func (p *person) buys(order string) (session string) {
	p.t.Helper()
	session = p.checkout(order)
	p.till().pay(session)
	p.shows(session, "paid")
	return session
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
	session := bob.buys(`{"productId":"tokens-1000","quantity":10}`)
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
	if again := ada.withdraw("one", `{"amount":9800}`); again.header.Get("Idempotency-Replayed") != "true" || str(again.data(t, 201), "id") != str(wanted, "id") {
		t.Errorf("%v", again.header)
	}
	ada.withdraw("one", `{"amount":5000}`).refused(t, "422 IDEMPOTENCY_KEY_REUSED")
	ada.withdraw("a key", `{"amount":5000}`).refused(t, "400 VALIDATION_FAILED Idempotency-Key FORMAT_INVALID")
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
	for _, p := range []*person{twin, bob, s.brought("carol", "nothing-here")} {
		p.buys(`{"productId":"tokens-1000"}`)
	}
	// One that earns comes last: what is before it has been looked at by then.
	s.brought("dave", code).buys(`{"productId":"tokens-1000"}`)
	if got := ada.earns("available", 980); got["total"] != 980.0 {
		t.Errorf("%v", got)
	}
	if got := eve.earns("total", 0); got["available"] != 0.0 {
		t.Errorf("%v", got)
	}
}

// browserAgent is the agent of a browser.
const browserAgent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"

// click follows a link, and returns where it leads and the signed id of the click.
func (s *server) click(code string, header ...string) (to, id string) {
	s.t.Helper()
	a := s.do(call{method: http.MethodGet, path: "/api/v0/referral-links/" + code, header: append([]string{"User-Agent", browserAgent}, header...)})
	if a.status != http.StatusFound || a.header.Get("Cache-Control") != "no-store" || len(a.body) != 0 {
		s.t.Fatalf("%d %v %s", a.status, a.header, a.body)
	}
	for _, text := range a.header.Values("Set-Cookie") {
		cookie, err := http.ParseSetCookie(text)
		if err != nil || cookie.Name != "pw_click" {
			s.t.Fatalf("%s: %v", text, err)
		}
		id = cookie.Value
	}
	return a.header.Get("Location"), id
}

// kept follows a link until the index knows it.
func (s *server) kept(code string) (to, id string) {
	s.t.Helper()
	eventually(s.t, func() bool { to, id = s.click(code); return id != "" }, func() string { return "the link is not known" })
	return to, id
}

func TestReferralLinks(t *testing.T) {
	t.Parallel()
	s := newWorld(t).start(atOnce(t))
	ada, code := s.referrer("ada")
	c := ada.post("/referrer-campaigns", `{"name":"Spring","code":"spring-26","destinationPath":"/pricing?plan=a","utm":{"source":"mail"}}`).data(t, 201)
	to, id := s.kept("SPRING-26?a=b&plan=z")
	if to != s.url+"/pricing?plan=a&utm_source=mail&a=b" {
		t.Errorf("it leads to %s", to)
	}
	if to, id := s.click("nothing?a=b"); to != s.url+"/?a=b" || id != "" {
		t.Errorf("no code: %s, %s", to, id)
	}
	for name, header := range map[string][]string{"GPC": {"Sec-GPC", "1"}, "DNT": {"DNT", "1"}} {
		if to, id := s.click("spring-26", header...); to == "" || id != "" {
			t.Errorf("%s: %s, %s", name, to, id)
		}
	}
	if _, id := s.click("spring-26", "Cookie", "pw_click="+strings.Repeat("x", 8<<10)); id == "" {
		t.Error("a large cookie keeps a click from being counted")
	}
	for _, path := range []string{"spring-26?a=%0d%0aX-Evil:1", "spring-26?//evil.example", "%2f%2fevil.example", "a%00b", "spring-26?x=" + strings.Repeat("y", 8<<10)} {
		if to, _ := s.click(path); !strings.HasPrefix(to, s.url+"/") || strings.ContainsAny(to, "\r\n") {
			t.Errorf("%.30s leads to %s", path, to)
		}
	}
	if a := s.do(call{method: http.MethodHead, path: "/api/v0/referral-links/spring-26"}); a.status != 302 || a.header.Get("Set-Cookie") != "" || a.header.Get("Location") == "" {
		t.Errorf("HEAD: %d %v", a.status, a.header)
	}
	s.do(call{method: http.MethodPost, path: "/api/v0/referral-links/spring-26", body: "{}"}).refused(t, "405 METHOD_NOT_ALLOWED")

	// A forged id is refused, and creates no account.
	eve := &person{server: s, name: "eve", bearer: s.token("eve")}
	for _, forged := range []string{"x", id[1:], id[:len(id)-1] + "_", strings.Repeat("A", len(id))} {
		eve.post("/users/client", `{"firstName":"Eve","lastName":"Example","referralClickId":"`+forged+`"}`).
			refused(t, "400 VALIDATION_FAILED referralClickId FORMAT_INVALID")
	}
	eve.get("/users/profile").refused(t, "403 USER_NOT_REGISTERED")

	// The id of the click goes before the code, and the campaign's end ends nothing
	// for those who clicked before.
	ada.post("/referrer-campaigns/"+str(c, "id")+"/end", "").data(t, 200)
	eventually(t, func() bool { _, id := s.click("spring-26"); return id == "" }, func() string { return "the link goes on" })
	bob := &person{server: s, name: "bob", bearer: s.token("bob")}
	bob.post("/users/client", `{"firstName":"Bob","lastName":"Example","referralCode":"nothing","referralClickId":"`+id+`"}`).data(t, 201)
	// Another one comes with the cookie, which was not read by a page.
	_, own := s.kept(code)
	carol := &person{server: s, name: "carol", bearer: s.token("carol")}
	carol.call(http.MethodPost, "/users/client", `{"firstName":"Carol","lastName":"Example"}`, "Cookie", "other=1; pw_click="+own).data(t, 201)
	dave := &person{server: s, name: "dave", bearer: s.token("dave")}
	dave.call(http.MethodPost, "/users/client", `{"firstName":"Dave","lastName":"Example"}`, "Cookie", "pw_click=forged").data(t, 201)
	for _, p := range []*person{dave, bob, carol} {
		p.post("/organizations", `{"name":"`+p.name+` Inc"}`).data(t, 201)
		p.buys(`{"productId":"tokens-1000"}`)
	}
	ada.earns("total", 1960)
	campaigns := map[any]int{}
	for _, item := range ada.get("/referrer-transactions").items(t) {
		campaigns[item["campaignId"]]++
	}
	if campaigns[c["id"]] != 1 || campaigns[nil] != 1 {
		t.Errorf("%v", campaigns)
	}

	// What came of the links is counted, and each cent explained.
	analytics := "/referrer-campaigns/" + str(c, "id") + "/analytics"
	var numbers object
	eventually(t, func() bool {
		numbers = ada.get(analytics+"?groupBy=device&interval=hour&timezone=Asia/Kolkata").data(t, 200)
		totals := numbers["totals"].(object)
		return totals["clicks"] == 1.0 && totals["signups"] == 1.0 && totals["conversions"] == 1.0 && totals["earnings"] == 980.0
	}, func() string { return fmt.Sprint(numbers["totals"]) })
	times(t, numbers, "from", "to", "asOf")
	if totals := numbers["totals"].(object); totals["uniqueClicks"] != 1.0 || totals["bots"] != 0.0 || totals["duplicates"].(float64) < 1 {
		t.Errorf("%v", totals)
	}
	byCampaign := ada.get(analytics+"?groupBy=campaign").data(t, 200)
	if parts := byCampaign["breakdown"].([]any); len(parts) != 1 || parts[0].(object)["value"] != c["id"] || parts[0].(object)["clicks"] != 1.0 || byCampaign["groupBy"] != "campaign" {
		t.Errorf("%v", byCampaign["breakdown"])
	}
	if parts := numbers["breakdown"].([]any); len(parts) != 1 || parts[0].(object)["value"] != "desktop" || parts[0].(object)["clicks"] != 1.0 {
		t.Errorf("%v", parts)
	}
	if series := numbers["series"].([]any); len(series) < 720 || len(series) > 722 {
		t.Errorf("%d hours in 30 days", len(series))
	}
	dashboard := ada.get("/referrers/dashboard").data(t, 200)
	if top := dashboard["topCampaigns"].([]any); len(top) != 2 || dashboard["signups"] != 2.0 || dashboard["earnings"] != 1960.0 {
		t.Errorf("%v", dashboard)
	}
	for query, want := range map[string]string{
		"?interval=minute":                                   "interval VALUE_UNKNOWN",
		"?groupBy=agent":                                     "groupBy VALUE_UNKNOWN",
		"?timezone=Nowhere/City":                             "timezone VALUE_UNKNOWN",
		"?timezone=../../etc/passwd":                         "timezone VALUE_UNKNOWN",
		"?from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z": "to OUT_OF_RANGE",
		"?from=2016-01-01T00:00:00Z&to=2026-01-01T00:00:00Z&interval=hour": "from OUT_OF_RANGE",
		"?from=yesterday": "from FORMAT_INVALID",
	} {
		ada.get(analytics+query).refused(t, "400 VALIDATION_FAILED "+want)
	}
	bob.get(analytics).refused(t, "404 CAMPAIGN_NOT_FOUND")
	bob.get("/referrers/dashboard").refused(t, "404 REFERRER_NOT_FOUND")
	for _, item := range ada.get("/referrer-transactions").items(t) {
		if item["campaignId"] == nil {
			continue
		}
		bob.get("/referrer-transactions/"+str(item, "id")+"/explain").refused(t, "404 REFERRER_TRANSACTION_NOT_FOUND")
		var events, sentences []string
		for _, step := range ada.get("/referrer-transactions/"+str(item, "id")+"/explain").data(t, 200)["steps"].([]any) {
			step := step.(object)
			events, sentences = append(events, str(step, "event")), append(sentences, str(step, "sentence"))
			if n := s.count("SELECT count(*) FROM eventnode.events WHERE event_id = $1 AND type = $2", step["eventId"], step["event"]); n != 1 {
				t.Errorf("%d events of the log are %v", n, step)
			}
		}
		// The job that matures commissions may have run, or not yet.
		if got := strings.TrimSuffix(strings.Join(events, " "), " CommissionMatured"); got != "ReferralClicksRecorded UserRegistered ReferralAttributed PaymentSucceeded CommissionEarned" {
			t.Errorf("it follows from %s", got)
		}
		text := strings.Join(sentences, " ")
		for _, part := range []string{"click ", "under rule 1", "registered", "by rule 1", str(item, "paymentId"), "980 eur", "4900"} {
			if !strings.Contains(text, part) {
				t.Errorf("%s is not named: %s", part, text)
			}
		}
	}
}

// Requests that come at once under one key withdraw once.
func TestAWithdrawalUnderOneKey(t *testing.T) {
	t.Parallel()
	s := newWorld(t).start(atOnce(t))
	ada, code := s.referrer("ada")
	s.brought("bob", code).buys(`{"productId":"tokens-1000","quantity":20}`)
	ada.earns("available", 19600)
	var all [8]answer
	var callers sync.WaitGroup
	for i := range all {
		callers.Go(func() {
			eventually(t, func() bool {
				all[i] = ada.withdraw("the-same", `{"amount":5000}`)
				return all[i].status != http.StatusConflict // One is under way.
			}, func() string { return string(all[i].body) })
		})
	}
	callers.Wait()
	first := str(all[0].data(t, 201), "id")
	for _, a := range all {
		if str(a.data(t, 201), "id") != first {
			t.Errorf("%s, then %s", first, a.body)
		}
	}
	ada.earns("withdrawing", 5000)
	// It is required by the document as well.
	document, required := s.specification(), map[string]bool{}
	for _, op := range document.operations() {
		all, _ := op.object["parameters"].([]any)
		for _, p := range all {
			if p := document.at(p).(object); p["name"] == "Idempotency-Key" && p["required"] == true {
				required[op.method+" "+op.path] = true
			}
		}
	}
	if len(required) != 1 || !required["POST /referrer-transactions/withdrawal"] {
		t.Errorf("the document requires the key in %v", required)
	}
}

// People of finance suspend a referrer, who then earns and withdraws nothing and whose
// links do not count, and end that.
func TestSuspendedReferrers(t *testing.T) {
	t.Parallel()
	s := newWorld(t).start(atOnce(t))
	ada, code := s.referrer("ada")
	s.kept(code)
	admin := s.bootstrapped("root")
	grace := admin.systemUser("grace", "finance")
	profile := ada.get("/referrers/profile").data(t, 200)
	standing := "/admin/referrers/" + str(profile, "id")
	ada.post(standing+"/suspend", `{"reason":"because"}`).refused(t, "403 FORBIDDEN")
	for body, want := range map[string]string{
		`{}`:                            "reason REQUIRED",
		`{"reason":"x"}`:                "reason TOO_SHORT",
		`{"reason":"a\u0000b because"}`: "reason CHARACTER_FORBIDDEN",
	} {
		grace.post(standing+"/suspend", body).refused(t, "400 VALIDATION_FAILED "+want)
	}
	for _, name := range []string{"rfr_01h455vb4pex5vsknk084sn02q", "rfr_1", "nobody"} {
		grace.post("/admin/referrers/"+name+"/suspend", `{"reason":"ticket 4711"}`).refused(t, "404 REFERRER_NOT_FOUND")
		grace.post("/admin/referrers/"+name+"/reinstate", `{"reason":"ticket 4711"}`).refused(t, "404 REFERRER_NOT_FOUND")
	}
	if ada.get("/referrers/profile").data(t, 200)["status"] != "active" {
		t.Error("what was refused has changed something")
	}
	for range 2 { // The second time changes nothing.
		got := grace.post(standing+"/suspend", `{"reason":"ticket 4711"}`).data(t, 200)
		if got["status"] != "suspended" || got["id"] != profile["id"] || got["referralCode"] != code || got["userId"] != ada.id {
			t.Errorf("%v", got)
		}
	}
	if ada.get("/referrers/profile").data(t, 200)["status"] != "suspended" {
		t.Error("the referrer is not told")
	}
	ada.post("/referrer-campaigns", `{"name":"Spring"}`).refused(t, "409 REFERRER_SUSPENDED")
	ada.withdraw("key", `{"amount":5000}`).refused(t, "409 REFERRER_SUSPENDED")
	eventually(t, func() bool { _, id := s.click(code); return id == "" }, func() string { return "the link goes on to count" })
	if got := grace.post(standing+"/reinstate", `{"reason":"it was a mistake"}`).data(t, 200); got["status"] != "active" {
		t.Errorf("%v", got)
	}
	s.kept(code)
	// Who did it, and why, stands in the log; why is for those who may read about people.
	conn := s.connect()
	defer conn.Close(t.Context())
	rows, err := conn.Query(t.Context(), `SELECT type || ' by ' || (convert_from(metadata, 'UTF8')::json ->> 'actorId') || coalesce(' for ' || left(convert_from(data, 'UTF8')::json ->> 'reason', 9), '')
		FROM eventnode.events WHERE stream = $1 AND type IN ('ReferrerSuspended', 'ReferrerReinstated') ORDER BY revision`, "referrer-"+str(profile, "id"))
	var changes []string
	if err == nil {
		changes, err = pgx.CollectRows(rows, pgx.RowTo[string])
	}
	if want := []string{"ReferrerSuspended by " + grace.id + " for personal:", "ReferrerReinstated by " + grace.id + " for personal:"}; !slices.Equal(changes, want) || err != nil {
		t.Errorf("%v, want %v, %v", changes, want, err)
	}
	// The public document does not name these operations.
	if text := s.do(call{method: http.MethodGet, path: "/api/v0/openapi.json"}).body; strings.Contains(string(text), "/admin/referrers") {
		t.Error("the document names operations of finance")
	}
}

// A referrer has as many campaigns as are allowed, and is told so.
func TestTheLimitOfCampaigns(t *testing.T) {
	t.Parallel()
	s := newWorld(t).start(func(s *app.Settings) { s.MaxCampaigns = 2 })
	ada, _ := s.referrer("ada")
	first := ada.post("/referrer-campaigns", `{"name":"a"}`).data(t, 201)
	ada.post("/referrer-campaigns", `{"name":"b"}`).data(t, 201)
	ada.post("/referrer-campaigns", `{"name":"c","code":"third-one"}`).refused(t, "409 CAMPAIGN_LIMIT_REACHED")
	ada.post("/referrer-campaigns/"+str(first, "id")+"/end", "").data(t, 200)
	ada.post("/referrer-campaigns", `{"name":"c","code":"third-one"}`).data(t, 201)
}

// Links go on when the spool is full; what is lost is counted, and an alert raised.
func TestAFullSpoolIsTold(t *testing.T) {
	t.Parallel()
	s := newWorld(t).start(func(s *app.Settings) { s.ClickSpool, s.ClickJudge = 3000, time.Hour })
	_, code := s.referrer("ada")
	s.kept(code)
	metric := func(name string) string {
		for _, line := range strings.Split(string(s.forOperators("/metrics").body), "\n") {
			if value, found := strings.CutPrefix(line, name+" "); found {
				return value
			}
		}
		return ""
	}
	if metric("perfectworks_referral_clicks_lost_total") != "0" || metric("perfectworks_referral_clicks_not_kept") != "0" {
		t.Errorf("%s are lost, %s", metric("perfectworks_referral_clicks_lost_total"), metric("perfectworks_referral_clicks_not_kept"))
	}
	lost := 0
	for range 20 {
		to, id := s.click(code)
		if to == "" {
			t.Error("a link does not go on")
		}
		if id == "" {
			lost++
		}
	}
	if got := metric("perfectworks_referral_clicks_lost_total"); lost == 0 || got != fmt.Sprint(lost) || metric("perfectworks_referral_clicks_not_kept") != "1" {
		t.Errorf("%d clicks were lost, and %s are counted", lost, got)
	}
	if n := strings.Count(s.logs.String(), "clicks on referral links are lost"); n != 1 {
		t.Errorf("it is said %d times", n)
	}
}

// Erasing a referrer leaves nothing that tells of the person: not where money went,
// not why finance decided; what was earned and paid stays, under the pseudonym.
func TestErasingAReferrer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.start(atOnce(t))
	ada := s.register("ada")
	code := str(ada.post("/referrers", `{"termsAccepted":true,"payoutMethod":"paypal","payoutEmail":"first-wombat@pay.example"}`).data(t, 201), "referralCode")
	ada.post("/referrers", `{"termsAccepted":true,"payoutEmail":"second-wombat@pay.example"}`).data(t, 200)
	ada.post("/referrer-campaigns", `{"name":"Spring"}`).data(t, 201)
	s.brought("bob", code).buys(`{"productId":"tokens-1000","quantity":20}`)
	ada.earns("available", 19600)
	admin := s.bootstrapped("root")
	grace, heidi := admin.systemUser("grace", "finance"), admin.systemUser("heidi", "finance")
	rejected := ada.withdraw("one", `{"amount":5000}`).data(t, 201)
	grace.post("/admin/payouts/"+str(rejected, "id")+"/reject", `{"reason":"third-wombat wrote"}`).data(t, 200)
	paid := "/admin/payouts/" + str(ada.withdraw("two", `{"amount":19600}`).data(t, 201), "id")
	grace.post(paid+"/approve", "").data(t, 200)
	heidi.post(paid+"/approve", "").data(t, 200)
	grace.post(paid+"/send", "").data(t, 200)
	grace.post(paid+"/result", `{"outcome":"paid"}`).data(t, 200)
	name := str(ada.get("/referrers/profile").data(t, 200), "id")
	grace.post("/admin/referrers/"+name+"/suspend", `{"reason":"fourth-wombat wrote"}`).data(t, 200)
	ada.earns("withdrawn", 19600)
	wombats := []string{"first-wombat", "second-wombat", "third-wombat", "fourth-wombat"}
	eventually(t, func() bool { return len(w.find(wombats)) > 0 }, func() string { return "the test would show nothing" })
	facts := func() int {
		return w.count("SELECT count(*) FROM eventnode.events WHERE stream = $1", "referrer-"+name)
	}
	earnings := func() int {
		return w.count("SELECT count(*) FROM eventnode.events WHERE stream = $1 AND type = 'CommissionEarned'", "referrer-"+name)
	}
	before := facts()

	ada.call(http.MethodDelete, "/users/profile", `{"confirmEmail":"ada@example.com"}`).data(t, 200)
	ada.delete("/users/"+ada.id+"/permanent").data(t, 202)
	var found []string
	eventually(t, func() bool { found = w.find(wombats); return len(found) == 0 }, func() string { return strings.Join(found, "\n") })
	if log := s.logs.String(); strings.Contains(log, "wombat") {
		t.Error("the logs tell of the person")
	}
	// There may be more: the job that matures commissions runs on its own.
	if after := facts(); after < before || before == 0 {
		t.Errorf("%d events are left of %d", after, before)
	}
	eventually(t, func() bool {
		return w.count("SELECT count(*) FROM referrals.transactions WHERE referrer_id = $1", name) == 3 &&
			w.count("SELECT count(*) FROM referrals.referrers WHERE id = $1 AND payout_email = ''", name) == 1
	}, func() string { return "the account of the referrer is gone, or still tells where money went" })
	if n := w.count("SELECT count(*) FROM payout_orders"); n != 0 {
		t.Errorf("%d orders of payouts are left", n)
	}
	// The code is never given again, and people who come with it earn no commission.
	eve, _ := s.referrer("eve")
	eve.post("/referrer-campaigns", `{"name":"Mine","code":"`+code+`"}`).refused(t, "409 REFERRAL_CODE_TAKEN")
	s.brought("carol", code).buys(`{"productId":"tokens-1000"}`)
	eventually(t, func() bool {
		return w.count("SELECT count(*) FROM eventnode.events WHERE type = 'ReferralDenied' AND convert_from(data, 'UTF8') LIKE '%referrerInactive%'") == 1
	}, func() string { return "nothing was decided about a person who came with the code" })
	if n := earnings(); n != 1 {
		t.Errorf("an erased referrer earns: there are %d commissions after 1", n)
	}
}
