package migrations_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/perfectworks/backend/adapters/postgres"
	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
	"github.com/perfectworks/backend/migrations"
)

var sets = map[string]struct {
	files fs.FS
	table string
}{
	"app":       {migrations.App, migrations.AppTable},
	"eventnode": {migrations.EventNode, migrations.EventNodeTable},
}

func TestMigrationsOnlyMoveForward(t *testing.T) {
	t.Parallel()
	for name, set := range sets {
		for _, problem := range check(t, set.files) {
			t.Errorf("migrations/%s: %s", name, problem)
		}
	}
}

func TestMigrationsApply(t *testing.T) {
	t.Parallel()
	pool := postgrestest.New(t)
	for name, set := range sets {
		for range 2 { // the second finds nothing to do
			if err := postgres.Migrate(t.Context(), pool, set.files, set.table); err != nil {
				t.Errorf("migrations/%s: %v", name, err)
			}
		}
	}
}

const sums = "SHA256SUMS"

var (
	sumLine  = regexp.MustCompile(`^([0-9a-f]{64}) [ *](\S+)$`)
	fileName = regexp.MustCompile(`^[0-9]{5}_[a-z0-9_]+\.sql$`)
)

// check holds a folder of migrations against its list of those that landed.
func check(t *testing.T, files fs.FS) (problems []string) {
	t.Helper()
	list, err := fs.ReadFile(files, sums)
	if err != nil {
		t.Fatal(err)
	}
	landed := map[string]bool{}
	lines := bufio.NewScanner(bytes.NewReader(list))
	for lines.Scan() {
		match := sumLine.FindStringSubmatch(lines.Text())
		if match == nil {
			problems = append(problems, fmt.Sprintf("%s: not a line of sha256sum: %q", sums, lines.Text()))
			continue
		}
		sum, name := match[1], match[2]
		landed[name] = true
		content, err := fs.ReadFile(files, name)
		switch {
		case err != nil:
			problems = append(problems, fmt.Sprintf("%s landed and is gone: %v", name, err))
		case fmt.Sprintf("%x", sha256.Sum256(content)) != sum:
			problems = append(problems, name+" landed and was changed: write a new migration instead")
		}
	}
	entries, err := fs.ReadDir(files, ".")
	if err != nil {
		t.Fatal(err)
	}
	versions := map[string]string{}
	for _, entry := range entries { // in the order of their names
		name := entry.Name()
		if name == sums {
			continue
		}
		if !fileName.MatchString(name) {
			problems = append(problems, name+": migrations are named like 00001_what.sql")
			continue
		}
		if !landed[name] {
			problems = append(problems, fmt.Sprintf("%s is new: run sha256sum %s >>%s in its folder", name, name, sums))
		}
		version := name[:5]
		if other, taken := versions[version]; taken {
			problems = append(problems, name+" has the version of "+other)
		}
		versions[version] = name
	}
	return problems
}

func TestCheckFindsWhatMovesBackward(t *testing.T) {
	t.Parallel()
	sumOf := func(text string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(text))) }
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	for name, test := range map[string]struct {
		files fstest.MapFS
		want  string // empty: all is well
	}{
		"empty":    {fstest.MapFS{sums: file("")}, ""},
		"listed":   {fstest.MapFS{sums: file(sumOf("a") + "  00001_a.sql\n"), "00001_a.sql": file("a")}, ""},
		"changed":  {fstest.MapFS{sums: file(sumOf("a") + "  00001_a.sql\n"), "00001_a.sql": file("b")}, "was changed"},
		"removed":  {fstest.MapFS{sums: file(sumOf("a") + "  00001_a.sql\n")}, "is gone"},
		"unlisted": {fstest.MapFS{sums: file(""), "00001_a.sql": file("a")}, "is new"},
		"misnamed": {fstest.MapFS{sums: file(""), "a.sql": file("a")}, "are named like"},
		"same twice": {fstest.MapFS{
			sums:          file(sumOf("a") + "  00001_a.sql\n" + sumOf("b") + "  00001_b.sql\n"),
			"00001_a.sql": file("a"), "00001_b.sql": file("b"),
		}, "has the version of"},
		"broken list": {fstest.MapFS{sums: file("00001_a.sql\n")}, "not a line of sha256sum"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			problems := strings.Join(check(t, test.files), "; ")
			if (test.want == "") != (problems == "") || !strings.Contains(problems, test.want) {
				t.Fatalf("found %q, want %q", problems, test.want)
			}
		})
	}
}
