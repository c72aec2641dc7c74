package eventnode_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/perfectworks/backend/adapters/eventnode/eventnodetest"
)

// The official client hides much of the protocol: trailers, fields, messages.
// These helpers speak it as it is.

var empty = &shared.Empty{}

func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func dial(t *testing.T, address string, options ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	options = append([]grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(17 << 20)),
	}, options...)
	conn, err := grpc.NewClient(address, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func rawClient(t *testing.T, node *eventnodetest.Node) streams.StreamsClient {
	t.Helper()
	return streams.NewStreamsClient(dial(t, node.Address))
}

func identifier(name string) *shared.StreamIdentifier {
	return &shared.StreamIdentifier{StreamName: []byte(name)}
}

func protoUUID(id uuid.UUID) *shared.UUID {
	return &shared.UUID{Value: &shared.UUID_String_{String_: id.String()}}
}

func uuidOf(id *shared.UUID) string {
	var bytes uuid.UUID
	binary.BigEndian.PutUint64(bytes[:8], uint64(id.GetStructured().GetMostSignificantBits()))
	binary.BigEndian.PutUint64(bytes[8:], uint64(id.GetStructured().GetLeastSignificantBits()))
	return bytes.String()
}

// appendOptions are the options for a stream; expected is any, none, exists or a
// number.
func appendOptions(stream string, expected any) *streams.AppendReq {
	options := &streams.AppendReq_Options{StreamIdentifier: identifier(stream)}
	switch value := expected.(type) {
	case int:
		options.ExpectedStreamRevision = &streams.AppendReq_Options_Revision{Revision: uint64(value)}
	case string:
		switch value {
		case "any":
			options.ExpectedStreamRevision = &streams.AppendReq_Options_Any{Any: empty}
		case "none":
			options.ExpectedStreamRevision = &streams.AppendReq_Options_NoStream{NoStream: empty}
		case "exists":
			options.ExpectedStreamRevision = &streams.AppendReq_Options_StreamExists{StreamExists: empty}
		}
	}
	return &streams.AppendReq{Content: &streams.AppendReq_Options_{Options: options}}
}

func event(change ...func(*streams.AppendReq_ProposedMessage)) *streams.AppendReq {
	message := &streams.AppendReq_ProposedMessage{
		Id:       protoUUID(uuid.New()),
		Metadata: map[string]string{"type": "Happened", "content-type": "application/json"},
		Data:     []byte(`{"a":1}`),
	}
	for _, c := range change {
		c(message)
	}
	return &streams.AppendReq{Content: &streams.AppendReq_ProposedMessage_{ProposedMessage: message}}
}

func typed(eventType string) func(*streams.AppendReq_ProposedMessage) {
	return func(m *streams.AppendReq_ProposedMessage) { m.Metadata["type"] = eventType }
}

func data(content string) func(*streams.AppendReq_ProposedMessage) {
	return func(m *streams.AppendReq_ProposedMessage) { m.Data = []byte(content) }
}

func rawAppend(ctx context.Context, client streams.StreamsClient, messages ...*streams.AppendReq) (*streams.AppendResp, metadata.MD, error) {
	var trailer metadata.MD
	call, err := client.Append(ctx, grpc.Trailer(&trailer))
	if err != nil {
		return nil, nil, err
	}
	for _, message := range messages {
		if call.Send(message) != nil {
			break // receiving says why
		}
	}
	resp, err := call.CloseAndRecv()
	return resp, trailer, err
}

// appendEvents appends and returns the position of the last event.
func appendEvents(t *testing.T, client streams.StreamsClient, stream string, events ...*streams.AppendReq) uint64 {
	t.Helper()
	resp, _, err := rawAppend(testContext(t), client, append([]*streams.AppendReq{appendOptions(stream, "any")}, events...)...)
	if err != nil || resp.GetSuccess() == nil {
		t.Fatal(resp, err)
	}
	return resp.GetSuccess().GetPosition().GetCommitPosition()
}

func tombstoneStream(t *testing.T, client streams.StreamsClient, stream string) {
	t.Helper()
	if _, err := client.Tombstone(testContext(t), &streams.TombstoneReq{Options: &streams.TombstoneReq_Options{
		StreamIdentifier: identifier(stream), ExpectedStreamRevision: &streams.TombstoneReq_Options_Any{Any: empty},
	}}); err != nil {
		t.Fatal(err)
	}
}

// readOptions are those of a plain read, to be changed.
func readOptions(change ...func(*streams.ReadReq_Options)) *streams.ReadReq {
	options := &streams.ReadReq_Options{
		StreamOption: &streams.ReadReq_Options_All{All: &streams.ReadReq_Options_AllOptions{
			AllOption: &streams.ReadReq_Options_AllOptions_Start{Start: empty},
		}},
		CountOption:  &streams.ReadReq_Options_Count{Count: 1000},
		FilterOption: &streams.ReadReq_Options_NoFilter{NoFilter: empty},
		UuidOption:   &streams.ReadReq_Options_UUIDOption{Content: &streams.ReadReq_Options_UUIDOption_Structured{Structured: empty}},
	}
	for _, c := range change {
		c(options)
	}
	return &streams.ReadReq{Options: options}
}

func ofStream(stream string, from any) func(*streams.ReadReq_Options) {
	return func(o *streams.ReadReq_Options) {
		options := &streams.ReadReq_Options_StreamOptions{StreamIdentifier: identifier(stream)}
		switch value := from.(type) {
		case int:
			options.RevisionOption = &streams.ReadReq_Options_StreamOptions_Revision{Revision: uint64(value)}
		case string:
			options.RevisionOption = &streams.ReadReq_Options_StreamOptions_Start{Start: empty}
			if value == "end" {
				options.RevisionOption = &streams.ReadReq_Options_StreamOptions_End{End: empty}
			}
		}
		o.StreamOption = &streams.ReadReq_Options_Stream{Stream: options}
	}
}

func ofAll(from any) func(*streams.ReadReq_Options) {
	return func(o *streams.ReadReq_Options) {
		options := &streams.ReadReq_Options_AllOptions{}
		switch value := from.(type) {
		case uint64:
			options.AllOption = &streams.ReadReq_Options_AllOptions_Position{
				Position: &streams.ReadReq_Options_Position{CommitPosition: value, PreparePosition: value},
			}
		case string:
			options.AllOption = &streams.ReadReq_Options_AllOptions_Start{Start: empty}
			if value == "end" {
				options.AllOption = &streams.ReadReq_Options_AllOptions_End{End: empty}
			}
		}
		o.StreamOption = &streams.ReadReq_Options_All{All: options}
	}
}

func backwards(o *streams.ReadReq_Options) { o.ReadDirection = streams.ReadReq_Options_Backwards }

func resolving(o *streams.ReadReq_Options) { o.ResolveLinks = true }

func subscribing(o *streams.ReadReq_Options) {
	o.CountOption = &streams.ReadReq_Options_Subscription{Subscription: &streams.ReadReq_Options_SubscriptionOptions{}}
}

func counting(n uint64) func(*streams.ReadReq_Options) {
	return func(o *streams.ReadReq_Options) { o.CountOption = &streams.ReadReq_Options_Count{Count: n} }
}

func filtering(f *streams.ReadReq_Options_FilterOptions) func(*streams.ReadReq_Options) {
	return func(o *streams.ReadReq_Options) { o.FilterOption = &streams.ReadReq_Options_Filter{Filter: f} }
}

func byType(regex string, prefixes ...string) *streams.ReadReq_Options_FilterOptions {
	return &streams.ReadReq_Options_FilterOptions{
		Filter: &streams.ReadReq_Options_FilterOptions_EventType{
			EventType: &streams.ReadReq_Options_FilterOptions_Expression{Regex: regex, Prefix: prefixes},
		},
		Window:                       &streams.ReadReq_Options_FilterOptions_Max{Max: 32},
		CheckpointIntervalMultiplier: 1,
	}
}

func byStream(regex string, prefixes ...string) *streams.ReadReq_Options_FilterOptions {
	f := byType("")
	f.Filter = &streams.ReadReq_Options_FilterOptions_StreamIdentifier{
		StreamIdentifier: &streams.ReadReq_Options_FilterOptions_Expression{Regex: regex, Prefix: prefixes},
	}
	return f
}

// rawRead reads to the end of the call.
func rawRead(ctx context.Context, client streams.StreamsClient, req *streams.ReadReq) (messages []*streams.ReadResp, trailer metadata.MD, err error) {
	call, err := client.Read(ctx, req)
	if err != nil {
		return nil, nil, err
	}
	for {
		message, err := call.Recv()
		if errors.Is(err, io.EOF) {
			return messages, call.Trailer(), nil
		}
		if err != nil {
			return messages, call.Trailer(), err
		}
		messages = append(messages, message)
	}
}

// brief is a message in a few characters: the event as revision@stream, a link
// as link->event.
func brief(message *streams.ReadResp) string {
	recorded := func(e *streams.ReadResp_ReadEvent_RecordedEvent) string {
		if e == nil {
			return "nothing"
		}
		return fmt.Sprintf("%d@%s", e.GetStreamRevision(), e.GetStreamIdentifier().GetStreamName())
	}
	switch content := message.GetContent().(type) {
	case *streams.ReadResp_Event:
		if link := content.Event.GetLink(); link != nil {
			return recorded(link) + "->" + recorded(content.Event.GetEvent())
		}
		return recorded(content.Event.GetEvent())
	case *streams.ReadResp_Confirmation:
		return "confirmed"
	case *streams.ReadResp_CaughtUp_:
		return "caught up"
	case *streams.ReadResp_Checkpoint_:
		return "checkpoint"
	case *streams.ReadResp_StreamNotFound_:
		return "not found"
	}
	return fmt.Sprintf("%T", message.GetContent())
}

func briefly(messages []*streams.ReadResp) string {
	var parts []string
	for _, message := range messages {
		parts = append(parts, brief(message))
	}
	return strings.Join(parts, " ")
}

// ending is how a call failed: the code and the trailers named.
func ending(err error, trailer metadata.MD, names ...string) string {
	parts := []string{status.Code(err).String()}
	for _, name := range names {
		parts = append(parts, strings.Join(trailer.Get(name), ","))
	}
	return strings.Join(parts, " ")
}
