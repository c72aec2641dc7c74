package httpapi

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/perfectworks/backend/domain/failure"
)

// A streaming operation that does not read its body leaves a connection that can be
// used again.
func TestAnUnreadStreamDoesNoHarm(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	register(h.api, operation{
		id: "refuse", method: http.MethodPut, path: "/refuse", tag: tagUsers, summary: "Refuse", authorization: public(), message: "taken",
		body: streamedBody, maxBody: 100, consumes: []string{"text/plain"}, fails: []error{failure.New(failure.Conflict, "A", "a")},
	}, func(context.Context, *exchange, *struct{}) (reply[noEnvelope], error) {
		return reply[noEnvelope]{}, failure.New(failure.Conflict, "A", "a")
	})
	dialer := net.Dialer{Timeout: 10 * time.Second}
	conn, err := dialer.DialContext(t.Context(), "tcp", h.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	answers := bufio.NewReader(conn)
	for n := range 3 {
		if _, err := fmt.Fprintf(conn, "PUT %s/refuse HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello", basePath); err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Fatalf("request %d: %v", n, err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusConflict || res.Close {
			t.Errorf("request %d: %d, closed: %t", n, res.StatusCode, res.Close)
		}
	}
}
