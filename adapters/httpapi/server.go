package httpapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

const (
	readHeaderTimeout = 10 * time.Second
	idleTimeout       = 2 * time.Minute
	// writeTimeout bounds an answer from the end of the request's header on.
	// Operations that may take longer move it.
	writeTimeout = 60 * time.Second
	// maxHeaderBytes is what is read of a request before it is given up: enough
	// for what exceeds maxHeaders by little to be answered as other errors are.
	maxHeaderBytes = 2 * maxHeaders
	// maxHeaders bounds the address and the header fields of a request, in bytes.
	maxHeaders = 32 << 10
	// DefaultDrain is how long a stopping server waits for requests.
	DefaultDrain = 20 * time.Second
)

// Server serves a handler over HTTP.
type Server struct {
	Handler http.Handler
	Logger  *slog.Logger
	// Drain bounds how long Serve waits, once it is to stop, for the requests
	// that are being answered; DefaultDrain when zero.
	Drain time.Duration
}

type stoppingKey struct{}

// stopping ends when the server that answers a request begins to stop. What
// waits or streams for long then ends early, so that it can go on elsewhere.
func stopping(request context.Context) context.Context {
	if ctx, ok := request.Value(stoppingKey{}).(context.Context); ok {
		return ctx
	}
	return context.Background()
}

// Serve answers requests from the listener until ctx ends. Then it takes no new
// ones, lets those under way finish, and returns nil. It closes the listener.
func (s Server) Serve(ctx context.Context, listener net.Listener) error {
	server := &http.Server{
		Handler:           s.Handler,
		ReadHeaderTimeout: readHeaderTimeout,
		IdleTimeout:       idleTimeout,
		WriteTimeout:      writeTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(s.Logger.Handler(), slog.LevelWarn),
		// Stopping does not cancel the requests under way, but they may know.
		BaseContext: func(net.Listener) context.Context {
			return context.WithValue(context.WithoutCancel(ctx), stoppingKey{}, ctx)
		},
		ConnContext: func(ctx context.Context, _ net.Conn) context.Context {
			return context.WithValue(ctx, connectionKey{}, &connection{})
		},
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve HTTP: %w", err)
	case <-ctx.Done():
	}
	drain := s.Drain
	if drain == 0 {
		drain = DefaultDrain
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	err := server.Shutdown(stopping)
	if errors.Is(err, context.DeadlineExceeded) {
		s.Logger.WarnContext(ctx, "requests were cut off: they took longer than the server waits when it stops", "drain", drain)
		err = server.Close()
	}
	if ended := <-failed; err == nil && !errors.Is(ended, http.ErrServerClosed) {
		err = ended
	}
	if err != nil {
		return fmt.Errorf("stop serving HTTP: %w", err)
	}
	return nil
}
