package clicks

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
	"github.com/perfectworks/backend/domain/campaign"
	"github.com/perfectworks/backend/domain/click"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/referral"
	"github.com/perfectworks/backend/migrations"
	"github.com/perfectworks/backend/projections/referrals"
)

const browser = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"

var (
	ada    = id.ReferrerOf(id.FromUUID[id.User]([16]byte{1}))
	spring = id.FromUUID[id.Campaign]([16]byte{2})
	where  = campaign.Destinations{Landing: &url.URL{Scheme: "https", Host: "app.example.com", Path: "/"}}
	quiet  = slog.New(slog.DiscardHandler)
	caller = netip.MustParseAddr("192.0.2.1")
)

// sealer is a Sealer without a keyring.
type sealer struct{ cipher.AEAD }

func newSealer(t *testing.T) sealer {
	t.Helper()
	block, err := aes.NewCipher(make([]byte, 16))
	if err != nil {
		t.Fatal(err)
	}
	box, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	return sealer{box}
}

func (s sealer) Seal(_ string, plaintext, data []byte) []byte {
	return s.AEAD.Seal(nil, make([]byte, s.NonceSize()), plaintext, data)
}

func (s sealer) Open(_ string, sealed, data []byte) ([]byte, error) {
	return s.AEAD.Open(nil, make([]byte, s.NonceSize()), sealed, data)
}

// desk is all parts, on a database, with a log that a test sees.
type desk struct {
	*Redirector
	t        *testing.T
	folder   string
	visitors *Visitors
	recorder *Recorder
	recorded map[click.SegmentID]click.Recorded
	fails    int
	lost     int
}

var errStore = errors.New("the store does not answer")

func newDesk(t *testing.T, o SpoolOptions) *desk {
	t.Helper()
	pool := postgrestest.New(t, postgrestest.WithMigrations(migrations.App, migrations.AppTable))
	d := &desk{t: t, folder: t.TempDir(), visitors: NewVisitors(pool, newSealer(t), 30*time.Minute), recorded: map[click.SegmentID]click.Recorded{}}
	if err := d.visitors.Refresh(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	d.open(o)
	return d
}

// open begins another process on the same folder.
func (d *desk) open(o SpoolOptions) {
	d.t.Helper()
	spool, err := OpenSpool(d.folder, o, quiet)
	if err != nil {
		d.t.Fatal(err)
	}
	links := NewLinks(nil, where, quiet)
	links.put([]referrals.Link{
		{Code: "ada", ReferrerID: ada, Changed: 1},
		{Code: "spring", ReferrerID: ada, CampaignID: spring, Destination: "/pricing?plan=a", UTMSource: "mail", Changed: 2},
		{Code: "over", ReferrerID: ada, CampaignID: "cmp_over", EndedAt: time.Now().Add(-time.Hour), Changed: 3},
		{Code: "soon", ReferrerID: ada, CampaignID: "cmp_soon", StartAt: time.Now().Add(time.Hour), Changed: 4},
	})
	d.Redirector = NewRedirector(RedirectorConfig{
		Links: links, Spool: spool, Visitors: d.visitors, Signer: NewSigner([]byte("key")), Rule: referral.Rule{Version: 3, WindowDays: 30},
		Destinations: where, CountryHeader: "CF-IPCountry", Lost: func() { d.lost++ },
	})
	d.recorder = &Recorder{Spool: spool, Visitors: d.visitors, Logger: quiet, After: time.Millisecond, Record: func(_ context.Context, e click.Recorded) error {
		if d.fails > 0 {
			d.fails--
			return errStore
		}
		name := click.Segment(e.Writer, e.Segment)
		if _, known := d.recorded[name]; !known {
			d.recorded[name] = e
		}
		return nil
	}}
}

// follow is a request for a link.
func (d *desk) follow(code string, change ...func(*http.Request)) (string, *http.Cookie) {
	d.t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/api/v0/referral-links/"+url.PathEscape(code), nil)
	r.Header.Set("User-Agent", browser)
	for _, c := range change {
		c(r)
	}
	return d.Follow(r, code, caller, true, r.Method == http.MethodHead)
}

func with(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func query(q string) func(*http.Request) { return func(r *http.Request) { r.URL.RawQuery = q } }

func head(r *http.Request) { r.Method = http.MethodHead }

// end ends the segments and records them.
func (d *desk) end() []click.Click {
	d.t.Helper()
	d.spool.mu.Lock()
	if at := d.spool.segment; at != nil {
		d.spool.full, d.spool.segment = append(d.spool.full, at), nil
	}
	d.spool.mu.Unlock()
	d.spool.Sync()
	if err := d.recorder.Work(d.t.Context(), time.Now().Add(time.Minute)); err != nil {
		d.t.Fatal(err)
	}
	return d.clicks()
}

func (d *desk) clicks() []click.Click {
	var all []click.Click
	for _, e := range d.recorded {
		all = append(all, e.Clicks...)
	}
	return all
}

func TestRedirects(t *testing.T) {
	t.Parallel()
	d := newDesk(t, SpoolOptions{})
	const landing, pricing = "https://app.example.com/", "https://app.example.com/pricing?plan=a&utm_source=mail"
	long := strings.Repeat("x", 8<<10)
	for name, c := range map[string]struct {
		code  string
		query string
		want  string
		kept  bool
	}{
		"a code":               {"ada", "", landing, true},
		"upper case":           {"ADA", "", landing, true},
		"a campaign":           {"spring", "", pricing, true},
		"passes on":            {"spring", "a=b&c=d", pricing + "&a=b&c=d", true},
		"overrides nothing":    {"spring", "plan=z&utm_source=evil&x=1", pricing + "&x=1", true},
		"to the landing page":  {"nothing", "a=b", landing + "?a=b", false},
		"ended":                {"over", "", landing, false},
		"not begun":            {"soon", "", landing, false},
		"a homoglyph":          {"аda", "", landing, false},
		"full width":           {"ａｄａ", "", landing, false},
		"no code":              {"", "", landing, false},
		"slashes":              {"../../ada", "", landing, false},
		"a line break":         {"ada", "a=b%0d%0aSet-Cookie:x=y", landing + "?a=b%0D%0ASet-Cookie%3Ax%3Dy", true},
		"another host":         {"ada", "next=//evil.example/&url=https://evil.example", landing + "?next=%2F%2Fevil.example%2F&url=https%3A%2F%2Fevil.example", true},
		"encoded":              {"ada", "%2f%2fevil.example", landing + "?%2F%2Fevil.example=", true},
		"a query of 8 KiB":     {"ada", "a=" + long, landing, true},
		"no query that can be": {"ada", "%zz", landing, true},
		"a long code":          {long, "", landing, false},
	} {
		to, cookie := d.follow(c.code, query(c.query))
		if to != c.want || (cookie != nil) != c.kept {
			t.Errorf("%s: %s, %v", name, to, cookie)
		}
		if u, err := url.Parse(to); err != nil || u.Host != "app.example.com" || strings.ContainsAny(to, "\r\n") {
			t.Errorf("%s leads to %q", name, to)
		}
	}
	_, cookie := d.follow("spring", with("Cookie", Cookie+"="+long))
	if cookie.Name != Cookie || cookie.Path != "/" || !cookie.Secure || cookie.SameSite != http.SameSiteLaxMode || cookie.MaxAge != 30*24*3600 {
		t.Errorf("%+v", cookie)
	}
	c, err := d.Read(cookie.Value)
	if err != nil || c.Link != (click.Link{ReferrerID: ada, CampaignID: spring}) || c.Rule != 3 || time.Since(c.At) > time.Minute {
		t.Errorf("%+v, %v", c, err)
	}
	for _, no := range []func(*http.Request){with("Sec-GPC", "1"), with("DNT", "1"), head} {
		if to, cookie := d.follow("spring", no); to != pricing || cookie != nil {
			t.Errorf("%s, %v", to, cookie)
		}
	}
}

// Any query leads to the destination's own host, and overrides nothing.
func TestNoQueryLeadsElsewhere(t *testing.T) {
	t.Parallel()
	to := newTarget(url.URL{Scheme: "https", Host: "app.example.com", Path: "/p", RawQuery: "plan=a"}, nil)
	rapid.Check(t, func(t *rapid.T) {
		q := rapid.OneOf(rapid.String(), rapid.StringMatching(`([a-z%0-9&=;/?#\\.]|%0d|%0a|%2f|plan=){0,40}`)).Draw(t, "query")
		u, err := url.Parse(to.with(q))
		if err != nil || u.Host != "app.example.com" || u.Path != "/p" || u.Query()["plan"][0] != "a" || len(u.Query()["plan"]) != 1 || u.Fragment != "" {
			t.Fatalf("%q leads to %s", q, to.with(q))
		}
	})
}

func TestVerdicts(t *testing.T) {
	t.Parallel()
	d := newDesk(t, SpoolOptions{})
	agent := func(a string) func(*http.Request) { return with("User-Agent", a) }
	d.follow("ada")
	d.follow("ada") // again
	d.follow("ada", agent("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"))
	d.follow("ada", agent(""))
	d.follow("ada", agent("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"))
	d.follow("ada", agent("curl/8.5.0"))
	d.follow("ada", agent("Mozilla/5.0 (X11; Linux x86_64) HeadlessChrome/120.0"), with("Referer", "https://www.News.example/x"))
	d.follow("ada", with("Sec-Purpose", "prefetch;prerender"))
	// The HEADs that condemn a click come after it.
	d.follow("spring", query("utm_source=Mail"))
	d.follow("spring", head, agent("scanner"))
	d.follow("spring", head, agent("scanner"))
	d.follow("ada", with("Sec-GPC", "1"))
	counts := map[click.Reason]int{}
	devices, sources, first := map[click.Device]int{}, map[string]int{}, 0
	for _, c := range d.end() {
		if (c.Reason == "") != (c.Verdict == click.Human) || (c.Reason == click.ReasonRepeated) != (c.Verdict == click.Duplicate) {
			t.Errorf("%+v", c)
		}
		counts[c.Reason]++
		devices[c.Device]++
		for _, e := range d.recorded {
			sources[e.Sources[c.Source]]++
		}
		if c.First {
			first++
		}
		if c.Country != click.Unknown {
			t.Errorf("%+v", c)
		}
	}
	want := map[click.Reason]int{
		"": 2, click.ReasonRepeated: 1, click.ReasonNoAgent: 1, click.ReasonAgent: 3, click.ReasonPrefetch: 1, click.ReasonHeads: 1,
	}
	for reason, n := range want {
		if counts[reason] != n {
			t.Errorf("%q: %d, want %d", reason, counts[reason], n)
		}
	}
	if first != 2 || devices[click.Mobile] != 1 || sources["news.example"] != 1 || sources["mail"] != 1 || sources[click.Direct] != 7 {
		t.Errorf("%d visitors, %v, %v", first, devices, sources)
	}
	for _, e := range d.recorded {
		for _, c := range e.Clicks {
			if strings.Contains(c.Visitor, caller.String()) || len(c.Visitor) != 24 {
				t.Errorf("the visitor is %s", c.Visitor)
			}
		}
	}
}

func TestCountries(t *testing.T) {
	t.Parallel()
	d := newDesk(t, SpoolOptions{})
	for value, want := range map[string]string{"de": "DE", "DE": "DE", "XX": click.Unknown, "": click.Unknown, "DEU": click.Unknown, "d\n": click.Unknown, "ÄÖ": click.Unknown} {
		h := http.Header{"Cf-Ipcountry": {value}}
		if got := d.countryOf(h, false); got != want {
			t.Errorf("%q: %s", value, got)
		}
		if got := d.countryOf(h, true); got != click.Unknown {
			t.Errorf("%q of a stranger: %s", value, got)
		}
	}
}

// What was synced survives the process, whatever it was doing, and is recorded
// once by the next one.
func TestClicksSurviveTheProcess(t *testing.T) {
	t.Parallel()
	d := newDesk(t, SpoolOptions{SegmentClicks: 3})
	for range 7 {
		d.follow("ada")
	}
	d.spool.Sync()
	d.follow("ada") // In memory alone: it is lost.
	// The process dies in the middle of a write.
	left, err := filepath.Glob(filepath.Join(d.folder, "*", "*"+openSuffix))
	if err != nil || len(left) != 1 {
		t.Fatalf("%v, %v", left, err)
	}
	f, err := os.OpenFile(left[0], os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`0badc0de {"t":1,"l":`); err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	_ = d.spool.lock.Close()

	d.open(SpoolOptions{SegmentClicks: 3})
	d.fails = 2 // The store does not answer.
	for range 2 {
		if err := d.recorder.Work(t.Context(), time.Now().Add(time.Minute)); !errors.Is(err, errStore) {
			t.Fatal(err)
		}
	}
	d.follow("ada")
	if all := d.end(); len(all) != 8 {
		t.Errorf("%d clicks are recorded, of 7 and 1", len(all))
	}
	// The folder of the process that ended is gone, and nothing is recorded again.
	before := len(d.recorded)
	if err := d.recorder.Work(t.Context(), time.Now().Add(time.Minute)); err != nil || len(d.recorded) != before {
		t.Errorf("%d segments, then %d, %v", before, len(d.recorded), err)
	}
	if folders, err := os.ReadDir(d.folder); err != nil || len(folders) != 1 {
		t.Errorf("%v, %v", folders, err)
	}
}

// A segment that was recorded, and whose process died before it could note that,
// is judged again as it was.
func TestJudgingAgainGivesTheSame(t *testing.T) {
	t.Parallel()
	d := newDesk(t, SpoolOptions{})
	d.follow("ada")
	d.follow("ada")
	d.spool.mu.Lock()
	d.spool.full, d.spool.segment = append(d.spool.full, d.spool.segment), nil
	d.spool.mu.Unlock()
	d.spool.Sync()
	all, err := d.spool.waiting()
	if err != nil || len(all) != 1 {
		t.Fatalf("%v, %v", all, err)
	}
	records, _, err := all[0].read()
	if err != nil {
		t.Fatal(err)
	}
	var verdicts [2]string
	for i := range verdicts {
		e, err := d.recorder.judge(t.Context(), all[0], records, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range e.Clicks {
			verdicts[i] += string(c.Verdict) + " "
		}
	}
	if verdicts[0] != "human duplicate " || verdicts[1] != verdicts[0] {
		t.Errorf("%q", verdicts)
	}
}

// A full spool stops no redirect: clicks are lost, and counted.
func TestAFullSpool(t *testing.T) {
	t.Parallel()
	d := newDesk(t, SpoolOptions{MaxBytes: 1000})
	for range 10 {
		if to, _ := d.follow("ada"); to != "https://app.example.com/" {
			t.Errorf("it leads to %s", to)
		}
	}
	lost, err := d.spool.Lost()
	if lost == 0 || int(lost) != d.lost || !errors.Is(err, errFull) {
		t.Errorf("%d are lost, %d were told, %v", lost, d.lost, err)
	}
	kept := len(d.end())
	var told int64
	for _, e := range d.recorded {
		told += e.Lost
	}
	if kept+int(lost) != 10 || told != lost {
		t.Errorf("%d kept, %d lost, %d in the log", kept, lost, told)
	}
	// There is room again.
	if _, cookie := d.follow("ada"); cookie == nil {
		t.Error("the click was not kept")
	}
}

func TestSaltsAreDestroyed(t *testing.T) {
	t.Parallel()
	d := newDesk(t, SpoolOptions{})
	d.follow("ada")
	d.end()
	now := time.Now()
	key := d.visitors.Key(now, "l", "a", "b")
	other := NewVisitors(d.visitors.pool, d.visitors.sealer, time.Minute)
	if err := other.Refresh(t.Context(), now); err != nil || other.Key(now, "l", "a", "b") != key {
		t.Errorf("two processes know a visitor by two keys: %v", err)
	}
	if key == d.visitors.Key(now.Add(24*time.Hour), "l", "a", "b") || key == d.visitors.Key(now, "m", "a", "b") {
		t.Error("a visitor is known on another day, or on another link")
	}
	if err := d.visitors.Refresh(t.Context(), now.AddDate(0, 0, 2)); err != nil {
		t.Fatal(err)
	}
	var salts, visits int
	if err := d.visitors.pool.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM referral_salts WHERE day <= $1), (SELECT count(*) FROM referral_visitors)`,
		dayOf(now)).Scan(&salts, &visits); err != nil || salts != 0 || visits != 0 {
		t.Errorf("%d salts and %d visits are left, %v", salts, visits, err)
	}
	if key == d.visitors.Key(now, "l", "a", "b") {
		t.Error("the salt is still in memory")
	}
}

func TestSignedIDs(t *testing.T) {
	t.Parallel()
	s := NewSigner([]byte("key"))
	c := Signed{
		Place: Place{Writer: [8]byte{1, 2}, Segment: 1 << 40, Index: 499}, At: time.UnixMilli(1770000000123).UTC(),
		Link: click.Link{ReferrerID: ada, CampaignID: spring}, Rule: 7,
	}
	text := s.Sign(c)
	if got, err := s.Read(text); got != c || err != nil {
		t.Errorf("%+v became %+v, %v", c, got, err)
	}
	c.Link.CampaignID = ""
	if got, err := s.Read(s.Sign(c)); got != c || err != nil {
		t.Errorf("%+v became %+v, %v", c, got, err)
	}
	for i := range text {
		forged := []byte(text)
		if forged[i]++; forged[i] == 'z'+1 {
			forged[i] = 'A'
		}
		if _, err := s.Read(string(forged)); !errors.Is(err, ErrSignature) {
			t.Fatalf("a change at %d is read: %v", i, err)
		}
	}
	for _, foreign := range []string{"", "x", text + "A", text[1:], strings.Repeat("A", len(text)), strings.Repeat("A", 8<<10), NewSigner([]byte("other")).Sign(c)} {
		if _, err := s.Read(foreign); !errors.Is(err, ErrSignature) {
			t.Errorf("%.20s is read: %v", foreign, err)
		}
	}
}

func FuzzSignedIDs(f *testing.F) {
	s := NewSigner([]byte("key"))
	f.Add(s.Sign(Signed{Link: click.Link{ReferrerID: ada}}))
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		if c, err := s.Read(text); err == nil && s.Sign(c) != text {
			t.Errorf("%q is read as %+v", text, c)
		}
	})
}

// BenchmarkFollow is what a redirect takes beside HTTP, with its click kept.
func BenchmarkFollow(b *testing.B) {
	spool, err := OpenSpool(b.TempDir(), SpoolOptions{MaxBytes: 1 << 40}, quiet)
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(b.Context())
	done := make(chan struct{})
	go func() { defer close(done); spool.Run(ctx) }()
	links := NewLinks(nil, where, quiet)
	links.put([]referrals.Link{{Code: "spring", ReferrerID: ada, CampaignID: spring, Destination: "/pricing?plan=a", UTMSource: "mail", Changed: 2}})
	d := NewRedirector(RedirectorConfig{
		Links: links, Spool: spool, Visitors: NewVisitors(nil, nil, time.Minute), Signer: NewSigner([]byte("key")),
		Rule: referral.Rule{Version: 3, WindowDays: 30}, Destinations: where,
	})
	r := httptest.NewRequest(http.MethodGet, "/api/v0/referral-links/spring?source=letter", nil)
	r.Header.Set("User-Agent", browser)
	for b.Loop() {
		if _, cookie := d.Follow(r, "spring", caller, true, false); cookie == nil {
			b.Fatal("the click was not kept")
		}
	}
	stop()
	<-done
}
