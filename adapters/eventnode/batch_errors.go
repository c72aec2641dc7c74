package eventnode

import (
	"context"
	"errors"
	"strconv"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/perfectworks/backend/adapters/eventnode/internal/eventlog"
)

// status is an error in the answer to an append of BatchAppend: a code, and one
// message of the protocol with the details, by which clients tell errors apart.
func (a *batchAppend) status(err error) *status.Status {
	if current, ok := wrongRevision(err); ok {
		return detailed(codes.AlreadyExists, "WrongExpectedVersion", a.wrongVersion(current))
	}
	var call *callError
	if !errors.As(err, &call) {
		call = fromLog(err)
	}
	switch {
	case errors.Is(err, eventlog.ErrStreamDeleted):
		return detailed(codes.NotFound, "Stream is deleted", &shared.StreamDeleted{StreamIdentifier: a.options.GetStreamIdentifier()})
	case call == errTimeout, errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return detailed(codes.DeadlineExceeded, "Timeout", &shared.Timeout{})
	case call == nil:
		return detailed(codes.Unknown, "Unknown", &shared.Unknown{})
	case call.trailer("exception") == exceptionAppendSize:
		limit, _ := strconv.ParseUint(call.trailer("maximum-append-size"), 10, 32) // it was printed
		return detailed(codes.InvalidArgument, call.message, &shared.MaximumAppendSizeExceeded{MaxAppendSize: uint32(limit)})
	case call.code == codes.InvalidArgument:
		return detailed(codes.InvalidArgument, "Bad Request", &shared.BadRequest{Message: call.message})
	default:
		return detailed(call.code, call.message, &shared.Unknown{})
	}
}

func (a *batchAppend) wrongVersion(current int64) *shared.WrongExpectedVersion {
	wrong := &shared.WrongExpectedVersion{}
	if current >= 0 {
		wrong.CurrentStreamRevisionOption = &shared.WrongExpectedVersion_CurrentStreamRevision{CurrentStreamRevision: uint64(current)}
	} else {
		wrong.CurrentStreamRevisionOption = &shared.WrongExpectedVersion_CurrentNoStream{CurrentNoStream: &emptypb.Empty{}}
	}
	switch a.expected {
	case eventlog.NoStream:
		wrong.ExpectedStreamPositionOption = &shared.WrongExpectedVersion_ExpectedNoStream{ExpectedNoStream: &emptypb.Empty{}}
	case eventlog.Any:
		wrong.ExpectedStreamPositionOption = &shared.WrongExpectedVersion_ExpectedAny{ExpectedAny: &emptypb.Empty{}}
	case eventlog.StreamExists:
		wrong.ExpectedStreamPositionOption = &shared.WrongExpectedVersion_ExpectedStreamExists{ExpectedStreamExists: &emptypb.Empty{}}
	default:
		revision := uint64(a.expected) //nolint:gosec // an exact revision
		wrong.ExpectedStreamPositionOption = &shared.WrongExpectedVersion_ExpectedStreamPosition{ExpectedStreamPosition: revision}
	}
	return wrong
}

func detailed(code codes.Code, message string, detail proto.Message) *status.Status {
	s := &status.Status{Code: int32(code), Message: message} //nolint:gosec // there are 17 codes
	if packed, err := anypb.New(detail); err == nil {
		s.Details = []*anypb.Any{packed}
	}
	return s
}
