// Command notices writes the notices of the libraries and fonts that are part of the
// program, with the texts of their licences.
//
//	notices [-check] FILE
//
// It is run in the folder of this module, and looks at the program in the folder above.
// With -check it writes nothing, and fails if the file is not what it would write.
package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/google/licensecheck"
)

const (
	program = "./cmd/perfectworks"
	root    = ".."
	self    = "github.com/perfectworks/backend"
)

// part is something of others that is in the program.
type part struct {
	name, version string
	// texts are those of its licences and notices, by the name of the file.
	texts []text
}

type text struct{ file, content string }

// embedded are files of others that are in the program and no Go module, with the file
// that has their licence.
var embedded = []struct{ file, name, licence string }{
	{"adapters/documents/embedfont/dingbats/Dingbats.ttf", "Dingbats (font)", "adapters/documents/embedfont/dingbats/LICENSE"},
	{"adapters/documents/font/glyphlist.txt", "Adobe Glyph List", "adapters/documents/font/glyphlist.txt"},
}

// foreign are the kinds of files that need an entry in embedded.
var foreign = regexp.MustCompile(`\.(ttf|otf|woff2?|wasm|js|css|icc|pfb)$|glyphlist\.txt$`)

func main() {
	check := flag.Bool("check", false, "fail if the file is not current, and write nothing")
	flag.Parse()
	if err := run(*check, flag.Arg(0)); err != nil {
		fmt.Fprintln(os.Stderr, "notices:", err)
		os.Exit(1)
	}
}

func run(check bool, file string) error {
	if file == "" {
		return errors.New("name the file to write")
	}
	parts, err := modules()
	if err != nil {
		return err
	}
	others, err := files()
	if err != nil {
		return err
	}
	var out bytes.Buffer
	if err := write(&out, append(parts, others...)); err != nil {
		return err
	}
	if !check {
		return os.WriteFile(file, out.Bytes(), 0o644) //nolint:gosec // It is meant to be read by all.
	}
	stored, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if !bytes.Equal(stored, out.Bytes()) {
		return fmt.Errorf("%s is not current: make notices", file)
	}
	return nil
}

// modules are the modules that packages of the program come from, and Go itself.
func modules() ([]part, error) {
	command := exec.CommandContext(context.Background(), "go", "list", "-deps", "-tags", "cloud", "-json=ImportPath,Dir,Standard,Module", program)
	command.Dir = root
	// What is in the program does not depend on the machine that asks.
	command.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0", "GOFLAGS=")
	command.Stderr = os.Stderr
	listed, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("list the packages of the program: %w", err)
	}
	type module struct{ Path, Version, Dir string }
	folders := map[module]map[string]bool{}
	decoder := json.NewDecoder(bytes.NewReader(listed))
	for {
		var p struct {
			Dir      string
			Standard bool
			Module   *module
		}
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		if p.Standard || p.Module == nil || p.Module.Path == self {
			continue
		}
		if folders[*p.Module] == nil {
			folders[*p.Module] = map[string]bool{p.Module.Dir: true}
		}
		// A folder below may have code of other authors.
		for dir := p.Dir; len(dir) > len(p.Module.Dir); dir = filepath.Dir(dir) {
			folders[*p.Module][dir] = true
		}
	}
	var parts []part
	for m, dirs := range folders {
		p := part{name: m.Path, version: m.Version}
		for dir := range dirs {
			found, err := licencesIn(dir, m.Dir)
			if err != nil {
				return nil, err
			}
			p.texts = append(p.texts, found...)
		}
		if len(p.texts) == 0 {
			return nil, fmt.Errorf("%s has no licence", m.Path)
		}
		slices.SortFunc(p.texts, func(a, b text) int { return strings.Compare(a.file, b.file) })
		parts = append(parts, p)
	}
	goroot, err := exec.CommandContext(context.Background(), "go", "env", "GOROOT").Output()
	if err != nil {
		return nil, fmt.Errorf("find Go: %w", err)
	}
	licence, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(goroot)), "LICENSE"))
	if err != nil {
		return nil, fmt.Errorf("read the licence of Go: %w", err)
	}
	parts = append(parts, part{name: "Go standard library and runtime", texts: []text{{"LICENSE", string(licence)}}})
	slices.SortFunc(parts, func(a, b part) int {
		return cmp.Or(strings.Compare(a.name, b.name), strings.Compare(a.version, b.version))
	})
	return parts, nil
}

var licenceFile = regexp.MustCompile(`(?i)^(un)?(licen[cs]es?|copying|notice|copyright|patents)([-._].*)?$`)

// licencesIn reads the licences in one folder of a module.
func licencesIn(dir, module string) ([]text, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var texts []text
	for _, e := range entries {
		if !e.Type().IsRegular() || !licenceFile.MatchString(e.Name()) || strings.HasSuffix(e.Name(), ".go") {
			continue
		}
		path := filepath.Join(dir, e.Name())
		content, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		name, err := filepath.Rel(module, path)
		if err != nil {
			return nil, err
		}
		texts = append(texts, text{filepath.ToSlash(name), string(content)})
	}
	return texts, nil
}

// files are what embedded lists, and PDFium, which is inside a module.
func files() ([]part, error) {
	listed, err := exec.CommandContext(context.Background(), "git", "-C", root, "ls-files").Output()
	if err != nil {
		return nil, fmt.Errorf("list the files of the repository: %w", err)
	}
	for name := range strings.Lines(string(listed)) {
		name = strings.TrimSpace(name)
		if foreign.MatchString(name) && !ours(name) && !slices.ContainsFunc(embedded, func(e struct{ file, name, licence string }) bool { return e.file == name }) {
			return nil, fmt.Errorf("%s may be of others: list it in tools/notices", name)
		}
	}
	var parts []part
	for _, e := range embedded {
		if _, err := os.Stat(filepath.Join(root, e.file)); errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("tools/notices lists %s, which does not exist", e.file)
		}
		content, err := os.ReadFile(filepath.Join(root, e.licence))
		if err != nil {
			return nil, err
		}
		parts = append(parts, part{name: e.name, texts: []text{{filepath.Base(e.licence), head(string(content))}}})
	}
	return append(parts, part{name: "PDFium (in github.com/klippa-app/go-pdfium, as WebAssembly)", texts: []text{{"LICENSE", pdfium}}}), nil
}

// ours are files that are not in the program, or that were written for it.
func ours(name string) bool {
	for _, folder := range []string{"testdata/", "documentstest/", "conformance/", "adapters/stripe/sandbox/pages/", "adapters/httpapi/", "adapters/documents/pdfhtml/", "adapters/documents/typeset/", "docs/"} {
		if strings.Contains(name, folder) {
			return true
		}
	}
	return false
}

// head is the comment at the beginning of a file of data, or a whole text.
func head(content string) string {
	if !strings.HasPrefix(content, "#") {
		return content
	}
	var b strings.Builder
	for line := range strings.Lines(content) {
		if !strings.HasPrefix(line, "#") {
			break
		}
		b.WriteString(strings.TrimPrefix(strings.TrimPrefix(line, "#"), " "))
	}
	return b.String()
}

const introduction = `# Notices of third parties

The program contains the libraries, fonts and data below. Their licences follow, each text once.

This file is generated: ` + "`make notices`" + `.

| part | version | licence |
|---|---|---|
`

func write(w io.Writer, parts []part) error {
	var texts []string
	users := map[string][]string{}
	fmt.Fprint(w, introduction)
	for _, p := range parts {
		kinds := map[string]bool{}
		for _, t := range p.texts {
			content := normal(t.content)
			if users[content] == nil {
				texts = append(texts, content)
			}
			if !slices.Contains(users[content], p.name) {
				users[content] = append(users[content], p.name)
			}
			for _, match := range licensecheck.Scan([]byte(content)).Match {
				kinds[match.ID] = true
			}
		}
		var names []string
		for kind := range kinds {
			names = append(names, kind)
		}
		slices.Sort(names)
		if len(names) == 0 {
			names = []string{"see below"}
		}
		fmt.Fprintf(w, "| %s | %s | %s |\n", p.name, p.version, strings.Join(names, ", "))
	}
	for _, content := range texts {
		fmt.Fprintf(w, "\n## %s\n\n", strings.Join(users[content], ", "))
		fence := "```"
		for strings.Contains(content, fence) {
			fence += "`"
		}
		fmt.Fprintf(w, "%stext\n%s\n%s\n", fence, content, fence)
	}
	return nil
}

// normal is a text without what differs between copies of one.
func normal(content string) string {
	var b strings.Builder
	for line := range strings.Lines(strings.ReplaceAll(content, "\r", "")) {
		b.WriteString(strings.TrimRight(line, " \t\n\f"))
		b.WriteByte('\n')
	}
	return strings.Trim(b.String(), "\n")
}
