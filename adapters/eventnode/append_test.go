package eventnode_test

import (
	"context"
	"errors"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/perfectworks/backend/adapters/eventnode"
	"github.com/perfectworks/backend/adapters/eventnode/eventnodetest"
)

func TestAppendedEventIsReadAsWritten(t *testing.T) {
	t.Parallel()
	client := rawClient(t, eventnodetest.Start(t))
	ctx := testContext(t)
	id := uuid.MustParse("f0e1d2c3-b4a5-9687-7869-5a4b3c2d1e0f")
	most, less := uint64(0xf0e1d2c3b4a59687), uint64(0x78695a4b3c2d1e0f)
	structured := &shared.UUID{Value: &shared.UUID_Structured_{Structured: &shared.UUID_Structured{
		MostSignificantBits: int64(most), LeastSignificantBits: int64(less),
	}}}
	before := time.Now()
	resp, _, err := rawAppend(ctx, client, appendOptions("größe-1", "none"),
		event(func(m *streams.AppendReq_ProposedMessage) {
			m.Id, m.CustomMetadata = structured, []byte{0, 1, 2}
			m.Metadata["unknown"] = "is dropped"
		}),
		event(func(m *streams.AppendReq_ProposedMessage) {
			m.Id, m.Data, m.Metadata["content-type"] = protoUUID(id), nil, "text/plain"
		}))
	if err != nil {
		t.Fatal(err)
	}
	success := resp.GetSuccess()
	if success.GetCurrentRevision() != 1 || success.GetPosition().GetCommitPosition() == 0 ||
		success.GetPosition().GetCommitPosition() != success.GetPosition().GetPreparePosition() {
		t.Errorf("%v", resp)
	}

	messages, _, err := rawRead(ctx, client, readOptions(ofStream("größe-1", "start")))
	if err != nil || len(messages) != 2 {
		t.Fatal(messages, err)
	}
	for i, message := range messages {
		e := message.GetEvent().GetEvent()
		created, err := strconv.ParseInt(e.GetMetadata()["created"], 10, 64)
		if err != nil || time.Unix(0, created*100).Sub(before).Abs() > time.Minute {
			t.Errorf("created %q", e.GetMetadata()["created"])
		}
		position := message.GetEvent().GetCommitPosition()
		if i == 1 && position != success.GetPosition().GetCommitPosition() {
			t.Errorf("position %d", position)
		}
		want := &streams.ReadResp_ReadEvent_RecordedEvent{
			Id: structured, StreamIdentifier: identifier("größe-1"), StreamRevision: uint64(i),
			CommitPosition: position, PreparePosition: position,
			Metadata: map[string]string{"type": "Happened", "content-type": "application/json", "created": e.GetMetadata()["created"]},
			Data:     []byte(`{"a":1}`), CustomMetadata: []byte{0, 1, 2},
		}
		if i == 1 {
			want.Data, want.CustomMetadata, want.Metadata["content-type"] = nil, nil, "application/octet-stream"
		}
		if diff := cmp.Diff(want, e, protocmp.Transform()); diff != "" {
			t.Error(diff)
		}
	}
}

func TestAppendWithoutEvents(t *testing.T) {
	t.Parallel()
	node := eventnodetest.Start(t)
	client := rawClient(t, node)
	resp, _, err := rawAppend(testContext(t), client, appendOptions("s", "none"))
	if err != nil || resp.GetSuccess().GetNoStream() == nil || resp.GetSuccess().GetNoPosition() == nil {
		t.Errorf("%v %v", resp, err)
	}
	position := appendEvents(t, client, "s", event())
	resp, _, err = rawAppend(testContext(t), client, appendOptions("s", 0))
	if err != nil || resp.GetSuccess().GetCurrentRevision() != 0 || resp.GetSuccess().GetPosition().GetCommitPosition() != position {
		t.Errorf("%v %v", resp, err)
	}
}

// TestWrongExpectedVersionResponse checks both sets of fields.
func TestWrongExpectedVersionResponse(t *testing.T) {
	t.Parallel()
	client := rawClient(t, eventnodetest.Start(t))
	appendEvents(t, client, "two", event(), event())
	known := event()
	appendEvents(t, client, "two", known)
	type wrong = streams.AppendResp_WrongExpectedVersion
	tests := []struct {
		stream   string
		expected any
		events   []*streams.AppendReq
		want     *wrong
	}{
		{"two", "none", []*streams.AppendReq{event()}, &wrong{
			CurrentRevisionOption:         &streams.AppendResp_WrongExpectedVersion_CurrentRevision{CurrentRevision: 2},
			CurrentRevisionOption_20_6_0:  &streams.AppendResp_WrongExpectedVersion_CurrentRevision_20_6_0{CurrentRevision_20_6_0: 2},
			ExpectedRevisionOption:        &streams.AppendResp_WrongExpectedVersion_ExpectedNoStream{ExpectedNoStream: empty},
			ExpectedRevisionOption_20_6_0: &streams.AppendResp_WrongExpectedVersion_ExpectedRevision_20_6_0{ExpectedRevision_20_6_0: math.MaxUint64},
		}},
		{"two", 7, []*streams.AppendReq{event()}, &wrong{
			CurrentRevisionOption:         &streams.AppendResp_WrongExpectedVersion_CurrentRevision{CurrentRevision: 2},
			CurrentRevisionOption_20_6_0:  &streams.AppendResp_WrongExpectedVersion_CurrentRevision_20_6_0{CurrentRevision_20_6_0: 2},
			ExpectedRevisionOption:        &streams.AppendResp_WrongExpectedVersion_ExpectedRevision{ExpectedRevision: 7},
			ExpectedRevisionOption_20_6_0: &streams.AppendResp_WrongExpectedVersion_ExpectedRevision_20_6_0{ExpectedRevision_20_6_0: 7},
		}},
		{"missing", "exists", []*streams.AppendReq{event()}, &wrong{
			CurrentRevisionOption:         &streams.AppendResp_WrongExpectedVersion_CurrentNoStream{CurrentNoStream: empty},
			CurrentRevisionOption_20_6_0:  &streams.AppendResp_WrongExpectedVersion_NoStream_20_6_0{NoStream_20_6_0: empty},
			ExpectedRevisionOption:        &streams.AppendResp_WrongExpectedVersion_ExpectedStreamExists{ExpectedStreamExists: empty},
			ExpectedRevisionOption_20_6_0: &streams.AppendResp_WrongExpectedVersion_StreamExists_20_6_0{StreamExists_20_6_0: empty},
		}},
		{"two", "any", []*streams.AppendReq{known, event()}, &wrong{
			CurrentRevisionOption:         &streams.AppendResp_WrongExpectedVersion_CurrentRevision{CurrentRevision: 2},
			CurrentRevisionOption_20_6_0:  &streams.AppendResp_WrongExpectedVersion_CurrentRevision_20_6_0{CurrentRevision_20_6_0: 2},
			ExpectedRevisionOption:        &streams.AppendResp_WrongExpectedVersion_ExpectedAny{ExpectedAny: empty},
			ExpectedRevisionOption_20_6_0: &streams.AppendResp_WrongExpectedVersion_Any_20_6_0{Any_20_6_0: empty},
		}},
	}
	for _, test := range tests {
		resp, _, err := rawAppend(testContext(t), client, append([]*streams.AppendReq{appendOptions(test.stream, test.expected)}, test.events...)...)
		if err != nil {
			t.Errorf("%v: %v", test.expected, err)
		}
		if diff := cmp.Diff(test.want, resp.GetWrongExpectedVersion(), protocmp.Transform()); diff != "" {
			t.Errorf("%v: %s", test.expected, diff)
		}
	}
}

func TestAppendErrors(t *testing.T) {
	t.Parallel()
	node := eventnodetest.Start(t, eventnodetest.WithConfig(func(c *eventnode.Config) { c.MaxAppendSize, c.MaxEventSize = 2000, 1000 }))
	client := rawClient(t, node)
	appendEvents(t, client, "grün%", event())
	tombstoneStream(t, client, "grün%")
	id := uuid.New()
	without := func(key string) *streams.AppendReq {
		return event(func(m *streams.AppendReq_ProposedMessage) { delete(m.Metadata, key) })
	}
	withID := func(id *shared.UUID) *streams.AppendReq {
		return event(func(m *streams.AppendReq_ProposedMessage) { m.Id = id })
	}
	options := appendOptions("s", "any")
	tests := map[string]struct {
		messages []*streams.AppendReq
		trailers []string
		want     string
	}{
		"tombstoned": {
			[]*streams.AppendReq{appendOptions("grün%", "any"), event()},
			[]string{"exception", "stream-name"},
			"FailedPrecondition stream-deleted gr%C3%BCn%25",
		},
		"append too big": {
			[]*streams.AppendReq{options, event(data(strings.Repeat("x", 900))), event(data(strings.Repeat("x", 900))), event(data(strings.Repeat("x", 900)))},
			[]string{"exception", "maximum-append-size"},
			"InvalidArgument maximum-append-size-exceeded 2000",
		},
		"event too big": {
			[]*streams.AppendReq{options, event(data(strings.Repeat("x", 990)), func(m *streams.AppendReq_ProposedMessage) { m.Id = protoUUID(id) })},
			[]string{"exception", "event-id", "proposed-append-event-size", "maximum-append-event-size"},
			"InvalidArgument maximum-append-event-size-exceeded " + id.String() + " 1006 1000",
		},
		"no type": {
			[]*streams.AppendReq{options, without("type")},
			[]string{"exception", "required-metadata-properties"},
			"InvalidArgument missing-required-metadata-property type,content-type",
		},
		"no content type":    {[]*streams.AppendReq{options, without("content-type")}, []string{"exception"}, "InvalidArgument missing-required-metadata-property"},
		"nothing":            {nil, nil, "InvalidArgument"},
		"no options":         {[]*streams.AppendReq{event()}, nil, "InvalidArgument"},
		"options twice":      {[]*streams.AppendReq{options, options}, nil, "InvalidArgument"},
		"no expectation":     {[]*streams.AppendReq{appendOptions("s", nil), event()}, nil, "InvalidArgument"},
		"revision too high":  {[]*streams.AppendReq{appendOptions("s", -1), event()}, nil, "InvalidArgument"},
		"no stream":          {[]*streams.AppendReq{appendOptions("", "any"), event()}, nil, "InvalidArgument"},
		"metastream of none": {[]*streams.AppendReq{appendOptions("$$", "any"), event()}, nil, "InvalidArgument"},
		"$all":               {[]*streams.AppendReq{appendOptions("$all", "any"), event()}, nil, "InvalidArgument"},
		"stream too long":    {[]*streams.AppendReq{appendOptions(strings.Repeat("x", 1001), "any"), event()}, nil, "InvalidArgument"},
		"stream not UTF-8":   {[]*streams.AppendReq{appendOptions("a\xff", "any"), event()}, nil, "InvalidArgument"},
		"zero in stream":     {[]*streams.AppendReq{appendOptions("a\x00b", "any"), event()}, nil, "InvalidArgument"},
		"empty type":         {[]*streams.AppendReq{options, event(typed(""))}, nil, "InvalidArgument"},
		"zero in type":       {[]*streams.AppendReq{options, event(typed("a\x00"))}, nil, "InvalidArgument"},
		"no id":              {[]*streams.AppendReq{options, withID(nil)}, nil, "InvalidArgument"},
		"empty id":           {[]*streams.AppendReq{options, withID(protoUUID(uuid.Nil))}, nil, "InvalidArgument"},
		"id is no uuid":      {[]*streams.AppendReq{options, withID(&shared.UUID{Value: &shared.UUID_String_{String_: "x"}})}, nil, "InvalidArgument"},
	}
	for name, test := range tests {
		_, trailer, err := rawAppend(testContext(t), client, test.messages...)
		if got := ending(err, trailer, test.trailers...); got != test.want {
			t.Errorf("%s: %q, want %q (%v)", name, got, test.want, err)
		}
		if message := status.Convert(err).Message(); message == "" {
			t.Errorf("%s: no message", name)
		}
	}
	if messages, _, err := rawRead(testContext(t), client, readOptions(ofStream("s", "start"))); err != nil || briefly(messages) != "not found" {
		t.Errorf("something was written: %s %v", briefly(messages), err)
	}
}

// TestFailedAppendIsDrained sends far more than fits before it looks at the
// answer: the reason must arrive, not the end of the connection.
func TestFailedAppendIsDrained(t *testing.T) {
	t.Parallel()
	node := eventnodetest.Start(t)
	client := node.Client()
	var events []esdb.EventData
	for range 100 {
		events = append(events, esdb.EventData{EventID: uuid.New(), EventType: "T", Data: make([]byte, 100_000)})
	}
	_, err := client.AppendToStream(testContext(t), "s", esdb.AppendToStreamOptions{}, events...)
	if err == nil || !strings.Contains(err.Error(), "Maximum Append Size of 1048576 Exceeded") {
		t.Errorf("%v", err)
	}
	// Just within the limit: the sizes of data, metadata and twice that of the type.
	fits := esdb.EventData{EventID: uuid.New(), EventType: "TT", Data: make([]byte, 1<<20-5), Metadata: []byte{1}}
	if _, err := client.AppendToStream(testContext(t), "s", esdb.AppendToStreamOptions{}, fits); err != nil {
		t.Error(err)
	}
	fits.EventID, fits.Metadata = uuid.New(), []byte{1, 2}
	if _, err := client.AppendToStream(testContext(t), "s", esdb.AppendToStreamOptions{}, fits); err == nil {
		t.Error("one byte more was accepted")
	}
}

// TestClientErrors is what the official client makes of it.
func TestClientErrors(t *testing.T) {
	t.Parallel()
	node := eventnodetest.Start(t)
	client := node.Client()
	ctx := testContext(t)
	one := func() esdb.EventData { return esdb.EventData{EventID: uuid.New(), EventType: "T"} }
	mustAppend := func(stream string) {
		if _, err := client.AppendToStream(ctx, stream, esdb.AppendToStreamOptions{}, one()); err != nil {
			t.Fatal(err)
		}
	}
	mustAppend("s")
	mustAppend("gone")
	if _, err := client.TombstoneStream(ctx, "gone", esdb.TombstoneStreamOptions{}); err != nil {
		t.Fatal(err)
	}
	firstOf := func(stream string) error {
		reading, err := client.ReadStream(ctx, stream, esdb.ReadStreamOptions{}, 1)
		if err != nil {
			return err
		}
		defer reading.Close()
		_, err = reading.Recv()
		return err
	}
	_, wrongErr := client.AppendToStream(ctx, "s", esdb.AppendToStreamOptions{ExpectedRevision: esdb.Revision(5)}, one())
	_, goneErr := client.AppendToStream(ctx, "gone", esdb.AppendToStreamOptions{}, one())
	_, metadataErr := client.GetStreamMetadata(ctx, "s", esdb.ReadStreamOptions{})
	_, deleteErr := client.DeleteStream(ctx, "s", esdb.DeleteStreamOptions{ExpectedRevision: esdb.Revision(5)})
	psErr := client.CreatePersistentSubscription(ctx, "s", "g", esdb.PersistentStreamSubscriptionOptions{})
	for name, test := range map[string]struct {
		err  error
		want esdb.ErrorCode
	}{
		"wrong revision":          {wrongErr, esdb.ErrorCodeWrongExpectedVersion},
		"append to a tombstone":   {goneErr, esdb.ErrorCodeStreamDeleted},
		"read of a tombstone":     {firstOf("gone"), esdb.ErrorCodeStreamDeleted},
		"read of nothing":         {firstOf("missing"), esdb.ErrorCodeResourceNotFound},
		"no metadata":             {metadataErr, esdb.ErrorCodeResourceNotFound},
		"delete at the wrong one": {deleteErr, esdb.ErrorCodeUnknown},
		"persistent subscription": {psErr, esdb.ErrorCodeUnsupportedFeature},
	} {
		var esdbErr *esdb.Error
		if !errors.As(test.err, &esdbErr) || esdbErr.Code() != test.want {
			t.Errorf("%s: %v", name, test.err)
		}
	}
	if version, err := client.GetServerVersion(); err != nil || version.Major != 24 || version.Minor != 10 {
		t.Errorf("version %v %v", version, err)
	}
}

// TestAppendTimesOut holds up the transaction: calls end in time, and repeating
// them is safe.
func TestAppendTimesOut(t *testing.T) {
	t.Parallel()
	node := eventnodetest.Start(t, eventnodetest.WithConfig(func(c *eventnode.Config) { c.WriteTimeout = 300 * time.Millisecond }))
	client := rawClient(t, node)
	conn, err := node.Pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "LOCK TABLE eventnode.events IN EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	blocked := event()
	_, _, err = rawAppend(testContext(t), client, appendOptions("s", "any"), blocked)
	if got := status.Code(err).String(); got != "Aborted" {
		t.Errorf("a write that nobody finished: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, _, err := rawAppend(ctx, client, appendOptions("s", "any"), event()); status.Code(err).String() != "DeadlineExceeded" {
		t.Errorf("a client that did not wait: %v", err)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	resp, _, err := rawAppend(testContext(t), client, appendOptions("s", "none"), blocked)
	if err != nil || resp.GetSuccess().GetCurrentRevision() != 0 {
		t.Errorf("the same again: %v %v", resp, err)
	}
}
