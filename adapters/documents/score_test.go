package documents

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/perfectworks/backend/adapters/documents/pdfua"
)

// TestScoreIsMonotonic takes failures away from any set of them: the score never falls.
func TestScoreIsMonotonic(t *testing.T) {
	t.Parallel()
	all := pdfua.Rules()
	rapid.Check(t, func(t *rapid.T) {
		var rules []RuleResult
		for _, i := range rapid.SliceOfDistinct(rapid.IntRange(0, len(all)-1), rapid.ID[int]).Draw(t, "rules") {
			rules = append(rules, RuleResult{
				ID: all[i].ID, Severity: Severity(all[i].Severity), Count: rapid.IntRange(1, 100_000).Draw(t, "count"),
			})
		}
		before := score(rules)
		if before.Value < 0 || before.Value > 100 || (before.Value == 100) != (len(rules) == 0) {
			t.Fatalf("score %d for %d rules", before.Value, len(rules))
		}
		if len(rules) == 0 {
			return
		}
		i := rapid.IntRange(0, len(rules)-1).Draw(t, "fixed")
		if left := rapid.IntRange(0, rules[i].Count-1).Draw(t, "left"); left > 0 {
			rules[i].Count = left
		} else {
			rules = append(rules[:i], rules[i+1:]...)
		}
		if after := score(rules); after.Value < before.Value {
			t.Fatalf("the score fell from %d to %d", before.Value, after.Value)
		}
	})
}

// TestScoreAfterUnhiding repairs what hides other failures, which then show: the score must not fall.
func TestScoreAfterUnhiding(t *testing.T) {
	t.Parallel()
	failing := func(ids ...string) []RuleResult {
		var out []RuleResult
		for _, id := range ids {
			out = append(out, RuleResult{ID: id, Severity: Error, Count: 1})
		}
		return out
	}
	for hidden, shown := range map[string][]string{
		"7.1-8":  {"5-1", "7.1-9"},
		"5-1":    {"5-2"},
		"7.1-11": {"7.3-1", "7.4.2-1", "7.2-3", "7.2-4", "7.2-10", "7.2-17", "7.2-20", "7.5-1", "7.1-5", "7.9-1"},
	} {
		if before, after := score(failing(hidden)).Value, score(failing(shown...)).Value; after < before {
			t.Errorf("repairing %s lowers the score from %d to %d", hidden, before, after)
		}
	}
}
