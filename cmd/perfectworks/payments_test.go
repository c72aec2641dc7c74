package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/perfectworks/backend/adapters/identity"
)

// customer calls a server as somebody, and reads whole answers.
type customer struct {
	t     *testing.T
	api   string
	token string
}

func (i *installation) customer(p *process, name string) customer {
	i.t.Helper()
	token, err := identity.MintToken(i.data, name, name+"@example.com", true, time.Hour)
	if err != nil {
		i.t.Fatal(err)
	}
	return customer{i.t, p.api, token}
}

func (c customer) do(method, path, body string, header ...string) (data map[string]any, status int) {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.api+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+c.token)
	r.Header.Set("Content-Type", "application/json")
	for n := 0; n < len(header); n += 2 {
		if r.Header.Set(header[n], header[n+1]); header[n+1] == "" {
			r.Header.Del(header[n])
		}
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	var envelope struct{ Data map[string]any }
	if err := json.Unmarshal(text, &envelope); err != nil {
		c.t.Fatalf("%s %s is answered %d: %s", method, path, response.StatusCode, text)
	}
	return envelope.Data, response.StatusCode
}

// People of finance find and decide about payments, adjust tokens and write a
// statement from the command line; the reconciler tells and repairs what webhooks
// did not bring.
func TestFinanceFromTheCommandLine(t *testing.T) {
	t.Parallel()
	place := newInstallation(t)
	// No webhook ever arrives.
	place.settings = append(place.settings, "PERFECTWORKS_SANDBOX_CHAOS=drops=1", "PERFECTWORKS_SANDBOX_ADDR=127.0.0.1:0", "PERFECTWORKS_WELCOME_TOKENS=0")
	// Until the first looks are over no worker is there, whose reconciler would be
	// faster.
	projector, server := place.serve("--role", "projector"), place.serve("--role", "api")
	ada := place.customer(server, "ada")
	ada.do(http.MethodPost, "/users/client", `{"firstName":"Ada","lastName":"Lovelace"}`)
	organization, _ := ada.do(http.MethodPost, "/organizations", `{"name":"Engines"}`)
	name, _ := organization["id"].(string)
	tool := func(args ...string) (stdout, stderr string, code int) {
		t.Helper()
		return output(t, place.settings, append(args, "--data", place.data)...)
	}
	secret, stderr, code := tool("admin", "bootstrap")
	if code != 0 {
		t.Fatalf("bootstrap ended with %d: %s", code, stderr)
	}
	grace := place.customer(server, "grace")
	if _, status := grace.do(http.MethodPost, "/users/system", `{"email":"grace@example.com","roles":["admin","finance"]}`,
		"X-Bootstrap-Secret", strings.TrimSpace(secret), "Authorization", ""); status != http.StatusCreated {
		t.Fatalf("the system user is answered %d", status)
	}
	as := []string{"--as", "grace@example.com", "--reason", "ticket 4711"}

	// A payment that no webhook told of.
	opened, _ := ada.do(http.MethodPost, "/payments/checkout-session", `{"productId":"tokens-1000"}`)
	session, _ := opened["sessionId"].(string)
	pay(t, place.data, session)
	stdout, stderr, code := tool("payments", "reconcile", "--dry-run")
	if code != exitFailure || !strings.Contains(stdout, session) || !strings.Contains(stdout, "session open, unpaid") ||
		!strings.Contains(stdout, "session complete, paid, paid 4900") || !strings.Contains(stdout, "no webhook about it came") ||
		!strings.Contains(stderr, "1 payments differ") {
		t.Errorf("the dry run ended with %d: %s%s", code, stdout, stderr)
	}
	stdout, stderr, code = tool("payments", "reconcile", "--json")
	var report struct {
		Sessions, Missed int
		Drifts           []struct {
			PaymentID, Ours, Theirs string
			Repaired                bool
		}
	}
	if err := json.Unmarshal([]byte(stdout), &report); err != nil || code != 0 || len(report.Drifts) != 1 || !report.Drifts[0].Repaired || report.Missed == 0 {
		t.Fatalf("the repair ended with %d, %v: %s%s", code, err, stdout, stderr)
	}
	worker := place.serve("--role", "worker")
	balance := func() float64 {
		b, _ := ada.do(http.MethodGet, "/token-transactions/balance", "")
		n, _ := b["available"].(float64)
		return n
	}
	eventually(t, "the tokens of the payment that was missed", func() bool { return balance() == 1000 })
	eventually(t, "nothing differs", func() bool {
		stdout, stderr, code = tool("payments", "reconcile", "--dry-run", "--since", "1h")
		return code == 0 && strings.Contains(stdout, "no payment differs")
	})

	// Tokens by hand, and a statement of it all.
	stdout, stderr, code = tool(append([]string{"tokens", "adjust", "--organization", name, "--amount", "-100"}, as...)...)
	if code != 0 || !strings.Contains(stdout, "adjusted by -100: 900 are available") {
		t.Errorf("adjust ended with %d: %s%s", code, stdout, stderr)
	}
	eventually(t, "the adjustment", func() bool { return balance() == 900 })
	statement, stderr, code := tool("tokens", "statement", "--organization", name)
	keys, _, _ := tool("tokens", "keys")
	file, key := filepath.Join(t.TempDir(), "statement.csv"), filepath.Join(t.TempDir(), "public.pem")
	write(t, file, statement)
	write(t, key, keys)
	verified, _, verdict := output(t, nil, "tokens", "verify", file, "--key", key)
	if code != 0 || verdict != 0 || !strings.Contains(verified, "entries       2, 1 to 2") || !strings.Contains(verified, "closing       available 900") {
		t.Errorf("statement ended with %d: %s; verify with %d: %s", code, stderr, verdict, verified)
	}

	// A payment that is parked, and what may not be decided.
	later, _ := ada.do(http.MethodPost, "/payments/checkout-session", `{"productId":"tokens-5000"}`)
	session, _ = later["sessionId"].(string)
	slug, _ := organization["slug"].(string)
	if _, status := ada.do(http.MethodDelete, "/organizations/current", `{"confirmSlug":"`+slug+`"}`); status != http.StatusOK {
		t.Fatalf("the deletion is answered %d", status)
	}
	pay(t, place.data, session)
	if _, stderr, code = tool("payments", "reconcile"); code != 0 {
		t.Errorf("reconcile ended with %d: %s", code, stderr)
	}
	var parked []map[string]any
	eventually(t, "the parked payment", func() bool {
		stdout, stderr, code = tool("payments", "parked", "--json")
		return code == 0 && json.Unmarshal([]byte(stdout), &parked) == nil && len(parked) == 1
	})
	late, _ := parked[0]["id"].(string)
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"no payment":      {append([]string{"payments", "release", "pay_01h455vb4pex5vsknk084sn02q"}, as...), exitFailure, "there is no such payment"},
		"no id":           {append([]string{"payments", "release", "4711"}, as...), exitUsage, "name one payment"},
		"by nobody":       {[]string{"payments", "release", late, "--as", "eve@example.com", "--reason", "because"}, exitFailure, "there is no system user"},
		"without who":     {[]string{"payments", "release", late, "--reason", "because"}, exitUsage, "as"},
		"without why":     {[]string{"payments", "release", late, "--as", "grace@example.com"}, exitUsage, "reason"},
		"short why":       {[]string{"payments", "reject", late, "--as", "grace@example.com", "--reason", "x"}, exitFailure, "reason"},
		"no amount":       {append([]string{"payments", "refund", late, "--amount", "0"}, as...), exitFailure, "--amount must be positive"},
		"too much":        {append([]string{"payments", "refund", late, "--amount", "999999999"}, as...), exitFailure, "more than was paid"},
		"a long look":     {[]string{"payments", "reconcile", "--since", "721h"}, exitFailure, "--since must be"},
		"no organization": {append([]string{"tokens", "adjust", "--organization", "x", "--amount", "5"}, as...), exitFailure, "org_"},
		"a deleted one":   {append([]string{"tokens", "adjust", "--organization", name, "--amount", "5"}, as...), exitFailure, "there is no such organization"},
		"expired":         {append([]string{"tokens", "adjust", "--organization", name, "--amount", "5", "--expire-at", "soon"}, as...), exitFailure, "--expire-at must be"},
	} {
		stdout, stderr, code := tool(c.args...)
		if code != c.code && code != exitUsage || code == 0 || stdout != "" || !strings.Contains(stderr, c.want) {
			t.Errorf("%s: it ended with %d: %s%s", name, code, stdout, stderr)
		}
	}
	if stdout, stderr, code = tool(append([]string{"payments", "refund", late}, as...)...); code != 0 || !strings.Contains(stdout, "the refund was requested") {
		t.Errorf("refund ended with %d: %s%s", code, stdout, stderr)
	}
	eventually(t, "the refund", func() bool {
		stdout, _, _ = tool("payments", "show", late)
		return strings.Contains(stdout, "state         refunded")
	})
	if stdout, _, code = tool("payments", "parked"); code != 0 || strings.Contains(stdout, late) {
		t.Errorf("it is still listed: %s", stdout)
	}
	for _, p := range []*process{worker, projector, server} {
		p.end(syscall.SIGTERM)
	}
}

// pay pays a session at the sandbox of a data folder.
func pay(t *testing.T, data, session string) {
	t.Helper()
	address, err := os.ReadFile(filepath.Join(data, "payments", "address"))
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.PostForm(string(address)+"/pay/"+session, url.Values{"act": {"pay"}})
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusSeeOther {
		t.Fatalf("paying is answered %d", response.StatusCode)
	}
}
