package eventnode

import (
	"context"
	"errors"
	"iter"
	"math"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc"

	"github.com/perfectworks/backend/adapters/eventnode/internal/eventlog"
)

// Read serves reads of a stream or of $all, and subscriptions to them.
func (s *streamsService) Read(req *streams.ReadReq, call streams.Streams_ReadServer) error {
	r, err := newReading(req.GetOptions())
	if err == nil {
		out := &sender{call: call, log: s.log, resolve: r.resolve, uuidStrings: r.uuidStrings, sent: s.metrics}
		switch {
		case r.subscribe:
			err = s.subscribe(call.Context(), r, out)
		case r.target.all:
			err = s.readAll(call.Context(), r, out)
		default:
			err = s.readStream(call.Context(), r, out)
		}
	}
	if errors.Is(err, eventlog.ErrStreamDeleted) {
		err = streamDeleted(r.target.stream)
	}
	if err != nil {
		return fail(call.Context(), err)
	}
	return nil
}

// reading is a read or a subscription, understood.
type reading struct {
	target      target
	subscribe   bool
	direction   eventlog.Direction
	count       uint64
	filter      *filter // nil without
	resolve     bool
	uuidStrings bool
}

// target is what is read, and from where.
type target struct {
	all    bool
	stream string
	// from is a revision of the stream or a position of $all; fromStart and
	// eventlog.End stand for the ends.
	from int64
}

const fromStart = -1

func newReading(options *streams.ReadReq_Options) (*reading, error) {
	var err error
	r := &reading{
		direction: options.GetReadDirection() == streams.ReadReq_Options_Backwards,
		resolve:   options.GetResolveLinks(),
	}
	_, r.uuidStrings = options.GetUuidOption().GetContent().(*streams.ReadReq_Options_UUIDOption_String_)
	switch count := options.GetCountOption().(type) {
	case *streams.ReadReq_Options_Count:
		r.count = count.Count
	case *streams.ReadReq_Options_Subscription:
		r.subscribe = true
	default:
		return nil, invalid("The read has neither a count nor a subscription.")
	}
	switch stream := options.GetStreamOption().(type) {
	case *streams.ReadReq_Options_Stream:
		r.target, err = streamTarget(stream.Stream)
	case *streams.ReadReq_Options_All:
		r.target, err = allTarget(stream.All)
	default:
		return nil, invalid("The read has neither a stream nor $all.")
	}
	if err != nil {
		return nil, err
	}
	if r.filter, err = newFilter(options.GetFilter()); err != nil {
		return nil, err
	}
	switch {
	case options.GetFilterOption() == nil:
		return nil, invalid("The read has neither a filter nor no_filter.")
	case r.filter != nil && !r.target.all:
		return nil, invalid("The combination of a stream and a filter is invalid.")
	case r.subscribe && r.direction == eventlog.Backwards:
		return nil, invalid("The combination of a subscription and reading backwards is invalid.")
	case r.subscribe && r.filter != nil && r.filter.interval == 0:
		return nil, invalid("The checkpoint interval multiplier must not be zero.")
	}
	return r, nil
}

func streamTarget(options *streams.ReadReq_Options_StreamOptions) (t target, err error) {
	if t.stream, err = streamName(options.GetStreamIdentifier()); err != nil {
		return t, err
	}
	switch from := options.GetRevisionOption().(type) {
	case *streams.ReadReq_Options_StreamOptions_Start:
		t.from = fromStart
	case *streams.ReadReq_Options_StreamOptions_End:
		t.from = eventlog.End
	case *streams.ReadReq_Options_StreamOptions_Revision:
		t.from = int64(min(from.Revision, math.MaxInt64))
	default:
		return t, invalid("The read of a stream has no revision.")
	}
	return t, nil
}

func allTarget(options *streams.ReadReq_Options_AllOptions) (target, error) {
	t := target{all: true}
	switch from := options.GetAllOption().(type) {
	case *streams.ReadReq_Options_AllOptions_Start:
		t.from = fromStart
	case *streams.ReadReq_Options_AllOptions_End:
		t.from = eventlog.End
	case *streams.ReadReq_Options_AllOptions_Position:
		commit, prepare := from.Position.GetCommitPosition(), from.Position.GetPreparePosition()
		switch {
		case commit == math.MaxUint64 && prepare == math.MaxUint64:
			t.from = eventlog.End
		case commit != prepare || commit >= math.MaxInt64:
			// All positions of this log are commit and prepare in one.
			return t, errPosition
		default:
			t.from = int64(commit)
		}
	default:
		return t, invalid("The read of $all has no position.")
	}
	return t, nil
}

func (s *streamsService) readStream(ctx context.Context, r *reading, out *sender) error {
	from := max(r.target.from, 0)
	err := out.all(ctx, s.log.ReadStream(ctx, r.target.stream, r.direction, from, r.count))
	if errors.Is(err, eventlog.ErrStreamNotFound) {
		return out.call.Send(&streams.ReadResp{Content: &streams.ReadResp_StreamNotFound_{
			StreamNotFound: &streams.ReadResp_StreamNotFound{
				StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte(r.target.stream)},
			},
		}})
	}
	return err
}

// readAll counts only what it sends: hidden events and those that the filter
// leaves out are read over.
func (s *streamsService) readAll(ctx context.Context, r *reading, out *sender) error {
	limit := r.count
	if r.filter != nil {
		limit = math.MaxUint64
	}
	left := r.count
	for events, err := range s.log.ReadAll(ctx, r.direction, max(r.target.from, 0), limit) {
		if err != nil {
			return err
		}
		if events, err = choose(events, r.filter); err != nil {
			return err
		}
		if uint64(len(events)) > left {
			events = events[:left]
		}
		if err := out.events(ctx, events); err != nil {
			return err
		}
		if left -= uint64(len(events)); left == 0 {
			return nil
		}
	}
	return nil
}

// choose leaves out, in place, what a reader of $all does not get.
func choose(events []*eventlog.Event, f *filter) ([]*eventlog.Event, error) {
	chosen := events[:0]
	for _, e := range events {
		matched, err := f.matches(e)
		if err != nil {
			return nil, err
		}
		if matched && !hiddenFromAll(e.Stream) {
			chosen = append(chosen, e)
		}
	}
	return chosen, nil
}

// sender sends events to one client.
type sender struct {
	call        grpc.ServerStreamingServer[streams.ReadResp]
	log         *eventlog.Log
	resolve     bool
	uuidStrings bool
	sent        *metrics
}

func (s *sender) all(ctx context.Context, batches iter.Seq2[[]*eventlog.Event, error]) error {
	for events, err := range batches {
		if err != nil {
			return err
		}
		if err := s.events(ctx, events); err != nil {
			return err
		}
	}
	return nil
}

func (s *sender) events(ctx context.Context, events []*eventlog.Event) error {
	var links eventlog.Links
	if s.resolve {
		var err error
		if links, err = s.log.ResolveLinks(ctx, events); err != nil {
			return err
		}
	}
	var message eventMessage // encoded before SendMsg returns
	for _, e := range events {
		message = eventMessage{event: e, uuidStrings: s.uuidStrings}
		if s.resolve && e.Type == eventlog.TypeLink {
			message.event, message.link = links[e], e
		}
		if err := s.call.SendMsg(&message); err != nil {
			return err
		}
	}
	s.sent.eventsSent.Add(float64(len(events)))
	return nil
}
