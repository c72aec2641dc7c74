package documents

import (
	"cmp"
	"time"
)

// Limits bound the work on one file. Zero means the default.
type Limits struct {
	// FileBytes is how large a file may be.
	FileBytes int64 `json:"fileBytes"`
	// Memory is how many bytes the work may take beside the program itself.
	Memory int64 `json:"memory"`
	// CPU and Wall are how long it may take, in processor and in wall-clock time.
	CPU  time.Duration `json:"cpu"`
	Wall time.Duration `json:"wall"`
	// Pages is how many pages a PDF may have.
	Pages int `json:"pages"`
	// DecodedBytes is how many bytes all streams of a PDF together may decode to.
	DecodedBytes int64 `json:"decodedBytes"`
	// Operations is how many content operations of a PDF are looked at.
	Operations int `json:"operations"`
	// OutputBytes is how large a result may become.
	OutputBytes int64 `json:"outputBytes"`
}

// DefaultLimits suit documents of a few hundred megabytes and a few thousand pages.
func DefaultLimits() Limits {
	return Limits{
		FileBytes: 512 << 20, Memory: 1536 << 20, CPU: 2 * time.Minute, Wall: 3 * time.Minute,
		Pages: 9_999, DecodedBytes: 1 << 30, Operations: 50_000_000, OutputBytes: 1 << 30,
	}
}

func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	l.FileBytes = cmp.Or(l.FileBytes, d.FileBytes)
	l.Memory = cmp.Or(l.Memory, d.Memory)
	l.CPU = cmp.Or(l.CPU, d.CPU)
	l.Wall = cmp.Or(l.Wall, d.Wall)
	l.Pages = cmp.Or(l.Pages, d.Pages)
	l.DecodedBytes = cmp.Or(l.DecodedBytes, d.DecodedBytes)
	l.Operations = cmp.Or(l.Operations, d.Operations)
	l.OutputBytes = cmp.Or(l.OutputBytes, d.OutputBytes)
	return l
}
