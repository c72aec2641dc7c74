package eventnode_test

import (
	"crypto/tls"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/gossip"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/serverfeatures"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/perfectworks/backend/adapters/eventnode"
	"github.com/perfectworks/backend/adapters/eventnode/eventnodetest"
)

func startLoopback(t *testing.T) *eventnode.Loopback {
	t.Helper()
	node, err := eventnode.StartLoopback(t.Context(), eventnode.Config{Pool: eventnodetest.Pool(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { node.Stop(t.Context()) })
	return node
}

func TestLoopback(t *testing.T) {
	t.Parallel()
	node := startLoopback(t)
	client := func(change func(*esdb.Configuration)) error {
		config, err := esdb.ParseConnectionString("esdb://" + node.Address)
		if err != nil {
			t.Fatal(err)
		}
		config.RootCAs, config.Username, config.Password = node.RootCAs, node.Username, node.Password
		config.Logger, config.MaxDiscoverAttempts = esdb.NoopLogging(), 1
		change(config)
		client, err := esdb.NewClient(config)
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		_, err = client.AppendToStream(testContext(t), "s", esdb.AppendToStreamOptions{}, esdb.EventData{EventType: "T"})
		return err
	}
	if err := client(func(*esdb.Configuration) {}); err != nil {
		t.Errorf("with all that the node gave: %v", err)
	}
	var esdbErr *esdb.Error
	err := client(func(c *esdb.Configuration) { c.Password = "wrong" })
	if !errors.As(err, &esdbErr) || esdbErr.Code() != esdb.ErrorCodeUnauthenticated {
		t.Errorf("with a wrong password: %v", err)
	}
	err = client(func(c *esdb.Configuration) { c.Username, c.Password = "", "" })
	if !errors.As(err, &esdbErr) || esdbErr.Code() != esdb.ErrorCodeAccessDenied {
		t.Errorf("without credentials: %v", err)
	}
	if err := client(func(c *esdb.Configuration) { c.RootCAs = nil }); err == nil {
		t.Error("a client that does not know the authority must not connect")
	}
	if err := client(func(c *esdb.Configuration) { c.DisableTLS = true }); err == nil {
		t.Error("a client without TLS must not connect")
	}
	if other := startLoopback(t); other.Password == node.Password {
		t.Error("two nodes have the same password")
	}
}

// TestCredentials sends headers that no client makes.
func TestCredentials(t *testing.T) {
	t.Parallel()
	node := startLoopback(t)
	conn := dial(t, node.Address, grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{RootCAs: node.RootCAs, MinVersion: tls.VersionTLS12})))
	client := streams.NewStreamsClient(conn)
	encode := func(pair string) string { return base64.StdEncoding.EncodeToString([]byte(pair)) }
	right := encode(node.Username + ":" + node.Password)
	for header, want := range map[string]string{
		"Basic " + right:                     "OK",
		"basic " + right:                     "OK",
		"":                                   "PermissionDenied access-denied",
		"Basic":                              "Unauthenticated",
		"Bearer " + right:                    "Unauthenticated",
		"Basic !":                            "Unauthenticated",
		"Basic " + encode(node.Username):     "Unauthenticated",
		"Basic " + encode(node.Username+":"): "Unauthenticated",
		"Basic " + encode(":"+node.Password): "Unauthenticated",
	} {
		ctx := testContext(t)
		if header != "" {
			ctx = metadata.AppendToOutgoingContext(ctx, "authorization", header)
		}
		names := []string{}
		if want == "PermissionDenied access-denied" {
			names = append(names, "exception")
		}
		_, trailer, err := rawAppend(ctx, client, appendOptions("s", "any"), event())
		if got := ending(err, trailer, names...); got != want {
			t.Errorf("append with %q: %s, want %s", header, got, want)
		}
		_, trailer, err = rawRead(ctx, client, readOptions())
		if got := ending(err, trailer, names...); got != want {
			t.Errorf("read with %q: %s, want %s", header, got, want)
		}
	}
	if _, err := serverfeatures.NewServerFeaturesClient(conn).GetSupportedMethods(testContext(t), empty); err != nil {
		t.Errorf("clients ask for the features first, without credentials: %v", err)
	}
	if _, err := gossip.NewGossipClient(conn).Read(testContext(t), empty); status.Code(err) != codes.PermissionDenied {
		t.Errorf("what the node does not have is not told to everybody: %v", err)
	}
}

func TestWhatIsThere(t *testing.T) {
	t.Parallel()
	node := eventnodetest.Start(t)
	conn := dial(t, node.Address)
	if _, err := gossip.NewGossipClient(conn).Read(testContext(t), empty); status.Code(err) != codes.Unimplemented {
		t.Errorf("gossip: %v", err)
	}
	methods, err := serverfeatures.NewServerFeaturesClient(conn).GetSupportedMethods(testContext(t), empty)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, method := range methods.GetMethods() {
		got = append(got, method.GetMethodName()+" "+strings.Join(method.GetFeatures(), " "))
	}
	want := []string{"read position events", "append ", "batchappend deadline_duration", "delete ", "tombstone ", "getsupportedmethods "}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("advertised: %s", diff)
	}
}

func TestConfigThatIsNotSafe(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]eventnode.Config{
		"TLS without credentials": {TLS: &tls.Config{MinVersion: tls.VersionTLS12}},
		"credentials without TLS": {Credentials: map[string]string{"a": "b"}},
	} {
		if _, err := eventnode.New(t.Context(), config); err == nil {
			t.Error(name)
		}
	}
}
