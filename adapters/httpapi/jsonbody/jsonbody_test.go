package jsonbody

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

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
		"unknown members":         `{"name":"a","colour":"red","nested":{"names":1}}`,
		"text with lines":         `{"description":"one\ntwo\r\n\tthree"}`,
		"astral characters":       `{"name":"\ud83d\ude00 😀"}`,
		"same name on two levels": `{"name":{"name":{"name":1}}}`,
		"deep, but not too deep":  strings.Repeat(`{"a":`, maxDepth-1) + `{}` + strings.Repeat(`}`, maxDepth-1),
		"big numbers":             `{"a":123456789012345678901234567890,"b":1e400}`,
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
		"too deep":                      {strings.Repeat(`{"a":`, maxDepth+1), refusal{failure.CodeValidation, "body", CodeDepth}},
		"too deep lists":                {`{"a":` + strings.Repeat(`[`, 5000), refusal{failure.CodeValidation, "body", CodeDepth}},
		"escaped control character":     {`{"name":"a\u0000b"}`, refusal{failure.CodeValidation, "name", "CHARACTER_FORBIDDEN"}},
		"control character in a list":   {`{"scopes":["a","\u0007"]}`, refusal{failure.CodeValidation, "scopes[1]", "CHARACTER_FORBIDDEN"}},
		"control character in a name":   {`{"colour\u0000":1}`, refusal{failure.CodeValidation, "colour\uFFFD", "CHARACTER_FORBIDDEN"}},
		"delete character":              {"{\"name\":\"\x7f\"}", refusal{failure.CodeValidation, "name", "CHARACTER_FORBIDDEN"}},
		"a letter too many":             {`{"expiresAt":"x"}`, refusal{failure.CodeValidation, "expiresAt", CodeMisspelt}},
		"a letter too few":              {`{"descriptin":"x"}`, refusal{failure.CodeValidation, "descriptin", CodeMisspelt}},
		"another case":                  {`{"Name":"x"}`, refusal{failure.CodeValidation, "Name", CodeMisspelt}},
		"snake case":                    {`{"logo_url":"x"}`, refusal{failure.CodeValidation, "logo_url", CodeMisspelt}},
		"known and in another case too": {`{"name":"a","NAME":"b"}`, refusal{failure.CodeValidation, "NAME", CodeMisspelt}},
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

func TestShortNamesAreNotTakenForOthers(t *testing.T) {
	t.Parallel()
	for _, other := range []string{"names", "game", "nam", "url", "scope_of_work"} {
		if meant, misspelt := known.resembles(other); misspelt {
			t.Errorf("%s is taken for %s", other, meant)
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
		"misspelt members": {"{" + misspelt.String() + `"a":1}`, MaxDetails, CodeMisspelt},
		"many members":     {"{" + many.String() + `"a":1}`, 1, CodeValues},
		"many items":       {`{"a":[` + strings.Repeat("0,", maxValues) + `0]}`, 1, CodeValues},
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
