package eventnode_test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"

	"github.com/perfectworks/backend/adapters/eventnode"
	"github.com/perfectworks/backend/adapters/eventnode/eventnodetest"
)

func TestAppendReadSubscribe(t *testing.T) {
	t.Parallel()
	node := eventnodetest.Start(t)
	client := node.Client()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	sub, err := client.SubscribeToAll(ctx, esdb.SubscribeToAllOptions{From: esdb.Start{}})
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	var ids []uuid.UUID
	for range 5 {
		id := uuid.New()
		ids = append(ids, id)
		_, err := client.AppendToStream(ctx, "s", esdb.AppendToStreamOptions{}, esdb.EventData{
			EventID: id, EventType: "T", ContentType: esdb.ContentTypeJson, Data: []byte(`{"a":1}`),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	stream, err := client.ReadStream(ctx, "s", esdb.ReadStreamOptions{}, 100)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	for i, id := range ids {
		e, err := stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if e.Event.EventID != id || e.Event.EventNumber != uint64(i) || string(e.Event.Data) != `{"a":1}` {
			t.Fatalf("%+v", e.Event)
		}
	}
	for n := 0; n < len(ids); {
		e := sub.Recv()
		if e.SubscriptionDropped != nil {
			t.Fatal(e.SubscriptionDropped.Error)
		}
		if e.EventAppeared != nil {
			if e.EventAppeared.Event.EventID != ids[n] {
				t.Fatal(n)
			}
			n++
		}
	}
}

func TestWithoutTLSOnlyLoopbackIsServed(t *testing.T) {
	t.Parallel()
	node, err := eventnode.New(t.Context(), eventnode.Config{Pool: eventnodetest.Pool(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { node.Stop(context.Background()) })
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	if err := node.Serve(listener); err == nil {
		t.Error("the node served everybody")
	}
}
