package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// relay is a server on loopback that passes the library's requests on to the
// repository: the library's own have neither a context nor a time limit, and
// take an answer without a checksum for a good one.
type relay struct {
	url        string
	repository string
	server     *http.Server
	served     chan error

	mu  sync.Mutex
	err error // the first failure
}

func startRelay(ctx context.Context, repository string) (*relay, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for the library's requests: %w", err)
	}
	r := &relay{url: "http://" + listener.Addr().String(), repository: repository, served: make(chan error, 1)}
	r.server = &http.Server{
		Handler:           r,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: 10 * time.Second,
	}
	go func() { r.served <- r.server.Serve(listener) }()
	return r, nil
}

// ServeHTTP passes a request on. It breaks the connection when that fails.
func (r *relay) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	if err := r.pass(w, request); err != nil {
		r.mu.Lock()
		r.err = cmp.Or(r.err, err)
		r.mu.Unlock()
		panic(http.ErrAbortHandler)
	}
}

func (r *relay) pass(w http.ResponseWriter, request *http.Request) error {
	ctx := request.Context()
	address := r.repository + request.URL.Path
	passed, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil) //nolint:gosec // the operator names the repository
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(passed) //nolint:gosec // as above
	if err != nil {
		return causeOf(ctx, err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", address, response.Status)
	}
	if _, err := io.Copy(w, response.Body); err != nil {
		return fmt.Errorf("read %s: %w", address, causeOf(ctx, err))
	}
	return nil
}

// stop returns the first failure to pass on a request.
func (r *relay) stop() error {
	err := r.server.Close()
	if serveErr := <-r.served; !errors.Is(serveErr, http.ErrServerClosed) {
		err = errors.Join(err, serveErr)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return cmp.Or(r.err, err)
}
