package pdfhtml

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"golang.org/x/net/html"

	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/pdfimage"
)

// images are those that were made, by their reference and by their bytes.
type images struct {
	known  map[pdf.Ref]*picture
	stored map[[32]byte]string
	pixels int64
	bytes  int64
}

// picture is an image that can be shown; its address is empty if it cannot.
type picture struct {
	address       string
	width, height int
}

// image gives the element that shows an image of a page, without an alternative text; nil if it cannot be shown.
func (b *builder) image(page, i int) *html.Node {
	p := b.pageOf(page)
	if p == nil || i < 0 || i >= len(p.Images) || p.Images[i].Hidden {
		return nil
	}
	source := &p.Images[i]
	made, known := b.images.known[source.Ref]
	if !known || (source.Ref == pdf.Ref{}) {
		made = b.encode(source.Stream)
		b.images.known[source.Ref] = made
	}
	if made.address == "" {
		return nil
	}
	if b.options.Images == nil {
		if b.images.bytes += int64(len(made.address)); b.images.bytes > b.limits.ImageBytes {
			b.warn("An image was left out, since all together are too large to be embedded")
			return nil
		}
	}
	img := element("img", "src", made.address)
	wide, high := source.Box.Width()*pixelsPerPoint, source.Box.Height()*pixelsPerPoint
	set(img, "width", strconv.Itoa(int(max(1, math.Round(wide)))))
	if ratio := wide / high * float64(made.height) / float64(made.width); ratio > 0.9 && ratio < 1.1 {
		set(img, "height", strconv.Itoa(int(max(1, math.Round(high)))))
	}
	return img
}

// pixelsPerPoint is how many pixels of CSS a point has.
const pixelsPerPoint = 96.0 / 72

// encode makes a file of an image and gives its address.
func (b *builder) encode(s *pdf.Stream) *picture {
	if s == nil {
		return &picture{}
	}
	limits := b.limits.Image
	if limits.Pixels == 0 {
		limits = pdfimage.DefaultLimits()
	}
	limits.Pixels = min(limits.Pixels, max(1, b.limits.Pixels-b.images.pixels))
	encoded, err := pdfimage.Encode(b.file, s, limits)
	if err != nil {
		var unsupported *pdfimage.UnsupportedError
		var limit *pdf.LimitError
		switch {
		case errors.As(err, &unsupported):
			b.warn("An image could not be shown: it uses " + unsupported.What)
		case errors.As(err, &limit):
			b.warn("An image could not be shown: it is too large")
		default:
			b.warn("An image could not be shown: it is damaged")
		}
		return &picture{}
	}
	b.images.pixels += int64(encoded.Width) * int64(encoded.Height)
	sum := sha256.Sum256(encoded.Data)
	address, known := b.images.stored[sum]
	if !known {
		if b.options.Images != nil {
			kind := strings.TrimPrefix(encoded.MIME, "image/")
			name := fmt.Sprintf("image-%d.%s", len(b.images.stored)+1, strings.Replace(kind, "jpeg", "jpg", 1))
			address = b.options.Images(name, encoded.MIME, encoded.Data)
		} else {
			address = "data:" + encoded.MIME + ";base64," + base64.StdEncoding.EncodeToString(encoded.Data)
		}
		b.images.stored[sum] = address
	}
	return &picture{address: address, width: encoded.Width, height: encoded.Height}
}

// flagImage says that an image has no alternative text. It then has no alt attribute: an empty one would say that there
// is nothing to see, an invented one would lie.
func (b *builder) flagImage(page int) {
	b.flag("image-alt", page, "an image has no alternative text")
}
