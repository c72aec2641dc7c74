package clicks

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/perfectworks/backend/domain/campaign"
	"github.com/perfectworks/backend/domain/click"
	"github.com/perfectworks/backend/domain/referral"
)

// Cookie is the name of the cookie that keeps the signed id of the last click.
const Cookie = "pw_click"

// Bounds of what is taken from a request.
const (
	maxQuery  = 4096 // bytes; a longer query is not passed on
	maxAgent  = 256
	maxSource = 64
)

// Redirector answers requests for links. It is safe for concurrent use.
type Redirector struct {
	links    *Links
	spool    *Spool
	visitors *Visitors
	signer   *Signer
	rule     referral.Rule
	landing  target
	country  string
	now      func() time.Time
	lost     func()
}

// RedirectorConfig says what a Redirector works with.
type RedirectorConfig struct {
	Links    *Links
	Spool    *Spool
	Visitors *Visitors
	Signer   *Signer
	// Rule is the latest of the programme.
	Rule         referral.Rule
	Destinations campaign.Destinations
	// CountryHeader is the field in which trusted proxies say where a visitor is;
	// empty for none.
	CountryHeader string
	// Lost is told of each click that could not be kept; optional.
	Lost func()
}

// NewRedirector returns a Redirector.
func NewRedirector(c RedirectorConfig) *Redirector {
	if c.Lost == nil {
		c.Lost = func() {}
	}
	return &Redirector{
		links: c.Links, spool: c.Spool, visitors: c.Visitors, signer: c.Signer, rule: c.Rule,
		landing: newTarget(*c.Destinations.Landing, nil), country: http.CanonicalHeaderKey(c.CountryHeader), now: time.Now, lost: c.Lost,
	}
}

// Read returns the click of a signed id. It fails with ErrSignature.
func (d *Redirector) Read(text string) (Signed, error) { return d.signer.Read(text) }

// Follow returns where a code leads, and the cookie to set, if the click was kept.
// It waits for nothing. Direct says that no trusted proxy stands between.
func (d *Redirector) Follow(r *http.Request, code string, client netip.Addr, direct, head bool) (string, *http.Cookie) {
	now := d.now()
	found, counts := d.links.find(campaign.FoldCode(code), now)
	if !counts {
		return d.landing.with(r.URL.RawQuery), nil
	}
	to := found.to.with(r.URL.RawQuery)
	if r.Header.Get("Sec-GPC") == "1" || r.Header.Get("DNT") == "1" {
		return to, nil
	}
	agent := cut(r.Header.Get("User-Agent"), maxAgent)
	name, address := nameOf(found.Link), network(client)
	rec := record{
		Head: head, At: now.UnixMilli(), Link: found.Link, Rule: d.rule.Version,
		Visitor: d.visitors.Key(now, name, address, agent), Address: d.visitors.Key(now, name, address, ""),
	}
	if !head {
		rec.Agent, rec.Source, rec.Prefetch = agent, sourceOf(r), looksAhead(r.Header)
		rec.Country = d.countryOf(r.Header, direct)
	}
	place, err := d.spool.add(rec, now)
	if err != nil {
		if !head {
			d.lost()
		}
		return to, nil
	}
	if head {
		return to, nil
	}
	// The page that registers people reads it: it is no secret of the visitor's.
	return to, &http.Cookie{ //nolint:gosec // See above; Secure follows from the product's own address.
		Name: Cookie, Path: "/", MaxAge: int(d.rule.Window().Seconds()), SameSite: http.SameSiteLaxMode,
		Secure: d.landing.base.Scheme == "https",
		Value:  d.signer.Sign(Signed{Place: place, At: time.UnixMilli(rec.At), Link: found.Link, Rule: d.rule.Version}),
	}
}

// with is the target with the parameters of a query that it does not have itself.
// What cannot be read of the query is not passed on, nor is a query that is too
// long.
func (t target) with(query string) string {
	if query == "" || len(query) > maxQuery {
		return t.whole
	}
	given, _ := url.ParseQuery(query)
	merged := url.Values{}
	for name, values := range given {
		if !t.query.Has(name) && utf8.ValidString(name) {
			merged[name] = values
		}
	}
	if len(merged) == 0 {
		return t.whole
	}
	more := merged.Encode() // It escapes all that could end a header field.
	if t.base.RawQuery != "" {
		more = t.base.RawQuery + "&" + more
	}
	u := t.base
	u.RawQuery = more
	return u.String()
}

// looksAhead tells whether a browser or an app fetches what nobody asked for yet.
func looksAhead(h http.Header) bool {
	for _, name := range []string{"Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"} {
		value := strings.ToLower(h.Get(name))
		if strings.Contains(value, "prefetch") || strings.Contains(value, "prerender") || strings.Contains(value, "preview") {
			return true
		}
	}
	return false
}

// sourceOf is where a visitor came from: what the link says, or the host of the
// page before.
func sourceOf(r *http.Request) string {
	if strings.Contains(r.URL.RawQuery, "utm_source") && len(r.URL.RawQuery) <= maxQuery {
		if source := fold(r.URL.Query().Get("utm_source")); source != "" {
			return source
		}
	}
	if u, err := url.Parse(r.Header.Get("Referer")); err == nil && u.Hostname() != "" {
		if host := fold(strings.TrimPrefix(u.Hostname(), "www.")); host != "" {
			return host
		}
	}
	return click.Direct
}

// fold keeps what can be shown of a source.
func fold(source string) string {
	source = strings.Map(func(r rune) rune {
		if r < ' ' || r == utf8.RuneError || r >= 0x7f && r < 0xa0 {
			return -1
		}
		return r
	}, strings.ToLower(strings.TrimSpace(source)))
	return cut(source, maxSource)
}

// countryOf is the country that a trusted proxy names.
func (d *Redirector) countryOf(h http.Header, direct bool) string {
	if d.country == "" || direct {
		return click.Unknown
	}
	code := strings.ToUpper(h.Get(d.country))
	if len(code) != 2 || strings.Trim(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" || code == "XX" {
		return click.Unknown
	}
	return code
}

// cut shortens a text to some bytes of valid UTF-8.
func cut(s string, most int) string {
	if len(s) > most {
		s = s[:most]
	}
	return strings.ToValidUTF8(s, "")
}

// network is the address of a visitor, without the part that a device chooses
// itself.
func network(a netip.Addr) string {
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}
