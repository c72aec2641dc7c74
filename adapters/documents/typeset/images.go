package typeset

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"image"
	_ "image/gif" // decodes GIF
	"image/jpeg"
	_ "image/png" // decodes PNG

	_ "golang.org/x/image/bmp"  // decodes BMP
	_ "golang.org/x/image/webp" // decodes WebP

	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// picture is an image or a drawing to be painted.
type picture struct {
	// width and height are its natural size in points.
	width, height float64
	ref           pdf.Ref
	slot          *slot
	link          *link
}

// loaded is an image that is in the file.
type loaded struct {
	ref           pdf.Ref
	width, height float64
}

// images loads images and puts each into the file once.
type images struct {
	doc    *document
	limits Limits
	file   *pdf.File
	fonts  *fonts
	pixels int
	known  map[[32]byte]*loaded
	err    error
}

func newImages(doc *document, limits Limits, file *pdf.File, fonts *fonts) *images {
	return &images{doc: doc, limits: limits, file: file, fonts: fonts, known: map[[32]byte]*loaded{}}
}

var errUnknownImage = errors.New("its format is not known")

// load reads an image by its URL.
func (m *images) load(reference string) (*loaded, error) {
	data, err := m.doc.resource(reference, m.limits.ImageBytes)
	if err != nil {
		return nil, err
	}
	key := sha256.Sum256(data)
	if l, ok := m.known[key]; ok {
		if l == nil {
			return nil, errUnknownImage
		}
		return l, nil
	}
	l, err := m.decode(data)
	m.known[key] = l
	return l, err
}

func (m *images) decode(data []byte) (*loaded, error) {
	if looksLikeSVG(data) {
		return m.drawing(data)
	}
	config, format, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, errUnknownImage
	}
	if config.Width <= 0 || config.Height <= 0 {
		return nil, errUnknownImage
	}
	if config.Width > m.limits.ImagePixels/config.Height {
		return nil, m.tooMany()
	}
	if m.pixels += config.Width * config.Height; m.pixels > m.limits.ImagePixels {
		return nil, m.tooMany()
	}
	l := &loaded{width: float64(config.Width) * 0.75, height: float64(config.Height) * 0.75}
	if format == "jpeg" {
		if stream, ok := jpegStream(data, config); ok {
			l.ref = m.file.Add(stream)
			return l, nil
		}
	}
	decoded, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, errUnknownImage
	}
	l.ref = m.file.Add(m.raster(decoded))
	return l, nil
}

func (m *images) tooMany() error {
	if m.err == nil {
		m.err = &LimitError{"pixels of images", m.limits.ImagePixels}
	}
	return m.err
}

// jpegStream takes a JPEG as it is. It is decoded once all the same: a damaged one would leave a hole in the page
// that nobody was told of.
func jpegStream(data []byte, config image.Config) (*pdf.Stream, bool) {
	decoded, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, false
	}
	space := pdf.Name("DeviceRGB")
	switch decoded.(type) {
	case *image.Gray:
		space = "DeviceGray"
	case *image.YCbCr, *image.RGBA:
	default:
		return nil, false // CMYK, whose inversion differs between programs, is decoded
	}
	return &pdf.Stream{Raw: data, Dict: pdf.Dict{
		"Type": pdf.Name("XObject"), "Subtype": pdf.Name("Image"), "Width": pdf.Integer(config.Width),
		"Height": pdf.Integer(config.Height), "ColorSpace": space, "BitsPerComponent": pdf.Integer(8), "Filter": pdf.Name("DCTDecode"),
	}}, true
}

// raster makes an image of pixels, with a soft mask if some are transparent.
func (m *images) raster(src image.Image) *pdf.Stream {
	bounds := src.Bounds()
	w, h := bounds.Dx(), bounds.Dy()
	colors, alphas := make([]byte, 0, 3*w*h), make([]byte, 0, w*h)
	gray, opaque := true, true
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			r, g, b, a := straight(src, x, y)
			colors, alphas = append(colors, r, g, b), append(alphas, a)
			gray = gray && r == g && g == b
			opaque = opaque && a == 0xff
		}
	}
	space := pdf.Name("DeviceRGB")
	if gray {
		space = "DeviceGray"
		for i := range w * h {
			colors[i] = colors[3*i]
		}
		colors = colors[:w*h]
	}
	d := pdf.Dict{
		"Type": pdf.Name("XObject"), "Subtype": pdf.Name("Image"), "Width": pdf.Integer(w), "Height": pdf.Integer(h),
		"ColorSpace": space, "BitsPerComponent": pdf.Integer(8),
	}
	if !opaque {
		d["SMask"] = m.file.Add(pdf.NewStream(pdf.Dict{
			"Type": pdf.Name("XObject"), "Subtype": pdf.Name("Image"), "Width": pdf.Integer(w), "Height": pdf.Integer(h),
			"ColorSpace": pdf.Name("DeviceGray"), "BitsPerComponent": pdf.Integer(8),
		}, alphas))
	}
	return pdf.NewStream(d, colors)
}

// straight gives a pixel whose colours are not multiplied by its opacity.
func straight(src image.Image, x, y int) (r, g, b, a byte) {
	switch s := src.(type) {
	case *image.NRGBA:
		c := s.NRGBAAt(x, y)
		return c.R, c.G, c.B, c.A
	case *image.Gray:
		v := s.GrayAt(x, y).Y
		return v, v, v, 0xff
	}
	r16, g16, b16, a16 := src.At(x, y).RGBA()
	if a16 == 0 {
		return 0xff, 0xff, 0xff, 0
	}
	return byte(r16 * 0xff / a16), byte(g16 * 0xff / a16), byte(b16 * 0xff / a16), byte(a16 >> 8) //nolint:gosec // colours are not above opacity
}
