package pdfimage

import (
	"image"
	"image/color"
	"slices"

	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// picture draws an image in colors, with what its masks leave of it.
func (e *encoder) picture(src *source) (image.Image, error) {
	space, err := e.spaceOf(src)
	if err != nil {
		return nil, err
	}
	s, err := e.samplesOf(src, space.components)
	if err != nil {
		return nil, err
	}
	if s.components != space.components {
		// A JPEG knows its components better than the dictionary.
		if s.components != 1 && s.components != 3 && s.components != 4 {
			return nil, ErrDamaged
		}
		space = deviceSpace(s.components)
	}
	decode := space.decode
	if len(src.decode) >= len(decode) {
		decode = src.decode
	}
	p := painter{encoder: e, samples: s, space: space}
	p.spread(decode)
	cover := e.cover(src)
	keys := e.colorKeys(src, s.components)
	switch {
	case cover == nil && keys == nil && s.components == 1:
		return p.paletted()
	case cover == nil && keys == nil:
		return p.colored(nil)
	case cover == nil:
		return p.colored(func(out *image.NRGBA, y int, row []uint8) { keyOut(out, y, row, keys) })
	}
	out, err := p.colored(nil)
	if err != nil {
		return nil, err
	}
	return covered(out, cover), nil
}

// spaceOf gives the color space of an image.
func (e *encoder) spaceOf(src *source) (*space, error) {
	bits := src.bits
	switch src.filter {
	case "CCITTFaxDecode":
		if bits = 1; src.space == nil {
			return deviceSpace(1), nil
		}
	case "DCTDecode":
		bits = 8
		if src.space == nil {
			head, ok := readJPEGHead(src.data)
			if !ok || head.components == 2 {
				return nil, ErrDamaged
			}
			return deviceSpace(head.components), nil
		}
	}
	return e.readSpace(src.space, bits, 0)
}

// painter turns samples into colors.
type painter struct {
	*encoder
	*samples
	space *space
	// values are the values of each component's samples, bytes the same spread over 0 to 255.
	values [][256]float64
	bytes  [][256]uint8
}

// spread spreads samples between the bounds of a Decode array (ISO 32000-1, 8.9.5.2).
func (p *painter) spread(decode []float64) {
	p.values, p.bytes = make([][256]float64, p.components), make([][256]uint8, p.components)
	top := float64(int(1)<<p.bits - 1)
	for i := range p.values {
		for v := range 256 {
			p.values[i][v] = scale(min(float64(v), top), 0, top, decode[2*i], decode[2*i+1])
			p.bytes[i][v] = byteOf(p.values[i][v])
		}
	}
}

// paletted draws an image of one component in the colors of its samples.
func (p *painter) paletted() (image.Image, error) {
	n := 1 << p.bits
	palette := make(color.Palette, n)
	gray := true
	for i := range palette {
		c := p.space.rgb(p.values[0][i : i+1])
		palette[i] = color.RGBA{R: c[0], G: c[1], B: c[2], A: 255}
		gray = gray && c[0] == c[1] && c[1] == c[2]
	}
	if p.steps > p.limits.Steps {
		return nil, p.tooManySteps()
	}
	bounds := image.Rect(0, 0, p.width, p.height)
	if gray && p.bits == 8 {
		out := image.NewGray(bounds)
		for y := range p.height {
			for x, v := range p.row(y) {
				out.Pix[y*out.Stride+x] = palette[v].(color.RGBA).R //nolint:forcetypeassert // filled above
			}
		}
		return out, nil
	}
	out := image.NewPaletted(bounds, palette)
	for y := range p.height {
		copy(out.Pix[y*out.Stride:], p.row(y))
	}
	return out, nil
}

func (p *painter) tooManySteps() error {
	return &pdf.LimitError{What: "steps to compute the colors of one image", Limit: p.limits.Steps}
}

// maxKnownColors is how many colors are remembered while an image is drawn: pictures repeat theirs.
const maxKnownColors = 1 << 16

// colored draws an image opaque; finish may then change each row, which it is given with its samples.
func (p *painter) colored(finish func(out *image.NRGBA, y int, row []uint8)) (*image.NRGBA, error) {
	out := image.NewNRGBA(image.Rect(0, 0, p.width, p.height))
	n := p.components
	known := map[[8]uint8][3]uint8{}
	values := make([]float64, n)
	for y := range p.height {
		row := p.row(y)
		pix := out.Pix[y*out.Stride : (y+1)*out.Stride]
		for x := range p.width {
			in := row[x*n : (x+1)*n]
			var c [3]uint8
			switch {
			case p.space.direct && n == 3:
				c = [3]uint8{p.bytes[0][in[0]], p.bytes[1][in[1]], p.bytes[2][in[2]]}
			case p.space.direct:
				c = [3]uint8{p.bytes[0][in[0]], p.bytes[0][in[0]], p.bytes[0][in[0]]}
			default:
				c = p.color(in, values, known)
			}
			pix[4*x], pix[4*x+1], pix[4*x+2], pix[4*x+3] = c[0], c[1], c[2], 255
		}
		if p.steps > p.limits.Steps {
			return nil, p.tooManySteps()
		}
		if finish != nil {
			finish(out, y, row)
		}
	}
	return out, nil
}

func (p *painter) color(in []uint8, values []float64, known map[[8]uint8][3]uint8) [3]uint8 {
	var key [8]uint8
	short := len(in) <= len(key)
	if short {
		copy(key[:], in)
		if c, ok := known[key]; ok {
			return c
		}
	}
	for i, v := range in {
		values[i] = p.values[i][v]
	}
	c := p.space.rgb(values)
	if short && len(known) < maxKnownColors {
		known[key] = c
	}
	return c
}

// colorKeys reads a Mask that names ranges of samples (ISO 32000-1, 8.9.6.4), nil if there is none.
func (e *encoder) colorKeys(src *source, components int) []float64 {
	if _, isArray := e.file.Array(src.dict["Mask"]); !isArray || src.dict["SMask"] != nil {
		return nil
	}
	keys := e.numbers(src.dict["Mask"])
	if len(keys) < 2*components {
		return nil
	}
	if src.bits == 16 {
		for i := range keys {
			keys[i] /= 256
		}
	}
	return keys
}

func keyOut(out *image.NRGBA, y int, row []uint8, keys []float64) {
	n := len(row) / out.Rect.Dx()
	for x := range out.Rect.Dx() {
		inside := true
		for i, v := range row[x*n : (x+1)*n] {
			inside = inside && float64(v) >= keys[2*i] && float64(v) <= keys[2*i+1]
		}
		if inside {
			out.Pix[y*out.Stride+4*x+3] = 0
		}
	}
}

// cover gives how much of an image its mask lets through, nil if it has no mask that can be read.
func (e *encoder) cover(src *source) *image.Gray {
	for _, key := range []pdf.Name{"SMask", "Mask"} {
		stream, ok := e.file.Stream(src.dict[key])
		if !ok {
			continue
		}
		mask, err := e.open(stream)
		if err != nil {
			return nil
		}
		s, err := e.samplesOf(mask, 1)
		if err != nil || s.components != 1 {
			return nil
		}
		decode := []float64{0, 1}
		if len(mask.decode) >= 2 {
			decode = slices.Clone(mask.decode[:2])
		}
		if key == "Mask" { // there 1 masks out
			decode[0], decode[1] = decode[1], decode[0]
		}
		p := painter{encoder: e, samples: s}
		p.spread(decode)
		out := image.NewGray(image.Rect(0, 0, s.width, s.height))
		for y := range s.height {
			for x, v := range s.row(y) {
				out.Pix[y*out.Stride+x] = p.bytes[0][v]
			}
		}
		return out
	}
	return nil
}

// covered lays a mask over an image. A mask with more pixels, such as that of letters over a coarse background, decides
// the size of the result.
func covered(img *image.NRGBA, mask *image.Gray) *image.NRGBA {
	size, fine := img.Rect.Size(), mask.Rect.Size()
	out := img
	if fine.X > size.X || fine.Y > size.Y {
		out = image.NewNRGBA(mask.Rect)
		for y := range fine.Y {
			from := img.Pix[y*size.Y/fine.Y*img.Stride:]
			for x := range fine.X {
				copy(out.Pix[y*out.Stride+4*x:][:4], from[4*(x*size.X/fine.X):][:4])
			}
		}
		size = fine
	}
	for y := range size.Y {
		row := mask.Pix[y*fine.Y/size.Y*mask.Stride:]
		for x := range size.X {
			out.Pix[y*out.Stride+4*x+3] = row[x*fine.X/size.X]
		}
	}
	return out
}
