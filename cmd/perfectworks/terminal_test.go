package main

import (
	"fmt"
	"strings"
	"testing"
)

// Colours do not move columns: without them, a table is the same as on a stream
// that has none.
func TestColouredCellsAreAligned(t *testing.T) {
	t.Parallel()
	table := func(p palette) string {
		var b strings.Builder
		w := newTable(&b)
		fmt.Fprintln(w, "name\tstate\tlast")
		for i, c := range []colour{red, plain, green, yellow, cyan, faint} {
			fmt.Fprintf(w, "%d\t%s\t%s\n", i, p.cell(c, strings.Repeat("ü", i)), p.cell(c, "end"))
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	coloured := table(true)
	if want := "\x1b[31mend\x1b[0m"; !strings.Contains(coloured, want) {
		t.Errorf("no red cell in %q", coloured)
	}
	for _, code := range []colour{red, green, yellow, cyan, faint} {
		coloured = strings.ReplaceAll(coloured, "\x1b["+string(code)+"m", "")
	}
	columns := func(text string) (all [][2]int) {
		for line := range strings.Lines(strings.ReplaceAll(text, "\x1b[0m", "")) {
			line = strings.TrimRight(line, " \n")
			last := max(strings.Index(line, "last"), strings.Index(line, "end"))
			all = append(all, [2]int{len([]rune(line[:last])), len([]rune(line))})
		}
		return all
	}
	// Cells that are coloured make their column two wider, in all rows.
	widened, bare := columns(coloured), columns(table(false))
	for i := range widened {
		if widened[i][0]-widened[0][0] != 0 || bare[i][0]-bare[0][0] != 0 {
			t.Errorf("row %d begins its last column at %d, plain at %d; the head at %d and %d", i, widened[i][0], bare[i][0], widened[0][0], bare[0][0])
		}
	}
}

func TestNothingIsColouredForPrograms(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	p := paletteOf(&b)
	if got := p.paint(red, "text") + p.cell(red, "cell"); got != "textcell" {
		t.Errorf("got %q", got)
	}
}
