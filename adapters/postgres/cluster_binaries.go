package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const minMajor = 14

// binaries is a folder with PostgreSQL's programs.
type binaries struct {
	dir     string
	version string // such as 15.18
	major   int
}

// BinDirs are the folders where PostgreSQL's programs are found on common
// systems, the preferred first: what PATH names, then the newest of a kind.
func BinDirs() []string {
	var dirs []string
	if path, err := exec.LookPath("postgres"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			dirs = append(dirs, filepath.Dir(path))
		}
	}
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin",          // Debian, Ubuntu
		"/usr/pgsql-*/bin",                   // RHEL, Fedora from postgresql.org
		"/usr/libexec/postgresql*",           // Alpine
		"/opt/homebrew/opt/postgresql@*/bin", // Homebrew on Apple silicon
		"/usr/local/opt/postgresql@*/bin",    // Homebrew on Intel
		"/home/linuxbrew/.linuxbrew/opt/postgresql@*/bin",
		"/Applications/Postgres.app/Contents/Versions/*/bin",
	} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			continue
		}
		slices.SortFunc(found, func(a, b string) int { return numberIn(b) - numberIn(a) })
		dirs = append(dirs, found...)
	}
	return dirs
}

var digits = regexp.MustCompile(`[0-9]+`)

func numberIn(path string) int {
	n, err := strconv.Atoi(digits.FindString(path))
	if err != nil {
		return 0
	}
	return n
}

// findBinaries returns the first binaries that user can run and that fit the
// cluster in config.Dir: its own major version, or for a new one any that is
// not too old. What the machine does not have is downloaded.
func findBinaries(ctx context.Context, config ClusterConfig, user osUser) (binaries, error) {
	major, err := clusterMajor(folder{path: config.Dir})
	if err != nil {
		return binaries{}, err
	}
	dirs := config.BinDirs
	if dirs == nil {
		dirs = BinDirs()
	}
	var unfit []string
	for _, dir := range dirs {
		b, err := inspectBinaries(ctx, dir, user)
		switch {
		case ctx.Err() != nil:
			return binaries{}, context.Cause(ctx)
		case err != nil:
			unfit = append(unfit, fmt.Sprintf("%s (%v)", dir, err))
		case major != 0 && b.major != major, b.major < minMajor:
			unfit = append(unfit, fmt.Sprintf("%s (version %s)", dir, b.version))
		default:
			return b, nil
		}
	}
	b, err := config.Download.binaries(ctx, config.Logger, major, user)
	if err != nil {
		want := fmt.Sprintf("PostgreSQL %d or newer", minMajor)
		if major != 0 {
			want = fmt.Sprintf("PostgreSQL %d, which made this cluster,", major)
		}
		if len(unfit) == 0 {
			unfit = []string{"nothing"}
		}
		return binaries{}, fmt.Errorf("%s is not on this machine (found: %s) and was not downloaded: %w",
			want, strings.Join(unfit, ", "), err)
	}
	return b, nil
}

// clusterMajor reads the version that made the cluster, zero when there is none.
func clusterMajor(f folder) (int, error) {
	text, err := os.ReadFile(filepath.Join(f.data(), "PG_VERSION"))
	if err != nil {
		if _, statErr := os.Stat(f.data()); statErr != nil && errors.Is(err, os.ErrNotExist) {
			return 0, nil
		}
		return 0, fmt.Errorf("the folder holds no PostgreSQL cluster that can be read: %w", err)
	}
	major, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, fmt.Errorf("the data folder is not a cluster of PostgreSQL %d or newer: its PG_VERSION is unknown", minMajor)
	}
	return major, nil
}

var versionLine = regexp.MustCompile(`\(PostgreSQL\) (([0-9]+)[^ \n]*)`)

func inspectBinaries(ctx context.Context, dir string, user osUser) (binaries, error) {
	if _, err := os.Stat(filepath.Join(dir, "initdb")); err != nil {
		return binaries{}, errors.New("no initdb")
	}
	output, err := user.command(ctx, "/", filepath.Join(dir, "postgres"), "--version").Output()
	if err != nil {
		return binaries{}, fmt.Errorf("user %s cannot run it: %w", user.name, err)
	}
	match := versionLine.FindSubmatch(output)
	if match == nil {
		return binaries{}, errors.New("unknown version")
	}
	major, err := strconv.Atoi(string(match[2]))
	if err != nil {
		return binaries{}, errors.New("unknown version")
	}
	return binaries{dir: dir, version: string(match[1]), major: major}, nil
}
