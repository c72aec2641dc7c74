package eventstore

import (
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/url"
	"strings"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"go.opentelemetry.io/otel/trace"
)

// Options say where the event store is. Either URL or Address is set.
type Options struct {
	// URL is a connection string: esdb://[USER:PASSWORD@]HOST:PORT[,…][?tls=false…].
	URL string

	// Address is HOST:PORT of a single node with TLS, as the embedded one.
	Address  string
	RootCAs  *x509.CertPool
	Username string
	Password string

	// Log names the log that the store must hold, as a mark does; empty when none is
	// known yet. Then the first log that answers is the one. A store that holds
	// another is not used: calls fail with ErrWrongLog.
	Log string

	// Patience is for how long the log may end before what was read from it until
	// that is taken for a loss. A member of a cluster that has not caught up is behind
	// for a moment. Zero takes it for a loss at once.
	Patience time.Duration

	// AttemptTimeout bounds each attempt of an append; an append whose answer
	// did not come by then is tried again with the same event ids. 5 s when
	// zero. How long is tried in all, the caller's context says.
	AttemptTimeout time.Duration
	// SubscriptionsPerConnection bounds how many subscriptions share a
	// connection; 50 when zero. A server allows 100 streams on one.
	SubscriptionsPerConnection int

	Logger *slog.Logger
	// Metrics, when set, is told what happens.
	Metrics Metrics
	// TracerProvider, when set, gets a span for each append and read of a
	// stream.
	TracerProvider trace.TracerProvider
}

// Metrics measures the use of the store. Methods are called concurrently and
// must be quick.
type Metrics interface {
	// Appended is called after each append, with the time it took in all its
	// attempts.
	Appended(events int, took time.Duration, err error)
	// Loaded is called after each load of a stream; cached says that the store
	// was not asked.
	Loaded(events int, cached bool, took time.Duration, err error)
	// Reconnected is called each time a lost connection is replaced.
	Reconnected()
	// Subscribed is called when a consumer of a topic begins.
	Subscribed(topic string)
	// Dropped is called each time a subscription ended and begins again.
	Dropped(topic string, err error)
	// FellOut is called each time a consumer does not keep up with a Feed.
	FellOut(topic string)
	// WentBack is called when the log no longer holds what this client wrote or
	// read.
	WentBack()
}

const (
	defaultAttemptTimeout             = 5 * time.Second
	defaultSubscriptionsPerConnection = 50
)

func (o *Options) withDefaults() Options {
	opts := *o
	if opts.AttemptTimeout <= 0 {
		opts.AttemptTimeout = defaultAttemptTimeout
	}
	if opts.SubscriptionsPerConnection <= 0 {
		opts.SubscriptionsPerConnection = defaultSubscriptionsPerConnection
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	if opts.Metrics == nil {
		opts.Metrics = noMetrics{}
	}
	return opts
}

func (o *Options) logID() string {
	id, _ := parseLogName(o.Log)
	return id
}

// configuration is the client module's own. Its errors hold no password.
func (o *Options) configuration() (*esdb.Configuration, error) {
	var config *esdb.Configuration
	switch {
	case (o.URL == "") == (o.Address == ""):
		return nil, errors.New("the event store needs either a URL or an address")
	case o.URL != "":
		var err error
		if config, err = esdb.ParseConnectionString(o.URL); err != nil {
			return nil, fmt.Errorf("the event store's URL is not of the form esdb://USER:PASSWORD@HOST:PORT: %w", withoutURL(err))
		}
		// The module would send no credentials, without a word.
		if config.DisableTLS && config.Username != "" {
			return nil, errors.New("the event store's URL has credentials, which are sent only with TLS, and tls=false")
		}
	default:
		var err error
		if config, err = esdb.ParseConnectionString("esdb://" + o.Address); err != nil {
			return nil, fmt.Errorf("the event store's address is not of the form HOST:PORT: %w", err)
		}
		config.RootCAs, config.Username, config.Password = o.RootCAs, o.Username, o.Password
	}
	if err := config.Validate(); err != nil {
		return nil, fmt.Errorf("the event store's URL: %w", err)
	}
	// After the last attempt the module's client would be dead for ever.
	config.MaxDiscoverAttempts = math.MaxInt32
	// A ping more often than the server permits ends the connection.
	if config.KeepAliveInterval >= 0 {
		config.KeepAliveInterval = max(config.KeepAliveInterval, 10*time.Second)
	}
	return config, nil
}

// withoutURL reduces a parser's error to its cause, for it quotes the URL.
func withoutURL(err error) error {
	var parseErr *url.Error
	if errors.As(err, &parseErr) {
		err = parseErr.Err
	}
	if strings.Contains(err.Error(), "@") {
		return errors.New("it cannot be parsed")
	}
	return err
}

type noMetrics struct{}

func (noMetrics) Appended(int, time.Duration, error)     {}
func (noMetrics) Loaded(int, bool, time.Duration, error) {}
func (noMetrics) Reconnected()                           {}
func (noMetrics) Subscribed(string)                      {}
func (noMetrics) Dropped(string, error)                  {}
func (noMetrics) FellOut(string)                         {}
func (noMetrics) WentBack()                              {}
