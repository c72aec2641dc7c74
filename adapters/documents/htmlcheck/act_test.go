package htmlcheck_test

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/perfectworks/backend/adapters/documents/htmlcheck"
)

// actFolder holds test cases of W3C's ACT rules (act-rules.github.io), beside the repository.
const actFolder = "../../../../shared/corpus/act"

// actCase is a test case of one ACT rule. Expected is passed, failed or inapplicable, and says nothing of other rules.
type actCase struct{ file, rule, name, expected string }

func actCases(t *testing.T) []actCase {
	t.Helper()
	table, err := os.ReadFile(filepath.Join(actFolder, "expected.tsv"))
	if err != nil {
		t.Skip("the ACT test cases are needed in " + actFolder)
	}
	var out []actCase
	lines := strings.Split(strings.TrimSpace(string(table)), "\n")
	for _, line := range lines[1:] {
		f := strings.Split(line, "\t")
		if len(f) != 4 {
			t.Fatalf("malformed line %q", line)
		}
		out = append(out, actCase{f[0], f[1], f[2], f[3]})
	}
	return out
}

// needMedia are rules that depend on the sound of media files, which are not read here. Their findings say what is likely,
// and they are counted separately.
var needMedia = []string{"4c31df", "80f0bf", "f51b46"}

// TestACT measures by W3C's test cases how many failures are found and how many good cases are blamed.
func TestACT(t *testing.T) {
	t.Parallel()
	type count struct{ failures, found, good, blamed int }
	counts, total := map[string]*count{}, count{}
	names := map[string]string{}
	for _, example := range actCases(t) {
		source, err := os.ReadFile(filepath.Join(actFolder, example.file))
		if err != nil {
			t.Fatal(err)
		}
		result, err := htmlcheck.Check(bytes.ToValidUTF8(source, []byte("\ufffd")))
		if err != nil {
			t.Fatal(err)
		}
		found := slices.ContainsFunc(result.Findings, func(f htmlcheck.Finding) bool {
			rule, _ := htmlcheck.RuleByID(f.Rule)
			return slices.Contains(rule.ACT, example.rule)
		})
		c := counts[example.rule]
		if c == nil {
			c = &count{}
			counts[example.rule], names[example.rule] = c, example.name
		}
		sum := &total
		if slices.Contains(needMedia, example.rule) {
			sum = &count{}
		}
		switch example.expected {
		case "failed":
			c.failures++
			sum.failures++
			if found {
				c.found++
				sum.found++
			} else {
				t.Logf("%s %s is not found in %s", example.rule, example.name, example.file)
			}
		default:
			c.good++
			sum.good++
			if found {
				c.blamed++
				sum.blamed++
				t.Logf("%s %s is blamed wrongly in %s", example.rule, example.name, example.file)
			}
		}
	}
	for _, rule := range slices.Sorted(maps.Keys(counts)) {
		c := counts[rule]
		t.Logf("%s %3d of %3d found, %d of %3d blamed: %s", rule, c.found, c.failures, c.blamed, c.good, names[rule])
	}
	t.Logf("without those that need media, %d of %d failures are found, %d of %d good cases are blamed", total.found, total.failures, total.blamed, total.good)
	if total.found*100 < total.failures*95 {
		t.Error("fewer than 95 % of the failures are found")
	}
	if total.blamed*100 >= total.good {
		t.Error("1 % of the good cases or more are blamed")
	}
}
