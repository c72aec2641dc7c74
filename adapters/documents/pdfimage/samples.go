package pdfimage

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"io"

	"golang.org/x/image/ccitt"
)

// samples are the values of an image before any color space: 8 bits each, of which only the lowest are used where
// samples have fewer; those of 16 bits are cut to their upper half, since screens show no more.
type samples struct {
	width, height, components int
	// bits are those of a sample, up to 8.
	bits int
	// row gives the samples of a row until the next call; what is missing of the data is zero.
	row func(y int) []uint8
}

// unpack gives the samples of raw data.
func unpack(data []byte, width, height, components, bits int) *samples {
	line := (width*components*bits + 7) / 8
	out := make([]uint8, width*components)
	return &samples{width: width, height: height, components: components, bits: min(bits, 8), row: func(y int) []uint8 {
		start := y * line
		if start >= len(data) {
			clear(out)
			return out
		}
		part := data[start:min(len(data), start+line)]
		if bits == 8 {
			clear(out[copy(out, part):])
			return out
		}
		clear(out)
		if bits == 16 {
			for i := range min(len(out), len(part)/2) {
				out[i] = uint8(binary.BigEndian.Uint16(part[2*i:]) >> 8)
			}
			return out
		}
		perByte, mask := 8/bits, uint8(1)<<bits-1
		for i := range min(len(out), len(part)*perByte) {
			out[i] = part[i/perByte] >> (8 - bits*(i%perByte+1)) & mask
		}
		return out
	}}
}

// samplesOf decodes what filter is left. Components are those of the color space; JPEG says its own.
func (e *encoder) samplesOf(src *source, components int) (*samples, error) {
	switch src.filter {
	case "DCTDecode":
		return e.jpegSamples(src)
	case "CCITTFaxDecode":
		data, err := e.fax(src)
		if err != nil {
			return nil, err
		}
		return unpack(data, src.width, src.height, 1, 1), nil
	}
	if int64(src.width)*int64(components) > e.limits.Pixels {
		return nil, e.tooManyPixels() // one row alone is too much
	}
	return unpack(src.data, src.width, src.height, components, src.bits), nil
}

// fax decodes CCITTFaxDecode (ISO 32000-1, 7.4.6). What could be decoded of damaged data is shown, the rest is white.
func (e *encoder) fax(src *source) ([]byte, error) {
	k, _ := e.file.Number(src.parms["K"])
	if k > 0 {
		return nil, &UnsupportedError{What: "the mixed one- and two-dimensional fax encoding"}
	}
	format := ccitt.Group3
	if k < 0 {
		format = ccitt.Group4
	}
	columns, ok := e.file.Integer(src.parms["Columns"])
	if !ok {
		columns = 1728
	}
	if columns < 1 || columns*int64(src.height) > e.limits.Pixels {
		return nil, e.tooManyPixels()
	}
	align, _ := e.file.Resolve(src.parms["EncodedByteAlign"]).(bool)
	blackIs1, _ := e.file.Resolve(src.parms["BlackIs1"]).(bool)
	line := (int(columns) + 7) / 8
	out := make([]byte, line*src.height)
	if !blackIs1 {
		for i := range out {
			out[i] = 0xff
		}
	}
	r := ccitt.NewReader(bytes.NewReader(src.data), ccitt.MSB, format, int(columns), src.height, &ccitt.Options{
		Align: align, Invert: blackIs1,
	})
	// Fewer rows than announced, or damaged ones at the end, leave what was read before.
	_, _ = io.ReadFull(r, out)
	if wanted := (src.width + 7) / 8; wanted != line {
		fitted := make([]byte, wanted*src.height)
		for y := range src.height {
			copy(fitted[y*wanted:(y+1)*wanted], out[y*line:(y+1)*line])
		}
		out = fitted
	}
	return out, nil
}

// stencil draws an image mask: black where it paints, transparent elsewhere (ISO 32000-1, 8.9.6.2).
func (e *encoder) stencil(src *source) (image.Image, error) {
	s, err := e.samplesOf(src, 1)
	if err != nil {
		return nil, err
	}
	if s.components != 1 {
		return nil, ErrDamaged
	}
	palette := color.Palette{color.NRGBA{A: 255}, color.NRGBA{}}
	if len(src.decode) > 0 && src.decode[0] == 1 {
		palette[0], palette[1] = palette[1], palette[0]
	}
	out := image.NewPaletted(image.Rect(0, 0, s.width, s.height), palette)
	for y := range s.height {
		for x, v := range s.row(y) {
			out.Pix[y*out.Stride+x] = v >> (s.bits - 1)
		}
	}
	return out, nil
}
