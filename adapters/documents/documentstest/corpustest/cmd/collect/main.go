// Command collect makes the sets of documents for measuring, in the user's cache folder, and prints their folders.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"slices"

	"github.com/perfectworks/backend/adapters/documents/documentstest/corpustest"
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
	sets := map[string]func(context.Context) error{
		"ordinary": ordinary,
		"known":    func(ctx context.Context) error { return known(ctx, corpustest.MakeKnown) },
		"everyday": func(ctx context.Context) error { return known(ctx, corpustest.MakeEveryday) },
	}
	only := flag.String("only", "", "the one set to make: ordinary, known or everyday")
	flag.Parse()
	if *only != "" {
		create, ok := sets[*only]
		if !ok {
			return errors.New("there is no set named " + *only)
		}
		return create(ctx)
	}
	for _, name := range slices.Sorted(maps.Keys(sets)) {
		if err := sets[name](ctx); err != nil {
			return err
		}
	}
	return nil
}

func ordinary(ctx context.Context) error {
	set, err := corpustest.Collect(ctx)
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
	fmt.Fprintf(os.Stderr, "%d ordinary files by %d producers\n", len(set.Files), len(producers))
	fmt.Println(set.Folder)
	return nil
}

func known(ctx context.Context, create func(context.Context) ([]corpustest.Known, error)) error {
	documents, err := create(ctx)
	if err != nil {
		return err
	}
	pages := 0
	for _, k := range documents {
		pages += k.Pages
	}
	fmt.Fprintf(os.Stderr, "%d documents of known structure with %d pages\n", len(documents), pages)
	fmt.Println(filepath.Dir(filepath.Dir(filepath.Dir(documents[0].HTML))))
	return nil
}
