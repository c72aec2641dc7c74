package main

import (
	"io"
	"os"

	"golang.org/x/term"
)

// isTerminal tells whether a person reads or writes here.
func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// colour is how a text is shown on a terminal: its number of ECMA-48.
type colour string

// The colours.
const (
	red    colour = "31"
	green  colour = "32"
	yellow colour = "33"
)

// painted colours a text, on a terminal whose user does not mind: https://no-color.org.
func (c colour) painted(w io.Writer, text string) string {
	if !isTerminal(w) || os.Getenv("NO_COLOR") != "" {
		return text
	}
	return "\x1b[" + string(c) + "m" + text + "\x1b[0m"
}

// clearScreen begins a screen anew, on a terminal.
func clearScreen(w io.Writer) {
	if isTerminal(w) {
		_, _ = io.WriteString(w, "\x1b[H\x1b[2J") // What is written next shows an error.
	}
}
