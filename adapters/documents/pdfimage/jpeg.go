package pdfimage

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/jpeg"
	"slices"

	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// jpegHead is what the markers of a JPEG file say before its data.
type jpegHead struct {
	width, height, components, bits int
	// sof is the marker of its process: 0xc0 baseline, 0xc1 extended, 0xc2 progressive.
	sof byte
	// adobe tells that it has an Adobe marker, which says how colors are transformed.
	adobe, jfif bool
}

// readJPEGHead reads markers up to the first scan (ITU-T T.81, annex B).
func readJPEGHead(data []byte) (jpegHead, bool) {
	var head jpegHead
	if len(data) < 4 || data[0] != 0xff || data[1] != 0xd8 {
		return head, false
	}
	for pos := 2; pos+4 <= len(data); {
		if data[pos] != 0xff {
			pos++ // stray bytes between segments
			continue
		}
		marker := data[pos+1]
		if marker == 0xff || marker == 0 || marker == 0x01 || marker >= 0xd0 && marker <= 0xd8 {
			pos++
			continue
		}
		if marker == 0xda || marker == 0xd9 {
			break
		}
		length := int(binary.BigEndian.Uint16(data[pos+2:]))
		if length < 2 || pos+2+length > len(data) {
			break
		}
		body := data[pos+4 : pos+2+length]
		switch {
		case marker == 0xee && bytes.HasPrefix(body, []byte("Adobe")) && len(body) >= 12:
			head.adobe = true
		case marker == 0xe0 && bytes.HasPrefix(body, []byte("JFIF")):
			head.jfif = true
		case marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc && len(body) >= 6:
			head.sof, head.bits = marker, int(body[0])
			head.height, head.width = int(binary.BigEndian.Uint16(body[1:])), int(binary.BigEndian.Uint16(body[3:]))
			head.components = int(body[5])
		}
		pos += 2 + length
	}
	return head, head.sof != 0 && head.width > 0 && head.height > 0
}

// passJPEG gives a JPEG as it is if a browser shows it as it is meant; nil if it must be decoded.
func (e *encoder) passJPEG(src *source) (*Image, error) {
	head, ok := readJPEGHead(src.data)
	if !ok {
		return nil, ErrDamaged
	}
	if int64(head.width)*int64(head.height) > e.limits.Pixels {
		return nil, e.tooManyPixels()
	}
	plain := head.bits == 8 && (head.sof == 0xc0 || head.sof == 0xc1 || head.sof == 0xc2) &&
		(head.components == 1 || head.components == 3)
	if !plain || src.stencil || src.dict["SMask"] != nil || src.dict["Mask"] != nil {
		return nil, nil
	}
	for i, bound := range src.decode {
		if bound != float64(i%2) {
			return nil, nil
		}
	}
	if src.space != nil {
		// A space that cannot be read is refused when the image is decoded.
		if space, err := e.readSpace(src.space, 8, 0); err != nil || !space.direct || space.components != head.components {
			return nil, nil //nolint:nilerr // see above
		}
	}
	return &Image{MIME: "image/jpeg", Data: e.withTransform(src, head), Width: head.width, Height: head.height}, nil
}

// withTransform gives the data of a JPEG with an Adobe marker where the dictionary or, for four components, the absence
// of both says other than what readers assume (ISO 32000-1, 7.4.8, ColorTransform).
func (e *encoder) withTransform(src *source, head jpegHead) []byte {
	transform, told := e.file.Integer(src.parms["ColorTransform"])
	if head.adobe || head.components < 3 || (head.components == 3 && (!told || transform != 0 || head.jfif)) {
		return src.data
	}
	kind := byte(0)
	if transform != 0 {
		kind = byte(head.components - 2) //nolint:gosec // 1 for three components, 2 for four
	}
	marker := []byte{0xff, 0xee, 0, 14, 'A', 'd', 'o', 'b', 'e', 0, 100, 0, 0, 0, 0, kind}
	return slices.Concat(src.data[:2], marker, src.data[2:])
}

// progressiveShare is the share of the limit of pixels that a progressive JPEG may have if it must be decoded.
const progressiveShare = 4

// jpegSamples decodes a JPEG. Its size is that of its own header.
func (e *encoder) jpegSamples(src *source) (*samples, error) {
	head, ok := readJPEGHead(src.data)
	if !ok {
		return nil, ErrDamaged
	}
	if int64(head.width)*int64(head.height) > e.limits.Pixels {
		return nil, e.tooManyPixels()
	}
	// Of a progressive JPEG all coefficients are kept, four bytes each.
	if head.sof == 0xc2 && int64(head.width)*int64(head.height) > e.limits.Pixels/progressiveShare {
		return nil, &pdf.LimitError{What: "pixels in one progressive image", Limit: e.limits.Pixels / progressiveShare}
	}
	img, err := jpeg.Decode(bytes.NewReader(e.withTransform(src, head)))
	if err != nil {
		var unsupported jpeg.UnsupportedError
		if errors.As(err, &unsupported) {
			return nil, &UnsupportedError{What: "a kind of JPEG"}
		}
		return nil, ErrDamaged
	}
	size := img.Bounds().Size()
	s := &samples{width: size.X, height: size.Y, bits: 8}
	switch v := img.(type) {
	case *image.Gray:
		s.components = 1
		s.row = func(y int) []uint8 { return v.Pix[y*v.Stride:][:size.X] }
	case *image.CMYK:
		// The decoder takes inks to be stored inverted, as Adobe does; in PDF it is Decode that says so.
		s.components = 4
		row := make([]uint8, 4*size.X)
		s.row = func(y int) []uint8 {
			for i, b := range v.Pix[y*v.Stride:][:len(row)] {
				row[i] = 255 - b
			}
			return row
		}
	default:
		s.components = 3
		row := make([]uint8, 3*size.X)
		s.row = func(y int) []uint8 {
			for x := range size.X {
				r, g, b, _ := img.At(x, y).RGBA()
				row[3*x], row[3*x+1], row[3*x+2] = uint8(r>>8), uint8(g>>8), uint8(b>>8) //nolint:gosec // of 16 bits
			}
			return row
		}
	}
	return s, nil
}
