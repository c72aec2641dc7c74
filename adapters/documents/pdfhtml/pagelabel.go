package pdfhtml

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// labelRange numbers pages from one on (ISO 32000-1, 12.4.2).
type labelRange struct {
	// from is the index of its first page, from 0.
	from   int
	style  pdf.Name
	prefix string
	start  int
}

const (
	// maxLabelRanges bounds the ranges of a file.
	maxLabelRanges = 10_000
	// maxPrefix bounds the prefix of a label, in characters.
	maxPrefix = 40
	// maxLetters bounds labels of letters, which double after every 26 pages.
	maxLetters = 16
)

// pageLabel gives the number of a page as it is printed on it, or its place among the pages.
func (b *builder) pageLabel(number int) string {
	if !b.labelled {
		b.labelled = true
		b.readLabels()
		slices.SortStableFunc(b.labels, func(a, c labelRange) int { return cmp.Compare(a.from, c.from) })
	}
	i, found := slices.BinarySearchFunc(b.labels, number-1, func(r labelRange, index int) int {
		return cmp.Compare(r.from, index)
	})
	if !found {
		i--
	}
	if i < 0 {
		return strconv.Itoa(number)
	}
	r := b.labels[i]
	n := r.start + number - 1 - r.from
	label := r.prefix
	switch r.style {
	case "D":
		label += strconv.Itoa(n)
	case "R":
		label += strings.ToUpper(romanOf(n))
	case "r":
		label += romanOf(n)
	case "A", "a":
		letter := string(rune('a' + (n-1)%26))
		if r.style == "A" {
			letter = strings.ToUpper(letter)
		}
		label += strings.Repeat(letter, min((n-1)/26+1, maxLetters))
	}
	if label == "" {
		return strconv.Itoa(number)
	}
	return label
}

// readLabels reads the number tree of page labels.
func (b *builder) readLabels() {
	for key, value := range b.file.Pairs(b.file.Catalog()["PageLabels"], "Nums", maxNameDepth) {
		if len(b.labels) >= maxLabelRanges {
			break
		}
		from, ok := b.file.Integer(key)
		d, isDict := b.file.Dict(value)
		if !ok || !isDict || from < 0 || from > int64(len(b.pages)) {
			continue
		}
		prefix, _ := b.file.String(d["P"])
		start, ok := b.file.Integer(d["St"])
		if !ok || start < 1 || start > maxNumber {
			start = 1
		}
		b.labels = append(b.labels, labelRange{
			from: int(from), style: b.file.Name(d["S"]), prefix: shorten(cleanLine(prefix.Text()), maxPrefix), start: int(start),
		})
	}
}
