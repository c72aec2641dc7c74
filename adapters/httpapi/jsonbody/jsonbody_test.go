package jsonbody

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/perfectworks/backend/domain/failure"
)

var known = NewNames("description", "expireAt", "scopes", "name", "logoUrl")

func TestCheckAccepts(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"empty object":            `{}`,
		"space around":            " \t\r\n{} \n",
		"known members":           `{"name":"a","scopes":["b"],"expireAt":null}`,
		"text with lines":         `{"description":"one\ntwo\r\n\tthree"}`,
		"astral characters":       `{"name":"\ud83d\ude00 😀"}`,
		"same name on two levels": `{"name":{"name":{"name":1}}}`,
		"deep, but not too deep":  strings.Repeat(`{"name":`, MaxDepth-1) + `{}` + strings.Repeat(`}`, MaxDepth-1),
		"big numbers":             `{"name":123456789012345678901234567890,"scopes":1e400}`,
	} {
		if err := Check([]byte(body), known); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCheckRefuses(t *testing.T) {
	t.Parallel()
	type refusal struct{ code, field, detail string }
	for name, test := range map[string]struct {
		body string
		want refusal
	}{
		"empty":                         {``, refusal{code: CodeMalformed}},
		"cut off":                       {`{"name":`, refusal{code: CodeMalformed}},
		"single quotes":                 {`{'name':'a'}`, refusal{code: CodeMalformed}},
		"comma at the end":              {`{"name":"a",}`, refusal{code: CodeMalformed}},
		"a comment":                     {`{/* */}`, refusal{code: CodeMalformed}},
		"more after it":                 {`{} {}`, refusal{code: CodeMalformed}},
		"rubbish after it":              {`{"name":"a"}x`, refusal{code: CodeMalformed}},
		"not a number":                  {`{"name":NaN}`, refusal{code: CodeMalformed}},
		"a byte order mark":             {"\ufeff{}", refusal{code: CodeMalformed}},
		"UTF-16":                        {"{\x00}\x00", refusal{code: CodeMalformed}},
		"invalid UTF-8":                 {"{\"name\":\"\xff\"}", refusal{code: CodeMalformed}},
		"half a surrogate pair":         {`{"name":"\ud800"}`, refusal{code: CodeMalformed}},
		"raw control character":         {"{\"name\":\"a\x00b\"}", refusal{code: CodeMalformed}},
		"a list":                        {`[]`, refusal{failure.CodeValidation, "body", CodeType}},
		"a text":                        {`"x"`, refusal{failure.CodeValidation, "body", CodeType}},
		"null":                          {`null`, refusal{failure.CodeValidation, "body", CodeType}},
		"the same name twice":           {`{"name":"a","name":"b"}`, refusal{failure.CodeValidation, "name", CodeDuplicate}},
		"the same name twice, escaped":  {`{"name":"a","n\u0061me":"b"}`, refusal{failure.CodeValidation, "name", CodeDuplicate}},
		"too deep":                      {strings.Repeat(`{"a":`, MaxDepth+1), refusal{failure.CodeValidation, "body", CodeDepth}},
		"too deep lists":                {`{"a":` + strings.Repeat(`[`, 5000), refusal{failure.CodeValidation, "body", CodeDepth}},
		"escaped control character":     {`{"name":"a\u0000b"}`, refusal{failure.CodeValidation, "name", "CHARACTER_FORBIDDEN"}},
		"control character in a list":   {`{"scopes":["a","\u0007"]}`, refusal{failure.CodeValidation, "scopes[1]", "CHARACTER_FORBIDDEN"}},
		"control character in a name":   {`{"colour\u0000":1}`, refusal{failure.CodeValidation, "colour\uFFFD", "CHARACTER_FORBIDDEN"}},
		"delete character":              {"{\"name\":\"\x7f\"}", refusal{failure.CodeValidation, "name", "CHARACTER_FORBIDDEN"}},
		"a letter too many":             {`{"expiresAt":"x"}`, refusal{failure.CodeValidation, "expiresAt", CodeUnknown}},
		"a letter too few":              {`{"descriptin":"x"}`, refusal{failure.CodeValidation, "descriptin", CodeUnknown}},
		"unlike any":                    {`{"colour":"red"}`, refusal{failure.CodeValidation, "colour", CodeUnknown}},
		"another case":                  {`{"Name":"x"}`, refusal{failure.CodeValidation, "Name", CodeUnknown}},
		"snake case":                    {`{"logo_url":"x"}`, refusal{failure.CodeValidation, "logo_url", CodeUnknown}},
		"known and in another case too": {`{"name":"a","NAME":"b"}`, refusal{failure.CodeValidation, "NAME", CodeUnknown}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := Check([]byte(test.body), known)
			f := failure.Of(err)
			if f == nil {
				t.Fatalf("not a failure: %v", err)
			}
			got := refusal{code: f.Code}
			if len(f.Details) > 0 {
				got.field, got.detail = f.Details[0].Field, f.Details[0].Code
			}
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(refusal{})); diff != "" {
				t.Errorf("%v: %s", f, diff)
			}
		})
	}
}

// An unknown name is refused with the nearest known one.
func TestUnknownNames(t *testing.T) {
	t.Parallel()
	tolerant := NewNames("description", "expireAt", "scopes", "name", "logoUrl")
	tolerant.Tolerate()
	for name, want := range map[string]struct{ strictly, tolerantly string }{
		"name":                   {"", ""},
		"expiresAt":              {"did you mean expireAt?", "did you mean expireAt?"},
		"expires":                {"did you mean expireAt?", ""},
		"expiresIn":              {"did you mean expireAt?", ""},
		"logo_url":               {"did you mean logoUrl?", "did you mean logoUrl?"},
		"game":                   {"did you mean name?", "did you mean name?"},
		"permissions":            {"the nearest known name is", ""},
		strings.Repeat("x", 500): {"the nearest known name is", ""},
	} {
		for how, c := range map[string]struct {
			message, want string
		}{"strictly": {known.unknown(name), want.strictly}, "tolerantly": {tolerant.unknown(name), want.tolerantly}} {
			if c.want == "" && c.message != "" || !strings.Contains(c.message, c.want) {
				t.Errorf("%s, %s: %q, want %q", name, how, c.message, c.want)
			}
		}
	}
	if got := NewNames().unknown("a"); got == "" {
		t.Error("an operation without members takes one")
	}
}

func TestSplit(t *testing.T) {
	t.Parallel()
	names := NewNames("description")
	names.Carry("id", "expireAt", "description")
	body := []byte(`{"id":"key_1","description":"a","expireAt":null}`)
	if err := Check(body, names); err != nil {
		t.Fatal(err)
	}
	rest, carried, err := Split(body, names)
	if err != nil || string(rest) != `{"description":"a"}` || len(carried) != 2 || string(carried["id"]) != `"key_1"` || string(carried["expireAt"]) != "null" {
		t.Errorf("%s, %s, %v", rest, carried, err)
	}
	for name, c := range map[string]struct {
		a, b string
		same bool
	}{
		"texts":           {`"a"`, `"a"`, true},
		"escaped":         {`"a"`, `"\u0061"`, true},
		"other texts":     {`"a"`, `"b"`, false},
		"instants":        {`"2030-01-01T00:00:00Z"`, `"2030-01-01T01:00:00.000+01:00"`, true},
		"other instants":  {`"2030-01-01T00:00:00Z"`, `"2030-01-01T00:00:01Z"`, false},
		"null and a text": {`null`, `""`, false},
		"nulls":           {`null`, `null`, true},
		"objects":         {`{"a":1,"b":[2]}`, `{ "b":[2], "a":1 }`, true},
		"lists":           {`[1,2]`, `[2,1]`, false},
	} {
		if got := Same(jsontext.Value(c.a), jsontext.Value(c.b)); got != c.same {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestErrorsDoNotQuoteValues(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"key":"hunter2" "x"}`, `{"key":hunter2}`, `hunter2`, `{"expireAt":"hunter2\u0000"}`,
	} {
		if err := Check([]byte(body), known); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestDecodeNamesTheField(t *testing.T) {
	t.Parallel()
	var v struct {
		Scopes []string `json:"scopes"`
		Count  int8     `json:"count"`
	}
	for body, want := range map[string]string{
		`{"scopes":["a",1]}`: "scopes[1]", `{"count":500}`: "count", `{"count":1.5}`: "count",
	} {
		f := failure.Of(Decode([]byte(body), &v))
		if f == nil || len(f.Details) != 1 || f.Details[0].Field != want {
			t.Errorf("%s: %+v", body, f)
		}
	}
}

func TestDecodeReadsWholeNumbersInAnyForm(t *testing.T) {
	t.Parallel()
	for number, want := range map[string]int64{
		"0": 0, "-0": 0, "3600": 3600, "3600.0": 3600, "36e2": 3600, "-1.50e1": -15,
		"9223372036854775807": 1<<63 - 1, "9007199254740992.0": 1 << 53,
	} {
		var v struct {
			N *int64 `json:"n"`
		}
		if err := Decode([]byte(`{"n":`+number+`}`), &v); err != nil || *v.N != want {
			t.Errorf("%s: %v, %v", number, v.N, err)
		}
	}
	for _, number := range []string{"1.5", "1e-1", "9223372036854775808", "9007199254740994.0", "1e400", "1e1000000000", `"1"`, "true"} {
		var v struct {
			N int64 `json:"n"`
		}
		if f := failure.Of(Decode([]byte(`{"n":`+number+`}`), &v)); f == nil || f.Details[0].Field != "n" {
			t.Errorf("%s: %d, %v", number, v.N, f)
		}
	}
}

func TestCanonical(t *testing.T) {
	t.Parallel()
	a := Canonical([]byte(`{"b": 1.0, "a": "\u0061"}`))
	b := Canonical([]byte(" {\"a\":\"a\",\n\"b\":1}"))
	if string(a) != string(b) {
		t.Errorf("%s and %s differ", a, b)
	}
	if c := Canonical([]byte(`{"a":"a","b":2}`)); string(a) == string(c) {
		t.Error("two meanings have one form")
	}
}

// What we accept is what any JSON parser accepts, and reads the same way.
func FuzzCheck(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"name":"a","scopes":["b"]}`, `{"a":{"b":[1,2,{"c":null}]}}`, `{"a":"\ud83d\ude00"}`, `{"a":1}{}`, `{"a":1,"a":2}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if err := Check(body, known); err != nil {
			if failure.Of(err) == nil || !utf8.ValidString(err.Error()) {
				t.Fatalf("refused by %q, which is no failure fit to be shown", err)
			}
			return
		}
		if !json.Valid(body) || !utf8.Valid(body) {
			t.Fatalf("%q is accepted", body)
		}
		var v map[string]any
		if err := Decode(body, &v); err != nil && failure.Of(err) == nil {
			t.Fatalf("%q: %v", body, err)
		}
		if c := Canonical(body); string(Canonical(c)) != string(c) {
			t.Fatalf("%q: the canonical form is not stable", body)
		}
	})
}

// A body can be a hundred thousand mistakes: what is said of it is bounded, and
// so is what it costs.
func TestCheckIsBounded(t *testing.T) {
	t.Parallel()
	var misspelt, many strings.Builder
	for i := range 200 {
		fmt.Fprintf(&misspelt, `"Name%s":1,`, strings.Repeat("_", i))
	}
	for i := range 85_000 {
		fmt.Fprintf(&many, `"x%d":1,`, i)
	}
	for name, test := range map[string]struct {
		body    string
		details int
		code    string
	}{
		"misspelt members": {"{" + misspelt.String() + `"a":1}`, MaxDetails, CodeUnknown},
		"many members":     {"{" + many.String() + `"a":1}`, MaxDetails, CodeUnknown},
		"many items":       {`{"name":[` + strings.Repeat("0,", MaxValues) + `0]}`, 1, CodeValues},
	} {
		f := failure.Of(Check([]byte(test.body), known))
		if f == nil || len(f.Details) != test.details || f.Details[len(f.Details)-1].Code != test.code {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

// BenchmarkCheckOfUnknownNames is what the worst body costs.
func BenchmarkCheckOfUnknownNames(b *testing.B) {
	var body strings.Builder
	body.WriteString("{")
	for i := 0; body.Len() < 64<<10-20; i++ {
		fmt.Fprintf(&body, `"expiresAt%d":1,`, i)
	}
	body.WriteString(`"a":1}`)
	b.ReportAllocs()
	for b.Loop() {
		_ = Check([]byte(body.String()), known)
	}
}
