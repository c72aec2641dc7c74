package file

import (
	"time"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/input"
	"github.com/perfectworks/backend/domain/personal"
)

// Ask is what somebody wants done with a file.
type Ask struct {
	Kind Kind
	// Target is the format of a conversion, else empty.
	Target Format
	// Engine names the engine and its version that would do it.
	Engine string
	// Forced says that a stored analysis is not wanted.
	Forced bool
}

// Check returns nil if the work that is asked for can begin.
func (s State) Check(a Ask) error {
	if err := s.Readable(); err != nil {
		return err
	}
	if s.Problem != "" {
		return s.Problem.Failure("")
	}
	if a.Kind != Conversion {
		return nil
	}
	var wrong failure.Fields
	switch {
	case a.Target.MIME() == "":
		wrong.Add("targetFormat", input.CodeUnknown, "must be pdf or html")
	case a.Target == s.Format:
		return ErrConverted
	}
	return wrong.Err()
}

// Active finds the operation that would be joined. Its options are those asked
// for.
func (s State) Active(a Ask) (Operation, bool) {
	for _, o := range s.Operations {
		if !o.Phase.Ended() && o.Kind == a.Kind && o.Target == a.Target {
			return o, true
		}
	}
	return Operation{}, false
}

// Stored finds the last completed operation whose result is that which is asked
// for. The file that it made may have been deleted since.
func (s State) Stored(a Ask) (Operation, bool) {
	for i := len(s.Operations) - 1; i >= 0; i-- {
		o := s.Operations[i]
		if o.Phase == Completed && o.Kind == a.Kind && o.Target == a.Target && o.Work.Engine == a.Engine {
			return o, true
		}
	}
	return Operation{}, false
}

// Analysed tells whether the stored analysis is the one that is asked for.
func (s State) Analysed(a Ask) bool {
	return a.Kind == Analysis && !a.Forced && s.Findings != nil && s.Findings.Engine == a.Engine
}

// Request begins an operation. While one of the kind and with the same options is
// active it does nothing. Derived is the file that is made; empty for an analysis.
func (s State) Request(a Ask, w Work, derived id.File, at time.Time) ([]event.Event, error) {
	if err := s.Check(a); err != nil {
		return nil, err
	}
	if _, active := s.Active(a); active {
		return nil, nil
	}
	active := 0
	for _, o := range s.Operations {
		if !o.Phase.Ended() {
			active++
		}
	}
	if active >= maxActive {
		return nil, ErrBusy
	}
	switch a.Kind {
	case Accessibility:
		return []event.Event{RemediationRequested{
			FileID: s.ID, OrganizationID: s.OrganizationID, Work: w, DerivedFileID: derived, OccurredAt: at,
		}}, nil
	case Conversion:
		return []event.Event{ConversionRequested{
			FileID: s.ID, OrganizationID: s.OrganizationID, Work: w, DerivedFileID: derived, Target: a.Target, OccurredAt: at,
		}}, nil
	case Analysis:
	}
	return []event.Event{AnalysisRequested{
		FileID: s.ID, OrganizationID: s.OrganizationID, Work: w, Forced: a.Forced, Was: s.Status, OccurredAt: at,
	}}, nil
}

// Start gives an operation to a worker. For one that has ended, and for the same
// worker again, it does nothing; it fails with ErrFenceExpired for a worker that was
// replaced, and with ErrJobNotFound.
func (s State) Start(name id.Job, fence int64, at time.Time) ([]event.Event, error) {
	o, known := s.Operation(name)
	switch {
	case !known:
		return nil, ErrJobNotFound
	case o.Phase.Ended(), o.Fence == fence:
		return nil, nil
	case fence < o.Fence:
		return nil, ErrFenceExpired
	case !at.Before(o.Work.Deadline):
		return []event.Event{s.failed(o, Outcome{Reason: OperationTimedOut}, at)}, nil
	}
	return []event.Event{OperationStarted{FileID: s.ID, JobID: name, Fence: fence, OccurredAt: at}}, nil
}

// Complete ends an operation well. The worker that did so may repeat it. It fails
// with ErrFenceExpired for any other, for an operation that ended otherwise, and from the
// deadline on. What is paid is the price of the pages of the result, but not more
// than was held.
func (s State) Complete(name id.Job, content Content, done Done, at time.Time) ([]event.Event, error) {
	o, known := s.Operation(name)
	switch {
	case !known:
		return nil, ErrJobNotFound
	case o.Phase == Completed && o.Done.Fence == done.Fence:
		return nil, nil
	case o.Phase != Running, o.Fence != done.Fence, !at.Before(o.Work.Deadline):
		return nil, ErrFenceExpired
	}
	if o.Kind != Analysis {
		done.Pages = content.BilledPages()
	} else {
		done.Pages = o.Work.Pages
	}
	done.Tokens = min(done.Pages*o.Work.Rate, o.Work.Tokens)
	switch o.Kind {
	case Accessibility:
		return []event.Event{Remediated{
			FileID: s.ID, OrganizationID: s.OrganizationID, JobID: name, DerivedFileID: o.DerivedID,
			Content: content, Done: done, OccurredAt: at,
		}}, nil
	case Conversion:
		return []event.Event{DocumentConverted{
			FileID: s.ID, OrganizationID: s.OrganizationID, JobID: name, DerivedFileID: o.DerivedID,
			Content: content, Done: done, OccurredAt: at,
		}}, nil
	case Analysis:
	}
	return []event.Event{Analyzed{
		FileID: s.ID, OrganizationID: s.OrganizationID, JobID: name, Done: done, OccurredAt: at,
	}}, nil
}

// Outcome is how an operation ends without a result.
type Outcome struct {
	Reason Reason
	// Message is a sentence for people; empty for that of the reason.
	Message   string
	Cancelled bool
}

// Fail ends an operation without a result. One that has ended stays as it is. A
// worker gives its fence, and fails with ErrFenceExpired once it was replaced; zero is for
// those who are no workers.
func (s State) Fail(name id.Job, fence int64, how Outcome, at time.Time) ([]event.Event, error) {
	o, known := s.Operation(name)
	switch {
	case !known:
		return nil, ErrJobNotFound
	case o.Phase.Ended():
		return nil, nil
	case fence != 0 && fence != o.Fence:
		return nil, ErrFenceExpired
	}
	return []event.Event{s.failed(o, how, at)}, nil
}

// longestMessage bounds the sentence of a failure, in characters.
const longestMessage = 500

func (s State) failed(o Operation, how Outcome, at time.Time) OperationFailed {
	if runes := []rune(how.Message); len(runes) > longestMessage {
		how.Message = string(runes[:longestMessage])
	}
	return OperationFailed{
		FileID: s.ID, OrganizationID: s.OrganizationID, JobID: o.Work.JobID, Kind: o.Kind, Cancelled: how.Cancelled,
		Reason: how.Reason, Message: personal.New(how.Message), Status: s.statusWithout(o, how), OccurredAt: at,
	}
}

// statusWithout is the file's status once an operation has ended without a result.
func (s State) statusWithout(o Operation, how Outcome) Status {
	switch {
	case o.Kind != Analysis:
		return s.Status
	case s.Findings != nil:
		return Processed
	case how.Cancelled:
		return Uploaded
	}
	return Failed
}
