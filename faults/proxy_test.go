package faults

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// proxy stands between the system and a server that it connects to over TCP.
type proxy struct {
	listener net.Listener
	target   atomic.Value // host and port
	// refusing ends each new connection at once; silent lets nothing through, as a
	// network does that drops all packets; delay is how much later all arrives.
	refusing, silent atomic.Bool
	delay            atomic.Int64

	mu    sync.Mutex
	conns map[net.Conn]bool
	done  sync.WaitGroup
}

func startProxy(t *testing.T, target string) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: listener, conns: map[net.Conn]bool{}}
	p.target.Store(target)
	p.done.Go(p.accept)
	t.Cleanup(func() {
		_ = listener.Close()
		p.silent.Store(false)
		p.cut()
		p.done.Wait()
	})
	return p
}

func (p *proxy) address() string { return p.listener.Addr().String() }

// lead has new connections lead to another server, and ends those there are.
func (p *proxy) lead(target string) {
	p.target.Store(target)
	p.cut()
}

// cut ends all connections there are.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for conn := range p.conns {
		_ = conn.Close()
	}
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		target, _ := p.target.Load().(string)
		server, err := net.Dial("tcp", target)
		if p.refusing.Load() && err == nil {
			_ = server.Close()
		}
		if p.refusing.Load() || err != nil {
			_ = client.Close()
			continue
		}
		p.mu.Lock()
		p.conns[client], p.conns[server] = true, true
		p.mu.Unlock()
		p.done.Go(func() { p.pipe(server, client) })
		p.done.Go(func() { p.pipe(client, server) })
	}
}

func (p *proxy) pipe(to, from net.Conn) {
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
		if n > 0 {
			time.Sleep(time.Duration(p.delay.Load()))
			for p.silent.Load() {
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
