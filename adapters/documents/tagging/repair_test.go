package tagging_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/perfectworks/backend/adapters/documents/documentstest/pdftest"
	"github.com/perfectworks/backend/adapters/documents/tagging"
)

func el(kind string, kids ...pdftest.Element) pdftest.Element {
	return pdftest.Element{Type: kind, Kids: kids}
}

func with(entries string, e pdftest.Element) pdftest.Element {
	e.Entries += entries
	return e
}

// tagged makes a document with tags and nothing else.
func tagged(elements ...pdftest.Element) *pdftest.File { return pdftest.Tagged("", "", elements...) }

// TestRepairs breaks one rule in each document: it fails before, and not after.
func TestRepairs(t *testing.T) {
	t.Parallel()
	row := el("TR", el("TD"), el("TD"))
	span := func(name string) pdftest.Element { return with("/A<</O/Table/"+name+" 2>>", el("TD")) }
	orphan := el("P")
	orphan.Orphan = true
	for name, test := range map[string]struct {
		rule string
		file *pdftest.File
	}{
		"own type":             {"7.1-5", tagged(el("Textbody"))},
		"roles in a circle":    {"7.1-6", pdftest.Tagged("", "/RoleMap<</X/Y/Y/X>>", el("X"))},
		"standard type mapped": {"7.1-7", pdftest.Tagged("", "/RoleMap<</P/H1>>", el("P"))},
		"no parent":            {"7.1-12", tagged(orphan)},
		"text in a table":      {"7.2-3", tagged(el("Table", el("P"), row))},
		"row alone":            {"7.2-4", tagged(row)},
		"head alone":           {"7.2-5", tagged(el("THead", row))},
		"body alone":           {"7.2-6", tagged(el("TBody", row))},
		"foot alone":           {"7.2-7", tagged(el("TFoot", row))},
		"header cell alone":    {"7.2-8", tagged(el("TH"))},
		"cell alone":           {"7.2-9", tagged(el("TD"))},
		"text in a row":        {"7.2-10", tagged(el("Table", el("TR", el("P"))))},
		"two heads":            {"7.2-11", tagged(el("Table", el("THead", row), el("THead", row), el("TBody", row)))},
		"two feet":             {"7.2-12", tagged(el("Table", el("TBody", row), el("TFoot", row), el("TFoot", row)))},
		"foot without body":    {"7.2-13", tagged(el("Table", row, el("TFoot", row)))},
		"head without body":    {"7.2-14", tagged(el("Table", el("THead", row)))},
		"caption inside":       {"7.2-16", tagged(el("Table", row, el("Caption"), row))},
		"item alone":           {"7.2-17", tagged(el("LI", el("LBody")))},
		"item body alone":      {"7.2-18", tagged(el("LBody"))},
		"text in a list":       {"7.2-19", tagged(el("L", el("P")))},
		"text in an item":      {"7.2-20", tagged(el("L", el("LI", el("P"))))},
		"entry alone":          {"7.2-26", tagged(el("TOCI"))},
		"text in a TOC":        {"7.2-27", tagged(el("TOC", el("P")))},
		"caption in a TOC":     {"7.2-28", tagged(el("TOC", el("TOCI"), el("Caption")))},
		"language with words":  {"7.2-29", tagged(with("/Lang(not a tag)", el("P")))},
		"text in a head":       {"7.2-36", tagged(el("Table", el("THead", el("P")), el("TBody", row)))},
		"text in a body":       {"7.2-37", tagged(el("Table", el("TBody", el("P"))))},
		"text in a foot":       {"7.2-38", tagged(el("Table", el("TBody", row), el("TFoot", el("P"))))},
		"two captions":         {"7.2-39", tagged(el("Table", el("Caption"), row, el("Caption")))},
		"caption in a list":    {"7.2-40", tagged(el("L", el("LI"), el("Caption")))},
		"cell beyond the rows": {"7.2-41", tagged(el("Table", row, el("TR", el("TD"), span("RowSpan"))))},
		"long row":             {"7.2-42", tagged(el("Table", row, el("TR", el("TD"), el("TD"), el("TD"))))},
		"short row":            {"7.2-43", tagged(el("Table", row, el("TR", el("TD"))))},
		"figure":               {"7.3-1", tagged(el("Figure"))},
		"level skipped":        {"7.4.2-1", tagged(el("H1"), el("H3"), el("H3"), el("H2"))},
		"two H":                {"7.4.4-1", tagged(el("Sect", el("H"), el("H")))},
		"H beside H1":          {"7.4.4-2", tagged(el("H1"), el("Sect", el("H")))},
		"no scope":             {"7.5-1", tagged(el("Table", el("TR", el("TH"), el("TH")), row))},
		"unknown header": {"7.5-2", tagged(el("Table", el("TR", el("TH"), el("TH")),
			el("TR", with("/A<</O/Table/Headers[(x)]>>", el("TD")), with("/A<</O/Table/Headers[(x)]>>", el("TD")))))},
		"formula":         {"7.7-1", tagged(el("Formula"))},
		"note without ID": {"7.9-1", tagged(el("Note"))},
		"notes of one ID": {"7.9-2", tagged(with("/ID(a)", el("Note")), with("/ID(a)", el("Note")))},
		"link":            {"7.18.5-1", pdftest.Tagged("/Annots[<</Type/Annot/Subtype/Link/Rect[9 9 90 90]/A<</S/URI/URI(x:y)>>>>]", "", el("P"))},
		"note":            {"7.18.1-1", pdftest.Tagged("/Annots[<</Type/Annot/Subtype/Text/Contents(a)/Rect[9 9 90 90]>>]", "", el("P"))},
		"trap net":        {"7.18.2-1", pdftest.Tagged("/Annots[<</Type/Annot/Subtype/TrapNet/Rect[9 9 90 90]>>]", "", el("P"))},
		"tab order":       {"7.18.3-1", pdftest.Tagged("/Annots[<</Type/Annot/Subtype/Link/Rect[9 9 90 90]/Contents(a)>>]", "", el("P"))},
		"untagged text":   {"7.1-3", pdftest.Tagged("/Contents 8 0 R", "", el("P"))},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if name == "untagged text" {
				test.file.Add("null")
				test.file.Stream("", []byte("0 0 10 10 re f"))
			}
			before := test.file.Bytes()
			if failing := rules(check(t, before).Failures); !slices.Contains(failing, test.rule) {
				t.Fatalf("before, %v fail and not %s", failing, test.rule)
			}
			after, result, err := process(before, tagging.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if failing := rules(check(t, after).Failures); len(failing) > 0 {
				t.Errorf("after, %v fail", failing)
			}
			if !result.WasTagged {
				t.Error("the tags were not kept")
			}
			told := func(rule string) bool {
				return slices.ContainsFunc(result.Fixed, func(r tagging.Repair) bool { return r.Rule == rule }) ||
					slices.ContainsFunc(result.Manual, func(f tagging.Flag) bool {
						return f.Rule == "placeholder-alt" && (strings.HasPrefix(rule, "7.3") || strings.HasPrefix(rule, "7.7"))
					})
			}
			clause, _, _ := strings.Cut(test.rule, "-")
			if !told(test.rule) && !slices.ContainsFunc(result.Fixed, func(r tagging.Repair) bool {
				return strings.HasPrefix(r.Rule, clause+"-")
			}) {
				t.Errorf("the repair of %s is not told: %+v", test.rule, result.Fixed)
			}
		})
	}
}
