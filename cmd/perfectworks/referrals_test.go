package main

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/perfectworks/backend/domain/click"
)

// withTerms gives an installation a programme by which commissions mature at once.
func (i *installation) withTerms() {
	i.t.Helper()
	file := filepath.Join(i.t.TempDir(), "programme.json")
	write(i.t, file, `{"termsVersion":"2026-01","minimumPayout":500,"secondApprovalAbove":900,"rules":[
		{"version":1,"windowDays":30,"rateBasisPoints":2000,"months":12,"holdDays":0,"currency":"eur"}]}`)
	i.settings = append(i.settings, "PERFECTWORKS_REFERRAL_PROGRAMME="+file, "PERFECTWORKS_CLICK_JUDGE=200ms",
		"PERFECTWORKS_SANDBOX_ADDR=127.0.0.1:0", "PERFECTWORKS_WELCOME_TOKENS=0")
}

// followed is a click that was answered.
type followed struct {
	stream string
	index  int
	at     time.Time
}

// follow follows a link. It returns nil for an answer without the id of a click.
func follow(ctx context.Context, api, code, agent string) (*followed, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, api+"/referral-links/"+code, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("User-Agent", agent)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	at := time.Now()
	_, _ = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()
	cookies := response.Cookies()
	if len(cookies) == 0 {
		return nil, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(cookies[0].Value)
	if err != nil || len(raw) < 19 {
		return nil, fmt.Errorf("the id of a click is %q: %w", cookies[0].Value, err)
	}
	name := click.Segment(hex.EncodeToString(raw[1:9]), int64(binary.BigEndian.Uint64(raw[9:])))
	return &followed{click.Aggregate.Stream(name), int(binary.BigEndian.Uint16(raw[17:])), at}, nil
}

const browserAgent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"

// recordedClicks are the clicks in the log: how often each is there.
func recordedClicks(t *testing.T, db *pgx.Conn) (all map[followed]int, total int) {
	t.Helper()
	rows, err := db.Query(t.Context(), `SELECT stream, data FROM eventnode.events WHERE type = 'ReferralClicksRecorded'`)
	if err != nil {
		t.Fatal(err)
	}
	all = map[followed]int{}
	var stream string
	var data []byte
	_, err = pgx.ForEachRow(rows, []any{&stream, &data}, func() error {
		var e click.Recorded
		if err := json.Unmarshal(data, &e); err != nil {
			return err
		}
		for _, c := range e.Clicks {
			all[followed{stream: stream, index: c.Index}]++
			total++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all, total
}

// No click that was answered longer ago than the sync interval is lost by kill -9 of
// the server under load; none is recorded twice; the numbers are those of a rebuild;
// and a better list of bots is tried over them without a change.
func TestClicksSurviveAKill(t *testing.T) {
	t.Parallel()
	place := newInstallation(t)
	place.withTerms()
	place.settings = append(place.settings, "LOG_LEVEL=info", "LOG_FORMAT=text")
	server := place.serve()
	ada := place.customer(server, "ada")
	ada.do(http.MethodPost, "/users/client", `{"firstName":"Ada","lastName":"Lovelace"}`)
	ada.do(http.MethodPost, "/referrers", `{"termsAccepted":true}`)
	campaign, status := ada.do(http.MethodPost, "/referrer-campaigns", `{"name":"Spring","code":"spring-26"}`)
	if status != http.StatusCreated {
		t.Fatalf("the campaign is answered %d", status)
	}
	eventually(t, "the link", func() bool {
		c, err := follow(t.Context(), server.api, "spring-26", browserAgent)
		return err == nil && c != nil
	})

	// The interval is 100 ms; a machine that is busy with other tests may write later.
	const clients, killAfter, atLeast, surelySynced = 8, 2 * time.Second, 300, time.Second
	began := time.Now()
	var mu sync.Mutex
	var answered []followed
	var callers sync.WaitGroup
	enough := make(chan struct{})
	var once sync.Once
	for n := range clients {
		callers.Go(func() {
			for i := 0; ; i++ {
				agent := browserAgent
				if i%3 == 0 {
					agent = "Mozilla/5.0 (compatible; ReaderThatIsNew/1.0)"
				}
				c, err := follow(t.Context(), server.api, "spring-26", fmt.Sprintf("%s client %d", agent, n))
				if err != nil {
					return // It was killed.
				}
				if c == nil {
					t.Error("a click was not kept")
					return
				}
				mu.Lock()
				if answered = append(answered, *c); len(answered) >= atLeast && time.Since(began) > killAfter {
					once.Do(func() { close(enough) })
				}
				mu.Unlock()
			}
		})
	}
	<-enough
	killed := time.Now()
	server.end(syscall.SIGKILL)
	callers.Wait()

	server = place.serve()
	db := connect(t, place)
	var recorded map[followed]int
	var total int
	surely, missing := 0, 0
	eventually(t, "the clicks of the process that was killed", func() bool {
		recorded, total = recordedClicks(t, db)
		surely, missing = 0, 0
		for _, c := range answered {
			if killed.Sub(c.at) <= surelySynced {
				continue // The process may have had it in memory alone.
			}
			if surely++; recorded[followed{stream: c.stream, index: c.index}] == 0 {
				missing++
			}
		}
		return missing == 0
	})
	t.Logf("%d clicks were answered, %d of them long enough before the kill, %d are recorded", len(answered), surely, total)
	if surely == 0 {
		t.Error("the kill came too early to show anything")
	}
	for c, n := range recorded {
		if n > 1 {
			t.Errorf("%+v is recorded %d times", c, n)
		}
	}
	eventually(t, "all clicks of the spool are recorded", func() bool {
		return scrape(t, server)["perfectworks_referral_clicks_spool_bytes"].GetMetric()[0].GetGauge().GetValue() == 0
	})
	eventually(t, "the numbers", func() bool {
		_, total = recordedClicks(t, db)
		return number(t, db, `SELECT coalesce(sum(clicks + bots + duplicates), 0) FROM clickstats.quarters`) == total
	})
	for _, model := range []string{"clickstats", "referrals"} {
		checkSame(t, place, db, model)
	}

	bots := filepath.Join(t.TempDir(), "bots.txt")
	write(t, bots, "# of this year\nReaderThatIsNew\n")
	before := number(t, db, `SELECT count(*) FROM eventnode.events`)
	tool := func(args ...string) (stdout, stderr string, code int) {
		t.Helper()
		return output(t, place.settings, append(args, "--data", place.data)...)
	}
	stdout, stderr, code := tool("referrals", "rejudge", "--dry-run", "--agents", bots, "--json")
	var verdict struct {
		Clicks    int
		Now, Then struct{ Human, Unique, Bots, Duplicates int }
		Campaigns []struct{ ID string }
		Agents    []struct{ Agent string }
	}
	if err := json.Unmarshal([]byte(stdout), &verdict); err != nil || code != 0 {
		t.Fatalf("rejudge ended with %d, %v: %s%s", code, err, stdout, stderr)
	}
	if verdict.Clicks != total || verdict.Then.Bots <= verdict.Now.Bots || verdict.Then.Human+verdict.Then.Bots+verdict.Then.Duplicates != total ||
		len(verdict.Campaigns) != 1 || verdict.Campaigns[0].ID != campaign["id"] || len(verdict.Agents) == 0 || !strings.Contains(verdict.Agents[0].Agent, "ReaderThatIsNew") {
		t.Errorf("of %d clicks: %+v", total, verdict)
	}
	if stdout, stderr, code = tool("referrals", "rejudge", "--dry-run"); code != 0 || !strings.Contains(stdout, "would be") || !strings.Contains(stdout, "+0") {
		t.Errorf("rejudge ended with %d: %s%s", code, stdout, stderr)
	}
	if after := number(t, db, `SELECT count(*) FROM eventnode.events`); after != before {
		t.Errorf("%d events were written", after-before)
	}
	for name, args := range map[string][]string{
		"without --dry-run": {"referrals", "rejudge"},
		"no such file":      {"referrals", "rejudge", "--dry-run", "--agents", bots + ".missing"},
	} {
		if stdout, _, code := tool(args...); code == 0 || stdout != "" {
			t.Errorf("%s: it ended with %d: %s", name, code, stdout)
		}
	}
}

// Withdrawals are approved, rejected, exported and settled from the command line, and
// referrers suspended, each by a person of finance.
func TestPayoutsFromTheCommandLine(t *testing.T) {
	t.Parallel()
	place := newInstallation(t)
	place.withTerms()
	server := place.serve()
	ada := place.customer(server, "ada")
	ada.do(http.MethodPost, "/users/client", `{"firstName":"Ada","lastName":"Lovelace"}`)
	profile, _ := ada.do(http.MethodPost, "/referrers", `{"termsAccepted":true,"payoutMethod":"paypal","payoutEmail":"ada@pay.example"}`)
	code, _ := profile["referralCode"].(string)
	bob := place.customer(server, "bob")
	bob.do(http.MethodPost, "/users/client", `{"firstName":"Bob","lastName":"Babbage","referralCode":"`+code+`"}`)
	bob.do(http.MethodPost, "/organizations", `{"name":"Engines"}`)
	opened, _ := bob.do(http.MethodPost, "/payments/checkout-session", `{"productId":"tokens-1000","quantity":3}`)
	session, _ := opened["sessionId"].(string)
	pay(t, place.data, session)
	earnings := func(name string) float64 {
		p, _ := ada.do(http.MethodGet, "/referrers/profile", "")
		e, _ := p["earnings"].(map[string]any)
		n, _ := e[name].(float64)
		return n
	}
	eventually(t, "the commission", func() bool { return earnings("available") == 2940 })

	secret, stderr, exit := output(t, place.settings, "admin", "bootstrap", "--data", place.data)
	if exit != 0 {
		t.Fatalf("bootstrap ended with %d: %s", exit, stderr)
	}
	grace := place.customer(server, "grace")
	grace.do(http.MethodPost, "/users/system", `{"email":"grace@example.com","roles":["admin","finance"]}`, "X-Bootstrap-Secret", strings.TrimSpace(secret), "Authorization", "")
	for name, role := range map[string]string{"heidi": "finance", "sam": "support"} {
		if _, status := grace.do(http.MethodPost, "/users/system", `{"email":"`+name+`@example.com","roles":["`+role+`"]}`); status != http.StatusCreated {
			t.Fatalf("%s is answered %d", name, status)
		}
	}
	tool := func(args ...string) (stdout, stderr string, code int) {
		t.Helper()
		return output(t, place.settings, append(append([]string{"referrals"}, args...), "--data", place.data)...)
	}
	succeeds := func(want string, args ...string) string {
		t.Helper()
		stdout, stderr, code := tool(args...)
		if code != 0 || !strings.Contains(stdout+stderr, want) {
			t.Errorf("%v ended with %d: %s%s", args, code, stdout, stderr)
		}
		return stdout
	}
	fails := func(want string, args ...string) {
		t.Helper()
		if stdout, stderr, code := tool(args...); code == 0 || stdout != "" || !strings.Contains(stderr, want) {
			t.Errorf("%v ended with %d: %s%s", args, code, stdout, stderr)
		}
	}
	requests := 0
	withdraw := func(amount int) string {
		t.Helper()
		requests++
		w, status := ada.do(http.MethodPost, "/referrer-transactions/withdrawal", fmt.Sprintf(`{"amount":%d}`, amount), "Idempotency-Key", fmt.Sprint("key-", requests))
		if status != http.StatusCreated {
			t.Fatalf("the withdrawal is answered %d", status)
		}
		name, _ := w["id"].(string)
		return name
	}
	byGrace, byHeidi := []string{"--as", "grace@example.com"}, []string{"--as", "heidi@example.com"}
	with := func(flags []string, args ...string) []string { return append(args, flags...) }

	// Above an amount it takes two people.
	first := withdraw(1000)
	fails("there is no", with([]string{"--as", "eve@example.com"}, "payouts", "approve", first)...)
	fails("FORBIDDEN", with([]string{"--as", "sam@example.com"}, "payouts", "approve", first)...)
	fails("FORBIDDEN", with([]string{"--as", "sam@example.com"}, "payouts", "export")...)
	fails("name one withdrawal", with(byGrace, "payouts", "approve", "rtx_1")...)
	fails("as", "payouts", "approve", first)
	fails("no such withdrawal", with(byGrace, "payouts", "approve", first[:len(first)-1]+"9")...)
	succeeds("requested, approved by 1", with(byGrace, "payouts", "approve", first)...)
	fails("already", with(byGrace, "payouts", "approve", first)...)
	if out := succeeds("0 payments", with(byGrace, "payouts", "export")...); strings.Contains(out, first) {
		t.Errorf("it is paid after one approval: %s", out)
	}
	succeeds("approved, approved by 2", with(byHeidi, "payouts", "approve", first)...)
	eventually(t, "the approval", func() bool {
		w, _ := ada.do(http.MethodGet, "/referrer-transactions/"+first, "")
		return w["status"] == "approved"
	})
	exported := succeeds("1 payments", with(byGrace, "payouts", "export")...)
	lines, err := csv.NewReader(strings.NewReader(exported)).ReadAll()
	if err != nil || len(lines) != 2 || strings.Join(lines[1], " ") != first+" 1000 eur paypal ada@pay.example" {
		t.Errorf("%v, %v", lines, err)
	}
	if again := succeeds("1 payments", with(byGrace, "payouts", "export")...); again != exported {
		t.Errorf("%s, then %s", exported, again)
	}
	fails("sent already", with(byHeidi, "payouts", "reject", first, "--reason", "too late")...)

	results := filepath.Join(t.TempDir(), "results.csv")
	imports := func(want, text string) {
		t.Helper()
		write(t, results, text)
		succeeds(want, with(byGrace, "payouts", "import", results)...)
	}
	write(t, results, "reference,outcome\n"+first+",lost\n")
	fails("line 2", with(byGrace, "payouts", "import", results)...)
	imports("1 results", "reference,outcome\n"+first+",unknown\n")
	eventually(t, "the uncertainty", func() bool {
		w, _ := ada.do(http.MethodGet, "/referrer-transactions/"+first, "")
		return w["status"] == "uncertain"
	})
	imports("1 results", first+",paid\n")
	imports("1 results", first+",paid\n")
	eventually(t, "the money", func() bool { return earnings("withdrawn") == 1000 && earnings("available") == 1940 })
	// Days later it comes back, and is given back once.
	imports("1 results", first+",returned\n")
	imports("1 results", first+",returned\n")
	eventually(t, "the return", func() bool { return earnings("withdrawn") == 0 && earnings("available") == 2940 })
	if out := succeeds("0 payments", with(byGrace, "payouts", "export")...); strings.Contains(out, "ada@pay.example") {
		t.Errorf("what has ended is still kept: %s", out)
	}

	second := withdraw(500)
	fails("reason", with(byGrace, "payouts", "reject", second)...)
	succeeds("rejected", with(byGrace, "payouts", "reject", second, "--reason", "ticket 4711")...)
	eventually(t, "the rejection", func() bool { return earnings("available") == 2940 })

	name, _ := profile["id"].(string)
	fails("reason", with(byGrace, "suspend", name)...)
	fails("name one referrer", with(byGrace, "suspend", "ada", "--reason", "ticket 4711")...)
	fails("no such referrer", with(byGrace, "suspend", "rfr_01h455vb4pex5vsknk084sn02q", "--reason", "ticket 4711")...)
	succeeds(name+": suspended", with(byGrace, "suspend", name, "--reason", "ticket 4711")...)
	eventually(t, "the suspension", func() bool {
		p, _ := ada.do(http.MethodGet, "/referrers/profile", "")
		return p["status"] == "suspended"
	})
	if _, status := ada.do(http.MethodPost, "/referrer-transactions/withdrawal", `{"amount":500}`, "Idempotency-Key", "suspended"); status != http.StatusConflict {
		t.Errorf("a suspended referrer's withdrawal is answered %d", status)
	}
	if out := succeeds(`"suspended": false`, with(byHeidi, "reinstate", name, "--reason", "it was a mistake", "--json")...); !strings.Contains(out, name) {
		t.Error(out)
	}
	eventually(t, "the reinstatement", func() bool { p, _ := ada.do(http.MethodGet, "/referrers/profile", ""); return p["status"] == "active" })
	if text := server.log.String(); strings.Contains(text, "ada@pay.example") {
		t.Error("the address of a payout is in the log of the server")
	}
	if left, err := os.ReadDir(filepath.Join(place.data, "clicks")); err != nil || len(left) != 1 {
		t.Errorf("tools left %d spools of clicks, %v", len(left), err)
	}
}
