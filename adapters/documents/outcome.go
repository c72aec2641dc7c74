package documents

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Outcome is what came of processing or converting a document. In JSON it has all that the report on the result has,
// and the rest beside it.
type Outcome struct {
	// Report is on the result.
	*Report
	// Before is the report on the document as it was.
	Before *Report `json:"before"`
	// Fixed is what was repaired. Nothing is in it that a person must still do.
	Fixed []Repair `json:"fixed"`
	// Manual is what a person must still do or look at.
	Manual []Task `json:"manual"`
	// Warnings are what the user should know of the result, such as signatures that no longer hold.
	Warnings []string `json:"warnings"`
	// Scans is how many pages are images without text, Undescribed how many figures have no alternative text that says
	// what they show.
	Scans       int `json:"scans,omitempty"`
	Undescribed int `json:"undescribed,omitempty"`
	// Engines are those that took part, with their versions.
	Engines []EngineInfo `json:"engines"`

	// repairs are the places in Fixed by rule and detail.
	repairs map[[2]string]int
}

// Repair is a kind of fault that was repaired.
type Repair struct {
	// Rule is the id of the rule that failed.
	Rule string `json:"rule"`
	// Title says what was wrong, Detail what was done about it.
	Title  string `json:"title"`
	Detail string `json:"detail,omitempty"`
	Count  int    `json:"count"`
}

// Task is something that only a person can do or judge.
type Task struct {
	// Rule is the id of a rule, or a condition of the Matterhorn Protocol 1.1; "" if there is none for it.
	Rule     string    `json:"rule"`
	Title    string    `json:"title"`
	Location *Location `json:"location,omitempty"`
}

// FailedOutcome is the outcome on a file that could not be worked on; it says why in Results.Error.
func FailedOutcome(err error, now time.Time) *Outcome {
	o := &Outcome{Report: Failure(err, now)}
	o.complete()
	return o
}

// The most that an outcome lists: places of one rule that a person must look at, ways of repairing one rule, and warnings.
// A document can have millions of each, and the reader of the outcome must hold all of it.
const (
	maxTasks    = 100
	maxRepairs  = 100
	maxWarnings = 100
	// maxText is in characters.
	maxText = 600
)

// bound leaves out what is beyond the most that an outcome lists, and says how much it was.
func (o *Outcome) bound() {
	tasks, total := o.Manual[:0:0], map[string]int{}
	for _, t := range o.Manual {
		if total[t.Rule]++; total[t.Rule] <= maxTasks {
			t.Title = clip(t.Title, maxText)
			tasks = append(tasks, t)
		}
	}
	for _, rule := range slices.Sorted(maps.Keys(total)) {
		if more := total[rule] - maxTasks; more > 0 {
			tasks = append(tasks, Task{Rule: rule, Title: sentence(htmlTitle(rule), fmt.Sprintf("%d more places are not listed", more))})
		}
	}
	o.Manual = tasks
	repairs, ways, rest := o.Fixed[:0:0], map[string]int{}, map[string]int{}
	for _, r := range o.Fixed {
		if ways[r.Rule]++; ways[r.Rule] < maxRepairs {
			r.Detail = clip(r.Detail, maxText)
			repairs = append(repairs, r)
		} else if i, known := rest[r.Rule]; known {
			repairs[i].Count += r.Count
		} else {
			rest[r.Rule] = len(repairs)
			repairs = append(repairs, Repair{Rule: r.Rule, Title: r.Title, Detail: "in other ways", Count: r.Count})
		}
	}
	o.Fixed = repairs
	for i, warning := range o.Warnings {
		o.Warnings[i] = clip(warning, maxText)
	}
	if more := len(o.Warnings) - maxWarnings; more > 0 {
		o.Warnings = append(o.Warnings[:maxWarnings:maxWarnings], fmt.Sprintf("%d more warnings are not listed.", more))
	}
}

// complete bounds the lists, replaces nil by what is empty in JSON, and names the embedded engine.
func (o *Outcome) complete() {
	o.bound()
	if o.Fixed == nil {
		o.Fixed = []Repair{}
	}
	if o.Manual == nil {
		o.Manual = []Task{}
	}
	if o.Warnings == nil {
		o.Warnings = []string{}
	}
	if o.Engines == nil {
		o.Engines = []EngineInfo{embedded}
	}
}

// addTask adds what a person must do on a page, or, if that is 0, in the document as a whole.
func (o *Outcome) addTask(rule, title, detail string, page int) {
	task := Task{Rule: rule, Title: sentence(title, detail)}
	if page > 0 {
		task.Location = &Location{PageNumber: page}
	}
	o.Manual = append(o.Manual, task)
}

// sentence joins what is wrong and the detail.
func sentence(title, detail string) string {
	switch {
	case title == "":
		return detail
	case detail == "":
		return title
	case strings.HasPrefix(detail, title):
		return detail
	}
	return title + ": " + detail
}

// addRepair counts a repair with those of the same kind.
func (o *Outcome) addRepair(rule, title, detail string, count int) {
	if o.repairs == nil {
		o.repairs = map[[2]string]int{}
	}
	key := [2]string{rule, detail}
	if i, known := o.repairs[key]; known {
		o.Fixed[i].Count += count
		return
	}
	o.repairs[key] = len(o.Fixed)
	o.Fixed = append(o.Fixed, Repair{Rule: rule, Title: title, Detail: detail, Count: count})
}
