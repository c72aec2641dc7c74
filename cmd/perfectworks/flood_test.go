package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// floodConnections is how many connections a flood comes over.
const floodConnections = 32

// A flood of one caller, or of nobody known, leaves the others as they were: all
// that they ask for is answered, about as fast as before, and a revocation takes
// effect within a second.
//
// FLOOD_SECONDS makes each part last longer, and holds the latency to its bound
// of twice the quiet one; without it, on a machine that tests share, there is
// only a loose one. Quiet and flooded slices take turns, so that what else the
// machine does weighs on both.
func TestNeighboursOfFloods(t *testing.T) {
	t.Parallel()
	lasting, rounds, strict := 2*time.Second, 1, false
	if text := os.Getenv("FLOOD_SECONDS"); text != "" {
		seconds, err := time.ParseDuration(text + "s")
		if err != nil {
			t.Fatal(err)
		}
		lasting, rounds, strict = seconds, 5, true
	}
	place := newInstallation(t)
	server := place.serve()
	ada, mallory := caller{server.api, place.token("ada")}, caller{server.api, place.token("mallory")}
	ada.settle(t)
	mallory.settle(t)
	key := ada.must(t, http.StatusCreated, http.MethodPost, "/api-keys", `{}`).Data.Key

	neighbour := &neighbour{t: t, api: server.api, key: key}
	neighbour.ask(lasting / 2) // To warm up.
	for _, flood := range []struct {
		name    string
		request func(i int64) string
	}{
		{"invented methods", func(i int64) string {
			return fmt.Sprintf("BREW%d /api/v0/users/profile HTTP/1.1\r\nHost: x\r\n\r\n", i)
		}},
		{"unknown names", func(i int64) string { return posted(mallory.token, unknownNames()) }},
		{"forged tokens", func(i int64) string { return posted(forged(mallory.token, i), `{}`) }},
	} {
		revoked := ada.must(t, http.StatusCreated, http.MethodPost, "/api-keys", `{}`)
		var quiet, during experience
		var answered int64
		for round := range rounds {
			quiet.add(neighbour.ask(lasting / time.Duration(rounds)))
			ctx, stop := context.WithCancel(t.Context())
			count, flooded := overrun(ctx, t, server.api, flood.request)
			var revoking sync.WaitGroup
			if round == rounds/2 {
				revoking.Add(1)
				time.AfterFunc(lasting/time.Duration(2*rounds), func() {
					defer revoking.Done()
					ada.must(t, http.StatusOK, http.MethodDelete, "/api-keys/"+revoked.Data.ID, "")
					acknowledged := time.Now()
					for {
						asked := time.Since(acknowledged)
						status := neighbour.status(revoked.Data.Key)
						if status == http.StatusUnauthorized {
							break
						}
						if status < http.StatusInternalServerError && asked > time.Second || asked > time.Minute {
							t.Errorf("%s: a revoked key works for longer than a second", flood.name)
							return
						}
					}
					neighbour.revocations.Add(1)
				})
			}
			during.add(neighbour.ask(lasting / time.Duration(rounds)))
			revoking.Wait()
			stop()
			flooded.Wait()
			answered += count.Load()
		}
		t.Logf("%s: p95 %v of %d requests, beside %d; quiet %v of %d", flood.name, during.p95(), len(during.took), answered, quiet.p95(), len(quiet.took))
		bound := 2 * quiet.p95()
		if !strict {
			bound = max(20*quiet.p95(), time.Second)
		}
		if during.p95() > bound || during.failed > 0 {
			t.Errorf("%s: p95 %v, quiet %v; %d of %d requests failed", flood.name, during.p95(), quiet.p95(), during.failed, len(during.took))
		}
	}
	if n := neighbour.revocations.Load(); n != 3 {
		t.Errorf("%d of 3 revocations took effect", n)
	}
}

// neighbour asks at a steady pace.
type neighbour struct {
	t           *testing.T
	api, key    string
	revocations atomic.Int64
}

// experience is how long requests took, and how many failed.
type experience struct {
	took   []time.Duration
	failed int
}

func (e *experience) add(more experience) {
	e.took, e.failed = append(e.took, more.took...), e.failed+more.failed
}

func (e *experience) p95() time.Duration {
	sorted := slices.Sorted(slices.Values(e.took))
	return sorted[len(sorted)*95/100]
}

func (n *neighbour) ask(lasting time.Duration) experience {
	n.t.Helper()
	const pace = 25 * time.Millisecond
	var e experience
	for begun := time.Now(); time.Since(begun) < lasting; {
		asked := time.Now()
		if n.status(n.key) != http.StatusOK {
			e.failed++
		}
		e.took = append(e.took, time.Since(asked))
		time.Sleep(time.Until(asked.Add(pace)))
	}
	return e
}

// status is what a read of the organization with a key is answered.
func (n *neighbour) status(key string) int {
	request, err := http.NewRequestWithContext(n.t.Context(), http.MethodGet, n.api+"/organizations/current", nil)
	if err != nil {
		n.t.Error(err)
		return 0
	}
	request.Header.Set("X-API-Key", key)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		n.t.Error(err)
		return 0
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body)
	return response.StatusCode
}

// overrun sends requests over many connections, each as soon as the one before
// is answered, and counts the answers.
func overrun(ctx context.Context, t *testing.T, api string, request func(i int64) string) (*atomic.Int64, *sync.WaitGroup) {
	t.Helper()
	address := strings.TrimSuffix(strings.TrimPrefix(api, "http://"), "/api/v0")
	var sent, answered atomic.Int64
	var all sync.WaitGroup
	for range floodConnections {
		all.Go(func() {
			for ctx.Err() == nil {
				conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
				if err != nil {
					return
				}
				closing := context.AfterFunc(ctx, func() { conn.Close() })
				reader := bufio.NewReader(conn)
				for {
					if _, err := io.WriteString(conn, request(sent.Add(1))); err != nil {
						break
					}
					response, err := http.ReadResponse(reader, nil)
					if err != nil {
						break
					}
					_, _ = io.Copy(io.Discard, response.Body)
					response.Body.Close()
					answered.Add(1)
					if response.Close {
						break
					}
				}
				closing()
				conn.Close()
			}
		})
	}
	return &answered, &all
}

func posted(token, body string) string {
	return "POST /api/v0/api-keys HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nAuthorization: Bearer " + token +
		fmt.Sprintf("\r\nContent-Length: %d\r\n\r\n", len(body)) + body
}

// unknownNames is a body of as many names as fit, each spelt almost like one
// that is known.
var unknownNames = sync.OnceValue(func() string {
	var body strings.Builder
	body.WriteString("{")
	for i := 0; body.Len() < 64<<10-40; i++ {
		fmt.Fprintf(&body, `"expiresAt%d":1,`, i)
	}
	body.WriteString(`"a":1}`)
	return body.String()
})

// forged is a token whose claims name the subject twice, in two cases, under a
// signature that does not fit; each is another one.
func forged(token string, i int64) string {
	parts := strings.Split(token, ".")
	claims, _ := base64.RawURLEncoding.DecodeString(parts[1])
	changed := strings.Replace(string(claims), "{", fmt.Sprintf(`{"n":%d,"SUB":"ada",`, i), 1)
	return parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(changed)) + "." + parts[2]
}
