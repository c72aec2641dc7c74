// Package engines uses other programs and services for what the embedded engine cannot do: Chromium to print and to look
// at HTML with axe-core, veraPDF as a second opinion, tesseract to read scans, and a service for alternative texts.
//
// None of them is needed. Each is used only where it is found or set, is named with its version in what it took part
// in, and works within limits: a file that makes one of them crash or hang costs that help for that file and nothing
// else.
package engines

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/perfectworks/backend/adapters/documents"
	"github.com/perfectworks/backend/adapters/documents/isolate"
)

// Settings choose the engines.
type Settings struct {
	// Use are the engines that may be used; "auto" is all that are found, "embedded" none beside the embedded one.
	Use []string `env:"DOCUMENTS_ENGINES" envDefault:"auto"`
	// Chromium and Tesseract are programs; they are looked for in the path when not set.
	Chromium  string `env:"CHROMIUM"`
	Tesseract string `env:"TESSERACT"`
	// AxeScript is axe.min.js of axe-core; it is looked for in [Cache] when not set.
	AxeScript string `env:"AXE_SCRIPT"`
	// VeraPDF is a jar with veraPDF in it. It needs java and a JDK. It is used only when set: it takes seconds a file.
	VeraPDF string `env:"VERAPDF_JAR"`
	// TextsURL, TextsModel and TextsKey are an OpenAI-compatible service for alternative texts: its base URL, a model
	// that sees images, and a key, which may be empty.
	TextsURL   string `env:"ALT_TEXT_URL"`
	TextsModel string `env:"ALT_TEXT_MODEL"`
	TextsKey   string `env:"ALT_TEXT_KEY"`
	// Production says that images of real documents are sent there: then it must be https, or on this machine.
	Production bool `env:"-"`
}

// Found are the engines that were found; each may be nil.
type Found struct {
	Chromium  *Chromium
	Axe       *Axe
	VeraPDF   *VeraPDF
	Tesseract *Tesseract
	Texts     *Texts
}

// names are the engines that Settings.Use may list.
var names = []string{"chromium", "axe", "verapdf", "tesseract", "texts"}

// Find looks for the engines, and starts none: a command line that needs none should not wait for them. An engine that
// is set and is not there is an error that names the setting; one that is merely not there is no error.
func Find(s Settings) (*Found, error) {
	found := &Found{}
	if len(s.Use) == 0 {
		s.Use = []string{"auto"}
	}
	for _, name := range s.Use {
		if name != "auto" && name != "embedded" && !slices.Contains(names, name) {
			return nil, fmt.Errorf("DOCUMENTS_ENGINES: there is no engine %q; there are auto, embedded, %s", name, strings.Join(names, ", "))
		}
	}
	use := func(name string) bool { return slices.Contains(s.Use, "auto") || slices.Contains(s.Use, name) }
	executable, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	runner := runner{executable: executable}
	if use("chromium") || use("axe") {
		if found.Chromium, err = findChromium(runner, s.Chromium); err != nil {
			return nil, err
		}
	}
	if use("axe") && found.Chromium != nil {
		if found.Axe, err = findAxe(found.Chromium, s.AxeScript); err != nil {
			return nil, err
		}
	}
	if !use("chromium") {
		found.Chromium = nil
	}
	if use("verapdf") {
		if found.VeraPDF, err = findVeraPDF(runner, s.VeraPDF); err != nil {
			return nil, err
		}
	}
	if use("tesseract") {
		if found.Tesseract, err = findTesseract(runner, s.Tesseract); err != nil {
			return nil, err
		}
	}
	if use("texts") {
		if found.Texts, err = newTexts(s); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// Infos names the engines that were found.
func (f *Found) Infos() []documents.EngineInfo {
	infos := []documents.EngineInfo{}
	if f.Chromium != nil {
		infos = append(infos, f.Chromium.Info())
	}
	if f.Axe != nil {
		infos = append(infos, f.Axe.Info())
	}
	if f.VeraPDF != nil {
		infos = append(infos, f.VeraPDF.Info())
	}
	if f.Tesseract != nil {
		infos = append(infos, f.Tesseract.Info())
	}
	if f.Texts != nil {
		infos = append(infos, f.Texts.Info())
	}
	return infos
}

// Cache is the folder in which engines that come as packages are kept.
func Cache() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the folder for engines: %w", err)
	}
	return filepath.Join(cache, "perfectworks"), nil
}

// lookUp returns the program that is set, or the first in the path; "" if there is none.
func lookUp(setting, value string, names ...string) (string, error) {
	if value != "" {
		path, err := exec.LookPath(value)
		if err != nil {
			return "", fmt.Errorf("%s: %w", setting, err)
		}
		return path, nil
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", nil
}

// runner runs programs within limits, by way of this program.
type runner struct{ executable string }

// programMemory bounds what a program and all processes that it starts may have in memory.
const programMemory = 3 << 30

// limits of an engine's process. Its address space is not among them: browsers and Java reserve far more than they use.
func limits(wall time.Duration) isolate.Limits {
	return isolate.Limits{CPU: 2 * wall, Files: 4096, FileBytes: 1 << 30, Tree: programMemory}
}

// maxOutput bounds what is read of a program's output.
const maxOutput = 256 << 20

var errTooMuch = errors.New("the program writes too much")

// output runs a program with the given input, and gives what it writes.
func (r runner) output(ctx context.Context, wall time.Duration, input []byte, env []string, path string, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, wall)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...) //nolint:gosec // an engine that the operator has or sets
	cmd.Env = append(slices.Clone(env), "PATH="+os.Getenv("PATH"), "HOME=/nonexistent", "LANG=C.UTF-8")
	cmd.Stdin = strings.NewReader(string(input))
	out := &capped{}
	cmd.Stdout = out
	started, ended, err := isolate.Program(cmd, r.executable, isolate.Confined{Limits: limits(wall)})
	if err != nil {
		return nil, err
	}
	defer ended()
	err = cmd.Start()
	started()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", filepath.Base(path), err)
	}
	err = cmd.Wait()
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("run %s: %w", filepath.Base(path), err)
	}
	return out.data, nil
}

type capped struct{ data []byte }

func (c *capped) Write(p []byte) (int, error) {
	if len(c.data)+len(p) > maxOutput {
		return 0, errTooMuch
	}
	c.data = append(c.data, p...)
	return len(p), nil
}

// versionWall is how long a program may take to tell its version.
const versionWall = 20 * time.Second

// version returns the first word with a digit in front that a program says of its version, asked once; "unknown" if it
// says none.
func (r runner) version(path string) func() string {
	return sync.OnceValue(func() string {
		said, err := r.output(context.Background(), versionWall, nil, nil, path, "--version")
		if err != nil {
			return "unknown"
		}
		for _, word := range strings.Fields(string(said)) {
			if word[0] >= '0' && word[0] <= '9' {
				return word
			}
		}
		return "unknown"
	})
}
