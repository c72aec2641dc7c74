package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"runtime"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"github.com/perfectworks/backend/adapters/eventstore"
	"github.com/perfectworks/backend/adapters/identity"
	"github.com/perfectworks/backend/app"
)

// connections is how many clients ask at once.
const connections = 64

// measurePosts measures commands on a server of their own.
func measurePosts(ctx context.Context, p plan) ([]measurement, error) {
	var post measurement
	err := withServer(ctx, func(_ *child, c client) (err error) {
		post, err = c.measurePost(ctx, p)
		return err
	})
	return []measurement{post}, err
}

// measureHTTP measures what else clients of the API see, over real connections.
func measureHTTP(ctx context.Context, p plan) ([]measurement, error) {
	var rows []measurement
	err := withServer(ctx, func(server *child, c client) error {
		get, err := c.measureGet(ctx, p)
		if err != nil {
			return err
		}
		check, err := measureKeyCheck(server, c.key)
		if err != nil {
			return err
		}
		visible, err := c.measureVisible(ctx, p)
		if err != nil {
			return err
		}
		rows = []measurement{get, check, visible}
		return nil
	})
	return rows, err
}

// withServer runs the whole server, in a process of its own and on durable
// storage.
func withServer(ctx context.Context, run func(*child, client) error) (err error) {
	databaseURL, drop, err := freshDatabase(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, drop()) }()
	data, remove, err := dataFolder()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	return withChild(ctx, childConfig{Kind: serverChild, DatabaseURL: databaseURL, Data: data}, func(server *child) error {
		c, err := newClient(ctx, "http://"+server.Address+"/api/v0", data)
		if err != nil {
			return err
		}
		return run(server, c)
	})
}

// dataFolder creates a data folder. The caller removes it.
func dataFolder() (path string, remove func() error, err error) {
	path, err = os.MkdirTemp("", "perfectworks-bench-")
	return path, func() error { return os.RemoveAll(path) }, err
}

// client is a caller with a token and a key.
type client struct {
	http       *http.Client
	api        string
	token, key string
	// data is the data folder of the server.
	data string
}

func newClient(ctx context.Context, api, data string) (client, error) {
	token, err := identity.MintToken(data, "bench", "bench@example.org", true, time.Hour)
	if err != nil {
		return client{}, err
	}
	c := client{
		http: newHTTPClient(), api: api, token: token, data: data,
	}
	for _, first := range []struct{ path, body string }{
		{"/users/client", `{"firstName": "Ada", "lastName": "Lovelace"}`},
		{"/organizations", `{"name": "Bench"}`},
	} {
		if _, err := c.do(ctx, http.MethodPost, first.path, first.body, c.bearer()); err != nil {
			return client{}, err
		}
	}
	answer, err := c.issue(ctx)
	c.key = answer.Data.Key
	return c, err
}

type issued struct {
	Data struct{ ID, Key string }
}

func (c client) issue(ctx context.Context) (issued, error) {
	var answer issued
	err := c.post(ctx, "/api-keys", `{"description": "measured"}`, &answer)
	return answer, err
}

// post creates something, and decodes the answer.
func (c client) post(ctx context.Context, path, body string, answer any) error {
	text, err := c.do(ctx, http.MethodPost, path, body, c.bearer())
	if err != nil {
		return err
	}
	return json.Unmarshal(text, answer)
}

func (c client) bearer() http.Header { return http.Header{"Authorization": {"Bearer " + c.token}} }

func (c client) do(ctx context.Context, method, path, body string, headers http.Header) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.api+path, bytes.NewReader([]byte(body)))
	if err != nil {
		return nil, err
	}
	request.Header = headers
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }() // It has been read.
	answer, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode >= http.StatusMultipleChoices {
		err = fmt.Errorf("%s %s: %s", method, path, response.Status)
	}
	return answer, err
}

// measurePost compares commands with bare appends by as many writers to an event
// node in a process of its own.
func (c client) measurePost(ctx context.Context, p plan) (measurement, error) {
	row := measurement{
		What: fmt.Sprintf("POST /api-keys, %d connections", connections), Unit: "requests/s",
		LimitedBy: "bare append", Aim: 0.45, AimP99: 50,
	}
	err := withDatabase(ctx, 8, func(pool *pgxpool.Pool) error {
		return withNode(ctx, pool, func(_ *child, events *eventstore.Client) error {
			compared, err := compare(ctx, p.rounds, driven(connections, func(ctx context.Context, _ int) error {
				_, err := c.issue(ctx)
				return err
			}), bareAppends(events, connections))
			row = row.from(compared)
			return err
		})
	})
	return row, err
}

// measureGet compares a read with a handler that does nothing.
func (c client) measureGet(ctx context.Context, p plan) (measurement, error) {
	row := measurement{
		What: fmt.Sprintf("GET with an API key, %d connections", connections), Unit: "requests/s",
		LimitedBy: "empty handler on the same router", Aim: 0.5,
	}
	get := func(c client) side {
		return driven(connections, func(ctx context.Context, _ int) error {
			_, err := c.do(ctx, http.MethodGet, "/users/active-organization", "", http.Header{"X-Api-Key": {c.key}})
			return err
		})
	}
	err := withChild(ctx, childConfig{Kind: emptyChild}, func(empty *child) error {
		nobody := client{http: newHTTPClient(), api: "http://" + empty.Address + "/api/v0", key: c.key}
		defer nobody.http.CloseIdleConnections()
		compared, err := compare(ctx, p.rounds, get(c), get(nobody))
		row = row.from(compared)
		return err
	})
	return row, err
}

// measureVisible issues keys at a steady pace and asks for each at once: the
// read waits until the read model shows it. The latency is that of both.
func (c client) measureVisible(ctx context.Context, p plan) (measurement, error) {
	const perSecond = 500
	row, err := atPace(ctx, perSecond, p.lasting, func(ctx context.Context, _ int) error {
		answer, err := c.issue(ctx)
		if err == nil {
			_, err = c.do(ctx, http.MethodGet, "/api-keys/"+answer.Data.ID, "", c.bearer())
		}
		return err
	})
	row.What, row.Unit, row.AimP99 = fmt.Sprintf("write to visible, %d writes/s", perSecond), "writes/s", 50
	return row, err
}

// atPace calls an operation at a steady pace, whether or not earlier calls have
// been answered. Each call has its number.
func atPace(ctx context.Context, perSecond int, lasting time.Duration, operation func(ctx context.Context, n int) error) (measurement, error) {
	const callers = 100
	latencies := make([][]time.Duration, callers)
	group, ctx := errgroup.WithContext(ctx)
	begin := time.Now()
	for caller := range callers {
		group.Go(func() error {
			for n := caller; ; n += callers {
				due := begin.Add(time.Duration(n) * time.Second / time.Duration(perSecond))
				if due.Sub(begin) > lasting {
					return nil
				}
				time.Sleep(time.Until(due))
				if err := operation(ctx, n); err != nil {
					return err
				}
				// From when it was due: a late start is the system's fault too.
				latencies[caller] = append(latencies[caller], time.Since(due))
			}
		})
	}
	if err := group.Wait(); err != nil {
		return measurement{}, err
	}
	all := slices.Concat(latencies...)
	return measurement{
		Value: float64(len(all)) / time.Since(begin).Seconds(), P50: percentile(all, .5), P99: percentile(all, .99),
	}, nil
}

// measureKeyCheck times what each request with a key goes through first, on
// one processor.
func measureKeyCheck(server *child, key string) (measurement, error) {
	const aim = 20 * time.Microsecond
	var took time.Duration
	if err := server.ask(key, &took); err != nil {
		return measurement{}, err
	}
	return measurement{
		What: "check of an API key", Unit: "checks/s", Value: float64(time.Second) / float64(took),
		Limit: float64(time.Second) / float64(aim), LimitedBy: "20 µs each", Ratio: float64(aim) / float64(took), Aim: 1,
	}, nil
}

// checkTime is the shortest time that a check of a key takes, of several tries. It
// runs in the server's process.
func checkTime(ctx context.Context, server *app.App, key string) (time.Duration, error) {
	const checks = 50_000
	headers := http.Header{"X-Api-Key": {key}}
	best := time.Duration(math.MaxInt64)
	for range 5 {
		runtime.GC()
		started := time.Now()
		for range checks {
			if _, err := server.Authenticate(ctx, headers); err != nil {
				return 0, err
			}
		}
		best = min(best, time.Since(started)/checks)
	}
	return best, nil
}

func newHTTPClient() *http.Client {
	return &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 2 * connections}}
}
