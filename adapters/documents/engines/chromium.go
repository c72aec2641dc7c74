package engines

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/perfectworks/backend/adapters/documents"
	"github.com/perfectworks/backend/adapters/documents/isolate"
)

// Chromium lays out HTML as a browser does. Each document gets a browser of its own, without network, without scripts
// and without files: nothing that a document says is fetched or run.
type Chromium struct {
	runner  runner
	path    string
	version func() string
}

// chromiumWall is how long a browser may take for one document.
const chromiumWall = 60 * time.Second

func findChromium(r runner, setting string) (*Chromium, error) {
	path, err := lookUp("CHROMIUM", setting, "chromium", "chromium-browser", "google-chrome")
	if path == "" {
		return nil, err
	}
	return &Chromium{runner: r, path: path, version: r.version(path)}, nil
}

// Info names the engine.
func (c *Chromium) Info() documents.EngineInfo {
	return documents.EngineInfo{Name: "chromium", Version: c.version()}
}

// Print prints a document to a tagged PDF on A4, or as its own style sheets say.
func (c *Chromium) Print(ctx context.Context, html []byte) ([]byte, error) {
	var out []byte
	err := c.open(ctx, html, func(ctx context.Context) error {
		var err error
		out, err = chromedp.Run(ctx, chromedp.PrintToPDF(
			chromedp.PDFPaper(chromedp.PaperA4), chromedp.PDFPrintBackground(),
			func(p *page.PrintToPDFParams) {
				yes := true
				p.GenerateTaggedPDF, p.GenerateDocumentOutline, p.PreferCSSPageSize = &yes, &yes, &yes
			},
		))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("print by Chromium: %w", err)
	}
	return out, nil
}

// open starts a browser with a document in it for the time of do.
func (c *Chromium) open(ctx context.Context, html []byte, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, chromiumWall)
	defer cancel()
	folder, err := os.MkdirTemp("", "perfectworks-chromium-")
	if err != nil {
		return fmt.Errorf("make a folder for the browser: %w", err)
	}
	defer os.RemoveAll(folder)
	started, ended := func() {}, func() {}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(c.path), chromedp.UserDataDir(folder), chromedp.NoInheritEnv,
		chromedp.Env("HOME="+folder, "PATH="+os.Getenv("PATH"), "LANG=C.UTF-8"),
		chromedp.DisableGPU,
		// Nothing may be fetched: neither by name nor by address, neither here nor elsewhere.
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND"),
		chromedp.ProxyServer("http://0.0.0.0:1"), chromedp.Flag("proxy-bypass-list", "<-loopback>"),
		chromedp.Flag("force-webrtc-ip-handling-policy", "disable_non_proxied_udp"),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.ModifyCmdFunc(func(cmd *exec.Cmd) {
			begin, end, err := isolate.Program(cmd, c.runner.executable, limits(chromiumWall))
			if err != nil {
				cmd.Err = err // it fails to start, which is told there
				return
			}
			started, ended = begin, end
		}),
	)
	ctx, cancelAllocator := chromedp.NewExecAllocator(ctx, options...)
	defer cancelAllocator()
	// The library tells of messages that it does not expect, which is nobody's concern here.
	ctx, cancelBrowser := chromedp.NewContext(ctx, chromedp.WithErrorf(func(string, ...any) {}))
	defer func() {
		cancelBrowser()
		started()
		ended()
	}()
	if err := chromedp.Do(ctx, allowScripts(false), show(html)); err != nil {
		return err
	}
	return do(ctx)
}

// allowScripts lets scripts run or not. The document's own are passed over while it is read.
func allowScripts(yes bool) chromedp.Action[chromedp.Void] {
	return func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !yes})
		return chromedp.Void{}, err
	}
}

// show puts a document into the page, and waits until it is loaded.
func show(html []byte) chromedp.Action[chromedp.Void] {
	return func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		loaded, cancel := t.Subscribe(page.LoadEventFired.Method)
		defer cancel()
		if _, err := cdp.Call(ctx, t, page.Enable, page.EnableParams{}); err != nil {
			return chromedp.Void{}, err
		}
		tree, err := cdp.Call(ctx, t, page.GetFrameTree, cdp.Empty{})
		if err != nil {
			return chromedp.Void{}, err
		}
		_, err = cdp.Call(ctx, t, page.SetDocumentContent, page.SetDocumentContentParams{
			FrameID: tree.FrameTree.Frame.ID, HTML: string(html),
		})
		if err != nil {
			return chromedp.Void{}, err
		}
		select {
		case <-loaded:
			return chromedp.Void{}, nil
		case <-ctx.Done():
			return chromedp.Void{}, ctx.Err()
		}
	}
}
