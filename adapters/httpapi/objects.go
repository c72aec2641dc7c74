package httpapi

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/perfectworks/backend/adapters/blob"
	"github.com/perfectworks/backend/adapters/identity"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/input"
)

// Objects serves what signed URLs allow. It is implemented by blob.Store.
type Objects interface {
	// Verify returns what the query of a signed URL allows for a method. It fails with
	// blob.ErrLinkInvalid and blob.ErrLinkExpired.
	Verify(method, rawQuery string, now time.Time) (blob.Link, error)
	// Receive stores a body of the link's size. When it returns nil, the object is on
	// disk. It fails with blob.ErrShort, and with the errors of reading as they are.
	Receive(ctx context.Context, l blob.Link, body io.Reader) error
	// Content opens an object. It fails with commands.ErrNoObject.
	Content(ctx context.Context, object string) (blob.Content, error)
}

// DefaultMaxFileSize bounds uploads, in bytes.
const DefaultMaxFileSize = 100 << 20

// The refusals of signed URLs beside those of blob.
var (
	errUploadMismatched = failure.New(failure.Forbidden, "UPLOAD_HEADERS_MISMATCHED",
		"the request does not have the headers for which the URL was signed: see the details")
	errDownloadGone = failure.New(failure.NotFound, "DOWNLOAD_NOT_FOUND",
		"there is nothing behind this URL any more")
)

var tagObjects = tag{"Objects", "What signed URLs lead to."}

// slowest is what a client must manage on the whole, in bytes a second: who is slower
// is cut off. leastTransfer is the time that everybody has.
const (
	slowest       = 32 << 10
	leastTransfer = 10 * time.Minute
)

// transferTime bounds the transfer of so many bytes.
func transferTime(size int64) time.Duration {
	return leastTransfer + time.Duration(size/slowest)*time.Second
}

// Transfers returns how many uploads and downloads by signed URLs are under way, and the
// bytes that the uploads among them have announced.
func (a *API) Transfers() (transfers int, bytes int64) { return a.streams.UnderWay() }

// registerObjects serves our signed URLs. They are not documented: a client uses them
// as they were issued, and a bucket's are others.
func (a *API) registerObjects() {
	path := strings.TrimPrefix(blob.Path, basePath)
	register(a, operation{
		id: "uploadObject", method: http.MethodPut, path: path, tag: tagObjects, summary: "Upload by signed URL", hidden: true,
		authorization: byLink(), body: streamedBody, maxBody: a.maxFileSize, timeout: transferTime(a.maxFileSize),
		message: "the bytes are stored",
		fails:   []error{blob.ErrLinkInvalid, blob.ErrLinkExpired, identity.ErrAccessEnded, errUploadMismatched},
	}, a.uploadObject)
	register(a, operation{
		id: "downloadObject", method: http.MethodGet, path: path, tag: tagObjects, summary: "Download by signed URL", hidden: true,
		authorization: byLink(), produces: []string{"application/octet-stream"}, timeout: transferTime(a.maxFileSize),
		message: "the content", fails: []error{blob.ErrLinkInvalid, blob.ErrLinkExpired, errDownloadGone},
	}, a.downloadObject)
}

// follow finds out what the signed URL of a request allows, and lets whom an upload
// was allowed to make it. URLs that are not ours are counted for the address that they
// come from. A download has no caller: whoever has the URL may use it.
func (a *API) follow(w http.ResponseWriter, r *http.Request, x *exchange) error {
	now := time.Now()
	if err := a.limits.peekAddress(w.Header(), x.client, now); err != nil {
		return err
	}
	link, err := a.objects.Verify(r.Method, r.URL.RawQuery, now)
	if err != nil {
		if limited := a.takeAddress(w, r, 1); limited != nil {
			return limited
		}
		return err
	}
	x.link = link
	if link.Method != http.MethodPut {
		return nil
	}
	x.principal, err = a.authenticator.Recall(r.Context(), link.Principal, link.Organization)
	if err != nil {
		x.principal = access.Principal{}
		return err
	}
	x.caller = callerOf(x.principal)
	if err := a.limits.take(w.Header(), x.principal, 1, now); err != nil {
		return err
	}
	if x.principal.RequireAny(access.WriteOwnFiles, access.WriteFilesOfOthers) != nil {
		return identity.ErrAccessEnded
	}
	return nil
}

// UploadedObject is what was stored.
type UploadedObject struct {
	ObjectKey string `json:"objectKey"`
	SizeBytes int64  `json:"sizeBytes"`
}

func (a *API) uploadObject(ctx context.Context, x *exchange, _ *struct{}) (reply[UploadedObject], error) {
	link := x.link
	if err := checkHeaders(x.http, link); err != nil {
		return reply[UploadedObject]{}, err
	}
	leave, err := a.streams.Enter(x.principal.ID(), string(link.Organization), link.Size)
	if err != nil {
		return reply[UploadedObject]{}, crowded(err)
	}
	defer leave()
	if body, ok := x.http.Body.(*arrivingBody); ok {
		body.until = time.Now().Add(transferTime(link.Size))
	}
	err = a.objects.Receive(ctx, link, x.http.Body)
	if errors.Is(err, blob.ErrShort) {
		err = errBodyUnreadable
	}
	if err != nil {
		return reply[UploadedObject]{}, err
	}
	return reply[UploadedObject]{data: UploadedObject{link.Object, link.Size}}, nil
}

// longestQuoted bounds what a refusal quotes of a request, in bytes.
const longestQuoted = 100

// checkHeaders names the headers of an upload that are not as they were signed.
func checkHeaders(r *http.Request, link blob.Link) error {
	var wrong failure.Fields
	note := func(name, signed, sent string) {
		if sent == "" {
			sent = "no such header"
		} else {
			sent = strconv.Quote(clipped(sent, longestQuoted))
		}
		wrong.Add(name, input.CodeMismatch, "must be "+strconv.Quote(signed)+", for which the URL was signed; the request has "+sent)
	}
	if types := r.Header["Content-Type"]; len(types) != 1 || types[0] != link.ContentType {
		note("Content-Type", link.ContentType, strings.Join(types, ", "))
	}
	if r.ContentLength != link.Size {
		sent := ""
		if r.ContentLength >= 0 {
			sent = strconv.FormatInt(r.ContentLength, 10)
		}
		note("Content-Length", strconv.FormatInt(link.Size, 10), sent)
	}
	f := failure.Of(wrong.Err())
	if f == nil {
		return nil
	}
	mismatch := *errUploadMismatched
	mismatch.Details = f.Details
	return &mismatch
}

// sandboxed keeps a document that a browser shows in spite of all from running or
// loading anything, and from acting as a page of this origin.
const sandboxed = "sandbox; default-src 'none'; frame-ancestors 'none'"

func (a *API) downloadObject(_ context.Context, x *exchange, _ *struct{}) (reply[noEnvelope], error) {
	link := x.link
	return reply[noEnvelope]{raw: &rawAnswer{write: func(ctx context.Context, w *rawWriter, r *http.Request) error {
		if err := a.downloadable(ctx, link.Object); err != nil {
			return err
		}
		leave, err := a.streams.Enter(network(x.client), "", 0)
		if err != nil {
			return crowded(err)
		}
		defer leave()
		// The client decides how long this takes.
		if err := x.place.Pause(); err != nil {
			return crowded(err)
		}
		content, err := a.objects.Content(ctx, link.Object)
		if errors.Is(err, commands.ErrNoObject) {
			return errDownloadGone
		}
		if err != nil {
			return err
		}
		defer func() { _ = content.Close() }() // It was only read.
		h := w.Header()
		h.Set("Content-Type", link.ContentType)
		h.Set("Content-Disposition", blob.Attachment(link.Filename))
		h.Set("Content-Security-Policy", sandboxed)
		h.Set("Cross-Origin-Resource-Policy", "same-site")
		h.Set("Cache-Control", "private, no-store")
		h.Set("ETag", contentTag(link.Object, content))
		http.ServeContent(w, r, "", content.ModifiedAt, content)
		return ctx.Err()
	}}}, nil
}

// contentTag names the content of an object. It is strong: a download that goes on
// where another one ended must be of the same bytes.
func contentTag(object string, content blob.Content) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d %d", object, content.Size, content.ModifiedAt.UnixNano()))
	return `"` + hex.EncodeToString(sum[:12]) + `"`
}
