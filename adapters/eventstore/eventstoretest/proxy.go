package eventstoretest

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Proxy is the network between clients and a node, which it connects to over TCP. It
// is safe for concurrent use.
type Proxy struct {
	// Refusing ends each new connection at once. Silent lets nothing through, as a
	// network does that drops all packets. Swallowing drops what the node answers.
	Refusing, Silent, Swallowing atomic.Bool
	// Delay is how much later all arrives, in nanoseconds.
	Delay atomic.Int64

	listener net.Listener
	target   atomic.Value // host and port

	mu    sync.Mutex
	conns map[net.Conn]bool
	done  sync.WaitGroup
}

// StartProxy starts a proxy before an address, until the test ends.
func StartProxy(tb testing.TB, target string) *Proxy {
	tb.Helper()
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatalf("eventstoretest: %v", err)
	}
	p := &Proxy{listener: listener, conns: map[net.Conn]bool{}}
	p.target.Store(target)
	p.done.Go(p.accept)
	tb.Cleanup(func() {
		_ = listener.Close()
		p.Silent.Store(false)
		p.Cut()
		p.done.Wait()
	})
	return p
}

// URL is where clients reach the node through the proxy.
func (p *Proxy) URL() string { return "esdb://" + p.listener.Addr().String() + "?tls=false" }

// Target is the address that new connections lead to.
func (p *Proxy) Target() string {
	target, _ := p.target.Load().(string)
	return target
}

// Lead has new connections lead to another address, and ends those there are.
func (p *Proxy) Lead(target string) {
	p.target.Store(target)
	p.Cut()
}

// Cut ends all connections there are.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for conn := range p.conns {
		_ = conn.Close()
	}
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", p.Target())
		if p.Refusing.Load() && err == nil {
			_ = server.Close()
		}
		if p.Refusing.Load() || err != nil {
			_ = client.Close()
			continue
		}
		p.mu.Lock()
		p.conns[client], p.conns[server] = true, true
		p.mu.Unlock()
		p.done.Go(func() { p.pipe(server, client, nil) })
		p.done.Go(func() { p.pipe(client, server, &p.Swallowing) })
	}
}

func (p *Proxy) pipe(to, from net.Conn, swallowing *atomic.Bool) {
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, conn := range []net.Conn{to, from} {
			_ = conn.Close()
			delete(p.conns, conn)
		}
	}()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 && (swallowing == nil || !swallowing.Load()) {
			time.Sleep(time.Duration(p.Delay.Load()))
			for p.Silent.Load() {
				time.Sleep(10 * time.Millisecond)
			}
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}
