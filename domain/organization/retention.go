package organization

import (
	"fmt"
	"time"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/input"
)

// MaxFileRetention is the longest time after which files can be deleted, in days.
const MaxFileRetention = 3650

// FileRetentionChanged says after how many days the organization's files are deleted
// from now on; zero says that they are kept until somebody deletes them.
type FileRetentionChanged struct {
	OrganizationID id.Organization `json:"organizationId"`
	Days           int             `json:"days"`
	FormerDays     int             `json:"formerDays"`
	OccurredAt     time.Time       `json:"occurredAt"`
}

// EventType is the stored name.
func (FileRetentionChanged) EventType() string { return "OrganizationFileRetentionChanged" }

// changeRetention returns the event of a change of the retention, if it is one. What
// breaks a rule is noted.
func (s State) changeRetention(days *int, wrong *failure.Fields, at time.Time) []event.Event {
	if days == nil || *days == s.FileRetention {
		return nil
	}
	if *days < 0 || *days > MaxFileRetention {
		wrong.Add("fileRetentionDays", input.CodeRange, fmt.Sprintf("must be between 1 and %d days, or 0 to keep files", MaxFileRetention))
		return nil
	}
	return []event.Event{FileRetentionChanged{OrganizationID: s.ID, Days: *days, FormerDays: s.FileRetention, OccurredAt: at}}
}

// CheckRetention returns nil if a file that the organization has had since a time is
// to be deleted now, by a principal that may do so. It fails with ErrRetained when it
// is to be kept.
func (s State) CheckRetention(by access.Principal, since, now time.Time) error {
	if err := by.In(s.ID).Require(access.WriteFilesOfOthers); err != nil {
		return err
	}
	if s.Status != StatusActive || s.FileRetention == 0 || now.Before(since.AddDate(0, 0, s.FileRetention)) {
		return ErrRetained
	}
	return nil
}

// ErrRetained says that the time for which a file is kept is not over.
var ErrRetained = failure.New(failure.Conflict, "FILE_RETAINED", "the organization keeps this file")
