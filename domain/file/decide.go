package file

import (
	"time"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/personal"
)

// Grace is how long the bytes of a deleted file are kept unless another time is
// set.
const Grace = 30 * 24 * time.Hour

// Registration is what an uploaded file is to be.
type Registration struct {
	ID             id.File
	OrganizationID id.Organization
	UserID         id.User
	// Filename is as it was given.
	Filename string
	Content  Content
	// Problem is why the document cannot be worked on; empty if it can.
	Problem Reason
}

// Register makes an upload a file. It fails with ErrClaimed for one that is a file
// already.
func (s State) Register(r Registration, at time.Time) ([]event.Event, error) {
	if s.ID != "" {
		return nil, ErrClaimed
	}
	var wrong failure.Fields
	name := cleanName(&wrong, r.Filename)
	if err := wrong.Err(); err != nil {
		return nil, err
	}
	return []event.Event{Registered{
		FileID: r.ID, OrganizationID: r.OrganizationID, UserID: r.UserID, Filename: personal.New(name),
		Content: r.Content, Problem: r.Problem, OccurredAt: at,
	}}, nil
}

// CheckName returns a failure for a name that Register and Update refuse.
func CheckName(given string) error {
	var wrong failure.Fields
	cleanName(&wrong, given)
	return wrong.Err()
}

// Derive begins the file that an operation on another one makes. For one that is
// there already it does nothing.
func (s State) Derive(of State, o Operation, at time.Time) []event.Event {
	if s.ID != "" {
		return nil
	}
	format := of.Format
	if o.Kind == Conversion {
		format = o.Target
	}
	return []event.Event{Derived{
		FileID: o.DerivedID, OrganizationID: of.OrganizationID, UserID: of.UserID, ParentFileID: of.ID, JobID: o.Work.JobID,
		Type: o.Makes(), Format: format, Filename: personal.New(derivedName(of.Filename.Reveal(), o.Makes(), format)),
		OccurredAt: at,
	}}
}

// Settle tells a derived file how the operation that makes it ended. Told before,
// or deleted, or not ended, it does nothing.
func (s State) Settle(o Operation, at time.Time) []event.Event {
	if s.Status != Processing || s.OriginJob != o.Work.JobID || s.Content.Object != "" {
		return nil
	}
	switch o.Phase {
	case Completed:
		return []event.Event{Delivered{
			FileID: s.ID, OrganizationID: s.OrganizationID, JobID: s.OriginJob, Type: s.Type,
			Content: o.Content, Findings: o.Done.Findings, OccurredAt: at,
		}}
	case Broken, Cancelled:
		return []event.Event{DeliveryFailed{
			FileID: s.ID, OrganizationID: s.OrganizationID, JobID: s.OriginJob, Reason: o.Reason, OccurredAt: at,
		}}
	case Waiting, Running:
	}
	return nil
}

// Change is what Update changes; nil stays.
type Change struct {
	Filename *string
	Active   *bool
}

// Update changes name and activity of the file.
func (s State) Update(c Change, at time.Time) ([]event.Event, error) {
	if !s.Exists() {
		return nil, ErrNotFound
	}
	e := Updated{FileID: s.ID, OrganizationID: s.OrganizationID, OccurredAt: at}
	changed := false
	if c.Filename != nil {
		var wrong failure.Fields
		name := personal.New(cleanName(&wrong, *c.Filename))
		if err := wrong.Err(); err != nil {
			return nil, err
		}
		if !name.Equal(s.Filename) {
			e.Filename, changed = name, true
		}
	}
	if c.Active != nil && *c.Active == s.Inactive {
		active := *c.Active
		e.Active, changed = &active, true
	}
	if !changed {
		return nil, nil
	}
	return []event.Event{e}, nil
}

// Delete hides the file, and cancels what is under way on it. The bytes are kept
// for a grace. Deleting it again changes nothing.
func (s State) Delete(withDerived bool, grace time.Duration, at time.Time) ([]event.Event, error) {
	switch {
	case s.ID == "":
		return nil, ErrNotFound
	case !s.DeletedAt.IsZero():
		return nil, nil
	}
	var events []event.Event
	for _, o := range s.Operations {
		if !o.Phase.Ended() {
			failed := s.failed(o, Outcome{Reason: OperationCancelled, Cancelled: true}, at)
			events = append(events, failed)
			s = Apply(s, failed)
		}
	}
	return append(events, Removed{
		FileID: s.ID, OrganizationID: s.OrganizationID, WithDerived: withDerived,
		Was: s.Status, Type: s.Type, Size: s.Content.Size, PurgeAt: at.Add(grace), OccurredAt: at,
	}), nil
}

// DueForPurge tells whether the bytes of the file are to be deleted at a time.
func (s State) DueForPurge(at time.Time) bool {
	return !s.DeletedAt.IsZero() && s.PurgedAt.IsZero() && !at.Before(s.PurgeAt)
}

// Purge notes that the bytes are gone. It does nothing for a file that is not due.
func (s State) Purge(at time.Time) []event.Event {
	if !s.DueForPurge(at) {
		return nil
	}
	return []event.Event{Purged{FileID: s.ID, OrganizationID: s.OrganizationID, OccurredAt: at}}
}

// Readable is nil when the content may be downloaded and worked on.
func (s State) Readable() error {
	switch {
	case !s.Exists():
		return ErrNotFound
	case s.Inactive:
		return ErrInactive
	case s.Content.Object != "":
		return nil
	case s.Status == Failed:
		return ErrContentFailed
	}
	return ErrNotReady
}
