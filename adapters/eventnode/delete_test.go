package eventnode_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/perfectworks/backend/adapters/eventnode/eventnodetest"
)

type removal func(stream string, expected any) (position uint64, trailer metadata.MD, err error)

// removals are Delete and Tombstone, which take the same and fail the same.
func removals(t *testing.T, client streams.StreamsClient) map[string]removal {
	t.Helper()
	return map[string]removal{
		"delete": func(stream string, expected any) (uint64, metadata.MD, error) {
			options := &streams.DeleteReq_Options{StreamIdentifier: identifier(stream)}
			switch expected {
			case nil:
			case "any":
				options.ExpectedStreamRevision = &streams.DeleteReq_Options_Any{Any: empty}
			case "none":
				options.ExpectedStreamRevision = &streams.DeleteReq_Options_NoStream{NoStream: empty}
			case "exists":
				options.ExpectedStreamRevision = &streams.DeleteReq_Options_StreamExists{StreamExists: empty}
			default:
				options.ExpectedStreamRevision = &streams.DeleteReq_Options_Revision{Revision: uint64(expected.(int))}
			}
			var trailer metadata.MD
			resp, err := client.Delete(testContext(t), &streams.DeleteReq{Options: options}, grpc.Trailer(&trailer))
			return resp.GetPosition().GetCommitPosition(), trailer, err
		},
		"tombstone": func(stream string, expected any) (uint64, metadata.MD, error) {
			options := &streams.TombstoneReq_Options{StreamIdentifier: identifier(stream)}
			switch expected {
			case nil:
			case "any":
				options.ExpectedStreamRevision = &streams.TombstoneReq_Options_Any{Any: empty}
			case "none":
				options.ExpectedStreamRevision = &streams.TombstoneReq_Options_NoStream{NoStream: empty}
			case "exists":
				options.ExpectedStreamRevision = &streams.TombstoneReq_Options_StreamExists{StreamExists: empty}
			default:
				options.ExpectedStreamRevision = &streams.TombstoneReq_Options_Revision{Revision: uint64(expected.(int))}
			}
			var trailer metadata.MD
			resp, err := client.Tombstone(testContext(t), &streams.TombstoneReq{Options: options}, grpc.Trailer(&trailer))
			return resp.GetPosition().GetCommitPosition(), trailer, err
		},
	}
}

func TestDeleteErrors(t *testing.T) {
	t.Parallel()
	client := rawClient(t, eventnodetest.Start(t))
	appendEvents(t, client, "s", event())
	appendEvents(t, client, "gone", event())
	tombstoneStream(t, client, "gone")
	names := []string{"exception", "stream-name", "expected-version", "actual-version"}
	tests := []struct {
		stream   string
		expected any
		want     string
	}{
		{"s", 4, "FailedPrecondition wrong-expected-version s 4 0"},
		{"s", "none", "FailedPrecondition wrong-expected-version s -1 0"},
		{"missing", "exists", "FailedPrecondition wrong-expected-version missing -4 -1"},
		{"gone", "any", "FailedPrecondition stream-deleted gone  "},
		{"", "any", "InvalidArgument    "},
		{"s", nil, "InvalidArgument    "},
	}
	for _, test := range tests {
		for operation, do := range removals(t, client) {
			_, trailer, err := do(test.stream, test.expected)
			if got := ending(err, trailer, names...); got != test.want {
				t.Errorf("%s of %q at %v: %q, want %q", operation, test.stream, test.expected, got, test.want)
			}
		}
	}
	for operation, do := range removals(t, client) {
		stream := "to " + operation
		appendEvents(t, client, stream, event())
		position, _, err := do(stream, 0)
		if err != nil || position == 0 {
			t.Errorf("%s: %d %v", operation, position, err)
		}
		messages, _, _ := rawRead(testContext(t), client, readOptions(ofAll(position)))
		want := map[string]string{"delete": "0@$$to delete", "tombstone": fmt.Sprintf("%d@to tombstone", uint64(1<<63-1))}[operation]
		if got := briefly(messages); !strings.HasPrefix(got, want) {
			t.Errorf("%s is at its position: %s", operation, got)
		}
	}
}
