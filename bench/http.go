package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"os"
	"runtime"
	"time"

	"github.com/gorilla/mux"
	"golang.org/x/sync/errgroup"

	"github.com/perfectworks/backend/adapters/httpapi"
	"github.com/perfectworks/backend/adapters/identity"
	"github.com/perfectworks/backend/adapters/telemetry"
	"github.com/perfectworks/backend/app"
)

// unlimited is a number of requests a minute that no machine serves.
const unlimited = 100_000_000

// connections is how many clients ask at once.
const connections = 64

// measureHTTP measures what clients of the API see, over real connections.
func measureHTTP(ctx context.Context, p plan) ([]measurement, error) {
	appends, err := measureAppendsBy(ctx, p, connections)
	if err != nil {
		return nil, err
	}
	empty, err := emptyHandlerRate(ctx, p)
	if err != nil {
		return nil, err
	}
	var rows []measurement
	err = withServer(ctx, func(server *app.App, c client) error {
		get, err := c.measureGet(ctx, p)
		if err != nil {
			return err
		}
		check, err := measureKeyCheck(ctx, server, c.key)
		if err != nil {
			return err
		}
		post, err := c.measurePost(ctx, p)
		if err != nil {
			return err
		}
		visible, err := c.measureVisible(ctx, p)
		if err != nil {
			return err
		}
		rows = []measurement{post.against(appends.Value), get.against(empty), check, visible}
		return nil
	})
	return rows, err
}

// withServer runs the whole server, in this process and on durable storage.
func withServer(ctx context.Context, run func(*app.App, client) error) (err error) {
	databaseURL, drop, err := freshDatabase(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, drop()) }()
	data, err := os.MkdirTemp("", "perfectworks-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(data)) }()
	server, err := app.New(ctx, app.Settings{
		Environment: app.Development, Addr: "127.0.0.1:0", Data: data, DatabaseURL: databaseURL,
		LogLevel: "warn", LogFormat: telemetry.LogJSON,
		// Its clients ask for more than any may.
		RequestsPerCaller: unlimited, RequestsPerOrganization: unlimited, RequestsPerAddress: unlimited,
	}, slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(ctx)
	var runs errgroup.Group
	runs.Go(func() error { return server.Run(running) })
	defer func() {
		stop()
		err = errors.Join(err, runs.Wait())
	}()
	if err := server.WaitReady(ctx); err != nil {
		return err
	}
	c, err := newClient(ctx, "http://"+server.Addr().String()+"/api/v0", data)
	if err != nil {
		return err
	}
	return run(server, c)
}

// client is a caller with a token and a key.
type client struct {
	http       *http.Client
	api        string
	token, key string
}

func newClient(ctx context.Context, api, data string) (client, error) {
	token, err := identity.MintToken(data, "bench", "bench@example.org", true, time.Hour)
	if err != nil {
		return client{}, err
	}
	c := client{
		http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 2 * connections}},
		api:  api, token: token,
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
	body, err := c.do(ctx, http.MethodPost, "/api-keys", `{"description": "measured"}`, c.bearer())
	if err != nil {
		return issued{}, err
	}
	var answer issued
	return answer, json.Unmarshal(body, &answer)
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

func (c client) measurePost(ctx context.Context, p plan) (measurement, error) {
	reached, err := drive(ctx, connections, p.lasting, func(ctx context.Context, _ int) error {
		_, err := c.issue(ctx)
		return err
	})
	return measurement{
		What: fmt.Sprintf("POST /api-keys, %d connections", connections), Unit: "requests/s",
		Value: reached.PerSecond, LimitedBy: "bare append", Aim: 0.5,
		P50: percentile(reached.Latencies, .5), P99: percentile(reached.Latencies, .99), AimP99: 50,
	}, err
}

func (c client) measureGet(ctx context.Context, p plan) (measurement, error) {
	reached, err := drive(ctx, connections, p.lasting, func(ctx context.Context, _ int) error {
		_, err := c.do(ctx, http.MethodGet, "/users/active-organization", "", http.Header{"X-Api-Key": {c.key}})
		return err
	})
	return measurement{
		What: fmt.Sprintf("GET with an API key, %d connections", connections), Unit: "requests/s",
		Value: reached.PerSecond, LimitedBy: "empty handler on the same router", Aim: 0.5,
		P50: percentile(reached.Latencies, .5), P99: percentile(reached.Latencies, .99),
	}, err
}

// measureVisible issues keys at a steady pace and asks for each at once: the
// read waits until the read model shows it. The latency is that of both.
func (c client) measureVisible(ctx context.Context, p plan) (measurement, error) {
	const perSecond, askers = 500, 100
	latencies := make([][]time.Duration, askers)
	group, ctx := errgroup.WithContext(ctx)
	begin := time.Now()
	for asker := range askers {
		group.Go(func() error {
			for turn := 0; ; turn++ {
				due := begin.Add(time.Duration(turn*askers+asker) * time.Second / perSecond)
				if due.Sub(begin) > p.lasting {
					return nil
				}
				time.Sleep(time.Until(due))
				answer, err := c.issue(ctx)
				if err != nil {
					return err
				}
				if _, err := c.do(ctx, http.MethodGet, "/api-keys/"+answer.Data.ID, "", c.bearer()); err != nil {
					return err
				}
				// From when it was due: a late start is the system's fault too.
				latencies[asker] = append(latencies[asker], time.Since(due))
			}
		})
	}
	if err := group.Wait(); err != nil {
		return measurement{}, err
	}
	var all []time.Duration
	for _, l := range latencies {
		all = append(all, l...)
	}
	return measurement{
		What: fmt.Sprintf("write to visible, %d writes/s", perSecond), Unit: "writes/s",
		Value: float64(len(all)) / time.Since(begin).Seconds(),
		P50:   percentile(all, .5), P99: percentile(all, .99), AimP99: 50,
	}, nil
}

// measureKeyCheck times what each request with a key goes through first, on
// one processor.
func measureKeyCheck(ctx context.Context, server *app.App, key string) (measurement, error) {
	const checks, aim = 50_000, 20 * time.Microsecond
	headers := http.Header{"X-Api-Key": {key}}
	best := time.Duration(math.MaxInt64)
	for range 5 {
		runtime.GC()
		started := time.Now()
		for range checks {
			if _, err := server.Authenticate(ctx, headers); err != nil {
				return measurement{}, err
			}
		}
		best = min(best, time.Since(started)/checks)
	}
	return measurement{
		What: "check of an API key", Unit: "checks/s", Value: float64(time.Second) / float64(best),
		Limit: float64(time.Second) / float64(aim), LimitedBy: "20 µs each", Ratio: float64(aim) / float64(best), Aim: 1,
	}, nil
}

// emptyHandlerRate is what the router and the HTTP server do without us.
func emptyHandlerRate(ctx context.Context, p plan) (float64, error) {
	router := mux.NewRouter()
	router.HandleFunc("/api/v0/users/active-organization", func(http.ResponseWriter, *http.Request) {}).Methods(http.MethodGet)
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	running, stop := context.WithCancel(ctx)
	var runs errgroup.Group
	runs.Go(func() error {
		return httpapi.Server{Handler: router, Logger: slog.New(slog.DiscardHandler)}.Serve(running, listener)
	})
	c := client{
		http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 2 * connections}},
		api:  "http://" + listener.Addr().String() + "/api/v0",
	}
	reached, err := drive(ctx, connections, p.lasting, func(ctx context.Context, _ int) error {
		_, err := c.do(ctx, http.MethodGet, "/users/active-organization", "", http.Header{"X-Api-Key": {"pw_test_none"}})
		return err
	})
	c.http.CloseIdleConnections()
	stop()
	return reached.PerSecond, errors.Join(err, runs.Wait())
}
