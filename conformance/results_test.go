package conformance

import (
	"strings"
	"testing"
)

// TestParseResults makes sure that a case which fails, is skipped, or never ends
// is not taken for one that passed.
func TestParseResults(t *testing.T) {
	t.Parallel()
	results, err := parseResults(strings.NewReader(`
		{"Action":"start"}
		{"Action":"run","Test":"TestStreams"}
		{"Action":"run","Test":"TestStreams/Suite"}
		{"Action":"run","Test":"TestStreams/Suite/TestGood"}
		{"Action":"pass","Test":"TestStreams/Suite/TestGood"}
		{"Action":"run","Test":"TestStreams/Suite/TestBad"}
		{"Action":"output","Test":"TestStreams/Suite/TestBad","Output":"the reason"}
		{"Action":"fail","Test":"TestStreams/Suite/TestBad"}
		{"Action":"skip","Test":"TestStreams/Suite/TestSkipped"}
		{"Action":"run","Test":"TestStreams/Suite/TestHangs"}
		{"Action":"fail","Test":"TestStreams/Suite"}
		{"Action":"pass","Test":"TestStreams/EmptySuite"}
		{"Action":"fail","Test":"TestStreams/BrokenSuite"}
		{"Action":"pass","Test":"TestOther/Suite/TestOther"}
		{"Action":"fail","Test":"TestStreams"}`))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"Suite/TestGood": "pass", "Suite/TestBad": "fail", "Suite/TestSkipped": "skip", "Suite/TestHangs": "none",
		"BrokenSuite": "fail",
	}
	for name, action := range want {
		if results[name] == nil || results[name].action != action {
			t.Errorf("%s: %+v, want %s", name, results[name], action)
		}
	}
	if len(results) != len(want) {
		t.Errorf("%d results: %v", len(results), results)
	}
	if !strings.Contains(results["Suite/TestBad"].output.String(), "the reason") {
		t.Error("the output of a failure is lost")
	}
	if _, err := parseResults(strings.NewReader("not json")); err == nil {
		t.Error("nonsense is taken for results")
	}
}
