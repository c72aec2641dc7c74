package corpustest

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// fetchTime is how long one package may take.
const fetchTime = 5 * time.Minute

// fetch gets the wanted files of a document's package by the client of its registry, with a folder to work in.
func fetch(ctx context.Context, work string, d Document, wanted map[string]bool) (map[string][]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	switch d.Registry {
	case "deb":
		return fetchDeb(ctx, work, d, wanted)
	case "npm":
		return fetchNPM(ctx, work, d, wanted)
	case "go":
		return fetchGo(ctx, work, d, wanted)
	case "maven":
		return fetchMaven(ctx, work, d, wanted)
	}
	return nil, fmt.Errorf("there is no registry %q", d.Registry)
}

// run runs a program in a folder and gives what it prints.
func run(ctx context.Context, folder, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = folder
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		lines := strings.Split(strings.TrimSpace(said.String()), "\n")
		return out.Bytes(), fmt.Errorf("%s: %w: %.300s", name, err, lines[len(lines)-1])
	}
	return out.Bytes(), nil
}

// updateLists refreshes apt's lists, once and only by root, when they do not know a package.
var updateLists = sync.OnceValue(func() error {
	if os.Getuid() != 0 {
		return errors.New("only root may refresh the lists of apt")
	}
	_, err := run(context.Background(), "", "apt-get", "update", "-qq")
	return err
})

func fetchDeb(ctx context.Context, work string, d Document, wanted map[string]bool) (map[string][]byte, error) {
	download := func() error {
		_, err := run(ctx, work, "apt-get", "download", "-qq", d.Package+"="+d.Version)
		return err
	}
	if err := download(); err != nil {
		if updateErr := updateLists(); updateErr != nil {
			return nil, errors.Join(err, updateErr)
		}
		if err := download(); err != nil {
			return nil, err
		}
	}
	path, err := only(work, "*.deb")
	if err != nil {
		return nil, err
	}
	unpacked := filepath.Join(work, "data.tar")
	out, err := os.Create(unpacked)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, "dpkg-deb", "--fsys-tarfile", path)
	cmd.Stdout = out
	if err := errors.Join(cmd.Run(), out.Close()); err != nil {
		return nil, fmt.Errorf("dpkg-deb: %w", err)
	}
	in, err := os.Open(unpacked)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	return pick(in, wanted)
}

func fetchNPM(ctx context.Context, work string, d Document, wanted map[string]bool) (map[string][]byte, error) {
	if _, err := run(ctx, work, "npm", "pack", "--silent", d.Package+"@"+d.Version); err != nil {
		return nil, err
	}
	path, err := only(work, "*.tgz")
	if err != nil {
		return nil, err
	}
	in, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	unzipped, err := gzip.NewReader(in)
	if err != nil {
		return nil, err
	}
	return pick(unzipped, wanted)
}

// pick reads the wanted files of a tar archive.
func pick(in io.Reader, wanted map[string]bool) (map[string][]byte, error) {
	out := map[string][]byte{}
	for files := tar.NewReader(in); ; {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read the archive: %w", err)
		}
		name := strings.TrimPrefix(header.Name, "./")
		if !wanted[name] || header.Typeflag != tar.TypeReg {
			continue
		}
		if out[name], err = io.ReadAll(io.LimitReader(files, maxFile)); err != nil {
			return nil, fmt.Errorf("read the archive: %w", err)
		}
	}
}

func fetchGo(ctx context.Context, work string, d Document, wanted map[string]bool) (map[string][]byte, error) {
	said, err := run(ctx, work, "go", "mod", "download", "-json", d.Package+"@"+d.Version)
	var module struct{ Dir, Error string }
	if jsonErr := json.Unmarshal(said, &module); jsonErr != nil || module.Error != "" {
		return nil, errors.Join(err, jsonErr, errors.New(module.Error))
	}
	if err != nil {
		return nil, err
	}
	out := map[string][]byte{}
	for name := range wanted {
		data, err := os.ReadFile(filepath.Join(module.Dir, filepath.FromSlash(name)))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out[name] = data
	}
	return out, nil
}

func fetchMaven(ctx context.Context, work string, d Document, wanted map[string]bool) (map[string][]byte, error) {
	_, err := run(ctx, work, "mvn", "-q", "-B", "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy",
		"-Dartifact="+d.Package+":"+d.Version, "-DoutputDirectory="+work)
	if err != nil {
		return nil, err
	}
	path, err := only(work, "*.jar")
	if err != nil {
		return nil, err
	}
	jar, err := zip.OpenReader(path)
	if err != nil {
		return nil, err
	}
	defer jar.Close()
	out := map[string][]byte{}
	for _, f := range jar.File {
		if !wanted[f.Name] {
			continue
		}
		in, err := f.Open()
		if err != nil {
			return nil, err
		}
		data, err := io.ReadAll(io.LimitReader(in, maxFile))
		if err := errors.Join(err, in.Close()); err != nil {
			return nil, err
		}
		out[f.Name] = data
	}
	return out, nil
}

// only gives the one file of a folder that a pattern matches.
func only(folder, pattern string) (string, error) {
	found, err := filepath.Glob(filepath.Join(folder, pattern))
	if err != nil || len(found) != 1 {
		return "", fmt.Errorf("the client made %d files %s instead of one", len(found), pattern)
	}
	return found[0], nil
}
