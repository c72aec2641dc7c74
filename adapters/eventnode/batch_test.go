package eventnode_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/perfectworks/backend/adapters/eventnode"
	"github.com/perfectworks/backend/adapters/eventnode/eventnodetest"
	"github.com/perfectworks/backend/adapters/eventnode/internal/eventlog"
)

// batchOptions are the options for a stream; expected is any, none, exists or a
// number.
func batchOptions(stream string, expected any) *streams.BatchAppendReq_Options {
	options := &streams.BatchAppendReq_Options{StreamIdentifier: identifier(stream)}
	switch value := expected.(type) {
	case int:
		options.ExpectedStreamPosition = &streams.BatchAppendReq_Options_StreamPosition{StreamPosition: uint64(value)}
	case string:
		switch value {
		case "any":
			options.ExpectedStreamPosition = &streams.BatchAppendReq_Options_Any{Any: &emptypb.Empty{}}
		case "none":
			options.ExpectedStreamPosition = &streams.BatchAppendReq_Options_NoStream{NoStream: &emptypb.Empty{}}
		case "exists":
			options.ExpectedStreamPosition = &streams.BatchAppendReq_Options_StreamExists{StreamExists: &emptypb.Empty{}}
		}
	}
	return options
}

func batchEvents(n, size int) []*streams.BatchAppendReq_ProposedMessage {
	events := make([]*streams.BatchAppendReq_ProposedMessage, n)
	for i := range events {
		events[i] = &streams.BatchAppendReq_ProposedMessage{
			Id:       protoUUID(uuid.New()),
			Metadata: map[string]string{"type": "Happened", "content-type": "application/octet-stream"},
			Data:     make([]byte, size),
		}
	}
	return events
}

// batchAppend is a whole append in one message.
func batchAppend(options *streams.BatchAppendReq_Options, events []*streams.BatchAppendReq_ProposedMessage) *streams.BatchAppendReq {
	return &streams.BatchAppendReq{CorrelationId: protoUUID(uuid.New()), Options: options, ProposedMessages: events, IsFinal: true}
}

func startBatch(ctx context.Context, t *testing.T, client streams.StreamsClient) streams.Streams_BatchAppendClient {
	t.Helper()
	call, err := client.BatchAppend(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return call
}

func exchange(t *testing.T, call streams.Streams_BatchAppendClient, messages ...*streams.BatchAppendReq) *streams.BatchAppendResp {
	t.Helper()
	for _, message := range messages {
		if err := call.Send(message); err != nil {
			t.Fatal(err)
		}
	}
	resp, err := call.Recv()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(messages[0].GetCorrelationId(), resp.GetCorrelationId(), protocmp.Transform()); diff != "" {
		t.Errorf("another correlation id: %s", diff)
	}
	return resp
}

func TestBatchAppendIsReadAsWritten(t *testing.T) {
	t.Parallel()
	client := rawClient(t, eventnodetest.Start(t))
	call := startBatch(testContext(t), t, client)
	events := batchEvents(5, 10)
	id := protoUUID(uuid.New())
	// One append in three messages, of which the last has no events.
	resp := exchange(t, call,
		&streams.BatchAppendReq{CorrelationId: id, Options: batchOptions("s", "none"), ProposedMessages: events[:2]},
		&streams.BatchAppendReq{CorrelationId: id, ProposedMessages: events[2:]},
		&streams.BatchAppendReq{CorrelationId: id, IsFinal: true})
	messages, _, err := rawRead(testContext(t), client, readOptions(ofStream("s", "start")))
	if err != nil || len(messages) != 5 {
		t.Fatal(messages, err)
	}
	for i, message := range messages {
		e := message.GetEvent().GetEvent()
		if uuidOf(e.GetId()) != events[i].GetId().GetString_() || len(e.GetData()) != 10 {
			t.Errorf("event %d is %v", i, e)
		}
	}
	position := messages[4].GetEvent().GetEvent().GetCommitPosition()
	want := &streams.BatchAppendResp{
		CorrelationId: id, StreamIdentifier: identifier("s"),
		ExpectedStreamPosition: &streams.BatchAppendResp_NoStream{NoStream: &emptypb.Empty{}},
		Result: &streams.BatchAppendResp_Success_{Success: &streams.BatchAppendResp_Success{
			CurrentRevisionOption: &streams.BatchAppendResp_Success_CurrentRevision{CurrentRevision: 4},
			PositionOption: &streams.BatchAppendResp_Success_Position{
				Position: &shared.AllStreamPosition{CommitPosition: position, PreparePosition: position},
			},
		}},
	}
	if diff := cmp.Diff(want, resp, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
	// Repeated, it is recognised; and without events there is nothing to write.
	if resp := exchange(t, call, batchAppend(batchOptions("s", "none"), events)); resp.GetSuccess().GetPosition().GetCommitPosition() != position {
		t.Errorf("repeated: %v", resp)
	}
	if resp := exchange(t, call, batchAppend(batchOptions("empty", "any"), nil)); resp.GetSuccess().GetNoStream() == nil {
		t.Errorf("empty: %v", resp)
	}
}

// TestBatchAppendsAreDecidedInOrder sends appends to one stream without waiting,
// each of which expects the one before it, and another call's beside them.
func TestBatchAppendsAreDecidedInOrder(t *testing.T) {
	t.Parallel()
	client := rawClient(t, eventnodetest.Start(t))
	const appends = 2000
	calls := []streams.Streams_BatchAppendClient{startBatch(testContext(t), t, client), startBatch(testContext(t), t, client)}
	sent := make(chan error, len(calls))
	for c, call := range calls {
		go func() {
			var err error
			for n := 0; n < appends && err == nil; n++ {
				expected := any("none")
				if n > 0 {
					expected = n - 1
				}
				err = call.Send(batchAppend(batchOptions(fmt.Sprintf("s%d", c), expected), batchEvents(1, 1)))
			}
			sent <- errors.Join(err, call.CloseSend())
		}()
	}
	for c, call := range calls {
		succeeded := 0
		for {
			resp, err := call.Recv()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil || resp.GetSuccess() == nil {
				t.Fatalf("call %d, after %d: %v %v", c, succeeded, resp, err)
			}
			succeeded++
		}
		if err := <-sent; err != nil || succeeded != appends {
			t.Errorf("call %d: %d succeeded, %v", c, succeeded, err)
		}
	}
}

func TestBatchAppendErrors(t *testing.T) {
	t.Parallel()
	const limit = 1000
	client := rawClient(t, eventnodetest.Start(t, eventnodetest.WithConfig(func(config *eventnode.Config) { config.MaxAppendSize = limit })))
	appendEvents(t, client, "s", event(), event())
	appendEvents(t, client, "dead", event())
	if _, err := client.Tombstone(testContext(t), &streams.TombstoneReq{Options: &streams.TombstoneReq_Options{
		StreamIdentifier: identifier("dead"), ExpectedStreamRevision: &streams.TombstoneReq_Options_Any{Any: empty},
	}}); err != nil {
		t.Fatal(err)
	}
	expired := batchOptions("s", "any")
	expired.DeadlineOption = &streams.BatchAppendReq_Options_Deadline{Deadline: durationpb.New(0)}
	past := batchOptions("s", "any")
	past.DeadlineOption = &streams.BatchAppendReq_Options_Deadline_21_10_0{Deadline_21_10_0: timestamppb.New(time.Now().Add(-time.Second))}
	untyped := batchEvents(1, 1)
	delete(untyped[0].GetMetadata(), "type")
	huge := batchOptions("s", eventlog.TombstoneRevision)
	huge.ExpectedStreamPosition = &streams.BatchAppendReq_Options_StreamPosition{StreamPosition: 1 << 63}

	type wrong = shared.WrongExpectedVersion
	tests := []struct {
		name    string
		options *streams.BatchAppendReq_Options
		events  []*streams.BatchAppendReq_ProposedMessage
		code    codes.Code
		want    proto.Message
	}{
		{"wrong revision", batchOptions("s", 0), batchEvents(1, 1), codes.AlreadyExists, &wrong{
			CurrentStreamRevisionOption:  &shared.WrongExpectedVersion_CurrentStreamRevision{CurrentStreamRevision: 1},
			ExpectedStreamPositionOption: &shared.WrongExpectedVersion_ExpectedStreamPosition{ExpectedStreamPosition: 0},
		}},
		{"stream exists not", batchOptions("none", "exists"), batchEvents(1, 1), codes.AlreadyExists, &wrong{
			CurrentStreamRevisionOption:  &shared.WrongExpectedVersion_CurrentNoStream{CurrentNoStream: &emptypb.Empty{}},
			ExpectedStreamPositionOption: &shared.WrongExpectedVersion_ExpectedStreamExists{ExpectedStreamExists: &emptypb.Empty{}},
		}},
		{"stream is not new", batchOptions("s", "none"), batchEvents(1, 1), codes.AlreadyExists, &wrong{
			CurrentStreamRevisionOption:  &shared.WrongExpectedVersion_CurrentStreamRevision{CurrentStreamRevision: 1},
			ExpectedStreamPositionOption: &shared.WrongExpectedVersion_ExpectedNoStream{ExpectedNoStream: &emptypb.Empty{}},
		}},
		{"tombstoned", batchOptions("dead", "any"), batchEvents(1, 1), codes.NotFound, &shared.StreamDeleted{StreamIdentifier: identifier("dead")}},
		{"no time", expired, batchEvents(1, 1), codes.DeadlineExceeded, &shared.Timeout{}},
		{"time is over", past, batchEvents(1, 1), codes.DeadlineExceeded, &shared.Timeout{}},
		{"too large", batchOptions("s", "any"), batchEvents(3, limit/2), codes.InvalidArgument, &shared.MaximumAppendSizeExceeded{MaxAppendSize: limit}},
		{"no type", batchOptions("s", "any"), untyped, codes.InvalidArgument, &shared.BadRequest{Message: "Required Metadata Property 'type' is missing"}},
		{"no stream", batchOptions("", "any"), batchEvents(1, 1), codes.InvalidArgument, &shared.BadRequest{Message: "The stream name is missing."}},
		{"$all", batchOptions("$all", "any"), batchEvents(1, 1), codes.InvalidArgument, &shared.BadRequest{Message: "The stream $all cannot be written."}},
		{"no expectation", batchOptions("s", nil), batchEvents(1, 1), codes.InvalidArgument, &shared.BadRequest{Message: "The expected stream position is missing."}},
		{"out of range", huge, batchEvents(1, 1), codes.InvalidArgument, &shared.BadRequest{Message: "The expected stream position is out of range."}},
	}
	// All over one call, which goes on.
	call := startBatch(testContext(t), t, client)
	for _, test := range tests {
		id := protoUUID(uuid.New())
		resp := exchange(t, call, &streams.BatchAppendReq{CorrelationId: id, Options: test.options, ProposedMessages: test.events, IsFinal: true})
		got := resp.GetError()
		if got == nil || codes.Code(got.GetCode()) != test.code || len(got.GetDetails()) != 1 {
			t.Errorf("%s: %v", test.name, resp)
			continue
		}
		detail, err := got.GetDetails()[0].UnmarshalNew()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, detail, protocmp.Transform()); diff != "" {
			t.Errorf("%s: %s", test.name, diff)
		}
		// What comes of it afterwards is dropped in silence.
		if err := call.Send(&streams.BatchAppendReq{CorrelationId: id, ProposedMessages: batchEvents(1, 1), IsFinal: true}); err != nil {
			t.Fatal(err)
		}
	}
	if resp := exchange(t, call, batchAppend(batchOptions("s", 1), batchEvents(1, 1))); resp.GetSuccess().GetCurrentRevision() != 2 {
		t.Errorf("after all errors: %v", resp)
	}
}

func TestBatchAppendEndsOnNonsense(t *testing.T) {
	t.Parallel()
	client := rawClient(t, eventnodetest.Start(t))
	for name, messages := range map[string][]*streams.BatchAppendReq{
		"no correlation id": {{Options: batchOptions("s", "any"), IsFinal: true}},
		"no UUID":           {{CorrelationId: &shared.UUID{Value: &shared.UUID_String_{String_: "x"}}, IsFinal: true}},
		"endless":           unfinished(1, 2000),
		"endless and large": unfinished(1_000_000, 30),
	} {
		call := startBatch(testContext(t), t, client)
		for _, message := range messages {
			if call.Send(message) != nil {
				break // receiving says why
			}
		}
		if _, err := call.Recv(); status.Code(err) != codes.InvalidArgument {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func unfinished(size, n int) []*streams.BatchAppendReq {
	messages := make([]*streams.BatchAppendReq, n)
	for i := range messages {
		messages[i] = batchAppend(batchOptions("s", "any"), batchEvents(1, size))
		messages[i].IsFinal = false
	}
	return messages
}

// TestBatchAppendDeadline has the log locked by somebody else for longer than the
// client waits.
func TestBatchAppendDeadline(t *testing.T) {
	t.Parallel()
	node := eventnodetest.Start(t)
	call := startBatch(testContext(t), t, rawClient(t, node))
	tx, err := node.Pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.Background()) }()
	if _, err := tx.Exec(t.Context(), "SELECT pg_advisory_xact_lock($1)", int64(0x6576656e746e6f64)); err != nil {
		t.Fatal(err)
	}
	options := batchOptions("s", "any")
	options.DeadlineOption = &streams.BatchAppendReq_Options_Deadline{Deadline: durationpb.New(50 * time.Millisecond)}
	resp := exchange(t, call, batchAppend(options, batchEvents(1, 1)))
	if code := codes.Code(resp.GetError().GetCode()); code != codes.DeadlineExceeded {
		t.Errorf("%v", resp)
	}
}

// TestStopEndsBatchAppends stops a node while a client keeps its call open, as
// clients do for as long as they live.
func TestStopEndsBatchAppends(t *testing.T) {
	t.Parallel()
	node := eventnodetest.Start(t)
	call := startBatch(testContext(t), t, rawClient(t, node))
	if resp := exchange(t, call, batchAppend(batchOptions("s", "any"), batchEvents(1, 1))); resp.GetSuccess() == nil {
		t.Fatal(resp)
	}
	begun := time.Now()
	node.Node().Stop(testContext(t))
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("stopping took %v", took)
	}
	if _, err := call.Recv(); status.Code(err) != codes.Unavailable {
		t.Errorf("the call ended with %v", err)
	}
}
