package eventnode_test

import (
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/perfectworks/backend/adapters/eventnode/eventnodetest"
)

func TestRead(t *testing.T) {
	t.Parallel()
	node := eventnodetest.Start(t)
	client := rawClient(t, node)
	appendEvents(t, client, "a", event(typed("A1")), event(typed("A2")))
	b0 := appendEvents(t, client, "b", event(typed("B1")))
	link := typed("$>")
	appendEvents(t, client, "links", event(link, data("1@a")), event(link, data("5@a")), event(typed("Plain")))
	appendEvents(t, client, "$epoch-information", event())
	appendEvents(t, client, "$persistentsubscription-$all::group-checkpoint", event())
	appendEvents(t, client, "$persistentsubscription-$all::group-parked", event())
	appendEvents(t, client, "$persistentsubscription-a::group-parked", event())
	appendEvents(t, client, "gone", event())
	tombstoneStream(t, client, "gone")
	everything := "0@a 1@a 0@b 0@links 1@links 2@links 0@$persistentsubscription-a::group-parked 0@gone 9223372036854775807@gone"

	tests := []struct {
		name string
		req  *streams.ReadReq
		want string
	}{
		{"stream", readOptions(ofStream("a", "start")), "0@a 1@a"},
		{"stream from a revision", readOptions(ofStream("a", 1)), "1@a"},
		{"stream past the end", readOptions(ofStream("a", 9)), ""},
		{"stream backwards", readOptions(ofStream("a", "end"), backwards), "1@a 0@a"},
		{"stream backwards from past the end", readOptions(ofStream("a", 9), backwards), "1@a 0@a"},
		{"stream, one", readOptions(ofStream("a", "start"), counting(1)), "0@a"},
		{"stream, none", readOptions(ofStream("a", "start"), counting(0)), ""},
		{"missing stream", readOptions(ofStream("missing", "start")), "not found"},
		{"missing stream, backwards", readOptions(ofStream("missing", "end"), backwards), "not found"},
		{"links as they are", readOptions(ofStream("links", "start")), "0@links 1@links 2@links"},
		{"links resolved", readOptions(ofStream("links", "start"), resolving), "0@links->1@a 1@links->nothing 2@links"},
		{"all", readOptions(), everything},
		{"all, two", readOptions(counting(2)), "0@a 1@a"},
		{"all from a position, itself included", readOptions(ofAll(b0), counting(2)), "0@b 0@links"},
		{"all backwards from a position, without it", readOptions(ofAll(b0), backwards), "1@a 0@a"},
		{"all backwards from the end", readOptions(ofAll("end"), backwards, counting(2)), "9223372036854775807@gone 0@gone"},
		{"all from the end", readOptions(ofAll("end")), ""},
		{"all from zero", readOptions(ofAll(uint64(0)), counting(1)), "0@a"},
		{"all, links resolved", readOptions(ofAll(b0), resolving, counting(2)), "0@b 0@links->1@a"},
		{"types by prefix", readOptions(filtering(byType("", "A", "B"))), "0@a 1@a 0@b"},
		{"types by regex", readOptions(filtering(byType("^[AB]1$"))), "0@a 0@b"},
		{"types by regex anywhere", readOptions(filtering(byType("2"))), "1@a"},
		{"streams by prefix", readOptions(filtering(byStream("", "b", "li")), counting(3)), "0@b 0@links 1@links"},
		{"streams by regex, backwards", readOptions(filtering(byStream("^[ab]$")), ofAll("end"), backwards), "0@b 1@a 0@a"},
		{"no system events", readOptions(filtering(byType(`^[^\$].*`))), "0@a 1@a 0@b 2@links 0@$persistentsubscription-a::group-parked 0@gone"},
		{"filter and count", readOptions(filtering(byType("", "A", "B")), counting(2)), "0@a 1@a"},
		{"filter that fits nothing", readOptions(filtering(byType("", "X"))), ""},
	}
	for _, test := range tests {
		messages, _, err := rawRead(testContext(t), client, test.req)
		if got := briefly(messages); got != test.want || err != nil {
			t.Errorf("%s: %q, want %q (%v)", test.name, got, test.want, err)
		}
	}
	_, trailer, err := rawRead(testContext(t), client, readOptions(ofStream("gone", "start")))
	if got := ending(err, trailer, "exception", "stream-name"); got != "FailedPrecondition stream-deleted gone" {
		t.Errorf("a deleted stream: %s", got)
	}
	messages, _, err := rawRead(testContext(t), client, readOptions(ofStream("links", "start"), resolving, counting(1)))
	if err != nil {
		t.Fatal(err)
	}
	e := messages[0].GetEvent()
	if e.GetCommitPosition() != e.GetLink().GetCommitPosition() || e.GetCommitPosition() <= e.GetEvent().GetCommitPosition() {
		t.Errorf("the position of a resolved link is its own: %v", e)
	}
}

func TestReadInvalid(t *testing.T) {
	t.Parallel()
	client := rawClient(t, eventnodetest.Start(t))
	position := appendEvents(t, client, "s", event())
	unlike := func(commit, prepare uint64) func(*streams.ReadReq_Options) {
		return func(o *streams.ReadReq_Options) {
			ofAll(commit)(o)
			o.GetAll().GetPosition().PreparePosition = prepare
		}
	}
	noWindow, noExpression := byType("A"), byType("")
	noWindow.Window = nil
	noInterval := byType("A")
	noInterval.CheckpointIntervalMultiplier = 0
	tests := map[string]*streams.ReadReq{
		"nothing":                    {},
		"no stream":                  readOptions(func(o *streams.ReadReq_Options) { o.StreamOption = nil }),
		"no count":                   readOptions(func(o *streams.ReadReq_Options) { o.CountOption = nil }),
		"no filter option":           readOptions(func(o *streams.ReadReq_Options) { o.FilterOption = nil }),
		"no revision":                readOptions(ofStream("s", nil)),
		"no position":                readOptions(ofAll(nil)),
		"empty stream name":          readOptions(ofStream("", "start")),
		"stream with filter":         readOptions(ofStream("s", "start"), filtering(byType("A"))),
		"subscription backwards":     readOptions(subscribing, backwards),
		"no expression":              readOptions(filtering(noExpression)),
		"no filter":                  readOptions(filtering(&streams.ReadReq_Options_FilterOptions{})),
		"no window":                  readOptions(filtering(noWindow)),
		"wrong expression":           readOptions(filtering(byType("(?!a"))),
		"checkpoint interval zero":   readOptions(subscribing, filtering(noInterval)),
		"position of no event":       readOptions(ofAll(position - 1)),
		"position, subscribing":      readOptions(subscribing, ofAll(position-1)),
		"positions that differ":      readOptions(unlike(position, position-1)),
		"position beyond all bounds": readOptions(ofAll(uint64(1) << 63)),
	}
	for name, req := range tests {
		messages, _, err := rawRead(testContext(t), client, req)
		if status.Code(err) != codes.InvalidArgument || len(messages) > 0 {
			t.Errorf("%s: %s %v", name, briefly(messages), err)
		}
	}
	_, _, err := rawRead(testContext(t), client, readOptions(ofAll(position-1)))
	if got := status.Convert(err).Message(); got != "Trying to read from an invalid position." {
		t.Error(got)
	}
}

// TestReadPastTheEnd has a client come from a log that was longer.
func TestReadPastTheEnd(t *testing.T) {
	t.Parallel()
	client := rawClient(t, eventnodetest.Start(t))
	position := appendEvents(t, client, "s", event())
	messages, _, err := rawRead(testContext(t), client, readOptions(ofAll(position+1000)))
	if err != nil || len(messages) > 0 {
		t.Errorf("%s %v", briefly(messages), err)
	}
}

func TestUUIDAsString(t *testing.T) {
	t.Parallel()
	client := rawClient(t, eventnodetest.Start(t))
	id := uuid.New()
	appendEvents(t, client, "s", event(func(m *streams.AppendReq_ProposedMessage) { m.Id = protoUUID(id) }))
	messages, _, err := rawRead(testContext(t), client, readOptions(func(o *streams.ReadReq_Options) {
		o.UuidOption.Content = &streams.ReadReq_Options_UUIDOption_String_{String_: empty}
	}))
	if err != nil || len(messages) != 1 {
		t.Fatal(messages, err)
	}
	if got, ok := messages[0].GetEvent().GetEvent().GetId().GetValue().(*shared.UUID_String_); !ok || got.String_ != id.String() {
		t.Errorf("%v", messages[0])
	}
}

// TestMaxAge waits until events are too old to be read.
func TestMaxAge(t *testing.T) {
	t.Parallel()
	client := rawClient(t, eventnodetest.Start(t))
	appendEvents(t, client, "s", event(), event())
	appendEvents(t, client, "$$s", event(typed("$metadata"), data(`{"$maxAge":1}`)))
	deadline := time.Now().Add(time.Minute)
	for {
		messages, _, err := rawRead(testContext(t), client, readOptions(ofStream("s", "start")))
		if err != nil {
			t.Fatal(err)
		}
		if got := briefly(messages); got == "" {
			break
		} else if got != "0@s 1@s" || time.Now().After(deadline) {
			t.Fatal(got)
		}
		time.Sleep(20 * time.Millisecond)
	}
	messages, _, err := rawRead(testContext(t), client, readOptions())
	if got := briefly(messages); got != "0@s 1@s 0@$$s" {
		t.Errorf("$all keeps them: %s %v", got, err)
	}
}
