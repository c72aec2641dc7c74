package main

import (
	"io"
	"os"
	"text/tabwriter"

	"golang.org/x/term"
)

// isTerminal tells whether a person reads or writes here.
func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// colour is how a text is shown on a terminal: its number of ECMA-48.
type colour string

// The colours. A text of the colour plain stays as it is.
const (
	plain  colour = ""
	faint  colour = "2"
	red    colour = "31"
	green  colour = "32"
	yellow colour = "33"
	cyan   colour = "36"
)

// A cell of a table is coloured after the columns are aligned, which counts all
// bytes. Until then it stands between a byte for the colour and endOfCell; what
// is printed has no such bytes, see printable.
const endOfCell = '\x01'

var cellColours = map[byte]colour{'\x02': red, '\x03': green, '\x04': yellow, '\x05': cyan, '\x06': faint}

// palette colours texts, where it is true.
type palette bool

// paletteOf colours on a terminal whose user does not mind: https://no-color.org.
func paletteOf(w io.Writer) palette { return palette(isTerminal(w) && os.Getenv("NO_COLOR") == "") }

// paint colours a text.
func (p palette) paint(c colour, text string) string {
	if !p || c == plain {
		return text
	}
	return "\x1b[" + string(c) + "m" + text + "\x1b[0m"
}

// cell colours a cell of a table that newTable made.
func (p palette) cell(c colour, text string) string {
	for mark, marked := range cellColours {
		if bool(p) && marked == c {
			return string(rune(mark)) + text + string(endOfCell)
		}
	}
	return text
}

// newTable aligns columns, of which some cells are coloured.
func newTable(w io.Writer) *tabwriter.Writer {
	return tabwriter.NewWriter(cellPainter{w}, 0, 0, 2, ' ', 0)
}

// cellPainter colours cells that are marked.
type cellPainter struct{ io.Writer }

func (p cellPainter) Write(text []byte) (int, error) {
	painted := make([]byte, 0, len(text))
	for _, b := range text {
		switch c, begins := cellColours[b]; {
		case begins:
			painted = append(painted, "\x1b["+string(c)+"m"...)
		case b == endOfCell: // Both marks were counted.
			painted = append(painted, "\x1b[0m  "...)
		default:
			painted = append(painted, b)
		}
	}
	if _, err := p.Writer.Write(painted); err != nil {
		return 0, err
	}
	return len(text), nil
}

// clearScreen begins a screen anew, on a terminal.
func clearScreen(w io.Writer) {
	if isTerminal(w) {
		_, _ = io.WriteString(w, "\x1b[H\x1b[2J") // What is written next shows an error.
	}
}
