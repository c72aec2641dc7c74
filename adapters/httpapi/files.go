package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/perfectworks/backend/adapters/processing"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/file"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/projections/files"
)

// FileWork follows the operations on files, and reads what they recorded.
type FileWork interface {
	// Wait returns the position in the log once an operation has ended, with all that
	// follows.
	Wait(ctx context.Context, job id.Job) (event.Position, error)
	// Progress tells how far an operation is.
	Progress(ctx context.Context, job id.Job) (processing.Progress, error)
	// Record reads the record of an operation, as JSON. It fails with
	// commands.ErrNoObject.
	Record(ctx context.Context, object string) ([]byte, error)
}

// ListedFile is a file without its analysis.
type ListedFile struct {
	ID             string  `json:"id" example:"file_01jd9z3q5we8x9v6m2k4t7r1b9"`
	UserID         *string `json:"userId,omitempty" doc:"The owner; absent for a file of an organization's key." example:"user_01jd9z3q5we8x9v6m2k4t7r1b9"`
	OrganizationID string  `json:"organizationId" example:"org_01jd9z3q5we8x9v6m2k4t7r1b9"`
	ParentFileID   *string `json:"parentFileId,omitempty" doc:"The file that this one was made of; absent for an original." example:"file_01jd9z3q5we8x9v6m2k4t7r1b9"`
	FileType       string  `json:"fileType" enum:"original,accessible,converted" example:"original"`
	Filename       string  `json:"filename" example:"Annual report.pdf"`
	FileFormat     string  `json:"fileFormat" enum:"pdf,html" example:"pdf"`
	MimeType       string  `json:"mimeType" enum:"application/pdf,text/html" example:"application/pdf"`
	FileSize       int64   `json:"fileSize" doc:"In bytes; 0 until the file has content." example:"73400"`
	PageCount      *int64  `json:"pageCount,omitempty" doc:"Of a PDF." example:"12"`
	CharsCount     *int64  `json:"charsCount,omitempty" doc:"Characters of the text of an HTML document." example:"5120"`
	ObjectKey      string  `json:"objectKey" doc:"The key of the stored content; empty until there is some." example:"files/org_01jd9z3q5we8x9v6m2k4t7r1b9/file_01jd9z3q5we8x9v6m2k4t7r1b9/0f2b.pdf"`
	UploadDate     Time    `json:"uploadDate"`
	ProcessedAt    *Time   `json:"processedAt" nullable:"true" example:"" doc:"When the content, or its analysis, was ready; null before."`
	Status         string  `json:"status" enum:"uploaded,processing,processed,failed,deleted" example:"uploaded"`
	IsActive       bool    `json:"isActive" doc:"Whether the file can be downloaded and worked on." example:"true"`
	CreatedAt      Time    `json:"createdAt"`
	UpdatedAt      Time    `json:"updatedAt"`
}

// File is a file with its analysis.
type File struct {
	ListedFile
	AnalysisResult orNull[AnalysisResult] `json:"analysisResult" doc:"The last analysis; null without one."`
}

// AnalysisResult is the result of an analysis.
type AnalysisResult struct {
	AnalysedAt Time            `json:"analysedAt"`
	Results    AnalysisResults `json:"results"`
}

// AnalysisResults are what an analysis found.
type AnalysisResults struct {
	Success      bool               `json:"success" example:"true"`
	OverallScore *int               `json:"overallScore,omitempty" minimum:"0" maximum:"100" example:"87"`
	Error        string             `json:"error,omitempty" doc:"Why the document could not be analysed." example:"The file is empty."`
	Categories   []AnalysisCategory `json:"categories,omitempty"`
}

// AnalysisCategory is one group of findings.
type AnalysisCategory struct {
	Name    string          `json:"name" enum:"accessibility,best_practices,compliance,performance,seo" example:"accessibility"`
	Score   *int            `json:"score" nullable:"true" doc:"From 0 to 100; null where the category does not apply." example:"92"`
	Status  string          `json:"status" enum:"pass,fail,manual,not_applicable" example:"pass"`
	Summary AnalysisSummary `json:"summary"`
	Issues  []AnalysisIssue `json:"issues"`
}

// AnalysisSummary counts findings.
type AnalysisSummary struct {
	ErrorCount   int `json:"errorCount" example:"0"`
	WarningCount int `json:"warningCount" example:"0"`
	InfoCount    int `json:"infoCount" example:"3"`
	TotalIssues  int `json:"totalIssues" example:"3"`
}

// AnalysisIssue is one finding.
type AnalysisIssue struct {
	ID          string            `json:"id" example:"7.1-9/1"`
	Title       string            `json:"title" example:"The document has no title"`
	Description string            `json:"description" example:"The document has no title. ISO 14289-1, 7.1."`
	Category    string            `json:"category" enum:"accessibility,best_practices,compliance,performance,seo" example:"compliance"`
	Severity    string            `json:"severity" enum:"error,warning,info" example:"error"`
	Location    *AnalysisLocation `json:"location,omitempty"`
}

// AnalysisLocation is where a finding is.
type AnalysisLocation struct {
	PageNumber int `json:"pageNumber,omitempty" example:"3"`
	Line       int `json:"line,omitempty" example:"12"`
	Column     int `json:"column,omitempty" example:"5"`
}

func listedFileOf(f files.File) ListedFile {
	l := ListedFile{
		ID: string(f.ID), UserID: optional(string(f.UserID)), OrganizationID: string(f.OrganizationID), ParentFileID: optional(string(f.ParentID)),
		FileType: string(f.Type), Filename: f.Filename, FileFormat: string(f.Format), MimeType: f.Format.MIME(), FileSize: f.Size,
		ObjectKey: f.Object, UploadDate: Time{f.UploadedAt}, ProcessedAt: optionalTime(f.ProcessedAt), Status: string(f.Status), IsActive: f.Active,
		CreatedAt: Time{f.CreatedAt}, UpdatedAt: Time{f.UpdatedAt},
	}
	switch {
	case f.Format == file.PDF && f.Pages > 0:
		l.PageCount = &f.Pages
	case f.Format == file.HTML && f.Object != "":
		l.CharsCount = &f.Characters
	}
	return l
}

// fileOf is a file with its analysis, for those who may read it.
func (a *API) fileOf(ctx context.Context, p access.Principal, f files.File) (File, error) {
	out := File{ListedFile: listedFileOf(f)}
	own := p.UserID != "" && p.UserID == f.UserID && p.Kind != access.KindSystem
	if f.Report == "" || !own && !p.May(access.ReadFilesOfOthers) {
		return out, nil
	}
	text, err := a.fileWork.Record(ctx, f.Report)
	if errors.Is(err, commands.ErrNoObject) {
		return out, nil // It was deleted behind our back.
	}
	if err != nil {
		return File{}, err
	}
	out.AnalysisResult.value = &AnalysisResult{}
	return out, json.Unmarshal(text, out.AnalysisResult.value)
}

var tagFiles = tag{"Files", "Upload documents, analyse them, make them accessible, convert and download them."}

// whoseFiles is what the descriptions of operations on one file say.
const whoseFiles = "A person's own files; an organization's key, owners and admins can use it for all files of the organization."

func (a *API) registerFiles() {
	read := permitted(access.ReadOwnFiles, access.ReadFilesOfOthers)
	see := permitted(access.ReadOwnFiles, access.ListFilesOfOthers)
	write := permitted(access.WriteOwnFiles, access.WriteFilesOfOthers)
	register(a, operation{
		id: "createFileUploadUrl", method: http.MethodPost, path: "/files/upload-url", tag: tagFiles, tolerant: true,
		summary: "Create upload URL",
		description: "Send the bytes with a single PUT to the URL, with exactly this Content-Type and Content-Length, within an hour. " +
			"Then register the file with POST /files, within a day.",
		authorization: write, secret: true, message: "the upload URL was created",
		fails: []error{commands.ErrFileTooLarge, commands.ErrFileType, file.ErrUploadNotFound, file.ErrUploadMismatched, file.ErrClaimed},
	}, a.createUploadURL)
	register(a, operation{
		id: "createFile", method: http.MethodPost, path: "/files", tag: tagFiles, tolerant: true, timeout: claimTimeout,
		summary: "Register uploaded file", description: "Makes what was uploaded a file. An upload becomes one file only.",
		authorization: write, status: http.StatusCreated, message: "the file was registered",
		fails: []error{file.ErrUploadNotFound, file.ErrClaimed, file.ErrUploadMismatched, commands.ErrInspectionBusy},
	}, a.createFile)
	register(a, operation{
		id: "listFiles", method: http.MethodGet, path: "/files", tag: tagFiles,
		summary: "List files",
		description: "Own files; with `owner=all` those of the organization, for owners, admins and viewers. " +
			"An organization's key sees all. Without analysis results.",
		authorization: see, reads: []string{files.Name}, list: &files.List, message: "the files",
	}, a.listFiles)
	register(a, operation{
		id: "getFile", method: http.MethodGet, path: "/files/{fileId}", tag: tagFiles,
		summary: "Get file", description: "With its analysis. " + whoseFiles,
		authorization: see, reads: []string{files.Name}, conditional: true, message: "the file",
		fails: []error{file.ErrNotFound},
	}, a.getFile)
	register(a, operation{
		id: "updateFile", method: http.MethodPut, path: "/files/{fileId}", tag: tagFiles, tolerant: true,
		summary: "Update file", description: "A file that is not active is kept, but can neither be downloaded nor worked on. " + whoseFiles,
		authorization: write, message: "the file was updated", fails: []error{file.ErrNotFound},
	}, a.updateFile)
	register(a, operation{
		id: "deleteFile", method: http.MethodDelete, path: "/files/{fileId}", tag: tagFiles,
		summary: "Delete file",
		description: "The file vanishes from all lists, its download URLs stop working, and what is under way on it is cancelled. " +
			"Its bytes are deleted after a grace. Repeating it gives the same answer. " + whoseFiles,
		authorization: write, message: "the file was deleted", fails: []error{file.ErrNotFound},
	}, a.deleteFile)
	register(a, operation{
		id: "createFileDownloadUrl", method: http.MethodPost, path: "/files/{fileId}/download-url", tag: tagFiles, tolerant: true,
		summary: "Create download URL", description: "Anybody who has the URL can download the file until it expires. " + whoseFiles,
		authorization: read, secret: true, message: "the download URL was created",
		fails: []error{file.ErrNotFound, file.ErrInactive, file.ErrNotReady, file.ErrContentFailed},
	}, a.createDownloadURL)
	a.registerFileOperations(write)
	a.registerFileJobs(see, write)
}

// claimTimeout bounds a claim, which copies and counts.
const claimTimeout = 29 * time.Second

// UploadURL is where the bytes of a file go.
type UploadURL struct {
	UploadURL string `json:"uploadUrl" doc:"For a single PUT." example:"https://api.example.com/api/v0/objects/upload?key=uploads%2Forg_01jd9z3q5we8x9v6m2k4t7r1b9&signature=4f2a"`
	ObjectKey string `json:"objectKey" doc:"Names the upload in POST /files." example:"uploads/org_01jd9z3q5we8x9v6m2k4t7r1b9/01jd9z3q5we8x9v6m2k4t7r1b9.73400.pdf.4f2a"`
	ExpiresAt Time   `json:"expiresAt" doc:"When the URL stops working."`
}

type createUploadURLInput struct {
	Body struct {
		Filename    string  `json:"filename" maxLength:"4096" example:"Annual report.pdf"`
		ContentType string  `json:"contentType" maxLength:"255" doc:"application/pdf or text/html." example:"application/pdf"`
		SizeBytes   int64   `json:"sizeBytes" doc:"The exact number of bytes." minimum:"1" example:"73400"`
		ObjectKey   *string `json:"objectKey,omitempty" nullable:"true" maxLength:"512" doc:"An upload that another URL is wanted for, with the same type and size. By default a new upload." example:""`
	} `nameHint:"NewUpload"`
}

func (a *API) createUploadURL(ctx context.Context, x *exchange, in *createUploadURLInput) (reply[UploadURL], error) {
	result, err := a.commands.RequestUpload(ctx, a.command(ctx, x), commands.RequestUpload{
		Filename: in.Body.Filename, ContentType: in.Body.ContentType, Size: in.Body.SizeBytes, ObjectKey: textOf(in.Body.ObjectKey),
	})
	if err != nil {
		return reply[UploadURL]{}, err
	}
	u := result.Value
	return reply[UploadURL]{data: UploadURL{UploadURL: u.URL, ObjectKey: u.ObjectKey, ExpiresAt: Time{u.ExpiresAt}}}, nil
}

type createFileInput struct {
	Body struct {
		Filename  string `json:"filename" maxLength:"4096" doc:"For display; folders before the name are left out." example:"Annual report.pdf"`
		ObjectKey string `json:"objectKey" maxLength:"512" doc:"From POST /files/upload-url." example:"uploads/org_01jd9z3q5we8x9v6m2k4t7r1b9/01jd9z3q5we8x9v6m2k4t7r1b9.73400.pdf.4f2a"`
	} `nameHint:"NewFile"`
}

func (a *API) createFile(ctx context.Context, x *exchange, in *createFileInput) (reply[File], error) {
	result, err := a.commands.ClaimUpload(ctx, a.command(ctx, x), commands.ClaimUpload{
		Filename: in.Body.Filename, ObjectKey: in.Body.ObjectKey,
	})
	if err != nil {
		return reply[File]{}, err
	}
	out := written(result, File{ListedFile: listedFileOf(files.Of(result.Value))})
	out.location = basePath + "/files/" + out.data.ID
	return out, nil
}

type listFilesInput struct {
	ListInput
	Owner string `query:"owner" enum:"own,all" doc:"own, by default, or all files of the organization." example:"own"`
}

func (a *API) listFiles(ctx context.Context, x *exchange, in *listFilesInput) (reply[Page[ListedFile]], error) {
	scope := files.Scope{OrganizationID: x.principal.OrganizationID}
	switch p := x.principal; {
	case p.Kind == access.KindOrganizationKey, p.Kind == access.KindSystem:
	case in.Owner != "all":
		scope.UserID = p.UserID
	case !p.May(access.ListFilesOfOthers):
		return reply[Page[ListedFile]]{}, access.ErrForbidden
	}
	page, err := a.queries.Files.List(ctx, scope, in.request(x))
	if err != nil {
		return reply[Page[ListedFile]]{}, err
	}
	return reply[Page[ListedFile]]{data: pageOf(page, listedFileOf)}, nil
}

// visibleFiles returns the files that a caller may see one by one.
func visibleFiles(p access.Principal) files.Scope {
	scope := files.Scope{OrganizationID: p.OrganizationID}
	if !p.May(access.ListFilesOfOthers) {
		scope.UserID = p.UserID
	}
	return scope
}

type fileInput struct {
	FileID string `path:"fileId" example:"file_01jd9z3q5we8x9v6m2k4t7r1b9"`
}

func (a *API) getFile(ctx context.Context, x *exchange, in *fileInput) (reply[File], error) {
	f, err := a.visibleFile(ctx, x, in.FileID)
	if err != nil {
		return reply[File]{}, err
	}
	data, err := a.fileOf(ctx, x.principal, f)
	return reply[File]{data: data, revision: &f.Revision}, err
}

func (a *API) visibleFile(ctx context.Context, x *exchange, name string) (files.File, error) {
	if err := file.Aggregate.Check(id.File(name)); err != nil {
		return files.File{}, err
	}
	return a.queries.Files.Get(ctx, visibleFiles(x.principal), id.File(name))
}

type updateFileInput struct {
	FileID string `path:"fileId" example:"file_01jd9z3q5we8x9v6m2k4t7r1b9"`
	Body   struct {
		Filename *string `json:"filename,omitempty" nullable:"true" minLength:"1" maxLength:"4096" doc:"At most 255 characters, once folders before the name are left out." example:"Annual report 2026.pdf"`
		IsActive *bool   `json:"isActive,omitempty" nullable:"true" example:"true"`
	} `nameHint:"FileChange"`
}

func (a *API) updateFile(ctx context.Context, x *exchange, in *updateFileInput) (reply[File], error) {
	result, err := withCondition(ctx, a, x, a.commands.UpdateFile, commands.UpdateFile{
		FileID: id.File(in.FileID), Filename: in.Body.Filename, Active: in.Body.IsActive,
	})
	if err != nil {
		return reply[File]{}, err
	}
	data, err := a.fileOf(ctx, x.principal, files.Of(result.Value))
	return written(result, data), err
}

type deleteFileInput struct {
	FileID  string `path:"fileId" example:"file_01jd9z3q5we8x9v6m2k4t7r1b9"`
	Derived bool   `query:"derived" doc:"Whether the files that were made of this one are deleted as well." example:"false"`
}

func (a *API) deleteFile(ctx context.Context, x *exchange, in *deleteFileInput) (reply[ListedFile], error) {
	result, err := withCondition(ctx, a, x, a.commands.DeleteFile, commands.DeleteFile{
		FileID: id.File(in.FileID), WithDerived: in.Derived,
	})
	if err != nil {
		return reply[ListedFile]{}, err
	}
	return written(result, listedFileOf(files.Of(result.Value))), nil
}

// DownloadURL is where a file can be downloaded.
type DownloadURL struct {
	DownloadURL string `json:"downloadUrl" example:"https://api.example.com/api/v0/objects/download?key=files%2Forg_01jd9z3q5we8x9v6m2k4t7r1b9&signature=4f2a"`
	ExpiresAt   Time   `json:"expiresAt" doc:"When the URL stops working."`
}

type createDownloadURLInput struct {
	FileID string `path:"fileId" example:"file_01jd9z3q5we8x9v6m2k4t7r1b9"`
	Body   *struct {
		ExpiresIn *int64 `json:"expiresIn,omitempty" nullable:"true" minimum:"1" maximum:"86400" doc:"For how many seconds the URL works; by default an hour." example:"3600"`
	} `nameHint:"NewDownloadUrl"`
}

func (a *API) createDownloadURL(ctx context.Context, x *exchange, in *createDownloadURLInput) (reply[DownloadURL], error) {
	c := commands.LinkFile{FileID: id.File(in.FileID)}
	if in.Body != nil && in.Body.ExpiresIn != nil {
		life := time.Duration(*in.Body.ExpiresIn) * time.Second
		c.Life = &life
	}
	result, err := a.commands.LinkFile(ctx, a.command(ctx, x), c)
	if err != nil {
		return reply[DownloadURL]{}, err
	}
	return reply[DownloadURL]{data: DownloadURL{DownloadURL: result.Value.URL, ExpiresAt: Time{result.Value.ExpiresAt}}}, nil
}
