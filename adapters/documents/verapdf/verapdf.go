// Package verapdf holds the program that asks veraPDF, the reference validator for PDF/UA-1.
package verapdf

import (
	_ "embed" // the Java program
	"errors"
	"strings"
)

// Oracle is a Java program, "Oracle.java": it reads the paths of files from standard input, one a line, and answers
// each by a line that [Parse] reads. It needs a jar with veraPDF 1.31 in its class path.
//
//go:embed Oracle.java
var Oracle []byte

// Version is that of the validation model that [Oracle] is written for; the jar does not tell its own.
const Version = "1.31"

// Verdict is the validator's answer on one file.
type Verdict struct {
	Conforms bool
	// FailedRules are clause and test, such as "7.1-8", in no special order.
	FailedRules []string
}

// Parse reads an answer.
func Parse(line string) (Verdict, error) {
	verdict, rest, _ := strings.Cut(strings.TrimRight(line, "\r\n"), "\t")
	if verdict != "PASS" && verdict != "FAIL" {
		return Verdict{}, errors.New("veraPDF cannot check the file: " + rest)
	}
	return Verdict{Conforms: verdict == "PASS", FailedRules: strings.Fields(rest)}, nil
}
