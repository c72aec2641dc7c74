// Package files is the read model of files and of the operations on them.
//
// Reports are no rows: they are objects, and the rows name them.
package files

import (
	_ "embed"
	"time"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/file"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/projections"
	"github.com/perfectworks/backend/projections/list"
)

// Name is the projection's name.
const Name = "files"

var (
	//go:embed schema.sql
	tables string
	//go:embed indexes.sql
	indexes string
	//go:embed trigrams.sql
	trigrams string
)

const (
	files  = "files"
	jobs   = "jobs"
	totals = "totals"
)

// Definition is the read model.
func Definition() projections.Definition {
	return projections.Definition{
		Name: Name, Version: 2, Tables: tables, Indexes: indexes, Trigrams: trigrams,
		Personal: []projections.Personal{
			{Table: files, Subject: "organization_id", Columns: []string{"filename", "filename_folded"}},
			{Table: jobs, Subject: "organization_id", Columns: []string{"message"}},
		},
		Reducers: projections.Join(
			projections.On(registered),
			projections.On(derived),
			projections.On(updated),
			projections.On(analysisRequested),
			projections.On(remediationRequested),
			projections.On(conversionRequested),
			projections.On(operationStarted),
			projections.On(analyzed),
			projections.On(remediated),
			projections.On(converted),
			projections.On(operationFailed),
			projections.On(delivered),
			projections.On(deliveryFailed),
			projections.On(fileDeleted),
			projections.On(purged),
			projections.On(organizationPurged),
		),
	}
}

type (
	row    = projections.Row
	change = projections.Change
)

// patch changes the row of the file whose stream the event stands in.
func patch(name id.File, r event.Recorded, set row) change {
	set["revision"] = r.Revision
	return projections.Patch(files, row{"id": name}, set)
}

// counted adds to the number of an organization's files.
func counted(o id.Organization, files int64) change {
	return projections.Add(totals, row{"organization_id": o}, row{"files": files})
}

func registered(e file.Registered, r event.Recorded) []change {
	return []change{counted(e.OrganizationID, 1), projections.Put(files, row{"id": e.FileID}, row{
		"organization_id": e.OrganizationID, "user_id": e.UserID, "type": file.Original, "format": e.Content.Format,
		"filename": e.Filename.Reveal(), "filename_folded": list.Fold(e.Filename.Reveal()),
		"status": file.Uploaded, "size": e.Content.Size, "pages": e.Content.Pages, "characters": e.Content.Characters,
		"object": e.Content.Object, "sha256": e.Content.SHA256, "problem": e.Problem,
		"uploaded_at": e.OccurredAt, "revision": r.Revision, "created_at": e.OccurredAt, "updated_at": e.OccurredAt,
	})}
}

func derived(e file.Derived, r event.Recorded) []change {
	return []change{counted(e.OrganizationID, 1), projections.Put(files, row{"id": e.FileID}, row{
		"organization_id": e.OrganizationID, "user_id": e.UserID, "parent_id": e.ParentFileID, "type": e.Type, "format": e.Format,
		"filename": e.Filename.Reveal(), "filename_folded": list.Fold(e.Filename.Reveal()), "status": file.Processing,
		"uploaded_at": e.OccurredAt, "revision": r.Revision, "created_at": e.OccurredAt, "updated_at": e.OccurredAt,
	})}
}

func updated(e file.Updated, r event.Recorded) []change {
	set := row{"updated_at": e.OccurredAt}
	if !e.Filename.IsZero() {
		set["filename"], set["filename_folded"] = e.Filename.Reveal(), list.Fold(e.Filename.Reveal())
		set["organization_id"] = e.OrganizationID // Whose the text is.
	}
	if e.Active != nil {
		set["active"] = *e.Active
	}
	return []change{patch(e.FileID, r, set)}
}

// requested is the row of an operation.
func requested(o id.Organization, name id.File, w file.Work, kind file.Kind, target file.Format, derivedID id.File, at time.Time, r event.Recorded) change {
	return projections.Put(jobs, row{"id": w.JobID}, row{
		"file_id": name, "organization_id": o, "user_id": w.UserID, "derived_id": derivedID, "kind": kind, "target": target,
		"phase": file.Waiting, "engine": w.Engine, "pages": w.Pages, "tokens": w.Tokens,
		"deadline": w.Deadline, "requested_at": at, "revision": r.Revision,
	})
}

func analysisRequested(e file.AnalysisRequested, r event.Recorded) []change {
	return []change{
		requested(e.OrganizationID, e.FileID, e.Work, file.Analysis, "", "", e.OccurredAt, r),
		patch(e.FileID, r, row{"status": file.Processing, "updated_at": e.OccurredAt}),
	}
}

func remediationRequested(e file.RemediationRequested, r event.Recorded) []change {
	return []change{
		requested(e.OrganizationID, e.FileID, e.Work, file.Accessibility, "", e.DerivedFileID, e.OccurredAt, r),
		patch(e.FileID, r, row{"updated_at": e.OccurredAt}),
	}
}

func conversionRequested(e file.ConversionRequested, r event.Recorded) []change {
	return []change{
		requested(e.OrganizationID, e.FileID, e.Work, file.Conversion, e.Target, e.DerivedFileID, e.OccurredAt, r),
		patch(e.FileID, r, row{"updated_at": e.OccurredAt}),
	}
}

func operationStarted(e file.OperationStarted, r event.Recorded) []change {
	return []change{
		projections.Patch(jobs, row{"id": e.JobID}, row{"phase": file.Running, "started_at": e.OccurredAt, "revision": r.Revision}),
		patch(e.FileID, r, row{}),
	}
}

func completed(name id.Job, done file.Done, at time.Time, r event.Recorded) change {
	return projections.Patch(jobs, row{"id": name}, row{
		"phase": file.Completed, "pages": done.Pages, "charged": done.Tokens, "ended_at": at, "revision": r.Revision,
	})
}

func analyzed(e file.Analyzed, r event.Recorded) []change {
	return []change{
		completed(e.JobID, e.Done, e.OccurredAt, r),
		patch(e.FileID, r, row{
			"status": file.Processed, "report": e.Done.Findings.Report, "score": e.Done.Findings.Score,
			"processed_at": e.OccurredAt, "updated_at": e.OccurredAt,
		}),
	}
}

func remediated(e file.Remediated, r event.Recorded) []change {
	return []change{completed(e.JobID, e.Done, e.OccurredAt, r), patch(e.FileID, r, row{"updated_at": e.OccurredAt})}
}

func converted(e file.DocumentConverted, r event.Recorded) []change {
	return []change{completed(e.JobID, e.Done, e.OccurredAt, r), patch(e.FileID, r, row{"updated_at": e.OccurredAt})}
}

func operationFailed(e file.OperationFailed, r event.Recorded) []change {
	phase := file.Broken
	if e.Cancelled {
		phase = file.Cancelled
	}
	return []change{
		projections.Patch(jobs, row{"id": e.JobID}, row{
			"phase": phase, "reason": e.Reason, "ended_at": e.OccurredAt, "revision": r.Revision,
			"message": e.Message.Reveal(), "organization_id": e.OrganizationID,
		}),
		patch(e.FileID, r, row{"status": e.Status, "updated_at": e.OccurredAt}),
	}
}

func delivered(e file.Delivered, r event.Recorded) []change {
	return []change{patch(e.FileID, r, row{
		"status": file.Processed, "format": e.Content.Format, "size": e.Content.Size, "pages": e.Content.Pages, "characters": e.Content.Characters,
		"object": e.Content.Object, "sha256": e.Content.SHA256, "report": e.Findings.Report, "score": e.Findings.Score,
		"receipt": e.Findings.Report, "processed_at": e.OccurredAt, "updated_at": e.OccurredAt,
	})}
}

func deliveryFailed(e file.DeliveryFailed, r event.Recorded) []change {
	return []change{patch(e.FileID, r, row{"status": file.Failed, "problem": e.Reason, "updated_at": e.OccurredAt})}
}

func fileDeleted(e file.Removed, r event.Recorded) []change {
	return []change{counted(e.OrganizationID, -1), patch(e.FileID, r, row{
		"status": file.Deleted, "deleted_at": e.OccurredAt, "purge_at": e.PurgeAt, "updated_at": e.OccurredAt,
	})}
}

func purged(e file.Purged, r event.Recorded) []change {
	return []change{patch(e.FileID, r, row{"purged": true, "updated_at": e.OccurredAt})}
}

func organizationPurged(e organization.Purged, _ event.Recorded) []change {
	match := row{"organization_id": e.OrganizationID}
	return []change{projections.DeleteWhere(files, match), projections.DeleteWhere(jobs, match), projections.Delete(totals, match)}
}
