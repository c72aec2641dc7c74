package monitoring

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"gopkg.in/yaml.v3"
)

const (
	dashboardFile  = "../../docs/monitoring/dashboard.json"
	rulesFile      = "../../docs/monitoring/alerts.yml"
	rulesTestFile  = "../../docs/monitoring/alerts_test.yml"
	metricsFile    = "../../docs/metrics.md"
	operationsFile = "../../docs/operations.md"
)

// undisplayed are metrics of ours that the dashboard leaves out, and why.
var undisplayed = map[string]string{}

// ofPrometheus are what Prometheus adds to what it scrapes.
var ofPrometheus = []string{"up"}

var labelsOfPrometheus = []string{"job", "instance"}

// rows are those of the dashboard.
var rows = []string{
	"Edge", "Commands", "Projections", "Policies and jobs", "Files", "Tokens and payments", "Referrals", "Store and Postgres", "Audit",
}

// metric is what docs/metrics.md says of one.
type metric struct {
	kind   string
	labels []string
}

// reference is what docs/metrics.md says.
type reference struct {
	metrics map[string]metric
	values  map[string][]string
}

var (
	metricRow = regexp.MustCompile("^\\| `(\\w+)` \\| (counter|gauge|histogram|summary) \\| ([^|]*) \\| .+ \\|$")
	valuesRow = regexp.MustCompile("^\\| `(\\w+)` \\| ([^|]*) \\|$")
	quoted    = regexp.MustCompile("`([^`]+)`")
)

func readReference(t *testing.T) reference {
	t.Helper()
	r := reference{map[string]metric{}, map[string][]string{}}
	text := read(t, metricsFile)
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if row := metricRow.FindStringSubmatch(line); row != nil {
			r.metrics[row[1]] = metric{row[2], unquoted(row[3])}
		} else if row := valuesRow.FindStringSubmatch(line); row != nil {
			r.values[row[1]] = unquoted(row[2])
		} else if strings.HasPrefix(line, "`go_") {
			for _, name := range unquoted(line) {
				r.metrics[name] = metric{kind: "gauge"}
			}
		}
	}
	if len(r.metrics) < 50 || len(r.values) < 5 {
		t.Fatalf("%s names %d metrics and %d labels", metricsFile, len(r.metrics), len(r.values))
	}
	return r
}

func unquoted(text string) []string {
	var all []string
	for _, found := range quoted.FindAllStringSubmatch(text, -1) {
		all = append(all, found[1])
	}
	return all
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// check looks at one expression, and returns the metrics that it names.
func (r reference) check(expression string) (named []string, wrong []error) {
	// What Grafana puts in.
	replaced := strings.NewReplacer("$__rate_interval", "5m", "$instance", ".*").Replace(expression)
	parsed, err := parser.ParseExpr(replaced)
	if err != nil {
		return nil, []error{err}
	}
	refuse := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }
	known := map[string]bool{}
	parser.Inspect(parsed, func(node parser.Node, _ []parser.Node) error {
		selector, ok := node.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		name, extra := selector.Name, ""
		if slices.Contains(ofPrometheus, name) {
			return nil
		}
		m, exists := r.metrics[name]
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			base, cut := strings.CutSuffix(name, suffix)
			if of := r.metrics[base]; !exists && cut && of.kind == "histogram" {
				name, m, exists = base, of, true
				if suffix == "_bucket" {
					extra = "le"
				}
			}
		}
		if !exists {
			refuse("there is no metric %q", selector.Name)
			return nil
		}
		named = append(named, name)
		for _, l := range slices.Concat(m.labels, labelsOfPrometheus, []string{extra}) {
			known[l] = true
		}
		for _, matcher := range selector.LabelMatchers {
			if matcher.Name == labels.MetricName {
				continue
			}
			if !slices.Contains(m.labels, matcher.Name) && !slices.Contains(labelsOfPrometheus, matcher.Name) {
				refuse("%s has no label %q", name, matcher.Name)
			}
			if values, few := r.values[matcher.Name]; few && !slices.ContainsFunc(values, matcher.Matches) {
				refuse("no value of the label %q matches %s", matcher.Name, matcher)
			}
		}
		return nil
	})
	parser.Inspect(parsed, func(node parser.Node, _ []parser.Node) error {
		var grouping []string
		switch n := node.(type) {
		case *parser.AggregateExpr:
			grouping = n.Grouping
		case *parser.BinaryExpr:
			if n.VectorMatching != nil {
				grouping = n.VectorMatching.MatchingLabels
			}
		}
		for _, l := range grouping {
			if !known[l] {
				refuse("no metric of the expression has the label %q", l)
			}
		}
		return nil
	})
	return named, wrong
}

type dashboard struct {
	Panels      []panel `json:"panels"`
	Annotations struct {
		List []struct {
			Expr string `json:"expr"`
		} `json:"list"`
	} `json:"annotations"`
	Templating struct {
		List []struct {
			Definition string `json:"definition"`
		} `json:"list"`
	} `json:"templating"`
}

type panel struct {
	ID      int    `json:"id"`
	Type    string `json:"type"`
	Title   string `json:"title"`
	GridPos struct {
		H, W, X, Y int
	} `json:"gridPos"`
	Targets []struct {
		Expr         string `json:"expr"`
		LegendFormat string `json:"legendFormat"`
	} `json:"targets"`
}

var legendLabel = regexp.MustCompile(`\{\{ *(\w+) *\}\}`)

// Every expression of the dashboard names metrics and labels that exist, and every
// metric of ours is displayed, or listed as one that is not.
func TestDashboard(t *testing.T) {
	t.Parallel()
	r := readReference(t)
	var d dashboard
	if err := json.Unmarshal([]byte(read(t, dashboardFile)), &d); err != nil {
		t.Fatal(err)
	}
	displayed, ids := map[string]bool{}, map[int]bool{}
	var titles []string
	for _, p := range d.Panels {
		if ids[p.ID] {
			t.Errorf("two panels have the id %d", p.ID)
		}
		ids[p.ID] = true
		if p.Type == "row" {
			titles = append(titles, p.Title)
			continue
		}
		if len(p.Targets) == 0 {
			t.Errorf("the panel %q shows nothing", p.Title)
		}
		if p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("the panel %q is not on the page", p.Title)
		}
		for _, target := range p.Targets {
			named, wrong := r.check(target.Expr)
			for _, err := range wrong {
				t.Errorf("panel %q: %s: %v", p.Title, target.Expr, err)
			}
			for _, name := range named {
				displayed[name] = true
			}
			for _, l := range legendLabel.FindAllStringSubmatch(target.LegendFormat, -1) {
				kept := strings.Contains(target.Expr, l[1]) || !strings.Contains(target.Expr, "by (") && slices.ContainsFunc(named, func(name string) bool {
					return slices.Contains(r.metrics[name].labels, l[1])
				})
				if !kept && l[1] != "instance" {
					t.Errorf("panel %q: the legend names %q, which the expression does not keep", p.Title, l[1])
				}
			}
		}
	}
	if !slices.Equal(titles, rows) {
		t.Errorf("the rows are %q", titles)
	}
	for _, a := range d.Annotations.List {
		if _, wrong := r.check(a.Expr); wrong != nil {
			t.Errorf("annotation %s: %v", a.Expr, wrong)
		}
	}
	variable := regexp.MustCompile(`^label_values\((\w+), instance\)$`)
	for _, v := range d.Templating.List {
		if found := variable.FindStringSubmatch(v.Definition); v.Definition != "" && (found == nil || r.metrics[found[1]].kind == "") {
			t.Errorf("the variable %s names no metric", v.Definition)
		}
	}
	for name := range r.metrics {
		_, hidden := undisplayed[name]
		if strings.HasPrefix(name, "perfectworks_") && displayed[name] == hidden {
			t.Errorf("%s: displayed is %v, and listed as undisplayed is %v", name, displayed[name], hidden)
		}
	}
	for name := range undisplayed {
		if r.metrics[name].kind == "" {
			t.Errorf("%s is listed as undisplayed, and does not exist", name)
		}
	}
}

type rules struct {
	Groups []struct {
		Name  string `yaml:"name"`
		Rules []struct {
			Alert       string            `yaml:"alert"`
			Expr        string            `yaml:"expr"`
			Labels      map[string]string `yaml:"labels"`
			Annotations map[string]string `yaml:"annotations"`
		} `yaml:"rules"`
	} `yaml:"groups"`
}

// Every alert is about metrics and labels that exist, has a unit test, and has a
// section in the manual that says what to do.
func TestAlerts(t *testing.T) {
	t.Parallel()
	r := readReference(t)
	var all rules
	if err := yaml.Unmarshal([]byte(read(t, rulesFile)), &all); err != nil {
		t.Fatal(err)
	}
	manual, tests := read(t, operationsFile), read(t, rulesTestFile)
	alerts := map[string]bool{}
	for _, group := range all.Groups {
		for _, rule := range group.Rules {
			_, wrong := r.check(rule.Expr)
			for _, err := range wrong {
				t.Errorf("%s: %v", rule.Alert, err)
			}
			if alerts[rule.Alert] {
				t.Errorf("there are two alerts %s", rule.Alert)
			}
			alerts[rule.Alert] = true
			if severity := rule.Labels["severity"]; severity != "critical" && severity != "warning" {
				t.Errorf("%s has the severity %q", rule.Alert, severity)
			}
			if rule.Annotations["summary"] == "" || rule.Annotations["runbook"] != "docs/operations.md#"+strings.ToLower(rule.Alert) {
				t.Errorf("%s: its annotations are %v", rule.Alert, rule.Annotations)
			}
			if strings.Count(manual, "\n#### "+rule.Alert+"\n") != 1 {
				t.Errorf("docs/operations.md has no section for %s", rule.Alert)
			}
			if !strings.Contains(tests, "alertname: "+rule.Alert+"\n") {
				t.Errorf("no unit test is about %s", rule.Alert)
			}
		}
	}
	if len(alerts) < 20 {
		t.Fatalf("only %d alerts were found", len(alerts))
	}
	for _, section := range regexp.MustCompile(`(?m)^#### (\w+)$`).FindAllStringSubmatch(manual, -1) {
		if !alerts[section[1]] {
			t.Errorf("docs/operations.md has a section for %s, which is no alert", section[1])
		}
	}
}

// Every metric that the documents name exists, so that each fault of the table in the
// manual is visible in one.
func TestMetricsInDocuments(t *testing.T) {
	t.Parallel()
	r := readReference(t)
	manual := read(t, operationsFile)
	named := map[string]bool{}
	for _, found := range regexp.MustCompile("`(perfectworks_\\w+|go_\\w+|process_\\w+)").FindAllStringSubmatch(manual, -1) {
		named[found[1]] = true
	}
	if len(named) < 20 {
		t.Fatalf("the manual names only %d metrics", len(named))
	}
	for _, name := range slices.Sorted(maps.Keys(named)) {
		if r.metrics[name].kind == "" {
			t.Errorf("the manual names %s, which does not exist", name)
		}
	}
}

// The check finds what it is there for.
func TestCheck(t *testing.T) {
	t.Parallel()
	r := reference{
		map[string]metric{"a_total": {"counter", []string{"kind", "state"}}, "b_seconds": {"histogram", []string{"kind"}}},
		map[string][]string{"state": {"idle"}},
	}
	for expression, right := range map[string]bool{
		`sum by (kind) (rate(a_total{state="idle"}[$__rate_interval]))`:                           true,
		`histogram_quantile(0.9, sum by (le) (rate(b_seconds_bucket{instance="$instance"}[5m])))`: true,
		`up{job="x"} == 0`:               true,
		`sum(a_total`:                    false,
		`c_total`:                        false,
		`a_total_sum`:                    false,
		`a_total{sort="x"}`:              false,
		`a_total{state="busy"}`:          false,
		`a_total{state=~"busy|id.*"}`:    true,
		`sum by (sort) (a_total)`:        false,
		`sum by (le) (a_total)`:          false,
		`a_total / on (sort) a_total`:    false,
		`rate(b_seconds_count[5m]) > 0`:  true,
		`rate(b_seconds_bucket[5m]) > c`: false,
	} {
		if _, wrong := r.check(expression); (wrong == nil) != right {
			t.Errorf("%s: %v", expression, wrong)
		}
	}
}
