package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/perfectworks/backend/adapters/eventnode"
	"github.com/perfectworks/backend/adapters/postgres"
	"github.com/perfectworks/backend/migrations"
)

// EventNodeSettings say how a node of its own listens.
type EventNodeSettings struct {
	Listen string
	// CertFile and KeyFile make it speak TLS, with Credentials. Without them it
	// serves only loopback.
	CertFile, KeyFile string
	// Credentials are names and passwords.
	Credentials map[string]string
}

// nodeStop bounds how long calls under way may take to end.
const nodeStop = 5 * time.Second

// CheckEventNode tells all that is wrong with the settings of a node of its own.
// It resolves the host to listen on.
func CheckEventNode(ctx context.Context, settings Settings, node EventNodeSettings) error {
	var wrong []error
	if settings.Environment == Production {
		if node.CertFile == "" {
			wrong = append(wrong, errors.New("in production the node needs TLS and users"))
		}
		if settings.DatabaseURL == "" {
			wrong = append(wrong, errors.New("DATABASE_URL must be set in production: its default is for development"))
		}
	} else if node.CertFile == "" {
		if err := requireLoopback(ctx, node.Listen); err != nil {
			wrong = append(wrong, err)
		}
	}
	return errors.Join(wrong...)
}

// requireLoopback refuses an address that anybody else can reach. A host may have
// several addresses; all must be loopback.
func requireLoopback(ctx context.Context, address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("the address to listen on: %w", err)
	}
	var ips []net.IP
	if host != "" {
		if ips, err = net.DefaultResolver.LookupIP(ctx, "ip", host); err != nil {
			return fmt.Errorf("the address to listen on: %w", err)
		}
	}
	for _, ip := range ips {
		if !ip.IsLoopback() {
			ips = nil
			break
		}
	}
	if len(ips) == 0 {
		return fmt.Errorf("without TLS and users the node listens on loopback only, such as 127.0.0.1, not on %q", address)
	}
	return nil
}

// RunEventNode serves the embedded EventStoreDB node alone, its log in the
// database of the settings, until ctx ends. Ready is called with the address
// once it answers.
func RunEventNode(ctx context.Context, settings Settings, node EventNodeSettings, logger *slog.Logger, ready func(net.Addr)) (err error) {
	if err := CheckEventNode(ctx, settings, node); err != nil {
		return err
	}
	config := eventnode.Config{Logger: logger, Credentials: node.Credentials}
	if node.CertFile != "" {
		certificate, err := tls.LoadX509KeyPair(node.CertFile, node.KeyFile)
		if err != nil {
			return fmt.Errorf("load the certificate: %w", err)
		}
		config.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", node.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	defer func() {
		if closeErr := listener.Close(); !errors.Is(closeErr, net.ErrClosed) {
			err = errors.Join(err, closeErr)
		}
	}()
	data, err := settings.DataFolder()
	if err != nil {
		return err
	}
	db, err := openDatabase(ctx, settings, data, nil, logger)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.close()) }()
	if err := postgres.Migrate(ctx, db.pool, migrations.EventNode, migrations.EventNodeTable); err != nil {
		return err
	}
	config.Pool = db.pool
	server, err := eventnode.New(ctx, config)
	if err != nil {
		return err
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	ready(listener.Addr())

	select {
	case err = <-served:
	case <-ctx.Done():
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), nodeStop)
	defer cancel()
	server.Stop(stopping)
	return err
}
