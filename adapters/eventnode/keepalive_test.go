package eventnode_test

import (
	"errors"
	"net"
	"os"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/perfectworks/backend/adapters/eventnode"
	"github.com/perfectworks/backend/adapters/eventnode/eventnodetest"
)

// TestKeepalive pings on a connection without calls, as the official clients do
// every 10 s, here at a pace that a test can wait for.
func TestKeepalive(t *testing.T) {
	t.Parallel()
	if eventnode.MinPingInterval >= 10*time.Second {
		t.Errorf("pings every 10 s are refused below %v", eventnode.MinPingInterval)
	}
	const interval = 40 * time.Millisecond
	node := eventnodetest.Start(t, eventnodetest.WithConfig(func(c *eventnode.Config) { c.SetMinPingInterval(interval) }))
	if got := ping(t, node.Address, 8, interval+10*time.Millisecond); got != "" {
		t.Errorf("slow enough: %s", got)
	}
	if got := ping(t, node.Address, 8, 0); got != "ENHANCE_YOUR_CALM too_many_pings" {
		t.Errorf("too fast: %q", got)
	}
}

// ping says why the server closed the connection, if it did.
func ping(t *testing.T, address string, pings int, pause time.Duration) string {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte(http2.ClientPreface)); err != nil {
		t.Fatal(err)
	}
	framer := http2.NewFramer(conn, conn)
	if err := framer.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	for n := range pings {
		if framer.WritePing(false, [8]byte{byte(n)}) != nil {
			break // the reason is still to be read
		}
		time.Sleep(pause)
	}
	acknowledged := 0
	for acknowledged < pings {
		if err := conn.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
			t.Fatal(err)
		}
		frame, err := framer.ReadFrame()
		switch frame := frame.(type) {
		case *http2.GoAwayFrame:
			return frame.ErrCode.String() + " " + string(frame.DebugData())
		case *http2.PingFrame:
			acknowledged++
		}
		if errors.Is(err, os.ErrDeadlineExceeded) || err != nil {
			return err.Error()
		}
	}
	return ""
}
