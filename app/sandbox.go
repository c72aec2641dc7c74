package app

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/perfectworks/backend/adapters/durable"
	"github.com/perfectworks/backend/adapters/stripe/sandbox"
)

// The payment sandbox keeps in its folder: what it knows, its keys, its address
// while a process serves it, and the lock of that process. All processes of a
// data folder use the same one.
const (
	sandboxFolder  = "payments"
	sandboxObjects = "objects"
	sandboxKeys    = "keys.json"
	sandboxAddress = "address"
	sandboxLock    = "lock"
)

// keysOfSandbox are what its callers and its webhooks prove themselves by.
type keysOfSandbox struct {
	SecretKey     string `json:"secretKey"`
	WebhookSecret string `json:"webhookSecret"`
}

// sandboxKeysIn reads the keys, which the first process makes.
func sandboxKeysIn(folder string) (keysOfSandbox, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return keysOfSandbox{}, fmt.Errorf("make the folder of the payment sandbox: %w", err)
	}
	path := filepath.Join(folder, sandboxKeys)
	fresh, err := json.Marshal(keysOfSandbox{"sk_test_" + rand.Text(), "whsec_" + rand.Text()})
	if err != nil {
		return keysOfSandbox{}, fmt.Errorf("encode the keys of the payment sandbox: %w", err)
	}
	if err := durable.CreateOnce(path, fresh); err != nil {
		return keysOfSandbox{}, fmt.Errorf("keep the keys of the payment sandbox: %w", err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return keysOfSandbox{}, fmt.Errorf("read the keys of the payment sandbox: %w", err)
	}
	var keys keysOfSandbox
	if err := json.Unmarshal(text, &keys); err != nil || keys.SecretKey == "" || keys.WebhookSecret == "" {
		return keysOfSandbox{}, fmt.Errorf("the file %s is damaged: delete it, and a new one is made", path)
	}
	return keys, nil
}

// sandboxHost stands in calls for the address of the sandbox, which changes.
const sandboxHost = "http://payments.sandbox.invalid"

// toSandbox sends calls to where the sandbox is served at the moment.
type toSandbox struct {
	folder string
	next   http.RoundTripper
}

var errNoSandbox = errors.New("no process serves the payment sandbox at the moment")

// RoundTrip implements http.RoundTripper.
func (t toSandbox) RoundTrip(r *http.Request) (*http.Response, error) {
	text, err := os.ReadFile(filepath.Join(t.folder, sandboxAddress))
	if err != nil {
		return nil, errNoSandbox
	}
	address, err := url.Parse(string(text))
	if err != nil || address.Host == "" {
		return nil, errNoSandbox
	}
	moved := r.Clone(r.Context())
	moved.URL.Scheme, moved.URL.Host, moved.Host = address.Scheme, address.Host, address.Host
	return t.next.RoundTrip(moved)
}

// sandboxServer serves the sandbox as long as it has the lock.
type sandboxServer struct {
	folder   string
	options  sandbox.Options
	addr     string
	logger   *slog.Logger
	lock     *os.File
	box      *sandbox.Sandbox
	listener net.Listener
}

// tryOpen takes the lock, and opens the sandbox if it got it.
func (s *sandboxServer) tryOpen(ctx context.Context) (opened bool, err error) {
	lock, err := os.OpenFile(filepath.Join(s.folder, sandboxLock), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return false, fmt.Errorf("open the lock of the payment sandbox: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return false, lock.Close() // Another process serves it.
	}
	s.lock = lock
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	var config net.ListenConfig
	s.listener, err = config.Listen(ctx, "tcp", s.addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		s.logger.WarnContext(ctx, "the address of the payment sandbox is taken: another port is used", slog.String("addr", s.addr))
		s.listener, err = config.Listen(ctx, "tcp", "127.0.0.1:0")
	}
	if err != nil {
		return false, fmt.Errorf("listen for the payment sandbox (PERFECTWORKS_SANDBOX_ADDR): %w", err)
	}
	s.options.PageURL = "http://" + s.listener.Addr().String()
	s.options.File = filepath.Join(s.folder, sandboxObjects)
	if s.box, err = sandbox.Open(s.options); err != nil {
		return false, err
	}
	path := filepath.Join(s.folder, sandboxAddress)
	if err := os.WriteFile(path+".new", []byte(s.options.PageURL), 0o600); err != nil {
		return false, fmt.Errorf("tell the address of the payment sandbox: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return false, fmt.Errorf("tell the address of the payment sandbox: %w", err)
	}
	return true, nil
}

// sandboxRetry is how often a process that does not serve the sandbox tries to.
const sandboxRetry = time.Second

// Run serves the sandbox once no other process does, until ctx ends.
func (s *sandboxServer) Run(ctx context.Context) error {
	for s.box == nil {
		opened, err := s.tryOpen(ctx)
		if err != nil {
			return err
		}
		if opened {
			break
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(sandboxRetry):
		}
	}
	s.logger.InfoContext(ctx, "the payment sandbox is served: no real money moves", slog.String("url", s.options.PageURL))
	server := &http.Server{Handler: s.box, ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(s.listener) }()
	delivering, stop := context.WithCancel(ctx)
	delivered := make(chan struct{})
	go func() { s.box.Run(delivering); close(delivered) }()
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	stop()
	<-delivered
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), adminDrain)
	defer cancel()
	if shut := server.Shutdown(closing); shut != nil {
		_ = server.Close() // What is still under way is broken off.
	}
	return errors.Join(err, s.close())
}

// close gives the sandbox up. It may be called again.
func (s *sandboxServer) close() error {
	var errs []error
	if s.listener != nil {
		if err := s.listener.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	if s.box != nil {
		errs = append(errs, os.Remove(filepath.Join(s.folder, sandboxAddress)), s.box.Close())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	s.listener, s.box, s.lock = nil, nil, nil
	return errors.Join(errs...)
}

// parseChaos reads how webhooks of the sandbox are spoiled, such as
// "duplicates=0.1,drops=0.05,delay=2s".
func parseChaos(text string) (sandbox.Chaos, error) {
	var c sandbox.Chaos
	for part := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		var err error
		switch name {
		case "":
		case "duplicates":
			c.Duplicates, err = share(value)
		case "drops":
			c.Drops, err = share(value)
		case "delay":
			c.Delay, err = time.ParseDuration(value)
		case "seed":
			c.Seed, err = strconv.ParseUint(value, 10, 64)
		default:
			err = errors.New("it is none of duplicates, drops, delay and seed")
		}
		if err != nil || c.Delay < 0 {
			return sandbox.Chaos{}, fmt.Errorf("%q is not of the form duplicates=0.1,drops=0.05,delay=2s", part)
		}
	}
	return c, nil
}

func share(text string) (float64, error) {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || !(n >= 0 && n <= 1) {
		return 0, errors.New("a share is from 0 to 1")
	}
	return n, nil
}
