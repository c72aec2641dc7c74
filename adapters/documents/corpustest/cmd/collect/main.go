// Command collect makes the sets of documents for measuring, in the user's cache folder, and prints their folders.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"github.com/perfectworks/backend/adapters/documents/corpustest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "collect:", err)
		os.Exit(1) //nolint:gocritic // nothing deferred matters any more
	}
}

func run(ctx context.Context) error {
	only := flag.String("only", "", "the one set to make: ordinary or known")
	flag.Parse()
	makers := []struct {
		name string
		make func(context.Context) (*corpustest.Set, error)
	}{{"ordinary", corpustest.Collect}}
	for _, m := range makers {
		if *only != "" && *only != m.name {
			continue
		}
		set, err := m.make(ctx)
		if err != nil {
			return err
		}
		for _, why := range set.Skipped {
			fmt.Fprintln(os.Stderr, "skipped:", why)
		}
		producers := map[string]int{}
		for _, f := range set.Files {
			producers[f.Producer]++
		}
		fmt.Fprintf(os.Stderr, "%s: %d files by %d producers\n", m.name, len(set.Files), len(producers))
		fmt.Println(set.Folder)
	}
	return nil
}
