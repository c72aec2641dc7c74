package eventnode

import (
	"context"
	"errors"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"

	"github.com/perfectworks/backend/adapters/eventnode/internal/eventlog"
)

func (s *streamsService) Delete(ctx context.Context, req *streams.DeleteReq) (*streams.DeleteResp, error) {
	options := req.GetOptions()
	_, isRevision := options.GetExpectedStreamRevision().(*streams.DeleteReq_Options_Revision)
	position, err := remove(ctx, s.log.Delete, "Delete", options.GetStreamIdentifier(), options, isRevision)
	if err != nil {
		return nil, fail(ctx, err)
	}
	return &streams.DeleteResp{PositionOption: &streams.DeleteResp_Position_{
		Position: &streams.DeleteResp_Position{CommitPosition: position, PreparePosition: position},
	}}, nil
}

func (s *streamsService) Tombstone(ctx context.Context, req *streams.TombstoneReq) (*streams.TombstoneResp, error) {
	options := req.GetOptions()
	_, isRevision := options.GetExpectedStreamRevision().(*streams.TombstoneReq_Options_Revision)
	position, err := remove(ctx, s.log.Tombstone, "Tombstone", options.GetStreamIdentifier(), options, isRevision)
	if err != nil {
		return nil, fail(ctx, err)
	}
	return &streams.TombstoneResp{PositionOption: &streams.TombstoneResp_Position_{
		Position: &streams.TombstoneResp_Position{CommitPosition: position, PreparePosition: position},
	}}, nil
}

type removal func(ctx context.Context, stream string, expected eventlog.Expected) (eventlog.Result, error)

func remove(ctx context.Context, do removal, operation string, id *shared.StreamIdentifier, options expectation, isRevision bool) (uint64, error) {
	stream, err := writable(id)
	if err != nil {
		return 0, err
	}
	revision, err := expected(options, isRevision)
	if err != nil {
		return 0, err
	}
	result, err := do(ctx, stream, revision)
	if current, ok := wrongRevision(err); ok {
		return 0, wrongExpectedVersion(operation, stream, revision, current)
	}
	if errors.Is(err, eventlog.ErrStreamDeleted) {
		return 0, streamDeleted(stream)
	}
	return uint64(result.Position), err //nolint:gosec // positions are above zero
}
