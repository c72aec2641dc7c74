package pdf_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/perfectworks/backend/adapters/documents/pdf"
)

func objects(content string) []pdf.Object {
	lexer := pdf.NewLexer([]byte(content), 20)
	var out []pdf.Object
	for {
		o, ok := lexer.Next()
		if !ok {
			return out
		}
		out = append(out, o)
	}
}

func TestLexer(t *testing.T) {
	t.Parallel()
	for content, want := range map[string][]pdf.Object{
		"1 -2 +3 .5 -.5 4. 1.2.3 5-3": {pdf.Integer(1), pdf.Integer(-2), pdf.Integer(3), pdf.Real(.5), pdf.Real(-.5), pdf.Real(4), pdf.Real(1.2), pdf.Integer(5)},
		"--5 - .":                     {pdf.Integer(-5), pdf.Integer(0), pdf.Integer(0)},
		"99999999999999999999":        {pdf.Real(99999999999999999999)},
		"/A#20b /#4 /":                {pdf.Name("A b"), pdf.Name("#4"), pdf.Name("")},
		`(a\(b\)(c)\n\101\
d) (\r\n)`: {pdf.String("a(b)(c)\nAd"), pdf.String("\r\n")},
		"<4 1 4> <>":                       {pdf.String("A@"), pdf.String("")},
		"[1[2]/A]<</B 3/C null>>":          {pdf.Array{pdf.Integer(1), pdf.Array{pdf.Integer(2)}, pdf.Name("A")}, pdf.Dict{"B": pdf.Integer(3)}},
		"true false null BT % comment\nET": {true, false, nil, pdf.Operator("BT"), pdf.Operator("ET")},
		"f* ' \" T* 1 0 R":                 {pdf.Operator("f*"), pdf.Operator("'"), pdf.Operator("\""), pdf.Operator("T*"), pdf.Integer(1), pdf.Integer(0), pdf.Operator("R")},
		") > ] } 1":                        {pdf.Integer(1)},
		"(never closed":                    {pdf.String("never closed")},
		"[1 2":                             {pdf.Array{pdf.Integer(1), pdf.Integer(2)}},
	} {
		if diff := cmp.Diff(want, objects(content)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", content, diff)
		}
	}
}

func TestLexerNestsAsDeepAsAllowed(t *testing.T) {
	t.Parallel()
	got := objects(strings.Repeat("[", 1000) + "1" + strings.Repeat("]", 1000) + " 7")
	if len(got) != 2 || got[1] != pdf.Integer(7) {
		t.Errorf("after deep nesting: %v", got)
	}
}

func TestScannerPassesInlineImages(t *testing.T) {
	t.Parallel()
	scanner := pdf.NewScanner([]byte("q BI /W 2 /H 1 ID \x00EI\xff EI Q (a) Tj"), pdf.Limits{})
	var got []pdf.Operator
	for {
		op, ok := scanner.Next()
		if !ok {
			break
		}
		got = append(got, op.Operator)
		if op.Operator == "BI" && (op.Image.Dict["W"] != pdf.Integer(2) || string(op.Image.Raw) != "\x00EI\xff") {
			t.Errorf("image %v %q", op.Image.Dict, op.Image.Raw)
		}
	}
	if diff := cmp.Diff([]pdf.Operator{"q", "BI", "Q", "Tj"}, got); diff != "" {
		t.Error(diff)
	}
}

// TestStringsSurvive writes any bytes as a literal string and reads them back.
func TestStringsSurvive(t *testing.T) {
	t.Parallel()
	escape := strings.NewReplacer(`\`, `\\`, "(", `\(`, ")", `\)`, "\r", `\r`)
	rapid.Check(t, func(t *rapid.T) {
		want := string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes"))
		got := objects("(" + escape.Replace(want) + ")")
		if len(got) != 1 || got[0] != pdf.String(want) {
			t.Fatalf("%q came back as %q", want, got)
		}
	})
}

func FuzzScanner(f *testing.F) {
	f.Add([]byte("BT /F1 12 Tf [(a) -5 <41>] TJ ET BI /W 1 ID x EI"))
	f.Add([]byte("<<<<[[((("))
	f.Fuzz(func(t *testing.T, content []byte) {
		scanner := pdf.NewScanner(content, pdf.Limits{Depth: 10})
		last := 0
		for range len(content) + 1 {
			if _, ok := scanner.Next(); !ok {
				return
			}
			if scanner.Pos() <= last {
				t.Fatalf("stands still at %d", last)
			}
			last = scanner.Pos()
		}
	})
}

func TestText(t *testing.T) {
	t.Parallel()
	for in, want := range map[pdf.String]string{
		"abc": "abc", "\xfe\xff\x00\x41\xd8\x3d\xde\x00": "A😀", "\xff\xfe\x41\x00": "A", "\xef\xbb\xbfé": "é",
		"\x80\xa0\xe9": "•€é",
	} {
		if got := in.Text(); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

// TestNumbersAreExact reads numbers as the standard library does.
func TestNumbersAreExact(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[-+]?([0-9]{1,20}|[0-9]{0,12}\.[0-9]{1,12}|[0-9]{1,12}\.)`).Draw(t, "number")
		want, err := strconv.ParseFloat(text, 64)
		if err != nil {
			t.Fatal(err)
		}
		o, _ := pdf.NewLexer([]byte(text), 1).Next()
		got, ok := pdf.Number(o)
		_, isReal := o.(pdf.Real)
		if !ok || got != want || !isReal && strings.Contains(text, ".") && want != 0 {
			t.Fatalf("%s was read as %T %v", text, o, o)
		}
	})
}
