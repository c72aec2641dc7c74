package documents

import (
	"math"
	"slices"
)

// Score is a number from 0 to 100 with its explanation.
//
// It is 100 / (1 + the sum of all weights), rounded down. Each failed rule weighs by its severity and by how often it
// fails: an error 0.10, a warning 0.04, an info 0.01, times 1 for one failure up to 2 for a thousand or more. A rule
// that hides others (without metadata, nothing can be wrong in them) weighs as much as those others could, so that
// taking a failure away never lowers the score. Only a document without any failure has 100.
type Score struct {
	Value int `json:"value"`
	// Parts are what takes points away, heaviest first.
	Parts []ScorePart `json:"parts"`
}

// ScorePart is the weight of one failed rule.
type ScorePart struct {
	Rule   string  `json:"rule"`
	Count  int     `json:"count"`
	Weight float64 `json:"weight"`
}

var severityWeight = map[Severity]float64{Error: 0.10, Warning: 0.04, Info: 0.01}

// hides lists the rules that cannot fail while another does. The structure tree hides dozens; it weighs as twenty of
// them, since no document breaks them all.
var hides = map[string]int{"7.1-8": 3, "5-1": 2, "7.1-11": 20}

// mostTimes is the factor for a rule that fails a thousand times or more.
const mostTimes = 2

func weight(r RuleResult) float64 {
	times := 1 + min(math.Log10(float64(max(r.Count, 1)))/3, mostTimes-1)
	w := severityWeight[r.Severity]
	return w*times + float64(hides[r.ID])*severityWeight[Error]
}

func score(rules []RuleResult) Score {
	s := Score{Parts: []ScorePart{}}
	sum := 0.0
	for _, r := range rules {
		w := weight(r)
		sum += w
		s.Parts = append(s.Parts, ScorePart{Rule: r.ID, Count: r.Count, Weight: math.Round(w*1000) / 1000})
	}
	slices.SortStableFunc(s.Parts, func(a, b ScorePart) int {
		switch {
		case a.Weight > b.Weight:
			return -1
		case a.Weight < b.Weight:
			return 1
		}
		return 0
	})
	s.Value = int(100 / (1 + sum))
	if len(rules) > 0 {
		s.Value = min(s.Value, 99)
	}
	return s
}
