package file

import (
	"slices"
	"time"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/personal"
)

// State is a file, folded from its stream.
type State struct {
	ID             id.File
	OrganizationID id.Organization
	// UserID is the owner; empty for a file of an organization's key.
	UserID id.User
	// ParentID is the file that a derived one was made of, and OriginJob the
	// operation.
	ParentID  id.File
	OriginJob id.Job
	Type      Type
	Format    Format
	Filename  personal.Text
	// Content is zero for a derived file that is not delivered.
	Content Content
	// Problem is why the document cannot be worked on; empty if it can.
	Problem  Reason
	Status   Status
	Inactive bool
	// Findings are those of the last analysis; nil without one.
	Findings *Findings
	// Receipt is the key of the record of the operation that made a derived file.
	Receipt string
	// Operations are the active ones and the last ones that ended, in the order of
	// their requests.
	Operations []Operation

	DeletedAt   time.Time
	WithDerived bool
	PurgeAt     time.Time
	PurgedAt    time.Time
	ProcessedAt time.Time
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// Operation is an operation on the file.
type Operation struct {
	Kind Kind
	// Target is the format of a conversion, else empty.
	Target Format
	Work   Work
	// DerivedID is the file that is made; empty for an analysis.
	DerivedID id.File
	Phase     Phase
	// Fence is that of the worker that began last; zero for none.
	Fence   int64
	Reason  Reason
	Message personal.Text
	// Done and Content are those of a completed operation.
	Done    Done
	Content Content

	RequestedAt time.Time
	StartedAt   time.Time
	EndedAt     time.Time
}

// Makes is the type of the file that the operation makes; empty for none.
func (o Operation) Makes() Type {
	switch o.Kind {
	case Accessibility:
		return Accessible
	case Conversion:
		return Converted
	case Analysis:
	}
	return ""
}

// keptOperations is how many operations that ended are remembered.
const keptOperations = 32

// maxActive bounds the operations that are active at a time.
const maxActive = 8

// Operation finds an operation that the file remembers.
func (s State) Operation(name id.Job) (Operation, bool) {
	i := slices.IndexFunc(s.Operations, func(o Operation) bool { return o.Work.JobID == name })
	if i < 0 {
		return Operation{}, false
	}
	return s.Operations[i], true
}

// Exists tells whether the file is there for its owner.
func (s State) Exists() bool { return s.ID != "" && s.DeletedAt.IsZero() }

// Holds tells whether an object of the store belongs to the file, which has its bytes
// still.
func (s State) Holds(object string) bool {
	if object == "" || !s.PurgedAt.IsZero() {
		return false
	}
	return object == s.Content.Object || object == s.Receipt || s.Findings != nil && object == s.Findings.Report
}

// Apply folds an event into the state. Events of other kinds change nothing.
func Apply(s State, e event.Event) State {
	switch e := e.(type) {
	case Registered:
		return State{
			ID: e.FileID, OrganizationID: e.OrganizationID, UserID: e.UserID, Type: Original, Format: e.Content.Format,
			Filename: e.Filename, Content: e.Content, Problem: e.Problem, Status: Uploaded,
			CreatedAt: e.OccurredAt, UpdatedAt: e.OccurredAt,
		}
	case Derived:
		return State{
			ID: e.FileID, OrganizationID: e.OrganizationID, UserID: e.UserID, ParentID: e.ParentFileID, OriginJob: e.JobID,
			Type: e.Type, Format: e.Format, Filename: e.Filename, Status: Processing,
			CreatedAt: e.OccurredAt, UpdatedAt: e.OccurredAt,
		}
	case Updated:
		if !e.Filename.IsZero() {
			s.Filename = e.Filename
		}
		if e.Active != nil {
			s.Inactive = !*e.Active
		}
		s.UpdatedAt = e.OccurredAt
	case AnalysisRequested:
		s = s.requested(Operation{Kind: Analysis, Work: e.Work}, e.OccurredAt)
		s.Status = Processing
	case RemediationRequested:
		s = s.requested(Operation{Kind: Accessibility, Work: e.Work, DerivedID: e.DerivedFileID}, e.OccurredAt)
	case ConversionRequested:
		s = s.requested(Operation{Kind: Conversion, Target: e.Target, Work: e.Work, DerivedID: e.DerivedFileID}, e.OccurredAt)
	case OperationStarted:
		s = s.changed(e.JobID, func(o Operation) Operation {
			o.Phase, o.Fence, o.StartedAt = Running, e.Fence, e.OccurredAt
			return o
		})
	case Analyzed:
		s = s.completed(e.JobID, Content{}, e.Done, e.OccurredAt)
		s.Findings, s.Status, s.ProcessedAt = &e.Done.Findings, Processed, e.OccurredAt
	case Remediated:
		s = s.completed(e.JobID, e.Content, e.Done, e.OccurredAt)
	case DocumentConverted:
		s = s.completed(e.JobID, e.Content, e.Done, e.OccurredAt)
	case OperationFailed:
		s = s.changed(e.JobID, func(o Operation) Operation {
			o.Phase, o.Reason, o.Message, o.EndedAt = Broken, e.Reason, e.Message, e.OccurredAt
			if e.Cancelled {
				o.Phase = Cancelled
			}
			return o
		})
		s.Status, s.UpdatedAt = e.Status, e.OccurredAt
	case Delivered:
		s.Content, s.Format, s.Findings, s.Status = e.Content, e.Content.Format, &e.Findings, Processed
		s.Receipt, s.ProcessedAt, s.UpdatedAt = e.Findings.Report, e.OccurredAt, e.OccurredAt
	case DeliveryFailed:
		s.Status, s.Problem, s.UpdatedAt = Failed, e.Reason, e.OccurredAt
	case Removed:
		s.Status, s.DeletedAt, s.WithDerived, s.PurgeAt = Deleted, e.OccurredAt, e.WithDerived, e.PurgeAt
		s.UpdatedAt = e.OccurredAt
	case Purged:
		s.PurgedAt, s.UpdatedAt = e.OccurredAt, e.OccurredAt
	}
	return s
}

// requested adds an operation, and forgets the oldest of those that ended.
func (s State) requested(o Operation, at time.Time) State {
	o.Phase, o.RequestedAt = Waiting, at
	ended := 0
	for _, known := range s.Operations {
		if known.Phase.Ended() {
			ended++
		}
	}
	operations := make([]Operation, 0, len(s.Operations)+1)
	for _, known := range s.Operations {
		if known.Phase.Ended() && ended > keptOperations {
			ended--
			continue
		}
		operations = append(operations, known)
	}
	s.Operations, s.UpdatedAt = append(operations, o), at
	return s
}

func (s State) completed(name id.Job, content Content, done Done, at time.Time) State {
	s.UpdatedAt = at
	return s.changed(name, func(o Operation) Operation {
		o.Phase, o.Content, o.Done, o.EndedAt = Completed, content, done, at
		return o
	})
}

// changed replaces one operation, in a copy of the list.
func (s State) changed(name id.Job, how func(Operation) Operation) State {
	s.Operations = slices.Clone(s.Operations)
	for i, o := range s.Operations {
		if o.Work.JobID == name {
			s.Operations[i] = how(o)
		}
	}
	return s
}
