package corpustest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	gopdfium "github.com/klippa-app/go-pdfium"
	"github.com/klippa-app/go-pdfium/references"
	"github.com/klippa-app/go-pdfium/requests"
	"github.com/klippa-app/go-pdfium/webassembly"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// PDFium renders pages by the renderer of Chromium, in WebAssembly. It is safe for concurrent use.
type PDFium struct{ pool gopdfium.Pool }

// NewPDFium starts the renderer. The compiled program is kept in the folder perfectworks/pdfium of the user's cache,
// which makes later starts fast.
func NewPDFium(ctx context.Context) (*PDFium, error) {
	folder, err := cacheFolder("pdfium")
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, fmt.Errorf("make the folder for PDFium: %w", err)
	}
	cache, err := wazero.NewCompilationCacheWithDir(folder)
	if err != nil {
		return nil, fmt.Errorf("open the cache for PDFium: %w", err)
	}
	pool, err := webassembly.Init(webassembly.Config{
		Context: ctx, MinIdle: 0, MaxIdle: runtime.NumCPU(), MaxTotal: runtime.NumCPU(), Stdout: io.Discard, Stderr: io.Discard,
		RuntimeConfig: wazero.NewRuntimeConfig().WithCompilationCache(cache).
			WithCoreFeatures(api.CoreFeaturesV2 | experimental.CoreFeaturesExceptionHandling), // which PDFium is built with
	})
	if err != nil {
		return nil, fmt.Errorf("start PDFium: %w", err)
	}
	return &PDFium{pool: pool}, nil
}

// Close ends the renderer.
func (p *PDFium) Close() error { return p.pool.Close() }

// instanceTime is how long to wait for one of the renderers.
const instanceTime = 5 * time.Minute

// Name is that of the renderer, with the version of the module that it comes in.
func (p *PDFium) Name(context.Context) (string, error) {
	version := "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, module := range info.Deps {
			if module.Path == "github.com/klippa-app/go-pdfium" {
				version = module.Version
			}
		}
	}
	return "go-pdfium-" + version, nil
}

// Pages renders the pages of a PDF.
func (p *PDFium) Pages(_ context.Context, path string) (pictures []Picture, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	instance, err := p.pool.GetInstance(instanceTime)
	if err != nil {
		return nil, fmt.Errorf("start PDFium: %w", err)
	}
	defer func() { err = errors.Join(err, instance.Close()) }()
	document, err := instance.OpenDocument(&requests.OpenDocument{File: &data})
	if err != nil {
		return nil, fmt.Errorf("open the file with PDFium: %w", err)
	}
	defer func() {
		_, closeErr := instance.FPDF_CloseDocument(&requests.FPDF_CloseDocument{Document: document.Document})
		err = errors.Join(err, closeErr)
	}()
	count, err := instance.FPDF_GetPageCount(&requests.FPDF_GetPageCount{Document: document.Document})
	if err != nil {
		return nil, fmt.Errorf("count the pages with PDFium: %w", err)
	}
	for i := range count.PageCount {
		picture, err := renderPage(instance, document.Document, i)
		if err != nil {
			return nil, fmt.Errorf("render page %d with PDFium: %w", i+1, err)
		}
		pictures = append(pictures, picture)
	}
	return pictures, nil
}

func renderPage(instance gopdfium.Pdfium, document references.FPDF_DOCUMENT, index int) (Picture, error) {
	page := requests.Page{ByIndex: &requests.PageByIndex{Document: document, Index: index}}
	rendered, err := instance.RenderPageInDPI(&requests.RenderPageInDPI{Page: page, DPI: dpi})
	if err != nil {
		return Picture{}, err
	}
	defer rendered.CleanupFunc()
	pixels, ok := rendered.Result.RenderedImage.(*image.RGBA)
	if !ok {
		return Picture{}, errors.New("the picture is not in colour")
	}
	sum := sha256.New()
	fmt.Fprintln(sum, pixels.Bounds())
	sum.Write(pixels.Pix)
	return Picture(sum.Sum(nil)), nil
}
