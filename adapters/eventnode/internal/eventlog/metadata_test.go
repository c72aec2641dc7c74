package eventlog

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseMetadata(t *testing.T) {
	t.Parallel()
	age, one, big := 5*time.Second, int64(1), int64(math.MaxInt64)
	tests := map[string]StreamMetadata{
		`{}`:                          {},
		`{"$maxAge":5}`:               {MaxAge: &age},
		`{"$maxCount":1,"$tb":1}`:     {MaxCount: &one, TruncateBefore: &one},
		`{"$tb":9223372036854775807}`: {TruncateBefore: &big},
		`{"$maxCount":1,"$acl":{"$r":"$all"},"$cacheControl":3,"own":[1]}`: {MaxCount: &one},
		`{"$maxCount":null}`:              {},
		`{"$MAXCOUNT":1}`:                 {},
		`{"$maxCount":0}`:                 {},
		`{"$maxCount":-1}`:                {},
		`{"$maxAge":0,"$maxCount":1}`:     {},
		`{"$maxAge":9223372036854775807}`: {},
		`{"$tb":-1}`:                      {},
		`{"$tb":9223372036854775808}`:     {},
		`{"$maxCount":"1"}`:               {},
		`{"$maxCount":1.5}`:               {},
		`[]`:                              {},
		`null`:                            {},
		``:                                {},
		`{"$maxCount":1`:                  {},
	}
	for data, want := range tests {
		if diff := cmp.Diff(want, ParseMetadata([]byte(data))); diff != "" {
			t.Errorf("%s: %s", data, diff)
		}
	}
}

func FuzzParseMetadata(f *testing.F) {
	for _, seed := range []string{`{}`, `{"$maxAge":5,"$maxCount":1,"$tb":9}`, `{"$tb":9223372036854775807}`, `null`, `{"$maxCount":`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m := ParseMetadata(data)
		if m.MaxAge != nil && *m.MaxAge <= 0 || m.MaxCount != nil && *m.MaxCount <= 0 || m.TruncateBefore != nil && *m.TruncateBefore < 0 {
			t.Fatalf("%+v", m)
		}
		if first := m.firstRevision(10); first < 0 {
			t.Fatalf("first revision %d", first)
		}
		_ = m.createdSince(time.Now())
		recreated, ok := undeleted(data, 7)
		if !ok {
			return
		}
		var before, after map[string]json.RawMessage
		if json.Unmarshal(data, &before) != nil || json.Unmarshal(recreated, &after) != nil {
			t.Fatalf("%q became %q", data, recreated)
		}
		if string(after["$tb"]) != "7" {
			t.Fatalf("%q became %q", data, recreated)
		}
		for key := range before {
			if _, kept := after[key]; !kept {
				t.Fatalf("%q lost %q", recreated, key)
			}
		}
	})
}

func FuzzParseLink(f *testing.F) {
	for _, seed := range []string{"0@s", "12@a@b", "@s", "1@", "-1@s", "x@s", "9223372036854775808@s", ""} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		target, ok := parseLink(data)
		if ok && (target.revision < 0 || target.stream == "") {
			t.Fatalf("%+v", target)
		}
	})
}
