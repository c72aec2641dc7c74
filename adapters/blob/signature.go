package blob

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/id"
)

// Link is what one of our signed URLs allows.
type Link struct {
	// Method is PUT or GET. GET includes HEAD.
	Method string
	Object string
	// ContentType and Size in bytes are those that an upload must have exactly. A
	// download answers with the type.
	ContentType string
	Size        int64
	// Principal and Organization are whom an upload was allowed to.
	Principal    string
	Organization id.Organization
	// Filename is how a download is to be called: for display alone.
	Filename string
	// ExpireAt is the first instant at which the URL does not work. It has whole
	// seconds.
	ExpireAt time.Time
}

// The refusals of a signed URL.
var (
	ErrLinkInvalid = failure.New(failure.Forbidden, "SIGNED_URL_INVALID",
		"this is not a signed URL of this server for this method: use it exactly as it was issued")
	ErrLinkExpired = failure.New(failure.Forbidden, "SIGNED_URL_EXPIRED",
		"the signed URL has expired: ask for a new one")
)

// Path is where our signed URLs are served.
const Path = "/api/v0/objects"

// The query parameters of our signed URLs.
const (
	paramObject       = "object"
	paramType         = "type"
	paramLength       = "length"
	paramPrincipal    = "principal"
	paramOrganization = "organization"
	paramFilename     = "filename"
	paramExpires      = "expires"
	paramSignature    = "signature"
)

// signer makes and checks our signed URLs.
type signer struct {
	keys Hasher
	base string
}

// purpose names the keys of signed URLs among those of the installation.
const purpose = "signed urls of objects"

// key is that of the URLs which expire on one day, in UTC. So it changes each day,
// and one that became known would be of no use for any other day; the date-scoped
// keys of AWS Signature Version 4 are made alike. All processes on a database
// derive the same keys, from its root secret.
func (s signer) key(expireAt time.Time) []byte {
	key, err := hex.DecodeString(s.keys.Hash(purpose, expireAt.UTC().Format(time.DateOnly)))
	if err != nil {
		panic(err) // Hash writes hexadecimal.
	}
	return key
}

// mac is the HMAC-SHA-256 of all that a link allows. Each field is preceded by its
// length, so that no two links are written alike.
func (s signer) mac(l Link) []byte {
	mac := hmac.New(sha256.New, s.key(l.ExpireAt))
	for _, field := range []string{
		l.Method, l.Object, l.ContentType, strconv.FormatInt(l.Size, 10), l.Principal, string(l.Organization),
		l.Filename, strconv.FormatInt(l.ExpireAt.Unix(), 10),
	} {
		mac.Write([]byte(strconv.Itoa(len(field)) + ":" + field))
	}
	return mac.Sum(nil)
}

func (s signer) sign(l Link) string {
	q := url.Values{
		paramObject: {l.Object}, paramType: {l.ContentType}, paramExpires: {strconv.FormatInt(l.ExpireAt.Unix(), 10)},
		paramSignature: {base64.RawURLEncoding.EncodeToString(s.mac(l))},
	}
	if l.Method == http.MethodPut {
		q.Set(paramLength, strconv.FormatInt(l.Size, 10))
		q.Set(paramPrincipal, l.Principal)
		q.Set(paramOrganization, string(l.Organization))
	} else {
		q.Set(paramFilename, l.Filename)
	}
	return s.base + Path + "?" + q.Encode()
}

// verify returns what the query of a signed URL allows for a method, which is that
// of the request.
func (s signer) verify(method, rawQuery string, now time.Time) (Link, error) {
	q, err := url.ParseQuery(rawQuery)
	if err != nil || len(rawQuery) > maxQuery {
		return Link{}, ErrLinkInvalid
	}
	l := Link{
		Method: method, Object: q.Get(paramObject), ContentType: q.Get(paramType),
		Principal: q.Get(paramPrincipal), Organization: id.Organization(q.Get(paramOrganization)), Filename: q.Get(paramFilename),
	}
	if method == http.MethodHead {
		l.Method = http.MethodGet
	}
	expires, expiresErr := whole(q.Get(paramExpires))
	length, lengthErr := whole(q.Get(paramLength))
	signature, signatureErr := base64.RawURLEncoding.Strict().DecodeString(q.Get(paramSignature))
	if expiresErr != nil || signatureErr != nil || lengthErr != nil && q.Has(paramLength) {
		return Link{}, ErrLinkInvalid
	}
	l.Size, l.ExpireAt = length, time.Unix(expires, 0).UTC()
	switch {
	case !hmac.Equal(signature, s.mac(l)):
		return Link{}, ErrLinkInvalid
	case !now.Before(l.ExpireAt):
		return Link{}, ErrLinkExpired
	}
	return l, nil
}

// maxQuery bounds the query of a signed URL, in bytes.
const maxQuery = 8 << 10

// latest is a second beyond what dates are written for, with four digits.
const latest = 253402300800

// whole reads a number that is written in the one form in which it is signed.
func whole(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err == nil && (n < 0 || n >= latest || strings.TrimSpace(text) != text || strconv.FormatInt(n, 10) != text) {
		err = strconv.ErrSyntax
	}
	return n, err
}
