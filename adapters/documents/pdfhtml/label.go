package pdfhtml

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// numbering is a way to count items, by its type attribute in HTML.
type numbering string

const (
	decimal    numbering = "1"
	lowerAlpha numbering = "a"
	upperAlpha numbering = "A"
	lowerRoman numbering = "i"
	upperRoman numbering = "I"
)

var numberings = map[pdf.Name]numbering{
	"Decimal": decimal, "LowerAlpha": lowerAlpha, "UpperAlpha": upperAlpha, "LowerRoman": lowerRoman,
	"UpperRoman": upperRoman,
}

// labelKind tells what the label of an item is.
type labelKind int

const (
	noLabel labelKind = iota
	bullet
	// number may be given by HTML itself.
	number
	// word is a term that the item explains.
	word
	// other must be written as it is.
	other
)

const (
	// maxNumber bounds the numbers of items.
	maxNumber = 1_000_000
	// leastTerm is how many letters a term has at the least.
	leastTerm = 3
)

func kindOfLabel(label string) labelKind {
	if label == "" {
		return noLabel
	}
	lettersOrDigits, count := 0, 0
	for _, r := range label {
		lettersOrDigits += one(unicode.IsLetter(r) || unicode.IsDigit(r))
		count += one(unicode.IsLetter(r))
	}
	switch {
	case lettersOrDigits == 0 || label == "o": // the round bullet of text in one font
		return bullet
	case len(readings(label)) > 0:
		return number
	case count >= leastTerm && !strings.HasPrefix(label, "[") && !unicode.IsDigit(rune(label[len(label)-1])):
		return word
	}
	return other
}

// readings gives the values that a label has in each way of counting it may be in.
func readings(label string) map[numbering]int {
	core := strings.TrimRight(strings.TrimPrefix(label, "("), ".)")
	if core == "" || utf8.RuneCountInString(label)-utf8.RuneCountInString(core) > 2 {
		return nil
	}
	out := map[numbering]int{}
	if n, err := strconv.Atoi(core); err == nil && n >= 0 && n <= maxNumber && core[0] != '+' {
		out[decimal] = n
		return out
	}
	if len(core) == 1 {
		switch c := core[0]; {
		case c >= 'a' && c <= 'z':
			out[lowerAlpha] = int(c-'a') + 1
		case c >= 'A' && c <= 'Z':
			out[upperAlpha] = int(c-'A') + 1
		}
	}
	if n := roman(strings.ToLower(core)); n > 0 {
		switch core {
		case strings.ToLower(core):
			out[lowerRoman] = n
		case strings.ToUpper(core):
			out[upperRoman] = n
		}
	}
	return out
}

// roman reads a Roman number in lower case, 0 for what is none.
func roman(s string) int {
	const longest = 15 // mmmdccclxxxviii
	if len(s) > longest {
		return 0
	}
	values := map[byte]int{'i': 1, 'v': 5, 'x': 10, 'l': 50, 'c': 100, 'd': 500, 'm': 1000}
	total := 0
	for i := range len(s) {
		v, ok := values[s[i]]
		if !ok {
			return 0
		}
		if i+1 < len(s) && values[s[i+1]] > v {
			total -= v
		} else {
			total += v
		}
	}
	if romanOf(total) != s {
		return 0
	}
	return total
}

func romanOf(n int) string {
	if n < 1 || n > 3999 {
		return ""
	}
	var out strings.Builder
	for _, step := range []struct {
		value int
		sign  string
	}{
		{1000, "m"},
		{900, "cm"},
		{500, "d"},
		{400, "cd"},
		{100, "c"},
		{90, "xc"},
		{50, "l"},
		{40, "xl"},
		{10, "x"},
		{9, "ix"},
		{5, "v"},
		{4, "iv"},
		{1, "i"},
	} {
		for n >= step.value {
			out.WriteString(step.sign)
			n -= step.value
		}
	}
	return out.String()
}

// numberingOf finds the way of counting in which all labels are numbers, and their values; "" if there is none. Where
// several are possible, the one that counts on from item to item is meant: "i" after "h" is a letter.
func numberingOf(labels []string, told numbering) (numbering, []int) {
	best, bestSteps := numbering(""), -1
	var bestValues []int
	for _, kind := range []numbering{decimal, lowerRoman, upperRoman, lowerAlpha, upperAlpha} {
		values := make([]int, len(labels))
		steps, possible := 0, true
		for i, label := range labels {
			v, ok := readings(label)[kind]
			if !ok {
				possible = false
				break
			}
			values[i] = v
			steps += one(i > 0 && v == values[i-1]+1)
		}
		if !possible {
			continue
		}
		// A single "i" is a number, a single "c" a letter.
		alone := len(labels) == 1 && len(strings.Trim(labels[0], "().")) == 1 && values[0] != 1
		if alone && (kind == lowerRoman || kind == upperRoman) {
			continue
		}
		if kind == told {
			steps = len(labels)
		}
		if steps > bestSteps {
			best, bestSteps, bestValues = kind, steps, values
		}
	}
	return best, bestValues
}
