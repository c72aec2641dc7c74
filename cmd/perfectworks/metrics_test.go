package main

import (
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

var update = flag.Bool("update", false, "write docs/metrics.md")

const metricsReference = "../../docs/metrics.md"

// labelValues are the values of labels that have few, and that expressions may name.
// Those of other labels come from the data or from the code: routes, commands,
// projections and the like.
var labelValues = map[string][]string{
	"fault":   {"read_only", "storage_full", "unreachable", "wrong_log"},
	"method":  {"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "OTHER", "PATCH", "POST", "PUT", "TRACE"},
	"outcome": {"cancelled", "done", "failed", "interrupted", "refused", "unavailable"},
	"part":    {"directory", "eventstore", "identity", "postgres"},
	"reader":  {"directory", "projections"},
	"role":    {"all", "api", "projector", "worker"},
	"source":  {"cache", "store"},
	"state":   {"idle", "in_use", "opening"},
}

// The reference of metrics has each metric of a running server with its labels, and
// no other. The server does all kinds of work first.
func TestMetricsReference(t *testing.T) {
	t.Parallel()
	place := newInstallation(t)
	place.settings = append(place.settings, "LOG_LEVEL=info", "LOG_FORMAT=text")
	server := place.serve()
	ada := caller{api: server.api, token: place.token("ada")}
	exercise(t, ada)

	families := scrape(t, server)
	for deadline := time.Now().Add(readyWithin); !slices.ContainsFunc(families["perfectworks_job_attempt_seconds"].GetMetric(), func(m *dto.Metric) bool {
		return m.GetHistogram().GetSampleCount() > 0
	}); families = scrape(t, server) {
		if time.Now().After(deadline) {
			t.Fatal("no job was worked")
		}
		time.Sleep(50 * time.Millisecond)
	}

	text := describeMetrics(t, families)
	if *update {
		if err := os.WriteFile(metricsReference, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	stored, err := os.ReadFile(metricsReference)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(stored), text); diff != "" {
		t.Errorf("docs/metrics.md is not current: go test ./cmd/perfectworks -run MetricsReference -update\n%s", diff)
	}
}

// exercise lets a server do what it has metrics for.
func exercise(t *testing.T, ada caller) {
	t.Helper()
	ada.settle(t)
	ada.must(t, http.StatusCreated, http.MethodPost, "/api-keys", `{"description": "a key"}`)
	ada.must(t, http.StatusOK, http.MethodGet, "/api-keys", "")
	ada.must(t, http.StatusBadRequest, http.MethodPost, "/api-keys", `{"descriptions": 1}`)
	ada.must(t, http.StatusNotFound, http.MethodGet, "/no-such-path", "")
	ada.must(t, http.StatusNotFound, http.MethodGet, "/referral-links/nonesuch", "")
}

var operatorsAddress = regexp.MustCompile(`served to operators" addr=(\S+)`)

// scrape reads the metrics of a server that logs as text at level info.
func scrape(t *testing.T, server *process) map[string]*dto.MetricFamily {
	t.Helper()
	found := operatorsAddress.FindStringSubmatch(server.log.String())
	if found == nil {
		t.Fatalf("the server does not say where its metrics are: %s", server.log)
	}
	response, err := http.Get("http://" + found[1] + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(response.Body)
		t.Fatalf("the scrape ended with %s: %s", response.Status, text)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return families
}

const metricsIntroduction = `# Metrics

Each process serves its metrics at ` + "`/metrics`" + ` of ` + "`PERFECTWORKS_ADMIN_ADDR`" + `, in the text format of Prometheus.
What is common to all processes is served by those whose work it is: jobs, files and payments by workers, policies by projectors, requests and clicks by APIs.
Take the maximum of these over the processes, not their sum.
` + "`docs/monitoring`" + ` holds a dashboard and alert rules; [operations.md](operations.md) says which metric shows which fault.

This file is generated from a running server: ` + "`go test ./cmd/perfectworks -run MetricsReference -update`" + `.

| metric | type | labels | what |
|---|---|---|---|
`

func describeMetrics(t *testing.T, families map[string]*dto.MetricFamily) string {
	t.Helper()
	text := &strings.Builder{}
	text.WriteString(metricsIntroduction)
	var others []string
	for _, name := range slices.Sorted(maps.Keys(families)) {
		family := families[name]
		if !strings.HasPrefix(name, "perfectworks_") {
			others = append(others, "`"+name+"`")
			continue
		}
		labels := map[string]bool{}
		for _, m := range family.GetMetric() {
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = true
				if values, few := labelValues[l.GetName()]; few && !slices.Contains(values, l.GetValue()) {
					t.Errorf("%s has %s=%q, which labelValues does not know", name, l.GetName(), l.GetValue())
				}
			}
		}
		var list []string
		for _, l := range slices.Sorted(maps.Keys(labels)) {
			list = append(list, "`"+l+"`")
		}
		fmt.Fprintf(text, "| `%s` | %s | %s | %s |\n", name, strings.ToLower(family.GetType().String()), strings.Join(list, ", "), family.GetHelp())
	}
	text.WriteString("\n## Values of labels\n\n| label | values |\n|---|---|\n")
	for _, l := range slices.Sorted(maps.Keys(labelValues)) {
		fmt.Fprintf(text, "| `%s` | `%s` |\n", l, strings.Join(labelValues[l], "`, `"))
	}
	fmt.Fprintf(text, "\n## Metrics of the process and of Go\n\n%s.\n", strings.Join(others, ", "))
	return text.String()
}
