package pdf

import (
	"cmp"
	"errors"
	"fmt"
)

// Limits bound what one file may cost. Zero means the default.
type Limits struct {
	// Objects is how many objects the cross-reference may list.
	Objects int
	// Depth is how deep arrays and dictionaries may nest.
	Depth int
	// StreamBytes is how many bytes one stream may decode to.
	StreamBytes int64
	// TotalBytes is how many bytes all streams together may decode to.
	TotalBytes int64
}

// DefaultLimits let through every ordinary document: they are about ten times what the largest known ones need.
func DefaultLimits() Limits {
	return Limits{Objects: 2_000_000, Depth: 128, StreamBytes: 128 << 20, TotalBytes: 1 << 30}
}

func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	l.Objects = cmp.Or(l.Objects, d.Objects)
	l.Depth = cmp.Or(l.Depth, d.Depth)
	l.StreamBytes = cmp.Or(l.StreamBytes, d.StreamBytes)
	l.TotalBytes = cmp.Or(l.TotalBytes, d.TotalBytes)
	return l
}

// Errors by which a file is refused as a whole.
var (
	// ErrNotPDF says that the bytes have no PDF header.
	ErrNotPDF = errors.New("the file is not a PDF")
	// ErrDamaged says that the file has no readable catalog or pages.
	ErrDamaged = errors.New("the PDF is damaged or truncated")
	// ErrPassword says that the file opens only with a password.
	ErrPassword = errors.New("the PDF is encrypted and needs a password")
	// ErrWrongPassword says that the password that was given is neither the user's nor the owner's.
	ErrWrongPassword = errors.New("the password does not open the PDF")
	// ErrCertificate says that the file is encrypted for the holders of certificates.
	ErrCertificate = errors.New("the PDF is encrypted for the holders of certificates")
	// ErrFilter says that a stream is compressed in a way that is not supported.
	ErrFilter = errors.New("the stream is compressed by an unsupported method")
	// ErrEncryption says that the file is encrypted by a method that is not supported.
	ErrEncryption = errors.New("the PDF is encrypted by an unsupported method")
)

// LimitError says which limit a file goes beyond.
type LimitError struct {
	What  string
	Limit int64
}

// Error names the limit.
func (e *LimitError) Error() string {
	return fmt.Sprintf("the PDF goes beyond a limit: more than %d %s", e.Limit, e.What)
}
