package eventstore_test

import (
	"context"
	"crypto/x509"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"github.com/perfectworks/backend/adapters/eventnode"
	"github.com/perfectworks/backend/adapters/eventnode/eventnodetest"
	"github.com/perfectworks/backend/adapters/eventstore"
	"github.com/perfectworks/backend/adapters/eventstore/eventstoretest"
)

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	const secret = "hunter2"
	for name, test := range map[string]struct {
		opts eventstore.Options
		want string
	}{
		"nothing":             {eventstore.Options{}, "either a URL or an address"},
		"both":                {eventstore.Options{URL: "esdb://h", Address: "h:1"}, "either a URL or an address"},
		"another scheme":      {eventstore.Options{URL: "http://admin:hunter2@host"}, "scheme"},
		"a broken URL":        {eventstore.Options{URL: "esdb://admin:hunter2@host:%zz"}, "esdb://USER:PASSWORD@HOST:PORT"},
		"a broken port":       {eventstore.Options{URL: "esdb://admin:hunter2@host:port"}, "port"},
		"a control character": {eventstore.Options{URL: "esdb://admin:hunter2@host\x7f"}, "invalid control character"},
		"no TLS for secrets":  {eventstore.Options{URL: "esdb://admin:hunter2@host?tls=false"}, "only with TLS"},
		"a broken address":    {eventstore.Options{Address: "host:port", Password: secret}, "HOST:PORT"},
		"half a certificate":  {eventstore.Options{URL: "esdb://host?userCertFile=x"}, "userKeyFile"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := eventstore.Open(test.opts)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("error %v, want %q", err, test.want)
			}
			if strings.Contains(err.Error(), secret) {
				t.Errorf("the error shows the password: %v", err)
			}
		})
	}
}

func TestLoopbackNode(t *testing.T) {
	t.Parallel()
	node, err := eventnode.StartLoopback(t.Context(), eventnode.Config{Pool: eventnodetest.Pool(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		node.Stop(ctx)
	})
	opts := eventstore.Options{Address: node.Address, RootCAs: node.RootCAs, Username: node.Username, Password: node.Password}
	client := eventstoretest.Connect(t, opts)
	if err := client.Ping(within(t, 20*time.Second)); err != nil {
		t.Errorf("ping: %v", err)
	}

	// A wrong password is told at once, not waited for.
	wrong := opts
	wrong.Password = "wrong"
	err = eventstoretest.Connect(t, wrong).Ping(within(t, 20*time.Second))
	var e *esdb.Error
	if !errors.As(err, &e) || e.Code() != esdb.ErrorCodeUnauthenticated || errors.Is(err, eventstore.ErrUnavailable) {
		t.Errorf("with a wrong password: %v", err)
	}

	// A certificate that is not trusted is the reason why nothing answers.
	stranger := opts
	stranger.RootCAs = x509.NewCertPool()
	untrusting, err := eventstore.Open(stranger)
	if err != nil {
		t.Fatal(err)
	}
	err = untrusting.Ping(within(t, 3*time.Second))
	if !errors.Is(err, eventstore.ErrUnavailable) || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("with an untrusted certificate: %v", err)
	}
}
