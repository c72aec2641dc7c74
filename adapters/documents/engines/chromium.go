package engines

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/perfectworks/backend/adapters/documents"
	"github.com/perfectworks/backend/adapters/documents/isolate"
)

// Chromium lays out HTML as a browser does. Each document gets a browser of its own, which runs in its own sandbox, as
// another user where this one is root, without network and within a bound of memory for all its processes. Nothing that
// a document says is fetched or run.
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
	if !isolate.Available().Network {
		if setting != "" {
			return nil, errors.New("CHROMIUM: this system cannot keep the browser from the network, so it is not used")
		}
		return nil, nil //nolint:nilnil // it is as if it were not there
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

// open starts a browser with a document in it for the time of do. Scripts of the document do not run: they are taken out
// before, the document has a policy that forbids them, and while it is read none run at all.
func (c *Chromium) open(ctx context.Context, source []byte, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, chromiumWall)
	defer cancel()
	tame, err := withoutScripts(source)
	if err != nil {
		return err
	}
	folder := filepath.Join(os.TempDir(), "perfectworks-chromium-"+rand.Text())
	started, ended := func() {}, func() {}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(c.path), chromedp.UserDataDir(folder), chromedp.NoInheritEnv,
		chromedp.Env("HOME="+folder, "TMPDIR="+folder, "PATH="+os.Getenv("PATH"), "LANG=C.UTF-8",
			"DBUS_SESSION_BUS_ADDRESS=disabled:", "DBUS_SYSTEM_BUS_ADDRESS=disabled:"),
		chromedp.DisableGPU,
		// The library would switch the sandbox off for root; the browser does not run as root.
		chromedp.Flag("no-sandbox", false),
		// There is no network; these let attempts end at once.
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND"),
		chromedp.ProxyServer("http://0.0.0.0:1"), chromedp.Flag("proxy-bypass-list", "<-loopback>"),
		chromedp.Flag("force-webrtc-ip-handling-policy", "disable_non_proxied_udp"),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.ModifyCmdFunc(func(cmd *exec.Cmd) {
			begin, end, err := isolate.Program(cmd, c.runner.executable, isolate.Confined{Limits: limits(chromiumWall), OtherUser: true, Folder: folder})
			if err != nil {
				cmd.Err = err // it fails to start, which is told there
				return
			}
			started, ended = begin, end
		}),
	)
	ctx, cancelAllocator := chromedp.NewExecAllocator(ctx, options...)
	defer cancelAllocator()
	// The library tells of messages that it does not expect, which do not matter here.
	ctx, cancelBrowser := chromedp.NewContext(ctx, chromedp.WithErrorf(func(string, ...any) {}))
	defer func() {
		cancelBrowser()
		started()
		ended()
	}()
	if err := chromedp.Do(ctx, allowScripts(false), show(tame)); err != nil {
		return err
	}
	return do(ctx)
}

// allowScripts lets scripts run or not.
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
