package pdfua_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/perfectworks/backend/adapters/documents/documentstest/pdftest"
	"github.com/perfectworks/backend/adapters/documents/documentstest/verapdftest"
	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/pdfua"
)

func el(kind string, kids ...pdftest.Element) pdftest.Element {
	return pdftest.Element{Type: kind, Kids: kids}
}

func with(entries, kind string, kids ...pdftest.Element) pdftest.Element {
	return pdftest.Element{Type: kind, Entries: entries, Kids: kids}
}

func row(kinds ...string) pdftest.Element {
	tr := el("TR")
	for _, kind := range kinds {
		tr.Kids = append(tr.Kids, el(kind))
	}
	return tr
}

// structures are files with one fault each in their structure, and the rules that must fail.
var structures = map[string]struct {
	file *pdftest.File
	want []string
}{
	"sound":                    {pdftest.Tagged("", "", el("Document", el("H1"), el("P"), el("H2"))), nil},
	"no parent":                {pdftest.Tagged("", "", pdftest.Element{Type: "P", Orphan: true}), []string{"7.1-12"}},
	"unknown type":             {pdftest.Tagged("", "", el("Chapter")), []string{"7.1-5"}},
	"mapped type":              {pdftest.Tagged("", "/RoleMap<</Chapter/Book/Book/Sect>>", el("Chapter")), nil},
	"circular map":             {pdftest.Tagged("", "/RoleMap<</A/B/B/A>>", el("A")), []string{"7.1-6"}},
	"remapped standard type":   {pdftest.Tagged("", "/RoleMap<</P/Sect>>", el("P")), []string{"7.1-7"}},
	"mapped to a remapped":     {pdftest.Tagged("", "/RoleMap<</X/P/P/Sect>>", el("X")), []string{"7.1-7"}},
	"table with paragraph":     {pdftest.Tagged("", "", el("Table", row("TD"), el("P"))), []string{"7.2-3"}},
	"row outside":              {pdftest.Tagged("", "", row("TD")), []string{"7.2-4"}},
	"head outside":             {pdftest.Tagged("", "", el("THead", row("TD"))), []string{"7.2-5"}},
	"body outside":             {pdftest.Tagged("", "", el("TBody", row("TD"))), []string{"7.2-6"}},
	"foot outside":             {pdftest.Tagged("", "", el("TFoot", row("TD"))), []string{"7.2-7"}},
	"cells outside":            {pdftest.Tagged("", "", el("TH"), el("TD")), []string{"7.2-8", "7.2-9"}},
	"row with paragraph":       {pdftest.Tagged("", "", el("Table", row("TD", "P"))), []string{"7.2-10"}},
	"row in groups":            {pdftest.Tagged("", "", el("Table", el("Div", el("NonStruct", row("TD"))))), nil},
	"two heads":                {pdftest.Tagged("", "", el("Table", el("THead", row("TD")), el("THead", row("TD")), el("TBody", row("TD")))), []string{"7.2-11"}},
	"two feet":                 {pdftest.Tagged("", "", el("Table", el("TBody", row("TD")), el("TFoot", row("TD")), el("TFoot", row("TD")))), []string{"7.2-12"}},
	"foot without body":        {pdftest.Tagged("", "", el("Table", row("TD"), el("TFoot", row("TD")))), []string{"7.2-13"}},
	"head without body":        {pdftest.Tagged("", "", el("Table", el("THead", row("TD")), row("TD"))), []string{"7.2-14"}},
	"caption in the middle":    {pdftest.Tagged("", "", el("Table", row("TD"), el("Caption"), row("TD"))), []string{"7.2-16"}},
	"two captions":             {pdftest.Tagged("", "", el("Table", el("Caption"), row("TD"), el("Caption"))), []string{"7.2-39"}},
	"head with cell":           {pdftest.Tagged("", "", el("Table", el("THead", el("P")), el("TBody", row("TD")))), []string{"7.2-36"}},
	"body with paragraph":      {pdftest.Tagged("", "", el("Table", el("TBody", row("TD"), el("P")))), []string{"7.2-37"}},
	"foot with paragraph":      {pdftest.Tagged("", "", el("Table", el("TBody", row("TD")), el("TFoot", row("TD"), el("P")))), []string{"7.2-38"}},
	"item outside":             {pdftest.Tagged("", "", el("LI", el("LBody"))), []string{"7.2-17"}},
	"item's body outside":      {pdftest.Tagged("", "", el("LBody")), []string{"7.2-18"}},
	"list with paragraph":      {pdftest.Tagged("", "", el("L", el("P"))), []string{"7.2-19"}},
	"item with paragraph":      {pdftest.Tagged("", "", el("L", el("LI", el("P")))), []string{"7.2-20"}},
	"late list caption":        {pdftest.Tagged("", "", el("L", el("LI", el("LBody")), el("Caption"))), []string{"7.2-40"}},
	"list in list":             {pdftest.Tagged("", "", el("L", el("Caption"), el("LI", el("Lbl"), el("LBody")), el("L", el("LI", el("LBody"))))), nil},
	"entry outside":            {pdftest.Tagged("", "", el("TOCI")), []string{"7.2-26"}},
	"contents with paragraph":  {pdftest.Tagged("", "", el("TOC", el("P"))), []string{"7.2-27"}},
	"late contents caption":    {pdftest.Tagged("", "", el("TOC", el("TOCI"), el("Caption"))), []string{"7.2-28"}},
	"bad language":             {pdftest.Tagged("", "", with("/Lang(en_US)", "P")), []string{"7.2-29"}},
	"cell beyond the last row": {pdftest.Tagged("", "", el("Table", row("TD", "TD"), el("TR", el("TD"), with("/A<</O/Table/RowSpan 2>>", "TD")))), []string{"7.2-41"}},
	"too many columns":         {pdftest.Tagged("", "", el("Table", row("TD"), row("TD", "TD"))), []string{"7.2-42"}},
	"too few columns":          {pdftest.Tagged("", "", el("Table", row("TD", "TD"), row("TD"))), []string{"7.2-43"}},
	"overlapping cells":        {pdftest.Tagged("", "", el("Table", el("TR", el("TD"), with("/A<</O/Table/RowSpan 2>>", "TD"), el("TD")), el("TR", with("/A<</O/Table/ColSpan 2>>", "TD"), el("TD")))), []string{"7.2-15"}},
	"figure without text":      {pdftest.Tagged("", "", el("Figure")), []string{"7.3-1"}},
	"figure with text":         {pdftest.Tagged("", "", with("/Alt(A cat)", "Figure"), with("/ActualText()", "Figure")), nil},
	"skipped heading":          {pdftest.Tagged("", "", el("H1"), el("H3")), []string{"7.4.2-1"}},
	"first heading H2":         {pdftest.Tagged("", "", el("H2")), []string{"7.4.2-1"}},
	"two headings H":           {pdftest.Tagged("", "", el("Sect", el("H"), el("H"))), []string{"7.4.4-1"}},
	"H and H1":                 {pdftest.Tagged("", "", el("H"), el("H1")), []string{"7.4.4-2", "7.4.4-3"}},
	"header without scope":     {pdftest.Tagged("", "", el("Table", row("TH", "TH"), row("TD", "TD"))), []string{"7.5-1"}},
	"header with scope":        {pdftest.Tagged("", "/ClassMap<</C<</O/Table/Scope/Column>>>>", el("Table", el("TR", with("/C/C", "TH")), row("TD"))), nil},
	"unknown header":           {pdftest.Tagged("", "", el("Table", el("TR", with("/ID(a)", "TH")), el("TR", with("/A<</O/Table/Headers[(b)]>>", "TD")))), []string{"7.5-2"}},
	"formula without text":     {pdftest.Tagged("", "", el("Formula")), []string{"7.7-1"}},
	"note without id":          {pdftest.Tagged("", "", el("Note")), []string{"7.9-1"}},
	"notes with the same id":   {pdftest.Tagged("", "", with("/ID(n)", "Note"), with("/ID(n)", "Note")), []string{"7.9-2"}},
	"form with paragraph":      {pdftest.Tagged("", "", el("Form", el("P"))), []string{"7.18.4-2"}},
	"annotation":               {pdftest.Tagged("/Annots[<</Type/Annot/Subtype/Text/Rect[0 0 9 9]>>]", ""), []string{"7.18.1-1", "7.18.1-2", "7.18.3-1"}},
	"hidden annotation":        {pdftest.Tagged("/Tabs/S/Annots[<</Type/Annot/Subtype/Text/F 2/Rect[0 0 9 9]>>]", ""), nil},
	"annotation outside":       {pdftest.Tagged("/Tabs/S/Annots[<</Type/Annot/Subtype/Text/Rect[900 0 999 9]>>]", ""), nil},
	"link":                     {pdftest.Tagged("/Tabs/S/Annots[<</Type/Annot/Subtype/Link/Rect[0 0 9 9]/Contents(There)>>]", ""), []string{"7.18.5-1"}},
	"widget":                   {pdftest.Tagged("/Tabs/S/Annots[<</Type/Annot/Subtype/Widget/T(f)/Rect[0 0 9 9]>>]", ""), []string{"7.18.1-3", "7.18.4-1"}},
	"trap net":                 {pdftest.Tagged("/Tabs/S/Annots[<</Type/Annot/Subtype/TrapNet/Rect[0 0 9 9]/Contents(x)>>]", ""), []string{"7.18.1-1", "7.18.2-1"}},
}

func failedRules(t *testing.T, data []byte) []string {
	t.Helper()
	f, err := pdf.Open(data, pdf.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	result, err := pdfua.Check(f, pdfua.Limits{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var rules []string
	for _, failure := range result.Failures {
		rules = append(rules, failure.Rule)
	}
	slices.Sort(rules)
	return rules
}

func TestStructures(t *testing.T) {
	t.Parallel()
	for name, tt := range structures {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			slices.Sort(tt.want)
			if diff := cmp.Diff(tt.want, failedRules(t, tt.file.Bytes())); diff != "" {
				t.Errorf("failed rules (-want +got):\n%s", diff)
			}
		})
	}
}

// contents are content streams with resources, and the rules that must fail beside those of an untagged file.
func TestContents(t *testing.T) {
	t.Parallel()
	const parents = "/ParentTree<</Nums[0[6 0 R]]>>"
	for name, tt := range map[string]struct {
		content string
		want    []string
	}{
		"tagged":                     {"/P<</MCID 0>>BDC 0 0 m 9 9 l S EMC", nil},
		"artifact":                   {"/Artifact BMC 0 0 9 9 re f EMC", nil},
		"neither":                    {"0 0 9 9 re f", []string{"7.1-3"}},
		"unknown identifier":         {"/P<</MCID 7>>BDC 0 0 9 9 re f EMC", []string{"7.1-3"}},
		"invisible path":             {"0 0 9 9 re n", nil},
		"artifact in tagged content": {"/P<</MCID 0>>BDC /Artifact BMC f EMC EMC", []string{"7.1-1", "7.1-2"}},
		"tagged content in artifact": {"/Artifact BMC /P<</MCID 0>>BDC f EMC EMC", []string{"7.1-2"}},
		"mark never closed":          {"/Artifact BMC 0 0 9 9 re f", []string{"7.1-3"}},
		"stray end":                  {"EMC EMC /Artifact BMC f EMC EMC", nil},
		"inline image":               {"BI/W 1/H 1/BPC 8/CS/G ID x EI", []string{"7.1-3"}},
		"bad language":               {"/Span<</Lang(en_)>>BDC EMC", []string{"7.2-29"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := pdftest.Tagged("/StructParents 0/Contents 7 0 R", parents, el("P"))
			f.Stream("", []byte(tt.content))
			if diff := cmp.Diff(tt.want, failedRules(t, f.Bytes())); diff != "" {
				t.Errorf("failed rules (-want +got):\n%s", diff)
			}
		})
	}
}

// TestStructuresAgreeWithOracle shows the same files to veraPDF.
func TestStructuresAgreeWithOracle(t *testing.T) {
	t.Parallel()
	oracle := verapdftest.Start(t)
	folder := t.TempDir()
	for name, tt := range structures {
		if name == "no parent" { // ISO 32000-1, table 323 requires P; veraPDF passes an element without
			continue
		}
		path := filepath.Join(folder, strings.ReplaceAll(name, " ", "-")+".pdf")
		if err := os.WriteFile(path, tt.file.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		verdict, err := oracle.Check(path)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		slices.Sort(verdict.FailedRules)
		if diff := cmp.Diff(verdict.FailedRules, failedRules(t, tt.file.Bytes()), cmpEmpty); diff != "" {
			t.Errorf("%s (-veraPDF +ours):\n%s", name, diff)
		}
	}
}

func TestRuleTable(t *testing.T) {
	t.Parallel()
	rules := pdfua.Rules()
	if len(rules) != 106 {
		t.Errorf("%d rules instead of 106", len(rules))
	}
	for _, r := range rules {
		if got, ok := pdfua.RuleByID(r.ID); !ok || got != r {
			t.Errorf("rule %s is not found by its id", r.ID)
		}
		if r.Title == "" || r.Matterhorn == "" || !strings.HasPrefix(r.ID, r.Clause()) {
			t.Errorf("incomplete rule %+v", r)
		}
	}
}

func TestManualChecksFollowTheFacts(t *testing.T) {
	t.Parallel()
	few, many := pdfua.ManualChecks(pdfua.Facts{}), pdfua.ManualChecks(pdfua.Facts{Tagged: true, Figures: 1, Tables: 1, Links: 1})
	if len(few) == 0 || len(few) >= len(many) {
		t.Errorf("%d conditions for an empty file, %d for a full one", len(few), len(many))
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	deep := el("P")
	for range 300 {
		deep = el("Sect", deep)
	}
	wide := pdftest.Tagged("", "", el("Table", el("TR", with("/A<</O/Table/RowSpan 4000000/ColSpan 4000000>>", "TD"))))
	for name, tt := range map[string]struct {
		file   *pdftest.File
		limits pdfua.Limits
	}{
		"pages":      {pdftest.Pages(5), pdfua.Limits{Pages: 4}},
		"operations": {pdftest.OnePage(strings.Repeat("f ", 100), ""), pdfua.Limits{Operations: 50}},
		"levels":     {pdftest.Tagged("", "", deep), pdfua.Limits{}},
		"elements":   {pdftest.Tagged("", "", el("P"), el("P"), el("P")), pdfua.Limits{Elements: 2}},
		"cells":      {wide, pdfua.Limits{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, err := pdf.Open(tt.file.Bytes(), pdf.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			var over *pdf.LimitError
			if _, err := pdfua.Check(f, tt.limits, nil); !errors.As(err, &over) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func FuzzCheck(f *testing.F) {
	f.Add(pdftest.OnePage("/P<</MCID 0>>BDC BT /F 1 Tf (x) Tj ET EMC /G gs /X Do", "/Resources<</Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>").Bytes())
	for _, tt := range structures {
		f.Add(tt.file.Bytes())
	}
	limits := pdf.Limits{Objects: 1000, StreamBytes: 1 << 16, TotalBytes: 1 << 20, Depth: 20}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := pdf.Open(data, limits)
		if err != nil {
			return
		}
		result, err := pdfua.Check(file, pdfua.Limits{Pages: 20, Operations: 10_000, Elements: 1000, Depth: 50}, nil)
		if err != nil {
			return
		}
		for _, failure := range result.Failures {
			if _, ok := pdfua.RuleByID(failure.Rule); !ok || failure.Count < len(failure.Places) {
				t.Errorf("failure %+v", failure)
			}
		}
	})
}
