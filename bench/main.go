// Command bench measures how fast the system is, each figure beside the limit
// that the bare parts set on this machine, in turn by short slices. What is
// measured runs in processes of its own; the load comes from this one. It prints a table
// and, with BENCH_JSON set, writes JSON there. It needs a durable Postgres
// in PERFECTWORKS_TEST_DATABASE_URL: make bench starts one.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"
)

// plan is how much is measured.
type plan struct {
	// rounds is how many slices each side gets, lasting how long what has no limit
	// beside it is measured.
	rounds  int
	lasting time.Duration
	// events is how long the log is that is read as a whole, keys how many
	// API keys are projected.
	events, keys int
	// files is how many files wait for workers at once.
	files int
}

// benchmark measures one or more rows of the report.
type benchmark struct {
	name string
	run  func(context.Context, plan) ([]measurement, error)
}

var benchmarks = []benchmark{
	{"append", measureAppends},
	{"read", measureReadAll},
	{"project", measureProjecting},
	{"rebuild", measureRebuilding},
	{"models", measureModels},
	{"load", measureRebuildUnderLoad},
	{"post", measurePosts},
	{"http", measureHTTP},
	{"members", measureMembers},
	{"tokens", measureTokens},
	{"webhooks", measureWebhooks},
	{"files", measureFiles},
	{"upload", measureUploads},
	{"redirect", measureRedirects},
	{"analytics", measureAnalytics},
	{"rebuild-clicks", measureClickRebuild},
	{"start", measureStart},
	{"audit", measureAudit},
}

// profileDir is where children write CPU profiles to, if it is set.
var profileDir string

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	isPart, err := runPart(ctx)
	if !isPart {
		err = run(ctx)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1) //nolint:gocritic // Nothing deferred matters any more.
	}
}

// runPart runs what a benchmark has started this program as, if one has.
func runPart(ctx context.Context) (isPart bool, err error) {
	if len(os.Args) > 1 && os.Args[1] == documentsCommand {
		return true, runDocuments(ctx)
	}
	if config := os.Getenv(childVariable); config != "" {
		return true, runChild(ctx, config)
	}
	return false, nil
}

func run(ctx context.Context) (err error) {
	var p plan
	flag.DurationVar(&p.lasting, "for", 5*time.Second, "how long each side of a comparison is measured")
	flag.StringVar(&profileDir, "profile", "", "a folder for CPU and block profiles of the processes that are measured")
	flag.IntVar(&p.events, "events", 1_000_000, "length of the log that is read as a whole")
	flag.IntVar(&p.keys, "keys", 100_000, "API keys that are projected")
	flag.IntVar(&p.files, "files", 2000, "files that are queued at once")
	only := flag.String("only", "", "the one benchmark to run: append, read, project, rebuild, models, load, post, http, members, tokens, webhooks, files, upload, redirect, analytics, rebuild-clicks, start or audit")
	flag.Parse()
	p.rounds = max(int(p.lasting/slice), 1)
	if profileDir != "" { // Projections are measured in this process.
		stop, err := startProfiles(filepath.Join(profileDir, "bench.pprof"))
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, stop()) }()
	}

	results := newReport()
	for _, b := range benchmarks {
		if *only != "" && *only != b.name {
			continue
		}
		fmt.Fprintf(os.Stderr, "measuring: %s\n", b.name)
		rows, err := b.run(ctx, p)
		if err != nil {
			return fmt.Errorf("%s: %w", b.name, err)
		}
		for _, row := range rows {
			results.Measurements = append(results.Measurements, row.judged())
		}
	}
	if len(results.Measurements) == 0 {
		return errors.New("there is no benchmark named " + strings.TrimSpace(*only))
	}
	if err := results.print(os.Stdout); err != nil {
		return err
	}
	if path := os.Getenv("BENCH_JSON"); path != "" {
		return results.save(path)
	}
	return nil
}
