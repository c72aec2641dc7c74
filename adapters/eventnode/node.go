package eventnode

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/serverfeatures"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"

	"github.com/perfectworks/backend/adapters/eventnode/internal/eventlog"
)

// Config of a node. Only Pool is required; zero values mean the defaults.
type Config struct {
	// Pool leads to the database of the log, to which migrations.EventNode were
	// applied. The node makes two connections of its own besides, with the same
	// settings; it needs sessions, so not a pooler that shares them.
	Pool   *pgxpool.Pool
	Logger *slog.Logger
	// TLS is the server's side. Without it the node authenticates no client, and
	// serves only loopback.
	TLS *tls.Config
	// Credentials are names and passwords; anyone of them may do everything.
	// With TLS at least one is needed, without TLS there can be none: they would
	// travel in the clear, and clients do not send them then.
	Credentials map[string]string
	// MaxAppendSize bounds the content of one append, in bytes. Default 1 MiB.
	MaxAppendSize int
	// MaxEventSize bounds a single event, in bytes. Default 16 MiB - 10,000.
	MaxEventSize int
	// Registerer gets the node's metrics; may be nil.
	Registerer prometheus.Registerer
	// WriteTimeout bounds how long a write waits for Postgres before it fails as
	// unavailable. Default 5 s.
	WriteTimeout time.Duration
	// TailEvents is how many of the latest events are held for live subscribers.
	// Default 8,192.
	TailEvents int

	minPingInterval time.Duration // default minPingInterval
}

// Limits of the server.
const (
	defaultMaxAppendSize = 1 << 20
	defaultMaxEventSize  = 16<<20 - 10_000
	// maxMessageSize leaves room for what a message holds beside the event.
	maxMessageSize = 17 << 20
)

// minPingInterval allows the pings of the official clients, which come every 10 s
// and on idle connections too. By gRPC's own default they are cut off after three.
const minPingInterval = 5 * time.Second

// Node is safe for concurrent use.
type Node struct {
	log    *eventlog.Log
	server *grpc.Server
	logger *slog.Logger
	secure bool

	// ending is closed when subscriptions have to end.
	ending     chan struct{}
	stopOnce   sync.Once
	unregister func()
}

// New opens the log and prepares a node, which then wants Serve and, in any case,
// Stop.
func New(ctx context.Context, config Config) (*Node, error) {
	if (config.TLS == nil) != (len(config.Credentials) == 0) {
		return nil, errors.New("eventnode: TLS and credentials are only to be had together")
	}
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	if config.MaxAppendSize <= 0 {
		config.MaxAppendSize = defaultMaxAppendSize
	}
	if config.MaxEventSize <= 0 {
		config.MaxEventSize = defaultMaxEventSize
	}
	if config.minPingInterval <= 0 {
		config.minPingInterval = minPingInterval
	}
	metrics := newMetrics()
	log, err := eventlog.Open(ctx, eventlog.Config{
		Pool:         config.Pool,
		Logger:       config.Logger,
		Observer:     metrics,
		WriteTimeout: config.WriteTimeout,
		TailEvents:   config.TailEvents,
	})
	if err != nil {
		return nil, fmt.Errorf("eventnode: %w", err)
	}
	if err := metrics.register(config.Registerer); err != nil {
		log.Close()
		return nil, fmt.Errorf("eventnode: %w", err)
	}
	n := &Node{log: log, logger: config.Logger, secure: config.TLS != nil, ending: make(chan struct{})}
	n.unregister = func() { metrics.unregister(config.Registerer) }
	n.server = grpc.NewServer(serverOptions(config)...)
	streams.RegisterStreamsServer(n.server, &streamsService{
		log:           log,
		metrics:       metrics,
		maxAppendSize: config.MaxAppendSize,
		maxEventSize:  config.MaxEventSize,
		ending:        n.ending,
	})
	serverfeatures.RegisterServerFeaturesServer(n.server, featuresService{})
	return n, nil
}

// streamWorkers is how many calls are served without a goroutine of their own. More
// calls at once, and those that last, get one each.
const streamWorkers = 64

func serverOptions(config Config) []grpc.ServerOption {
	options := []grpc.ServerOption{
		grpc.ForceServerCodecV2(newCodec()),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: config.minPingInterval, PermitWithoutStream: true}),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: 10 * time.Second, Timeout: 10 * time.Second}),
		grpc.MaxRecvMsgSize(maxMessageSize),
		grpc.UnknownServiceHandler(unimplemented),
		grpc.ReadBufferSize(64 << 10),
		grpc.WriteBufferSize(64 << 10),
		// Goroutines that serve one call after another have stacks that are large
		// enough: growing a new one for each append took a tenth of the time of client and node.
		grpc.NumStreamWorkers(streamWorkers),
	}
	if config.TLS != nil {
		guard := newGuard(config.Credentials)
		options = append(options,
			grpc.Creds(credentials.NewTLS(config.TLS)),
			grpc.UnaryInterceptor(guard.unary),
			grpc.StreamInterceptor(guard.stream))
	}
	return options
}

// unimplemented answers for services that the node does not have. As a handler, so
// that callers without credentials do not learn which those are.
func unimplemented(_ any, stream grpc.ServerStream) error {
	method, _ := grpc.MethodFromServerStream(stream)
	return status.Errorf(codes.Unimplemented, "%s is not implemented by this node", method)
}

// Serve answers on a listener until Stop, and then returns nil. Without TLS it
// refuses a listener that others than this machine can reach.
func (n *Node) Serve(listener net.Listener) error {
	if address, isTCP := listener.Addr().(*net.TCPAddr); isTCP && !n.secure && !address.IP.IsLoopback() {
		_ = listener.Close() // nothing was served
		return fmt.Errorf("eventnode: serve: without TLS only loopback is served, not %s", address)
	}
	// Stop may have come before.
	if err := n.server.Serve(listener); err != nil && !errors.Is(err, grpc.ErrServerStopped) {
		return fmt.Errorf("eventnode: serve: %w", err)
	}
	return nil
}

// Reasons of Check; both mean that the log can still be read.
var (
	ErrNoSpace  = eventlog.ErrNoSpace
	ErrReadOnly = eventlog.ErrReadOnly
)

// Check says whether the node can read and write: for readiness.
func (n *Node) Check(ctx context.Context) error { return n.log.Check(ctx) }

// Stop ends the subscriptions and waits for the other calls under way; when ctx
// ends first it cuts them off. It returns once everything has ended.
func (n *Node) Stop(ctx context.Context) {
	n.stopOnce.Do(func() {
		close(n.ending)
		drained := make(chan struct{})
		go func() {
			n.server.GracefulStop()
			close(drained)
		}()
		select {
		case <-drained:
		case <-ctx.Done():
			n.server.Stop()
			<-drained
		}
		n.log.Close()
		n.unregister()
	})
}
