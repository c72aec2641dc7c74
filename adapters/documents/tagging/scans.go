package tagging

import (
	"bytes"
	"image"
	"image/color"
	_ "image/jpeg" // scans are JPEG or PNG
	"image/png"
	"math"

	"golang.org/x/image/draw"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
	"github.com/perfectworks/backend/adapters/documents/pdfimage"
)

const (
	// scanShare is how much of a page its images cover when it is a scan.
	scanShare = 0.4
	// maxScanPixels bounds the picture of one page; 300 dots an inch on A3 are 17 million.
	maxScanPixels = 40_000_000
)

// isScan tells whether a page shows images and no text, not even invisible.
func isScan(page *pagetext.Page) bool {
	for _, run := range page.Runs() {
		if run.Text != "" && !run.Hidden {
			return false
		}
	}
	return imageArea(page) >= scanShare*page.Width*page.Height
}

// noteScans tells that nobody can read scanned pages but with their eyes.
func (w *work) noteScans() {
	for _, page := range w.shown {
		if isScan(page) {
			w.result.Scans++
			w.flag("scan", page.Number, "The page is an image, and its text is not known")
		}
	}
	if w.result.Scans > 0 {
		w.warn("%d of %d pages are images without text, which must be recognised before anybody can read them otherwise.", w.result.Scans, len(w.pages))
	}
}

func imageArea(page *pagetext.Page) float64 {
	area := 0.0
	for _, i := range page.Images {
		if !i.Hidden {
			area += i.Box.Width() * i.Box.Height()
		}
	}
	return area
}

// scan gives the picture of a scanned page. Scanners cut pages into strips and layers, which are put together again.
func (w *work) scan(page *pagetext.Page) (Scan, bool) {
	if !isScan(page) {
		return Scan{}, false
	}
	var pictures []image.Image
	var boxes []pagetext.Rect
	all, resolution := pagetext.Rect{}, 0.0
	for _, i := range page.Images {
		picture, ok := w.picture(i, page.Number)
		if !ok || i.Box.Empty() {
			continue
		}
		resolution = max(resolution, float64(picture.Bounds().Dx())/i.Box.Width())
		if len(pictures) == 0 {
			all = i.Box
		}
		pictures, boxes, all = append(pictures, picture), append(boxes, i.Box), all.Union(i.Box)
	}
	if len(pictures) == 0 {
		return Scan{}, false
	}
	if pixels := all.Width() * all.Height() * resolution * resolution; pixels > maxScanPixels {
		resolution *= math.Sqrt(maxScanPixels / pixels)
	}
	at := func(x, y float64) image.Point {
		return image.Pt(int(math.Round((x-all.Left)*resolution)), int(math.Round((all.Top-y)*resolution)))
	}
	canvas := image.NewGray(image.Rectangle{Max: at(all.Right, all.Bottom)})
	draw.Draw(canvas, canvas.Bounds(), image.White, image.Point{}, draw.Src)
	for i, picture := range pictures {
		area := image.Rectangle{Min: at(boxes[i].Left, boxes[i].Top), Max: at(boxes[i].Right, boxes[i].Bottom)}
		draw.ApproxBiLinear.Scale(canvas, area, picture, picture.Bounds(), draw.Over, nil)
	}
	var out bytes.Buffer
	if err := png.Encode(&out, canvas); err != nil {
		return Scan{}, false
	}
	return Scan{
		Page: page.Number, MIME: "image/png", Image: out.Bytes(),
		Left: all.Left, Bottom: all.Bottom, Right: all.Right, Top: all.Top,
	}, true
}

// picture decodes an image and turns it as the page is turned.
func (w *work) picture(i pagetext.Image, page int) (image.Image, bool) {
	if i.Hidden {
		return nil, false
	}
	file, err := pdfimage.Encode(w.file, i.Stream, pdfimage.Limits{Pixels: maxScanPixels})
	if err != nil {
		return nil, false
	}
	picture, _, err := image.Decode(bytes.NewReader(file.Data))
	if err != nil {
		return nil, false
	}
	for range w.quarterTurns(page) {
		picture = turned{picture}
	}
	return picture, true
}

// quarterTurns tells how often a page is turned clockwise by 90 degrees.
func (w *work) quarterTurns(page int) int {
	x0, y0 := w.frames[page-1].Point(0, 0)
	x1, y1 := w.frames[page-1].Point(1, 0)
	switch {
	case x1 > x0:
		return 0
	case y1 < y0:
		return 1
	case x1 < x0:
		return 2
	}
	return 3
}

// turned is an image turned clockwise by 90 degrees.
type turned struct{ image.Image }

func (t turned) Bounds() image.Rectangle {
	b := t.Image.Bounds()
	return image.Rect(0, 0, b.Dy(), b.Dx())
}

func (t turned) At(x, y int) color.Color {
	b := t.Image.Bounds()
	return t.Image.At(b.Min.X+y, b.Max.Y-1-x)
}
