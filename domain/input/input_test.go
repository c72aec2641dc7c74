package input_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/input"
)

// result is the value kept and the code of the broken rule.
type result struct{ value, code string }

func check(t *testing.T, in string, want result, rule func(*failure.Fields, string) string) {
	t.Helper()
	var f failure.Fields
	got := result{value: rule(&f, in)}
	if err := failure.Of(f.Err()); err != nil {
		got.code = err.Details[0].Code
	}
	if got != want {
		t.Errorf("%q gives %+v, want %+v", in, got, want)
	}
}

func TestLine(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]result{
		"Ada":                         {value: "Ada"},
		"  Ada \u3000":                {value: "Ada"},
		"Ｌｏｖｅｌａｃｅ":                    {value: "Lovelace"},
		"Ame\u0301lie":                {value: "Amélie"},
		"نمی\u200cخواهم":              {value: "نمی\u200cخواهم"},
		"👩\u200d💻":                    {value: "👩\u200d💻"},
		"":                            {code: input.CodeRequired},
		" \t ":                        {code: input.CodeRequired},
		"A":                           {code: input.CodeTooShort},
		strings.Repeat("é", 10):       {value: strings.Repeat("é", 10)},
		strings.Repeat("é", 11):       {code: input.CodeTooLong},
		strings.Repeat("x", 1_000_00): {code: input.CodeTooLong},
		"\ufdfa":                      {code: input.CodeTooLong}, // 18 characters in NFKC
		"a\nb":                        {code: input.CodeCharacter},
		"a\x00b":                      {code: input.CodeCharacter},
		"a\u202eb":                    {code: input.CodeCharacter},
		"a\u2028b":                    {code: input.CodeCharacter},
		"a\ufeffb":                    {code: input.CodeCharacter},
		"a\xffb":                      {code: input.CodeCharacter},
		"\u200b\u200d":                {code: input.CodeRequired}, // zero width space and joiner
		"\u3164\u115f":                {code: input.CodeRequired}, // Hangul fillers
		"\u2800\u2800":                {code: input.CodeRequired}, // Braille without dots
		"\u00ad\u034f":                {code: input.CodeRequired}, // soft hyphen, grapheme joiner
		"\ufe0f\U000e0041":            {code: input.CodeRequired}, // variation selector, tag
		"\u180e \u2064":               {code: input.CodeRequired},
		"\u200d\u0301":                {code: input.CodeRequired}, // a mark on nothing
		"\u0301\u0302":                {code: input.CodeRequired},
		"A\u200b":                     {value: "A\u200b"},
		"李明":                          {value: "李明"},
	} {
		check(t, in, want, func(f *failure.Fields, s string) string { return input.Line(f, "field", s, 2, 10) })
	}
}

func TestParagraphs(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]result{
		"":              {},
		"a\r\nb\rc\td ": {value: "a\nb\nc\td"},
		"a\x1bb":        {code: input.CodeCharacter},
		"12345678901":   {code: input.CodeTooLong},
		"\u200b\n":      {code: input.CodeCharacter},
	} {
		check(t, in, want, func(f *failure.Fields, s string) string { return input.Paragraphs(f, "field", s, 10) })
	}
}

func TestURL(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]result{
		"":                                {},
		" https://example.org/a?b=c#d ":   {value: "https://example.org/a?b=c#d"},
		"HTTPS://example.org":             {value: "HTTPS://example.org"},
		"http://example.org":              {code: input.CodeFormat},
		"HTTP://example.org":              {code: input.CodeFormat},
		"https://user@example.org/":       {code: input.CodeFormat},
		"https://例え.jp/path":              {value: "https://例え.jp/path"},
		"https://[2001:db8::1]:8080/":     {value: "https://[2001:db8::1]:8080/"},
		"example.org":                     {code: input.CodeFormat},
		"//example.org":                   {code: input.CodeFormat},
		"javascript:alert(1)":             {code: input.CodeFormat},
		"data:text/html,hi":               {code: input.CodeFormat},
		"ftp://example.org":               {code: input.CodeFormat},
		"https://":                        {code: input.CodeFormat},
		"https://:80/":                    {code: input.CodeFormat},
		"https://user:pass@example.org/":  {code: input.CodeFormat},
		"https://exa mple.org/":           {code: input.CodeFormat},
		"https://example.org/\u202e":      {code: input.CodeFormat},
		"https://example.org/\n":          {value: "https://example.org/"},
		"https://example.org/a\nb":        {code: input.CodeFormat},
		"https://e/" + longer(2048, "x"):  {code: input.CodeTooLong},
		"https://example.org/%zz":         {code: input.CodeFormat},
		"https://example.org/a b":         {code: input.CodeFormat},
		"https://example.org:port/":       {code: input.CodeFormat},
		"https://\xff.example.org/":       {code: input.CodeFormat},
		"\x00https://example.org/":        {code: input.CodeFormat},
		"https://example.org\\@evil.test": {code: input.CodeFormat},
	} {
		check(t, in, want, func(f *failure.Fields, s string) string { return input.URL(f, "field", s) })
	}
}

func TestEmail(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]result{
		"":                           {},
		" ada@example.org ":          {value: "ada@example.org"},
		"ada+tag@sub.example.org":    {value: "ada+tag@sub.example.org"},
		"Ada <ada@example.org>":      {code: input.CodeFormat},
		"ada":                        {code: input.CodeFormat},
		"@example.org":               {code: input.CodeFormat},
		"ada@":                       {code: input.CodeFormat},
		"a@b.org, c@d.org":           {code: input.CodeFormat},
		"ada@example.org\r\nBcc: x":  {code: input.CodeFormat},
		longer(254, "a") + "@b.test": {code: input.CodeTooLong},
		longer(64, "a") + "@b.test":  {value: longer(64, "a") + "@b.test"},
		longer(65, "a") + "@b.test":  {code: input.CodeFormat},
		"a@" + longer(64, "b"):       {code: input.CodeFormat},
		"jörg@bücher.example":        {value: "jörg@bücher.example"},
		"ada@example..org":           {code: input.CodeFormat},
		"ada@-example.org":           {code: input.CodeFormat},
		"ada@[192.0.2.1]":            {code: input.CodeFormat},
		"ada@example.org\x00":        {code: input.CodeFormat},
		"ada\u200b@example.org":      {code: input.CodeFormat},
		"\xff@example.org":           {code: input.CodeFormat},
	} {
		check(t, in, want, func(f *failure.Fields, s string) string { return input.Email(f, "field", s) })
	}
}

func longer(n int, s string) string { return strings.Repeat(s, n) }

func FuzzLine(f *testing.F) {
	for _, s := range []string{"Ada", "a\u0301", "\ufdfa", " \xff", "\u202e"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var wrong, again failure.Fields
		kept := input.Line(&wrong, "field", s, 1, 20)
		if wrong.Err() != nil {
			if kept != "" {
				t.Errorf("refused %q and kept %q", s, kept)
			}
			return
		}
		if n := utf8.RuneCountInString(kept); n < 1 || n > 20 || !utf8.ValidString(kept) {
			t.Errorf("%q keeps %q", s, kept)
		}
		if twice := input.Line(&again, "field", kept, 1, 20); twice != kept {
			t.Errorf("%q becomes %q, which becomes %q", s, kept, twice)
		}
	})
}
