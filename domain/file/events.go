package file

import (
	"time"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/personal"
)

// Aggregate describes the aggregate of a file.
var Aggregate = event.Aggregate[id.File, State]{
	Category: "file",
	Schemas: []event.Schema{
		event.Define[Registered](),
		event.Define[Derived](),
		event.Define[Updated](),
		event.Define[AnalysisRequested](),
		event.Define[RemediationRequested](),
		event.Define[ConversionRequested](),
		event.Define[OperationStarted](),
		event.Define[Analyzed](),
		event.Define[Remediated](),
		event.Define[DocumentConverted](),
		event.Define[OperationFailed](),
		event.Define[Delivered](),
		event.Define[DeliveryFailed](),
		event.Define[Removed](),
		event.Define[Purged](),
	},
	Apply:    Apply,
	NotFound: ErrNotFound,
}

// Registered says that an uploaded object became a file. OccurredAt, here and in
// all events, is when the command was made, in UTC and whole milliseconds.
type Registered struct {
	FileID         id.File         `json:"fileId"`
	OrganizationID id.Organization `json:"organizationId"`
	// UserID is the owner; empty when an organization's key uploaded it.
	UserID   id.User       `json:"userId,omitempty"`
	Filename personal.Text `json:"filename,omitzero" subject:"organizationId"`
	Content  Content       `json:"content"`
	// Problem is why the document cannot be worked on; empty if it can.
	Problem    Reason    `json:"problem,omitempty"`
	OccurredAt time.Time `json:"occurredAt"`
}

// Derived says that a file is being made of another one.
type Derived struct {
	FileID         id.File         `json:"fileId"`
	OrganizationID id.Organization `json:"organizationId"`
	UserID         id.User         `json:"userId,omitempty"`
	ParentFileID   id.File         `json:"parentFileId"`
	JobID          id.Job          `json:"jobId"`
	Type           Type            `json:"type"`
	Format         Format          `json:"format"`
	Filename       personal.Text   `json:"filename,omitzero" subject:"organizationId"`
	OccurredAt     time.Time       `json:"occurredAt"`
}

// Updated changes what its fields hold.
type Updated struct {
	FileID         id.File         `json:"fileId"`
	OrganizationID id.Organization `json:"organizationId"`
	// Filename is absent when it stays.
	Filename personal.Text `json:"filename,omitzero" subject:"organizationId"`
	// Active is nil when it stays.
	Active     *bool     `json:"active,omitempty"`
	OccurredAt time.Time `json:"occurredAt"`
}

// AnalysisRequested begins an analysis. Was is the status before.
type AnalysisRequested struct {
	FileID         id.File         `json:"fileId"`
	OrganizationID id.Organization `json:"organizationId"`
	Work           Work            `json:"work"`
	// Forced says that a stored result was not wanted.
	Forced     bool      `json:"forced,omitempty"`
	Was        Status    `json:"was"`
	OccurredAt time.Time `json:"occurredAt"`
}

// RemediationRequested begins the work on an accessible version.
type RemediationRequested struct {
	FileID         id.File         `json:"fileId"`
	OrganizationID id.Organization `json:"organizationId"`
	Work           Work            `json:"work"`
	DerivedFileID  id.File         `json:"derivedFileId"`
	OccurredAt     time.Time       `json:"occurredAt"`
}

// ConversionRequested begins a conversion.
type ConversionRequested struct {
	FileID         id.File         `json:"fileId"`
	OrganizationID id.Organization `json:"organizationId"`
	Work           Work            `json:"work"`
	DerivedFileID  id.File         `json:"derivedFileId"`
	Target         Format          `json:"target"`
	OccurredAt     time.Time       `json:"occurredAt"`
}

// OperationStarted says that a worker took an operation up. Only the worker with
// the last fence can end it.
type OperationStarted struct {
	FileID     id.File   `json:"fileId"`
	JobID      id.Job    `json:"jobId"`
	Fence      int64     `json:"fence"`
	OccurredAt time.Time `json:"occurredAt"`
}

// Analyzed ends an analysis well.
type Analyzed struct {
	FileID         id.File         `json:"fileId"`
	OrganizationID id.Organization `json:"organizationId"`
	JobID          id.Job          `json:"jobId"`
	Done           Done            `json:"done"`
	OccurredAt     time.Time       `json:"occurredAt"`
}

// Remediated ends the work on an accessible version well.
type Remediated struct {
	FileID         id.File         `json:"fileId"`
	OrganizationID id.Organization `json:"organizationId"`
	JobID          id.Job          `json:"jobId"`
	DerivedFileID  id.File         `json:"derivedFileId"`
	Content        Content         `json:"content"`
	Done           Done            `json:"done"`
	OccurredAt     time.Time       `json:"occurredAt"`
}

// DocumentConverted ends a conversion well.
type DocumentConverted struct {
	FileID         id.File         `json:"fileId"`
	OrganizationID id.Organization `json:"organizationId"`
	JobID          id.Job          `json:"jobId"`
	DerivedFileID  id.File         `json:"derivedFileId"`
	Content        Content         `json:"content"`
	Done           Done            `json:"done"`
	OccurredAt     time.Time       `json:"occurredAt"`
}

// OperationFailed ends an operation without a result. It costs nothing.
type OperationFailed struct {
	FileID         id.File         `json:"fileId"`
	OrganizationID id.Organization `json:"organizationId"`
	JobID          id.Job          `json:"jobId"`
	Kind           Kind            `json:"kind"`
	Cancelled      bool            `json:"cancelled,omitempty"`
	Reason         Reason          `json:"reason"`
	// Message is a sentence for people. It may quote the document.
	Message personal.Text `json:"message,omitzero" subject:"organizationId"`
	// Status is that of the file afterwards.
	Status     Status    `json:"status"`
	OccurredAt time.Time `json:"occurredAt"`
}

// Delivered says that a derived file has its content.
type Delivered struct {
	FileID         id.File         `json:"fileId"`
	OrganizationID id.Organization `json:"organizationId"`
	JobID          id.Job          `json:"jobId"`
	Type           Type            `json:"type"`
	Content        Content         `json:"content"`
	Findings       Findings        `json:"findings"`
	OccurredAt     time.Time       `json:"occurredAt"`
}

// DeliveryFailed says that a derived file will have no content.
type DeliveryFailed struct {
	FileID         id.File         `json:"fileId"`
	OrganizationID id.Organization `json:"organizationId"`
	JobID          id.Job          `json:"jobId"`
	Reason         Reason          `json:"reason"`
	OccurredAt     time.Time       `json:"occurredAt"`
}

// Removed hides a file. Its bytes are there until PurgeAt.
type Removed struct {
	FileID         id.File         `json:"fileId"`
	OrganizationID id.Organization `json:"organizationId"`
	// WithDerived says that the files that were made of it are deleted too.
	WithDerived bool `json:"withDerived,omitempty"`
	// Was, Type and Size are those before, for the numbers of the organization.
	Was        Status    `json:"was"`
	Type       Type      `json:"type"`
	Size       int64     `json:"size,omitempty"`
	PurgeAt    time.Time `json:"purgeAt"`
	OccurredAt time.Time `json:"occurredAt"`
}

// Purged says that the bytes of a deleted file are gone.
type Purged struct {
	FileID         id.File         `json:"fileId"`
	OrganizationID id.Organization `json:"organizationId"`
	OccurredAt     time.Time       `json:"occurredAt"`
}

// EventType is the stored name.
func (Registered) EventType() string { return "FileRegistered" }

// EventType is the stored name.
func (Derived) EventType() string { return "FileDerived" }

// EventType is the stored name.
func (Updated) EventType() string { return "FileUpdated" }

// EventType is the stored name.
func (AnalysisRequested) EventType() string { return "FileAnalysisRequested" }

// EventType is the stored name.
func (RemediationRequested) EventType() string { return "FileRemediationRequested" }

// EventType is the stored name.
func (ConversionRequested) EventType() string { return "FileConversionRequested" }

// EventType is the stored name.
func (OperationStarted) EventType() string { return "FileOperationStarted" }

// EventType is the stored name.
func (Analyzed) EventType() string { return "FileAnalyzed" }

// EventType is the stored name.
func (Remediated) EventType() string { return "FileRemediated" }

// EventType is the stored name.
func (DocumentConverted) EventType() string { return "FileConverted" }

// EventType is the stored name.
func (OperationFailed) EventType() string { return "FileOperationFailed" }

// EventType is the stored name.
func (Delivered) EventType() string { return "FileDelivered" }

// EventType is the stored name.
func (DeliveryFailed) EventType() string { return "FileDeliveryFailed" }

// EventType is the stored name.
func (Removed) EventType() string { return "FileDeleted" }

// EventType is the stored name.
func (Purged) EventType() string { return "FilePurged" }
