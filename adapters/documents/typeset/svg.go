package typeset

import (
	"bytes"
)

// looksLikeSVG tells whether data is a drawing rather than an image.
func looksLikeSVG(data []byte) bool {
	head := bytes.TrimLeft(data[:min(len(data), 1024)], "\xef\xbb\xbf \t\r\n")
	return bytes.HasPrefix(head, []byte("<")) && bytes.Contains(head, []byte("<svg"))
}

func (m *images) drawing(data []byte) (*loaded, error) { return nil, errUnknownImage }
