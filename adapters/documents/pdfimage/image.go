// Package pdfimage turns the images of PDF files into files that a browser shows: JPEG passed through as it is where
// that is possible, else PNG.
//
// Images come from anybody: the number of pixels is checked before anything is decoded, and what a color space makes a
// reader compute is bounded.
package pdfimage

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"image"
	"image/png"

	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// Limits bound what one image may cost. Zero means the default.
type Limits struct {
	// Pixels is how many pixels an image or its mask may have.
	Pixels int64
	// Steps is how many steps the functions of a color space may take for one image.
	Steps int64
}

// DefaultLimits let through a page scanned at 800 dots an inch.
func DefaultLimits() Limits { return Limits{Pixels: 64_000_000, Steps: 200_000_000} }

func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	l.Pixels = cmp.Or(l.Pixels, d.Pixels)
	l.Steps = cmp.Or(l.Steps, d.Steps)
	return l
}

// Image is a picture as a file.
type Image struct {
	// MIME is "image/jpeg" or "image/png".
	MIME string
	Data []byte
	// Width and Height are in pixels.
	Width, Height int
}

// UnsupportedError says that an image is written in a way that is not read.
type UnsupportedError struct {
	// What names it, such as "the filter JBIG2Decode".
	What string
}

// Error names what is not supported.
func (e *UnsupportedError) Error() string {
	return "the image uses " + e.What + ", which is not supported"
}

// ErrDamaged says that an image has no usable size or no data.
var ErrDamaged = errors.New("the image is damaged")

// Encode turns an image XObject or an inline image into a file. Errors are an [*UnsupportedError], a [*pdf.LimitError]
// or [ErrDamaged]; of an image whose data ends early, the rest is black. A mask that cannot be read leaves the image
// opaque. It is as safe for concurrent use as the file: not at all.
func Encode(f *pdf.File, s *pdf.Stream, limits Limits) (*Image, error) {
	e := &encoder{file: f, limits: limits.withDefaults()}
	src, err := e.open(s)
	if err != nil {
		return nil, err
	}
	if src.filter == "DCTDecode" {
		if out, err := e.passJPEG(src); out != nil || err != nil {
			return out, err
		}
	}
	var img image.Image
	if src.stencil {
		img, err = e.stencil(src)
	} else {
		img, err = e.picture(src)
	}
	if err != nil {
		return nil, err
	}
	return toPNG(img)
}

type encoder struct {
	file   *pdf.File
	limits Limits
	// steps counts what functions have taken so far, functions how many were read.
	steps     int64
	functions int
}

// fastPixels is from how many pixels on a quick compression is preferred to a tight one.
const fastPixels = 1_000_000

func toPNG(img image.Image) (*Image, error) {
	size := img.Bounds().Size()
	encoding := png.Encoder{}
	if size.X*size.Y > fastPixels {
		encoding.CompressionLevel = png.BestSpeed
	}
	var out bytes.Buffer
	if err := encoding.Encode(&out, img); err != nil {
		return nil, fmt.Errorf("write the image: %w", err)
	}
	return &Image{MIME: "image/png", Data: out.Bytes(), Width: size.X, Height: size.Y}, nil
}

// source is an image whose entries were read.
type source struct {
	dict          pdf.Dict
	width, height int
	bits          int
	stencil       bool
	space         pdf.Object
	decode        []float64
	// filter is the image filter that data is still encoded by, "" if none; parms are its parameters.
	filter pdf.Name
	parms  pdf.Dict
	data   []byte
}

// full are the long names of the keys and values that inline images abbreviate (ISO 32000-1, 8.9.7).
var (
	fullKeys = map[pdf.Name]pdf.Name{
		"BPC": "BitsPerComponent", "CS": "ColorSpace", "D": "Decode", "DP": "DecodeParms", "F": "Filter", "H": "Height",
		"IM": "ImageMask", "I": "Interpolate", "W": "Width",
	}
	fullFilters = map[pdf.Name]pdf.Name{"DCT": "DCTDecode", "CCF": "CCITTFaxDecode"}
)

// open reads the entries of an image, checks its size and undoes the filters before an image filter.
func (e *encoder) open(s *pdf.Stream) (*source, error) {
	d := make(pdf.Dict, len(s.Dict))
	for key, value := range s.Dict {
		if long, ok := fullKeys[key]; ok && s.Dict[long] == nil {
			key = long
		}
		d[key] = value
	}
	src := &source{dict: d, space: d["ColorSpace"]}
	width, _ := e.file.Number(d["Width"])
	height, _ := e.file.Number(d["Height"])
	if !(width >= 1 && height >= 1) { // also what is no number
		return nil, ErrDamaged
	}
	if width*height > float64(e.limits.Pixels) {
		return nil, e.tooManyPixels()
	}
	src.width, src.height = int(width), int(height)
	src.stencil, _ = e.file.Resolve(d["ImageMask"]).(bool)
	if numbers, ok := e.file.Array(d["Decode"]); ok {
		for _, o := range numbers[:min(len(numbers), 2*maxComponents)] {
			n, _ := e.file.Number(o)
			src.decode = append(src.decode, n)
		}
	}
	bits, _ := e.file.Integer(d["BitsPerComponent"])
	if src.stencil {
		bits = 1
	}
	switch bits {
	case 1, 2, 4, 8, 16:
		src.bits = int(bits)
	default:
		src.bits = 8
	}
	return src, e.unfilter(src, s)
}

func (e *encoder) tooManyPixels() error {
	return &pdf.LimitError{What: "pixels in one image", Limit: e.limits.Pixels}
}

// unfilter undoes the filters up to the image filter, if there is one.
func (e *encoder) unfilter(src *source, s *pdf.Stream) error {
	filters, parms := e.list(src.dict["Filter"]), e.list(src.dict["DecodeParms"])
	plain := len(filters)
	for i, o := range filters {
		name := e.file.Name(o)
		if long, ok := fullFilters[name]; ok {
			name = long
		}
		switch name {
		case "JBIG2Decode", "JPXDecode":
			return &UnsupportedError{What: "the filter " + string(name)}
		case "DCTDecode", "CCITTFaxDecode":
			if i != len(filters)-1 {
				return ErrDamaged
			}
			plain, src.filter = i, name
			if i < len(parms) {
				src.parms, _ = e.file.Dict(parms[i])
			}
		}
	}
	inner := &pdf.Stream{Dict: pdf.Dict{"Filter": filters[:plain]}, Raw: s.Raw}
	if len(parms) > 0 {
		inner.Dict["DecodeParms"] = parms[:min(plain, len(parms))]
	}
	if plain == 0 {
		src.data = s.Raw
	} else {
		// What could be decoded of damaged data is shown.
		data, err := e.file.Decode(inner)
		var limit *pdf.LimitError
		if errors.As(err, &limit) {
			return err
		}
		src.data = data
	}
	if len(src.data) == 0 {
		return ErrDamaged
	}
	return nil
}

// list gives the elements of an array, or the object as the only one.
func (e *encoder) list(o pdf.Object) pdf.Array {
	switch v := e.file.Resolve(o).(type) {
	case nil:
		return nil
	case pdf.Array:
		return v
	default:
		return pdf.Array{v}
	}
}
