package eventnode

import (
	"errors"
	"io"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"google.golang.org/grpc"

	"github.com/perfectworks/backend/adapters/eventnode/internal/eventlog"
)

// Append takes a stream of messages: first the options, then an event each.
func (s *streamsService) Append(call streams.Streams_AppendServer) error {
	ctx := call.Context()
	proposal, err := s.receiveAppend(call)
	if err != nil {
		return fail(ctx, err)
	}
	result, err := s.log.Append(ctx, proposal.stream, proposal.expected, proposal.events)
	if current, ok := wrongRevision(err); ok {
		return call.SendAndClose(wrongRevisionResponse(proposal.expected, current))
	}
	if errors.Is(err, eventlog.ErrStreamDeleted) {
		err = streamDeleted(proposal.stream)
	}
	if err != nil {
		return fail(ctx, err)
	}
	return call.SendAndClose(successResponse(result))
}

type proposal struct {
	stream   string
	expected eventlog.Expected
	events   []eventlog.Proposed
	size     int
}

func (s *streamsService) receiveAppend(call streams.Streams_AppendServer) (*proposal, error) {
	var p *proposal
	for {
		req, err := call.Recv()
		switch {
		case errors.Is(err, io.EOF) && p != nil:
			return p, nil
		case errors.Is(err, io.EOF):
			return nil, invalid("The append has no options.")
		case err != nil:
			return nil, err
		case p == nil:
			p, err = startProposal(req.GetOptions())
		default:
			if req.GetProposedMessage() == nil {
				err = invalid("The options of an append are followed by events only.")
			} else {
				err = s.addEvent(p, req.GetProposedMessage())
			}
		}
		if err != nil {
			drain(call)
			return nil, err
		}
	}
}

// maxDrained is how much of an append that failed already is still received, in
// bytes.
const maxDrained = 64 << 20

// drain receives the rest of an append. A client that is still sending when the
// call ends sees only that it ended, not why.
func drain(call grpc.ServerStream) {
	for size := 0; size < maxDrained; size++ {
		var req streams.AppendReq
		if call.RecvMsg(&req) != nil {
			return
		}
		size += len(req.GetProposedMessage().GetData()) + len(req.GetProposedMessage().GetCustomMetadata())
	}
}

func startProposal(options *streams.AppendReq_Options) (*proposal, error) {
	if options == nil {
		return nil, invalid("The first message of an append must be its options.")
	}
	stream, err := writable(options.GetStreamIdentifier())
	if err != nil {
		return nil, err
	}
	_, isRevision := options.GetExpectedStreamRevision().(*streams.AppendReq_Options_Revision)
	revision, err := expected(options, isRevision)
	if err != nil {
		return nil, err
	}
	return &proposal{stream: stream, expected: revision}, nil
}

// Keys and a value of the metadata that comes with each event.
const (
	metadataType        = "type"
	metadataContentType = "content-type"
	metadataCreated     = "created"
	contentTypeJSON     = "application/json"
	contentTypeBinary   = "application/octet-stream"
)

// proposedMessage is an event as Append and BatchAppend have it.
type proposedMessage interface {
	GetId() *shared.UUID
	GetMetadata() map[string]string
	GetCustomMetadata() []byte
	GetData() []byte
}

func (s *streamsService) addEvent(p *proposal, message proposedMessage) error {
	eventType, ok := message.GetMetadata()[metadataType]
	if !ok {
		return missingMetadata(metadataType)
	}
	contentType, ok := message.GetMetadata()[metadataContentType]
	if !ok {
		return missingMetadata(metadataContentType)
	}
	if eventType == "" {
		return invalid("The event type is empty.")
	}
	if err := checkName("event type", eventType); err != nil {
		return err
	}
	id, err := eventID(message.GetId())
	if err != nil {
		return err
	}
	size := sizeOnDisk(eventType, message)
	if size > s.maxEventSize {
		return maxEventSizeExceeded(id.String(), size, s.maxEventSize)
	}
	if p.size += size; p.size > s.maxAppendSize {
		return maxAppendSizeExceeded(s.maxAppendSize)
	}
	p.events = append(p.events, eventlog.Proposed{
		ID: id, Type: eventType, JSON: contentType == contentTypeJSON,
		Metadata: message.GetCustomMetadata(), Data: message.GetData(),
	})
	return nil
}

// sizeOnDisk counts as the server does, which keeps types in UTF-16.
func sizeOnDisk(eventType string, message proposedMessage) int {
	units := 0
	for _, r := range eventType {
		units++
		if r > 0xFFFF {
			units++
		}
	}
	return len(message.GetData()) + len(message.GetCustomMetadata()) + 2*units
}

func eventID(id *shared.UUID) (uuid.UUID, error) {
	parsed, err := parseUUID(id)
	if err != nil {
		return uuid.Nil, invalid("The event id is not a UUID.")
	}
	if parsed == uuid.Nil {
		return uuid.Nil, invalid("The event id is empty.")
	}
	return parsed, nil
}

// parseUUID returns uuid.Nil for one that is missing.
func parseUUID(id *shared.UUID) (uuid.UUID, error) {
	switch value := id.GetValue().(type) {
	case *shared.UUID_Structured_:
		return uuidFromHalves(value.Structured.GetMostSignificantBits(), value.Structured.GetLeastSignificantBits()), nil
	case *shared.UUID_String_:
		return uuid.Parse(value.String_)
	default:
		return uuid.Nil, nil
	}
}

func successResponse(result eventlog.Result) *streams.AppendResp {
	success := &streams.AppendResp_Success{
		CurrentRevisionOption: &streams.AppendResp_Success_NoStream{NoStream: &shared.Empty{}},
		PositionOption:        &streams.AppendResp_Success_NoPosition{NoPosition: &shared.Empty{}},
	}
	if result.Revision >= 0 {
		success.CurrentRevisionOption = &streams.AppendResp_Success_CurrentRevision{CurrentRevision: uint64(result.Revision)}
	}
	if result.Position > 0 {
		position := uint64(result.Position)
		success.PositionOption = &streams.AppendResp_Success_Position{
			Position: &streams.AppendResp_Position{CommitPosition: position, PreparePosition: position},
		}
	}
	return &streams.AppendResp{Result: &streams.AppendResp_Success_{Success: success}}
}

// wrongRevisionResponse tells both in the fields of today and in those that
// clients of version 20.6 read.
func wrongRevisionResponse(expected eventlog.Expected, current int64) *streams.AppendResp {
	var (
		empty = &shared.Empty{}
		wrong = &streams.AppendResp_WrongExpectedVersion{}
	)
	if current >= 0 {
		wrong.CurrentRevisionOption = &streams.AppendResp_WrongExpectedVersion_CurrentRevision{CurrentRevision: uint64(current)}
		wrong.CurrentRevisionOption_20_6_0 = &streams.AppendResp_WrongExpectedVersion_CurrentRevision_20_6_0{CurrentRevision_20_6_0: uint64(current)}
	} else {
		wrong.CurrentRevisionOption = &streams.AppendResp_WrongExpectedVersion_CurrentNoStream{CurrentNoStream: empty}
		wrong.CurrentRevisionOption_20_6_0 = &streams.AppendResp_WrongExpectedVersion_NoStream_20_6_0{NoStream_20_6_0: empty}
	}
	switch expected {
	case eventlog.Any:
		wrong.ExpectedRevisionOption = &streams.AppendResp_WrongExpectedVersion_ExpectedAny{ExpectedAny: empty}
		wrong.ExpectedRevisionOption_20_6_0 = &streams.AppendResp_WrongExpectedVersion_Any_20_6_0{Any_20_6_0: empty}
	case eventlog.StreamExists:
		wrong.ExpectedRevisionOption = &streams.AppendResp_WrongExpectedVersion_ExpectedStreamExists{ExpectedStreamExists: empty}
		wrong.ExpectedRevisionOption_20_6_0 = &streams.AppendResp_WrongExpectedVersion_StreamExists_20_6_0{StreamExists_20_6_0: empty}
	case eventlog.NoStream:
		wrong.ExpectedRevisionOption = &streams.AppendResp_WrongExpectedVersion_ExpectedNoStream{ExpectedNoStream: empty}
		wrong.ExpectedRevisionOption_20_6_0 = &streams.AppendResp_WrongExpectedVersion_ExpectedRevision_20_6_0{ExpectedRevision_20_6_0: ^uint64(0)}
	default:
		revision := uint64(expected) //nolint:gosec // an exact revision
		wrong.ExpectedRevisionOption = &streams.AppendResp_WrongExpectedVersion_ExpectedRevision{ExpectedRevision: revision}
		wrong.ExpectedRevisionOption_20_6_0 = &streams.AppendResp_WrongExpectedVersion_ExpectedRevision_20_6_0{ExpectedRevision_20_6_0: revision}
	}
	return &streams.AppendResp{Result: &streams.AppendResp_WrongExpectedVersion_{WrongExpectedVersion: wrong}}
}
