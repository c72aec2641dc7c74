package engines

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/perfectworks/backend/adapters/documents"
)

// Axe checks HTML by axe-core in Chromium.
type Axe struct {
	chromium *Chromium
	script   []byte
	version  string
}

var axeVersion = regexp.MustCompile(`axe v(\d+\.\d+\.\d+)`)

func findAxe(c *Chromium, setting string) (*Axe, error) {
	path := setting
	if path == "" {
		cache, err := Cache()
		if err != nil {
			return nil, nil //nolint:nilerr,nilnil // a user without a cache folder has nothing in it
		}
		found, err := filepath.Glob(filepath.Join(cache, "axe-core-*", "node_modules", "axe-core", "axe.min.js"))
		if err != nil || len(found) == 0 {
			return nil, nil //nolint:nilerr,nilnil // it is not there
		}
		path = slices.Max(found)
	}
	script, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("AXE_SCRIPT: %w", err)
	}
	version := axeVersion.FindSubmatch(script)
	if version == nil {
		return nil, fmt.Errorf("AXE_SCRIPT: %s is not axe-core", path)
	}
	return &Axe{chromium: c, script: script, version: string(version[1])}, nil
}

// Info names the engine.
func (a *Axe) Info() documents.EngineInfo {
	return documents.EngineInfo{Name: "axe-core", Version: a.version}
}

// axeQuery is what is asked of axe: of each rule that is violated, its id and places; and the rules that it leaves to
// a person.
const axeQuery = `axe.run(document, {iframes: false, resultTypes: ['violations', 'incomplete']}).then(r => ({
  violations: r.violations.map(v => ({
    id: v.id, title: v.help, impact: v.impact || '', tags: v.tags,
    elements: v.nodes.slice(0, 100).map(n => n.html.slice(0, 120)), count: v.nodes.length,
  })),
  incomplete: r.incomplete.map(v => v.id),
}))`

// Violation is a rule of axe that a document breaks.
type Violation struct {
	ID     string   `json:"id"`
	Title  string   `json:"title"`
	Impact string   `json:"impact"`
	Tags   []string `json:"tags"`
	// Elements are the starts of the markup of the first hundred elements concerned, Count is how many there are.
	Elements []string `json:"elements"`
	Count    int      `json:"count"`
}

// Audit is what axe says of a document.
type Audit struct {
	Violations []Violation `json:"violations"`
	// Incomplete are the rules that axe leaves to a person.
	Incomplete []string `json:"incomplete"`
}

// Audit checks a document.
func (a *Axe) Audit(ctx context.Context, html []byte) (*Audit, error) {
	var audit Audit
	err := a.chromium.open(ctx, html, func(ctx context.Context) error {
		// Axe waits by timers, which only run where scripts may.
		if err := chromedp.Do(ctx, allowScripts(true)); err != nil {
			return err
		}
		var err error
		audit, err = chromedp.Run(ctx, a.ask)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("check by axe: %w", err)
	}
	return &audit, nil
}

// ask runs axe in a world of its own: it sees the document, but no script of the document could see or change it.
func (a *Axe) ask(ctx context.Context, t *chromedp.Target) (Audit, error) {
	var audit Audit
	tree, err := cdp.Call(ctx, t, page.GetFrameTree, cdp.Empty{})
	if err != nil {
		return audit, err
	}
	world, err := cdp.Call(ctx, t, page.CreateIsolatedWorld, page.CreateIsolatedWorldParams{FrameID: tree.FrameTree.Frame.ID})
	if err != nil {
		return audit, err
	}
	for _, expression := range []string{string(a.script) + ";0", axeQuery} {
		result, err := cdp.Call(ctx, t, runtime.Evaluate, runtime.EvaluateParams{
			Expression: expression, ContextID: world.ExecutionContextID, AwaitPromise: &yes, ReturnByValue: &yes,
		})
		if err != nil {
			return audit, err
		}
		if result.ExceptionDetails != nil {
			return audit, errors.New("axe-core failed: " + result.ExceptionDetails.Text)
		}
		if expression == axeQuery {
			if err := json.Unmarshal(result.Result.Value, &audit); err != nil {
				return audit, fmt.Errorf("read what axe says: %w", err)
			}
		}
	}
	return audit, nil
}

var yes = true
