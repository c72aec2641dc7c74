// Command collect makes the sets of documents for measuring, in the user's cache folder, and prints their folders.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"

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
	only := flag.String("only", "", "the one set to make: ordinary or known")
	flag.Parse()
	if *only != "" && *only != "ordinary" && *only != "known" {
		return errors.New("there is no set named " + *only)
	}
	if *only != "known" {
		if err := ordinary(ctx); err != nil {
			return err
		}
	}
	if *only != "ordinary" {
		return known(ctx)
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

func known(ctx context.Context) error {
	documents, err := corpustest.MakeKnown(ctx)
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
