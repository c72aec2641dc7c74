package tagging

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// markWith marks content whose operations belong to leaves by their number; others are artifacts.
func markWith(content string, parts map[int][]part, old func(pdf.Operation) oldMark) string {
	id := 0
	m := marker{source: []byte(content), parts: parts, old: old}
	m.begin = func(belongs) (pdf.Name, int) {
		id++
		return "P", id - 1
	}
	if old == nil {
		m.old = func(pdf.Operation) oldMark { return oldMark{} }
	}
	return string(m.mark())
}

func at(element, b int) pagetext.Split { return pagetext.Split{Element: element, Byte: b} }

func whole(leaf, order int) []part { return []part{{belongs: belongs{leaf, order}}} }

func TestMark(t *testing.T) {
	t.Parallel()
	keepSpans := func(op pdf.Operation) oldMark { return oldMark{kept: op.Operands[0] == pdf.Name("OC")} }
	for name, test := range map[string]struct {
		content string
		parts   map[int][]part
		old     func(pdf.Operation) oldMark
		want    string
	}{
		"neighbours of a leaf share a sequence": {
			content: "BT /F 1 Tf (a) Tj 0 -1 Td (b) Tj ET", parts: map[int][]part{2: whole(0, 0), 4: whole(0, 1)},
			want: "BT /F 1 Tf /P<<0>> (a) Tj 0 -1 Td (b) Tj EMC ET",
		},
		"reading order is kept where painting differs": {
			content: "BT (b) Tj (a) Tj ET", parts: map[int][]part{1: whole(0, 1), 2: whole(0, 0)},
			want: "BT /P<<0>> (b) Tj EMC /P<<1>> (a) Tj EMC ET",
		},
		"a path is marked from its construction on": {
			content: "q 0 0 m 1 1 l S Q", want: "q /Artifact BMC 0 0 m 1 1 l S EMC Q",
		},
		"a path that only clips needs no mark": {content: "q 0 0 5 5 re W n Q", want: "q 0 0 5 5 re W n Q"},
		"an artifact lasts over a graphics state that it surrounds": {
			content: "0 0 1 1 re f q 2 2 1 1 re f Q 3 3 1 1 re f",
			want:    "/Artifact BMC 0 0 1 1 re f q 2 2 1 1 re f Q 3 3 1 1 re f EMC",
		},
		"an array is divided between leaves": {
			content: "BT [(a) -900 (b)] TJ ET", parts: map[int][]part{1: {{belongs: belongs{0, 0}}, {at(1, 0), belongs{1, 0}}}},
			want: "BT /P<<0>> [(a) ] TJ EMC /P<<1>> [ -900 (b) ] TJ EMC ET",
		},
		"a string is divided between leaves": {
			content: "BT (see here.) Tj ET",
			parts:   map[int][]part{1: {{belongs: belongs{0, 0}}, {at(0, 4), belongs{1, 0}}, {at(0, 8), belongs{0, 1}}}},
			want:    "BT /P<<0>> [(see ) ] TJ EMC /P<<1>> [(here) ] TJ EMC /P<<2>> [(.) ] TJ EMC ET",
		},
		"a string in an array is divided between leaves": {
			content: "BT [(a b) 20 (c d)] TJ ET", parts: map[int][]part{1: {{belongs: belongs{0, 0}}, {at(2, 2), belongs{1, 0}}}},
			want: "BT /P<<0>> [(a b) 20 (c ) ] TJ EMC /P<<1>> [(d) ] TJ EMC ET",
		},
		"a string of the next line is divided between leaves": {
			content: "BT 1 2 (a b) \" (c d) ' ET",
			parts: map[int][]part{
				1: {{belongs: belongs{0, 0}}, {at(0, 2), belongs{1, 0}}}, 2: {{belongs: belongs{1, 1}}, {at(0, 2), belongs{0, 1}}},
			},
			want: "BT /P<<0>> 1 Tw 2 Tc T* [(a ) ] TJ EMC /P<<1>> [(b) ] TJ T* [(c ) ] TJ EMC /P<<2>> [(d) ] TJ EMC ET",
		},
		"old marks are dropped, layers kept": {
			content: "/OC /L BDC /P <</MCID 3>> BDC BT (a) Tj ET EMC EMC EMC", parts: map[int][]part{3: whole(0, 0)},
			old: keepSpans, want: "/OC /L BDC BT /P<<0>> (a) Tj EMC ET EMC",
		},
		"a layer that is not closed is": {
			content: "/OC /L BDC 0 0 1 1 re f", old: keepSpans, want: "/OC /L BDC /Artifact BMC 0 0 1 1 re f EMC EMC",
		},
		"an image of the structure stands alone": {
			content: "/A Do /B Do /C Do", parts: map[int][]part{1: whole(0, 0)},
			want: "/Artifact BMC /A Do EMC /P<<0>> /B Do EMC /Artifact BMC /C Do EMC",
		},
		"lines between the paths of a figure are part of it": {
			content: "0 0 m 1 1 l f 2 2 m 3 3 l S 4 4 m 5 5 l f BT ET 6 6 m 7 7 l S", parts: map[int][]part{2: whole(0, 0), 8: whole(0, 1)},
			want: "/P<<0>> 0 0 m 1 1 l f 2 2 m 3 3 l S 4 4 m 5 5 l f EMC BT ET /Artifact BMC 6 6 m 7 7 l S EMC",
		},
		"what paints nothing of its own is an artifact": {content: "f sh", want: "/Artifact BMC f sh EMC"},
		"operands without an operator are left out":     {content: "f 1 2", want: "/Artifact BMC f EMC"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := markWith(test.content, test.parts, test.old)
			for id := range 10 {
				got = strings.ReplaceAll(got, fmt.Sprintf("/P <</MCID %d>> BDC", id), fmt.Sprintf("/P<<%d>>", id))
			}
			if diff := cmp.Diff(test.want, strings.Join(strings.Fields(got), " ")); diff != "" {
				t.Errorf("content (-want +got):\n%s", diff)
			}
		})
	}
}

// operators gives the operations of content without marks, with the elements of what is shown written one by one and
// strings that follow each other in one.
func operators(content []byte) []string {
	var out []string
	inString := false
	element := func(o pdf.Object) {
		text := string(pdf.AppendObject(nil, o))
		_, isString := o.(pdf.String)
		if n := len(out); isString && inString {
			out[n-1] = strings.TrimSuffix(out[n-1], ")") + strings.TrimPrefix(text, "(")
		} else {
			out = append(out, text)
		}
		inString = isString
	}
	scanner := pdf.NewScanner(content, pdf.Limits{})
	for {
		op, ok := scanner.Next()
		if !ok {
			return out
		}
		switch op.Operator {
		case "BMC", "BDC", "EMC":
			continue
		case "'":
			out, inString = append(out, "T*"), false
			element(op.Operands[0])
			continue
		case "Tj":
			element(op.Operands[0])
			continue
		case "TJ":
			if list, ok := op.Operands[0].(pdf.Array); ok {
				for _, o := range list {
					element(o)
				}
				continue
			}
		}
		inString = false
		text := ""
		for _, o := range op.Operands {
			text += string(pdf.AppendObject(nil, o)) + " "
		}
		out = append(out, text+string(op.Operator))
	}
}

// TestMarksOnly proves on random content that nothing but marks is added, that marks are closed in the order they were
// opened in, and inside of the text object they were opened in.
func TestMarksOnly(t *testing.T) {
	t.Parallel()
	pieces := []string{
		"q", "Q", "BT", "ET", "(a bc) Tj", "[(ab) 5 (c)] TJ", "(xyz) '", "0 0 m", "1 1 l", "h", "S", "f*", "W n", "n", "/X Do", "/S sh",
		"/P <</MCID 1>> BDC", "/OC /L BDC", "EMC", "1 0 0 rg", "/F 2 Tf", "BI /W 1 ID x EI", "% note\n", "1 2 3",
	}
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOf(rapid.SampledFrom(pieces)).Draw(t, "content")
		content := strings.Join(list, "\n") + "\n"
		parts := map[int][]part{}
		for i := range rapid.IntRange(0, 40).Draw(t, "parts") {
			leaf := rapid.SampledFrom([]int{artifact, header, 0, 1, 2}).Draw(t, "leaf")
			p := part{belongs: belongs{leaf, i}}
			if rapid.Bool().Draw(t, "divided") {
				parts[i] = []part{{belongs: p.belongs}, {at(rapid.IntRange(0, 2).Draw(t, "element"), rapid.IntRange(0, 2).Draw(t, "byte")), belongs{1, 0}}}
			} else {
				parts[i] = []part{p}
			}
		}
		got := markWith(content, parts, func(op pdf.Operation) oldMark {
			return oldMark{kept: len(op.Operands) > 0 && op.Operands[0] == pdf.Name("OC")}
		})
		if before, after := operators([]byte(content)), operators([]byte(got)); !slices.Equal(before, after) {
			t.Fatalf("operations changed:\n%q\n%q", before, after)
		}
		open, inText := []bool{}, false
		scanner := pdf.NewScanner([]byte(got), pdf.Limits{})
		for {
			op, ok := scanner.Next()
			if !ok {
				break
			}
			switch op.Operator {
			case "BT", "ET":
				inText = op.Operator == "BT"
			case "BMC", "BDC":
				open = append(open, inText)
			case "EMC":
				if len(open) == 0 {
					t.Fatalf("an end without a beginning in %q", got)
				}
				open = open[:len(open)-1]
			case "Tj", "TJ", "'", "S", "f*", "sh", "BI", "Do":
				if len(open) == 0 {
					t.Fatalf("%s is not marked in %q", op.Operator, got)
				}
			}
		}
		if len(open) > 0 {
			t.Fatalf("a beginning without an end in %q", got)
		}
	})
}

func FuzzMark(f *testing.F) {
	f.Add([]byte("q BT /F 1 Tf [(a) 2 (b)] TJ ET Q 0 0 m 1 1 l S BI /W 1 ID x EI EMC"))
	f.Add([]byte("/P <</MCID 0>> BDC (a] TJ [ [ ( "))
	f.Fuzz(func(t *testing.T, content []byte) {
		got := markWith(string(content), map[int][]part{1: whole(0, 0), 2: {{belongs: belongs{0, 0}}, {at(1, 0), belongs{1, 0}}}}, nil)
		if again := markWith(got, nil, nil); bytes.Count([]byte(again), []byte("BDC")) > bytes.Count([]byte(got), []byte("BDC")) {
			t.Errorf("marking twice adds sequences: %q", again)
		}
	})
}
