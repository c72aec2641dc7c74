package corpustest

import (
	_ "embed" // the list
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"
)

//go:embed ordinary.tsv
var ordinaryList string

// Half is one of the two parts of a set: what is tuned on, and what shows whether the tuning fits other files as well.
type Half string

// The halves.
const (
	Tune Half = "tune"
	Held Half = "held"
)

// Document is a file of the ordinary set, as its line in ordinary.tsv says.
type Document struct {
	// Registry is deb, npm, go or maven; Package and Version are named as its client does.
	Registry, Package, Version string
	// Inside is the path in the package; a name that ends in .gz is unpacked.
	Inside string
	// SHA256 is that of the PDF, in hexadecimal.
	SHA256 string
	Pages  int
	// Producer is the entry of the information dictionary.
	Producer string
	// Licence is that of the package.
	Licence string
}

// Half tells which part of the set the document belongs to, by its checksum.
func (d Document) Half() Half {
	if strings.Contains("02468ace", d.SHA256[:1]) {
		return Tune
	}
	return Held
}

var unsafe = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// Name is the name of the file: the package, what it is called there, and a part of its checksum.
func (d Document) Name() string {
	base := strings.TrimSuffix(strings.TrimSuffix(path.Base(d.Inside), ".gz"), ".pdf")
	from := d.Package
	switch parts := strings.Split(from, "/"); d.Registry {
	case "go":
		from = parts[min(2, len(parts)-1)]
	case "maven":
		_, from, _ = strings.Cut(from, ":")
	}
	return unsafe.ReplaceAllString(fmt.Sprintf("%s-%.40s-%s.pdf", from, base, d.SHA256[:6]), "_")
}

var (
	producerVersion = regexp.MustCompile(`(\s+(-|v|Version|SVN|Command)\s|[\s-]+(\(|m?\d)|;).*`)
	producerMarks   = strings.NewReplacer("®", "", ":", "")
	// sameProducer are other names of one program.
	sameProducer = map[string]string{
		"MiKTeX pdfTeX": "pdfTeX", "pdfeTeX": "pdfTeX", "AFPL Ghostscript": "GPL Ghostscript", "macOS": "Quartz", "Mac OS X": "Quartz",
	}
)

// Family is the producer without its version: what counts as one producer.
func (d Document) Family() string {
	family := strings.TrimSpace(producerMarks.Replace(producerVersion.ReplaceAllString(d.Producer, "")))
	if same, ok := sameProducer[family]; ok {
		return same
	}
	return family
}

// Documents gives the list of the ordinary set.
func Documents() ([]Document, error) {
	var out []Document
	for line := range strings.Lines(ordinaryList) {
		line = strings.TrimRight(line, "\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(line, "\t")
		if len(f) != 8 || len(f[4]) != 64 {
			return nil, fmt.Errorf("malformed line in ordinary.tsv: %q", line)
		}
		pages, err := strconv.Atoi(f[5])
		if err != nil {
			return nil, fmt.Errorf("malformed number of pages in ordinary.tsv: %w", err)
		}
		out = append(out, Document{
			Registry: f[0], Package: f[1], Version: f[2], Inside: f[3], SHA256: f[4], Pages: pages, Producer: f[6], Licence: f[7],
		})
	}
	return out, nil
}
