package eventnode

import (
	"context"
	"errors"
	"io"
	"math"
	"sync"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/perfectworks/backend/adapters/eventnode/internal/eventlog"
)

const (
	// maxBatchBytes bounds the events of the appends of one call that have begun
	// and are not complete; maxBatchUnfinished bounds how many there are.
	maxBatchBytes      = 16 << 20
	maxBatchUnfinished = 1024
	// maxBatchPending is how many complete appends of one call may wait for their
	// answer. Then no more is received.
	maxBatchPending = 1024
)

// BatchAppend takes any number of appends over one call, each in one or more
// messages that share a correlation id; the last one says so. Each is decided
// when it is complete, in that order, and answered for itself, with an error in
// its answer if it has one: the call goes on.
func (s *streamsService) BatchAppend(call streams.Streams_BatchAppendServer) error {
	b := &batch{
		service: s, call: call,
		unfinished: map[uuid.UUID]*batchAppend{},
		pending:    make(chan struct{}, maxBatchPending),
	}
	err := b.serve(call.Context())
	b.answers.Wait()
	if err != nil {
		return fail(call.Context(), err)
	}
	return nil
}

// batch is one call of BatchAppend.
type batch struct {
	service *streamsService
	call    streams.Streams_BatchAppendServer

	unfinished map[uuid.UUID]*batchAppend
	size       int // of the events in unfinished, in bytes

	pending chan struct{} // holds an element for each answer that is due
	answers sync.WaitGroup
	sending sync.Mutex
}

// batchAppend is one append of a call.
type batchAppend struct {
	proposal

	id       *shared.UUID
	options  *streams.BatchAppendReq_Options
	deadline time.Time
}

func (b *batch) serve(ctx context.Context) error {
	type received struct {
		req *streams.BatchAppendReq
		err error
	}
	receiving, cancel := context.WithCancel(ctx)
	defer cancel()
	requests := make(chan received)
	go func() {
		for {
			req, err := b.call.Recv()
			select {
			case requests <- received{req, err}:
			case <-receiving.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	for {
		select {
		case r := <-requests:
			if errors.Is(r.err, io.EOF) {
				return nil
			}
			if r.err != nil {
				return r.err
			}
			if err := b.take(ctx, r.req); err != nil {
				return err
			}
		case <-b.service.ending:
			return errShuttingDown
		}
	}
}

// take handles one message. What is wrong with an append is answered; an error
// ends the call.
func (b *batch) take(ctx context.Context, req *streams.BatchAppendReq) error {
	key, err := correlationID(req.GetCorrelationId())
	if err != nil {
		return err
	}
	a := b.unfinished[key]
	if a == nil {
		if req.GetOptions() == nil {
			return nil // the rest of an append that failed already
		}
		if len(b.unfinished) >= maxBatchUnfinished {
			return invalid("More than %d appends of the call are not complete.", maxBatchUnfinished)
		}
		a = &batchAppend{id: req.GetCorrelationId(), options: req.GetOptions()}
		if err := a.begin(time.Now()); err != nil {
			return b.answer(a, eventlog.Result{}, err)
		}
		b.unfinished[key] = a
	}
	before := a.size
	err = b.service.addEvents(a, req.GetProposedMessages())
	b.size += a.size - before
	if err == nil && !req.GetIsFinal() {
		if b.size > maxBatchBytes {
			return invalid("The appends of the call that are not complete exceed %d bytes.", maxBatchBytes)
		}
		return nil
	}
	delete(b.unfinished, key)
	b.size -= a.size
	if err != nil {
		return b.answer(a, eventlog.Result{}, err)
	}
	return b.start(ctx, a)
}

func (s *streamsService) addEvents(a *batchAppend, messages []*streams.BatchAppendReq_ProposedMessage) error {
	for _, message := range messages {
		if err := s.addEvent(&a.proposal, message); err != nil {
			return err
		}
	}
	return nil
}

// start gives an append its place in the order, and has it answered when it is
// done.
func (b *batch) start(ctx context.Context, a *batchAppend) error {
	select {
	case b.pending <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	ctx, cancel := context.WithDeadline(ctx, a.deadline)
	waiting, err := b.service.log.StartAppend(ctx, a.stream, a.expected, a.events)
	b.answers.Go(func() {
		defer cancel()
		defer func() { <-b.pending }()
		var result eventlog.Result
		if err == nil {
			result, err = waiting.Wait()
		}
		// Where an answer cannot be sent, the call is over.
		_ = b.answer(a, result, err)
	})
	return nil
}

func (b *batch) answer(a *batchAppend, result eventlog.Result, err error) error {
	response := a.response(result, err)
	b.sending.Lock()
	defer b.sending.Unlock()
	return b.call.Send(response)
}

// noDeadline is as good as none, and within what the clock counts.
const noDeadline = 100 * 365 * 24 * time.Hour

// begin reads the options.
func (a *batchAppend) begin(now time.Time) (err error) {
	switch deadline := a.options.GetDeadlineOption().(type) {
	case *streams.BatchAppendReq_Options_Deadline:
		seconds := deadline.Deadline.GetSeconds()
		if seconds > int64(noDeadline/time.Second) {
			seconds = int64(noDeadline / time.Second)
		}
		a.deadline = now.Add(time.Duration(max(seconds, -1))*time.Second + time.Duration(deadline.Deadline.GetNanos()))
	case *streams.BatchAppendReq_Options_Deadline_21_10_0: // a time of the client's clock
		a.deadline = time.Unix(min(deadline.Deadline_21_10_0.GetSeconds(), math.MaxInt32*100), int64(deadline.Deadline_21_10_0.GetNanos()))
	default:
		a.deadline = now.Add(noDeadline)
	}
	if a.stream, err = writable(a.options.GetStreamIdentifier()); err != nil {
		return err
	}
	switch expected := a.options.GetExpectedStreamPosition().(type) {
	case *streams.BatchAppendReq_Options_StreamPosition:
		if expected.StreamPosition > eventlog.TombstoneRevision {
			return invalid("The expected stream position is out of range.")
		}
		a.expected = eventlog.Expected(expected.StreamPosition)
	case *streams.BatchAppendReq_Options_NoStream:
		a.expected = eventlog.NoStream
	case *streams.BatchAppendReq_Options_Any:
		a.expected = eventlog.Any
	case *streams.BatchAppendReq_Options_StreamExists:
		a.expected = eventlog.StreamExists
	default:
		return invalid("The expected stream position is missing.")
	}
	if !a.deadline.After(now) {
		return errTimeout
	}
	return nil
}

// response tells what became of the append, and repeats what it was, as the
// server does.
func (a *batchAppend) response(result eventlog.Result, err error) *streams.BatchAppendResp {
	r := &streams.BatchAppendResp{CorrelationId: a.id, StreamIdentifier: a.options.GetStreamIdentifier()}
	switch expected := a.options.GetExpectedStreamPosition().(type) {
	case *streams.BatchAppendReq_Options_StreamPosition:
		r.ExpectedStreamPosition = &streams.BatchAppendResp_StreamPosition{StreamPosition: expected.StreamPosition}
	case *streams.BatchAppendReq_Options_NoStream:
		r.ExpectedStreamPosition = &streams.BatchAppendResp_NoStream{NoStream: &emptypb.Empty{}}
	case *streams.BatchAppendReq_Options_Any:
		r.ExpectedStreamPosition = &streams.BatchAppendResp_Any{Any: &emptypb.Empty{}}
	case *streams.BatchAppendReq_Options_StreamExists:
		r.ExpectedStreamPosition = &streams.BatchAppendResp_StreamExists{StreamExists: &emptypb.Empty{}}
	}
	if err != nil {
		r.Result = &streams.BatchAppendResp_Error{Error: a.status(err)}
		return r
	}
	success := &streams.BatchAppendResp_Success{}
	if result.Revision >= 0 {
		success.CurrentRevisionOption = &streams.BatchAppendResp_Success_CurrentRevision{CurrentRevision: uint64(result.Revision)}
	} else {
		success.CurrentRevisionOption = &streams.BatchAppendResp_Success_NoStream{NoStream: &emptypb.Empty{}}
	}
	if position := uint64(result.Position); position > 0 { //nolint:gosec // positions are not negative
		success.PositionOption = &streams.BatchAppendResp_Success_Position{
			Position: &shared.AllStreamPosition{CommitPosition: position, PreparePosition: position},
		}
	} else {
		success.PositionOption = &streams.BatchAppendResp_Success_NoPosition{NoPosition: &emptypb.Empty{}}
	}
	r.Result = &streams.BatchAppendResp_Success_{Success: success}
	return r
}

func correlationID(id *shared.UUID) (uuid.UUID, error) {
	parsed, err := parseUUID(id)
	if err != nil || parsed == uuid.Nil {
		return uuid.Nil, invalid("The correlation id is missing or not a UUID.")
	}
	return parsed, nil
}
