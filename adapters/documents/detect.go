package documents

import (
	"bytes"
	"net/http"
	"strings"
)

// detect finds the format of a file by its first bytes.
func detect(data []byte) (Format, error) {
	if len(bytes.TrimSpace(data[:min(len(data), 4096)])) == 0 {
		return "", problem(Damaged, "The file is empty.")
	}
	head := data[:min(len(data), 1024)]
	if bytes.Contains(head, []byte("%PDF-")) {
		return PDF, nil
	}
	if looksLikeHTML(data) {
		return HTML, nil
	}
	kind, _, _ := strings.Cut(http.DetectContentType(data), ";")
	return "", problem(Unsupported, "The file is neither PDF nor HTML; it looks like %s.", kind)
}

// looksLikeHTML tells whether a file starts with markup, in an encoding that has ASCII in it or in UTF-16.
func looksLikeHTML(data []byte) bool {
	head := data[:min(len(data), 4096)]
	for _, mark := range []string{"\xef\xbb\xbf", "\xff\xfe", "\xfe\xff"} {
		head = bytes.TrimPrefix(head, []byte(mark))
	}
	head = bytes.ToLower(bytes.TrimSpace(bytes.ReplaceAll(head, []byte{0}, nil)))
	if !bytes.HasPrefix(head, []byte("<")) {
		return false
	}
	for _, start := range []string{"<!doctype html", "<html", "<head", "<body", "<title", "<meta"} {
		if bytes.Contains(head, []byte(start)) {
			return true
		}
	}
	return strings.HasPrefix(http.DetectContentType(head), "text/html")
}
