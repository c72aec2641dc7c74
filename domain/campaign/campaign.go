// Package campaign is a referrer's campaign: a link of its own, with a code that
// never changes, a destination, and a time in which its clicks count.
package campaign

import (
	"time"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/input"
)

// Refusals of this package.
var (
	ErrNotFound  = failure.New(failure.NotFound, "CAMPAIGN_NOT_FOUND", "there is no such campaign")
	ErrEnded     = failure.New(failure.Conflict, "CAMPAIGN_ENDED", "this campaign has ended")
	ErrCodeTaken = failure.New(failure.Conflict, "REFERRAL_CODE_TAKEN", "this code is taken")
	ErrLimit     = failure.New(failure.Conflict, "CAMPAIGN_LIMIT_REACHED",
		"you have as many campaigns as are allowed: end one that is no longer needed")
)

// Longest values, in characters.
const (
	maxName = 100
	maxUTM  = 100
)

// maxYears bounds how far in the future a campaign starts and ends.
const maxYears = 10

// Status is where a campaign is in its life.
type Status string

// The statuses.
const (
	StatusScheduled Status = "scheduled"
	StatusActive    Status = "active"
	StatusEnded     Status = "ended"
)

// State is a campaign, folded from its stream.
type State struct {
	ID          id.Campaign
	ReferrerID  id.Referrer
	Name        string
	Code        string
	Destination string
	UTM         UTM
	// StartAt and EndAt are zero where there is no bound.
	StartAt   time.Time
	EndAt     time.Time
	EndedAt   time.Time
	Slot      int
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Apply folds an event into the state. Events of other kinds change nothing.
func Apply(s State, e event.Event) State {
	switch e := e.(type) {
	case Created:
		return State{
			ID: e.CampaignID, ReferrerID: e.ReferrerID, Name: e.Name, Code: e.Code, Destination: e.Destination,
			UTM: e.UTM, StartAt: e.StartAt, EndAt: e.EndAt, Slot: e.Slot, CreatedAt: e.OccurredAt, UpdatedAt: e.OccurredAt,
		}
	case Updated:
		s.Name, s.Destination, s.UTM, s.EndAt, s.UpdatedAt = e.Name, e.Destination, e.UTM, e.EndAt, e.OccurredAt
	case Ended:
		s.EndedAt, s.UpdatedAt = e.OccurredAt, e.OccurredAt
	}
	return s
}

// End is the first instant at which clicks do not count any more; zero for none.
func (s State) End() time.Time { return EndOf(s.EndAt, s.EndedAt) }

// EndOf is the earlier of two ends of which each may be zero for none.
func EndOf(planned, ended time.Time) time.Time {
	if planned.IsZero() || !ended.IsZero() && ended.Before(planned) {
		return ended
	}
	return planned
}

// Status is where the campaign is at a time.
func (s State) Status(at time.Time) Status {
	switch end := s.End(); {
	case !end.IsZero() && !at.Before(end):
		return StatusEnded
	case !s.StartAt.IsZero() && at.Before(s.StartAt):
		return StatusScheduled
	}
	return StatusActive
}

// KeepsSlot tells whether the campaign counts in a slot of a referrer at a time: it
// does until it has ended.
func (s State) KeepsSlot(of id.Referrer, n int, at time.Time) bool {
	return s.ID != "" && s.ReferrerID == of && s.Slot == n && s.Status(at) != StatusEnded
}

// New is what a campaign begins with.
type New struct {
	ID         id.Campaign
	ReferrerID id.Referrer
	Name       string
	// Code is checked as one that somebody chose.
	Code        string
	Destination string
	UTM         UTM
	// StartAt and EndAt may be zero.
	StartAt, EndAt time.Time
	// Slot is the slot of the referrer that the campaign is counted in.
	Slot int
}

// Create begins a campaign. One that exists stays as it is.
func (s State) Create(n New, where Destinations, at time.Time) ([]event.Event, error) {
	if s.ID != "" {
		return nil, nil
	}
	var wrong failure.Fields
	created := Created{
		CampaignID: n.ID, ReferrerID: n.ReferrerID,
		Name:        input.Line(&wrong, "name", n.Name, 1, maxName),
		Code:        CheckCode(&wrong, "code", n.Code),
		Destination: where.Check(&wrong, "destinationPath", n.Destination),
		UTM:         n.UTM.check(&wrong),
		StartAt:     moment(&wrong, "startAt", n.StartAt, at),
		EndAt:       moment(&wrong, "endAt", n.EndAt, at),
		Slot:        n.Slot,
		OccurredAt:  at,
	}
	ends(&wrong, created.StartAt, created.EndAt, at)
	if err := wrong.Err(); err != nil {
		return nil, err
	}
	return []event.Event{created}, nil
}

// Change is a partial update: nil leaves a field as it is; a zero EndAt takes the
// end away.
type Change struct {
	Name        *string
	Destination *string
	UTM         *UTM
	EndAt       *time.Time
}

// Update changes a campaign that has not ended, for its referrer.
func (s State) Update(by id.Referrer, c Change, where Destinations, at time.Time) ([]event.Event, error) {
	if s.ID == "" || s.ReferrerID != by {
		return nil, ErrNotFound
	}
	if s.Status(at) == StatusEnded {
		return nil, ErrEnded
	}
	var wrong failure.Fields
	e := Updated{CampaignID: s.ID, Name: s.Name, Destination: s.Destination, UTM: s.UTM, EndAt: s.EndAt, OccurredAt: at}
	if c.Name != nil {
		e.Name = input.Line(&wrong, "name", *c.Name, 1, maxName)
	}
	if c.Destination != nil {
		e.Destination = where.Check(&wrong, "destinationPath", *c.Destination)
	}
	if c.UTM != nil {
		e.UTM = c.UTM.check(&wrong)
	}
	if c.EndAt != nil {
		e.EndAt = moment(&wrong, "endAt", *c.EndAt, at)
		ends(&wrong, s.StartAt, e.EndAt, at)
	}
	if err := wrong.Err(); err != nil {
		return nil, err
	}
	var changed input.Changed
	changed.If(e.Name != s.Name, "name")
	changed.If(e.Destination != s.Destination, "destinationPath")
	changed.If(e.UTM != s.UTM, "utm")
	changed.If(!e.EndAt.Equal(s.EndAt), "endAt")
	if len(changed) == 0 {
		return nil, nil
	}
	e.Changed = changed
	return []event.Event{e}, nil
}

// Finish ends a campaign for its referrer. One that has ended stays as it is.
func (s State) Finish(by id.Referrer, at time.Time) ([]event.Event, error) {
	switch {
	case s.ID == "" || s.ReferrerID != by:
		return nil, ErrNotFound
	case s.Status(at) == StatusEnded:
		return nil, nil
	}
	return []event.Event{Ended{CampaignID: s.ID, OccurredAt: at}}, nil
}

// moment is a time within the next years, as precise as it is shown.
func moment(wrong *failure.Fields, field string, value, now time.Time) time.Time {
	if value.IsZero() {
		return time.Time{}
	}
	value = value.UTC().Truncate(time.Millisecond)
	if value.After(now.AddDate(maxYears, 0, 0)) {
		wrong.Add(field, input.CodeRange, "must be within the next 10 years")
		return time.Time{}
	}
	return value
}

// ends checks that a campaign ends in the future, and after its start.
func ends(wrong *failure.Fields, start, end, now time.Time) {
	switch {
	case end.IsZero():
	case !end.After(now):
		wrong.Add("endAt", input.CodePast, "must be in the future")
	case !end.After(start):
		wrong.Add("endAt", input.CodeRange, "must be after startAt")
	}
}

func (u UTM) check(wrong *failure.Fields) UTM {
	line := func(field, value string) string { return input.Line(wrong, "utm."+field, value, 0, maxUTM) }
	return UTM{
		Source: line("source", u.Source), Medium: line("medium", u.Medium), Name: line("campaign", u.Name),
		Term: line("term", u.Term), Content: line("content", u.Content),
	}
}
