package faults

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/perfectworks/backend/adapters/documents/documentstest/pdftest"
	"github.com/perfectworks/backend/adapters/identity"
)

const (
	// clients is how many work at once.
	clients = 6
	// patience is for how long a client repeats a request.
	patience = 2 * time.Minute
	// requestTimeout is how long one attempt waits for its answer.
	requestTimeout = 10 * time.Second
	repeatEvery    = 50 * time.Millisecond
)

// load is what clients do to a system. Each of them repeats a request, under the
// same Idempotency-Key, until it is acknowledged. While the load is paused nothing
// is under way, so that what is there must be exactly what was acknowledged.
type load struct {
	s      *system
	gate   sync.RWMutex // held by clients during a deed, and by whoever pauses them
	paused bool
	stop   chan struct{}
	done   sync.WaitGroup

	owner, referrer person
	home            string // the organization of owner
	link            string // the code of a referral link

	acknowledged, retried atomic.Int64

	mu        sync.Mutex
	surprises []string
	longest   slowest
	*ledger
}

// slowest is the request that took longest, with all its repetitions.
type slowest struct {
	took time.Duration
	what string
}

// ledger is what was acknowledged.
type ledger struct {
	// events are how often an event of a type must be in a stream.
	events map[string]map[string]int
	// keys are living API keys by their ids; unrevoked is their order.
	keys      map[string]string
	unrevoked []string
	// invited are the addresses of those who do not come, guests of those who do.
	invited, guests []string
	files           []string
	operations      []operation
	// clicks are when those that were answered were; sent counts the attempts, and
	// risked those that may be lost, because the server was killed at once.
	clicks       []time.Time
	sent, risked int
	people       int
}

// operation is work on a document: a job, which ends by an event in the stream of the
// file.
type operation struct{ job, file, ends string }

// person is somebody who calls the API.
type person struct{ subject, organization string }

func (p person) email() string { return p.subject + "@example.org" }

func newLoad(s *system) *load {
	return &load{
		s: s, stop: make(chan struct{}),
		ledger: &ledger{events: map[string]map[string]int{}, keys: map[string]string{}},
	}
}

// begin founds the organization that all work in, and starts the clients.
func (l *load) begin() {
	l.s.t.Helper()
	c := l.client(0)
	l.owner = l.newPerson()
	c.register(l.owner)
	l.home = c.found(l.owner)
	l.owner.organization = l.home
	l.referrer = l.owner
	enrolled, ok := c.send(request{as: l.referrer, method: http.MethodPost, path: "/referrers", body: `{"termsAccepted":true}`, want: http.StatusCreated})
	if !ok {
		l.s.t.Fatalf("the load did not begin: %v", l.surprises)
	}
	l.link = text(enrolled, "referralCode")
	eventually(l.s.t, "the organization is given its tokens", func() bool {
		a, err := c.attempt(l.s.api(0), request{as: l.owner, method: http.MethodGet, path: "/token-transactions/balance"}, "")
		available, _ := a.data["available"].(float64)
		return err == nil && available > 0
	})
	for n := range clients {
		c := l.client(n + 1)
		l.done.Go(c.run)
	}
}

// end stops the clients.
func (l *load) end() {
	select {
	case <-l.stop:
		return
	default:
	}
	close(l.stop)
	if l.paused {
		l.resume()
	}
	l.done.Wait()
}

// pause waits until all that is under way is acknowledged, and lets nothing begin.
func (l *load) pause() {
	l.gate.Lock()
	l.paused = true
}

func (l *load) resume() {
	l.paused = false
	l.gate.Unlock()
}

// until lets the load go on for some more acknowledgements.
func (l *load) until(more int64) {
	l.s.t.Helper()
	upTo := l.acknowledged.Load() + more
	eventually(l.s.t, fmt.Sprintf("%d more acknowledgements", more), func() bool { return l.acknowledged.Load() >= upTo || l.surprised() })
}

func (l *load) surprised() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.surprises) > 0
}

// risk notes that what an API process has answered a moment ago, and may keep in
// memory alone for that long, may be lost.
func (l *load) risk() {
	const unsafe = time.Second
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	for _, at := range slices.Backward(l.clicks) {
		if now.Sub(at) > unsafe {
			break
		}
		l.risked++
	}
}

func (l *load) newPerson() person {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.people++
	return person{subject: fmt.Sprintf("person-%d", l.people)}
}

// expect notes that an event of a type must be in a stream, once more.
func (l *load) expect(event, stream string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.events[event] == nil {
		l.events[event] = map[string]int{}
	}
	l.events[event][stream]++
}

func (l *load) surprise(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.surprises = append(l.surprises, fmt.Sprintf(format, args...))
}

// client is one of those who make the load.
type client struct {
	*load
	n       int
	choices *rand.Rand
	http    *http.Client
	count   int
	// host invites people, until so many were hosted by it that the mails of an
	// organization's day are nearly sent.
	host   person
	hosted int
}

func (l *load) client(n int) *client {
	return &client{
		load: l, n: n, choices: rand.New(rand.NewPCG(seed, uint64(n))),
		http: &http.Client{
			Timeout:       requestTimeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Transport:     &http.Transport{MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Second},
		},
	}
}

// run does deeds until the end.
func (c *client) run() {
	deeds := []struct {
		weight int
		do     func()
	}{
		{40, c.issueKey},
		{8, c.revokeKey},
		{12, c.hostGuest},
		{6, c.foundOrganization},
		{6, c.invite},
		{14, c.workOnDocument},
		{18, c.click},
	}
	all := 0
	for _, d := range deeds {
		all += d.weight
	}
	for {
		select {
		case <-c.stop:
			return
		default:
		}
		pick := c.choices.IntN(all)
		for _, d := range deeds {
			if pick -= d.weight; pick < 0 {
				c.gate.RLock()
				d.do()
				c.gate.RUnlock()
				break
			}
		}
	}
}

// request is one that is repeated until it is acknowledged.
type request struct {
	as                 person
	method, path, body string
	want               int // the status
	header             []string
	// repeated is a status that a repetition may be answered instead, where there
	// is no key for it.
	repeated int
}

// answer is a response to one attempt.
type answer struct {
	status int
	header http.Header
	body   []byte
	data   map[string]any
	code   string
}

// send repeats a request until it is acknowledged. What no client expects is a
// surprise, and so is a request that is never acknowledged.
func (c *client) send(r request) (map[string]any, bool) {
	c.count++
	key := fmt.Sprintf("load-%d-%d-%d", c.n, c.count, seed)
	began := time.Now()
	last := "nothing"
	for try := 0; time.Since(began) < patience; try++ {
		if try > 0 {
			c.retried.Add(1)
			time.Sleep(repeatEvery)
		}
		select {
		case <-c.stop:
			return nil, false
		default:
		}
		api := c.s.api(c.n + try)
		if api == "" {
			last = "no process serves the API"
			continue
		}
		a, err := c.attempt(api, r, key)
		switch {
		case err != nil:
			last = err.Error()
			continue
		case a.status == r.want || try > 0 && r.repeated != 0 && a.status == r.repeated:
			c.acknowledged.Add(1)
			c.took(time.Since(began), "%s %s, attempt %d, after %s", r.method, r.path, try+1, last)
			return a.data, true
		case a.status == http.StatusServiceUnavailable, a.status == http.StatusTooManyRequests, a.code == "IDEMPOTENCY_KEY_IN_USE":
			last = fmt.Sprintf("%d %s", a.status, a.code)
			continue
		}
		c.surprise("%s %s is answered %d at attempt %d, want %d: %s", r.method, r.path, a.status, try+1, r.want, a.body)
		return nil, false
	}
	c.surprise("%s %s was not acknowledged within %v: %s", r.method, r.path, patience, last)
	return nil, false
}

func (c *client) took(d time.Duration, format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if d > c.longest.took {
		c.longest = slowest{d, fmt.Sprintf(format, args...)}
	}
}

func (c *client) attempt(api string, r request, key string) (answer, error) {
	header := append([]string{"Content-Type", "application/json", "X-Organization-Id", r.as.organization}, r.header...)
	if r.as.subject != "" {
		token, err := identity.MintToken(c.s.data, r.as.subject, r.as.email(), true, time.Hour)
		if err != nil {
			return answer{}, err
		}
		header = append(header, "Authorization", "Bearer "+token)
	}
	if r.method == http.MethodPost {
		header = append(header, "Idempotency-Key", key)
	}
	return c.call(r.method, api+r.path, []byte(r.body), header...)
}

// call makes one call.
func (c *client) call(method, url string, body []byte, header ...string) (answer, error) {
	r, err := http.NewRequest(method, url, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	for n := 0; n < len(header); n += 2 {
		if header[n+1] != "" {
			r.Header.Set(header[n], header[n+1])
		}
	}
	response, err := c.http.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	a := answer{status: response.StatusCode, header: response.Header}
	if a.body, err = io.ReadAll(response.Body); err != nil {
		return answer{}, err
	}
	if strings.HasPrefix(response.Header.Get("Content-Type"), "application/json") {
		var envelope struct {
			Data  json.RawMessage
			Error struct{ Code string }
		}
		if err := json.Unmarshal(a.body, &envelope); err != nil {
			return answer{}, fmt.Errorf("%s %s is answered %d without an envelope: %w", method, url, a.status, err)
		}
		a.code = envelope.Error.Code
		_ = json.Unmarshal(envelope.Data, &a.data) // Lists are not looked at.
	}
	return a, nil
}

func text(data map[string]any, name string) string {
	s, _ := data[name].(string)
	return s
}

func (c *client) register(p person) string {
	u, ok := c.send(request{
		as: p, method: http.MethodPost, path: "/users/client", body: `{"firstName":"Ada","lastName":"Lovelace"}`,
		want: http.StatusCreated, repeated: http.StatusOK,
	})
	if ok {
		c.expect("UserRegistered", "user-"+text(u, "id"))
	}
	return text(u, "id")
}

// found founds an organization, which is given its welcome tokens by a job.
func (c *client) found(p person) string {
	o, ok := c.send(request{
		as: p, method: http.MethodPost, path: "/organizations", body: `{"name":"Engines of ` + p.subject + `"}`, want: http.StatusCreated,
	})
	if ok {
		c.expect("OrganizationRegistered", "organization-"+text(o, "id"))
		c.expect("MemberJoined", "organization-"+text(o, "id"))
		c.expect("TokensGranted", "tokenAccount-"+text(o, "id"))
	}
	return text(o, "id")
}

func (c *client) foundOrganization() {
	p := c.newPerson()
	if c.register(p) != "" {
		c.found(p)
	}
}

// issue issues an API key, and returns its id.
func (c *client) issue(p person) string {
	k, ok := c.send(request{
		as: p, method: http.MethodPost, path: "/api-keys", body: fmt.Sprintf(`{"description":"key %d of client %d"}`, c.count, c.n), want: http.StatusCreated,
	})
	if !ok {
		return ""
	}
	id := text(k, "id")
	c.expect("ApiKeyIssued", "apiKey-"+id)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keys[id] = text(k, "key")
	return id
}

func (c *client) issueKey() {
	if id := c.issue(c.owner); id != "" {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.unrevoked = append(c.unrevoked, id)
	}
}

func (c *client) revokeKey() {
	c.mu.Lock()
	if len(c.unrevoked) == 0 {
		c.mu.Unlock()
		return
	}
	n := c.choices.IntN(len(c.unrevoked))
	id := c.unrevoked[n]
	c.unrevoked = slices.Delete(c.unrevoked, n, n+1)
	delete(c.keys, id)
	c.mu.Unlock()
	if _, ok := c.send(request{as: c.owner, method: http.MethodDelete, path: "/api-keys/" + id, want: http.StatusOK}); ok {
		c.expect("ApiKeyRevoked", "apiKey-"+id)
	}
}

// invite invites somebody, to whom a job sends one mail.
func (c *client) invite() { c.inviteTo(c.newPerson(), &c.invited) }

// mailsOfHost is how many people each organization invites.
const mailsOfHost = 20

func (c *client) inviteTo(p person, list *[]string) (invitation string) {
	if c.host.organization == "" || c.hosted == mailsOfHost {
		c.host, c.hosted = c.newPerson(), 0
		if c.register(c.host) != "" {
			c.host.organization = c.found(c.host)
		}
	}
	c.hosted++
	i, ok := c.send(request{
		as: c.host, method: http.MethodPost, path: "/organization-members", body: `{"email":"` + p.email() + `","role":"member"}`, want: http.StatusCreated,
	})
	if !ok {
		return ""
	}
	c.expect("MemberInvited", "organization-"+c.host.organization)
	c.mu.Lock()
	defer c.mu.Unlock()
	*list = append(*list, p.email())
	return text(i, "id")
}

// hostGuest lets a person join, create a key and be removed. A policy revokes the
// key.
func (c *client) hostGuest() {
	p := c.newPerson()
	user := c.register(p)
	if user == "" {
		return
	}
	invitation := c.inviteTo(p, &c.guests)
	if invitation == "" {
		return
	}
	if _, ok := c.send(request{
		as: p, method: http.MethodPost, path: "/organization-members/join", body: `{"invitationId":"` + invitation + `"}`, want: http.StatusOK,
	}); !ok {
		return
	}
	c.expect("MemberJoined", "organization-"+c.host.organization)
	p.organization = c.host.organization
	key := c.issue(p)
	if key == "" {
		return
	}
	if _, ok := c.send(request{
		as: c.host, method: http.MethodDelete, path: "/organization-members/" + user, want: http.StatusOK, repeated: http.StatusNotFound,
	}); !ok {
		return
	}
	c.expect("MemberRemoved", "organization-"+c.host.organization)
	c.expect("ApiKeyRevoked", "apiKey-"+key)
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.keys, key)
}

// page is a small document with something to repair.
const page = `<!doctype html><html><body><h1>Report</h1><p>All is well.</p><img src="a.png"></body></html>`

// workOnDocument uploads a document and has it worked on by a job, which costs
// tokens.
func (c *client) workOnDocument() {
	name, kind, data := fmt.Sprintf("%d-%d.html", c.n, c.count), "text/html", []byte(page)
	if c.choices.IntN(2) == 0 {
		name, kind, data = fmt.Sprintf("%d-%d.pdf", c.n, c.count), "application/pdf", pdftest.Pages(1).Bytes()
	}
	key := c.upload(name, kind, data)
	if key == "" {
		return
	}
	f, ok := c.send(request{
		as: c.owner, method: http.MethodPost, path: "/files", body: fmt.Sprintf(`{"filename":%q,"objectKey":%q}`, name, key), want: http.StatusCreated,
	})
	if !ok {
		return
	}
	id := text(f, "id")
	c.expect("FileRegistered", "file-"+id)
	path, ends := "/analysis", "FileAnalyzed"
	if c.choices.IntN(2) == 0 {
		path, ends = "/accessibility", "FileRemediated"
	}
	j, ok := c.send(request{
		as: c.owner, method: http.MethodPost, path: "/files/" + id + path, body: `{}`, want: http.StatusAccepted, repeated: http.StatusOK,
		header: []string{"Prefer", "respond-async"},
	})
	if !ok {
		return
	}
	c.expect("TokensReserved", "tokenAccount-"+c.home)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.files = append(c.files, id)
	c.operations = append(c.operations, operation{job: text(j, "jobId"), file: id, ends: ends})
}

// upload uploads bytes, and returns the key of the object. A signed URL leads to
// the process that issued it, which may be gone: then it is another one's turn.
func (c *client) upload(name, kind string, data []byte) string {
	for began := time.Now(); time.Since(began) < patience; {
		signed, ok := c.send(request{
			as: c.owner, method: http.MethodPost, path: "/files/upload-url", want: http.StatusOK,
			body: fmt.Sprintf(`{"filename":%q,"contentType":%q,"sizeBytes":%d}`, name, kind, len(data)),
		})
		if !ok {
			return ""
		}
		a, err := c.call(http.MethodPut, text(signed, "uploadUrl"), data, "Content-Type", kind)
		switch {
		case err == nil && a.status == http.StatusOK:
			return text(signed, "objectKey")
		case err == nil && a.status != http.StatusServiceUnavailable && a.status != http.StatusInsufficientStorage:
			c.surprise("an upload is answered %d: %s", a.status, a.body)
			return ""
		}
		c.retried.Add(1)
		time.Sleep(repeatEvery)
	}
	c.surprise("%s could not be uploaded", name)
	return ""
}

// browserAgent is the agent of a browser.
const browserAgent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"

// click follows the referral link. A link works while nothing else does, so there
// is no repetition.
func (c *client) click() {
	api := c.s.api(c.n)
	if api == "" {
		time.Sleep(repeatEvery)
		return
	}
	c.mu.Lock()
	c.sent++
	c.mu.Unlock()
	a, err := c.call(http.MethodGet, api+"/referral-links/"+c.link, nil, "User-Agent", browserAgent)
	if err != nil || a.status != http.StatusFound || a.header.Get("Set-Cookie") == "" {
		return // It was not counted as one, as far as the caller can tell.
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clicks = append(c.clicks, time.Now())
}
