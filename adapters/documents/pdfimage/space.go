package pdfimage

import (
	"math"

	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// space is a color space.
type space struct {
	components int
	// decode are the lower and upper bounds that samples are spread between.
	decode []float64
	// direct tells that samples spread over 0 to 255 are gray (one component) or red, green and blue (three).
	direct bool
	// rgb gives a color; the arguments are not kept.
	rgb func([]float64) [3]uint8
}

// maxSpaceDepth bounds color spaces made from others.
const maxSpaceDepth = 4

// readSpace reads a color space; bits are those of a sample, which is an index into the colors of an Indexed space.
func (e *encoder) readSpace(o pdf.Object, bits, depth int) (*space, error) {
	list, _ := e.file.Array(o)
	name := e.file.Name(o)
	if len(list) > 0 {
		name = e.file.Name(list[0])
	}
	argument := func(i int) pdf.Object {
		if i < len(list) {
			return list[i]
		}
		return nil
	}
	unsupported := &UnsupportedError{What: "the color space " + string(name)}
	if depth > maxSpaceDepth {
		return nil, unsupported
	}
	switch name {
	// Calibrated spaces are shown as the device's, as most viewers do: the differences are slight.
	case "DeviceGray", "G", "CalGray":
		return deviceSpace(1), nil
	case "DeviceRGB", "RGB", "CalRGB":
		return deviceSpace(3), nil
	case "DeviceCMYK", "CMYK":
		return deviceSpace(4), nil
	case "ICCBased":
		profile, _ := e.file.Dict(argument(1))
		if n, _ := e.file.Integer(profile["N"]); n == 1 || n == 3 || n == 4 {
			return deviceSpace(int(n)), nil
		}
		if profile["Alternate"] != nil {
			return e.readSpace(profile["Alternate"], bits, depth+1)
		}
	case "Lab":
		d, _ := e.file.Dict(argument(1))
		return e.labSpace(d), nil
	case "Indexed", "I":
		return e.indexedSpace(argument(1), argument(2), argument(3), bits, depth)
	case "Separation", "DeviceN":
		return e.inkSpace(list, depth)
	}
	return nil, unsupported
}

func deviceSpace(components int) *space {
	s := &space{components: components, direct: components != 4}
	for range components {
		s.decode = append(s.decode, 0, 1)
	}
	switch components {
	case 1:
		s.rgb = func(v []float64) [3]uint8 { return [3]uint8{byteOf(v[0]), byteOf(v[0]), byteOf(v[0])} }
	case 3:
		s.rgb = func(v []float64) [3]uint8 { return [3]uint8{byteOf(v[0]), byteOf(v[1]), byteOf(v[2])} }
	default:
		s.rgb = inkColor
	}
	return s
}

// byteOf turns 0 to 1 into 0 to 255.
func byteOf(v float64) uint8 { return uint8(math.Round(clip(v, 0, 1) * 255)) }

// corners are the colors of full inks printed over each other on coated paper, in the order of the bits 1 cyan,
// 2 magenta, 4 yellow: what people see where a formula that only subtracts would give glaring colors.
var corners = [8][3]float64{
	{255, 255, 255}, {0, 174, 239}, {236, 0, 140}, {46, 49, 146}, {255, 242, 0}, {0, 166, 81}, {237, 28, 36}, {54, 54, 57},
}

// black is the color of black ink alone.
var black = [3]float64{35, 31, 32}

// inkColor turns cyan, magenta, yellow and black into a color on a screen.
func inkColor(v []float64) [3]uint8 {
	c, m, y, k := clip(v[0], 0, 1), clip(v[1], 0, 1), clip(v[2], 0, 1), clip(v[3], 0, 1)
	var out [3]uint8
	for i := range out {
		mix := func(x int) float64 { return corners[x][i]*(1-c) + corners[x|1][i]*c }
		light := (mix(0)*(1-m)+mix(2)*m)*(1-y) + (mix(4)*(1-m)+mix(6)*m)*y
		// Black darkens what the other inks left of the light.
		out[i] = byteOf(light / 255 * (1 - k*(1-black[i]/255)))
	}
	return out
}

// labSpace is CIE L*a*b* (ISO 32000-1, 8.6.5.4).
func (e *encoder) labSpace(d pdf.Dict) *space {
	scope := e.numbers(d["Range"])
	if len(scope) < 4 {
		scope = []float64{-100, 100, -100, 100}
	}
	inverse := func(t float64) float64 {
		if t >= 6.0/29 {
			return t * t * t
		}
		return 108.0 / 841 * (t - 4.0/29)
	}
	return &space{components: 3, decode: append([]float64{0, 100}, scope[:4]...), rgb: func(v []float64) [3]uint8 {
		middle := (v[0] + 16) / 116
		// The white of the space is the white of the screen, D65.
		x, y, z := 0.9505*inverse(middle+v[1]/500), inverse(middle), 1.089*inverse(middle-v[2]/200)
		return [3]uint8{
			companded(3.2406*x - 1.5372*y - 0.4986*z), companded(-0.9689*x + 1.8758*y + 0.0415*z),
			companded(0.0557*x - 0.2040*y + 1.0570*z),
		}
	}}
}

// companded is the transfer curve of sRGB (IEC 61966-2-1).
func companded(v float64) uint8 {
	if v <= 0.0031308 {
		return byteOf(12.92 * v)
	}
	return byteOf(1.055*math.Pow(v, 1/2.4) - 0.055)
}

// indexedSpace is a table of colors of another space.
func (e *encoder) indexedSpace(base, highest, table pdf.Object, bits, depth int) (*space, error) {
	inner, err := e.readSpace(base, 8, depth+1)
	if err != nil {
		return nil, err
	}
	top, _ := e.file.Integer(highest)
	var data []byte
	switch v := e.file.Resolve(table).(type) {
	case pdf.String:
		data = []byte(v)
	case *pdf.Stream:
		data, _ = e.file.Decode(v)
	}
	var colors [256][3]uint8
	values := make([]float64, inner.components)
	for i := range colors {
		if int64(i) > top || (i+1)*inner.components > len(data) {
			break
		}
		for j := range values {
			values[j] = scale(float64(data[i*inner.components+j]), 0, 255, inner.decode[2*j], inner.decode[2*j+1])
		}
		colors[i] = inner.rgb(values)
	}
	return &space{
		components: 1, decode: []float64{0, float64(int(1)<<min(bits, 8) - 1)},
		rgb: func(v []float64) [3]uint8 { return colors[uint8(clip(math.Round(v[0]), 0, 255))] },
	}, nil
}

// inkSpace is Separation or DeviceN: named inks, shown by their stand-in in another space.
func (e *encoder) inkSpace(list pdf.Array, depth int) (*space, error) {
	if len(list) < 4 {
		return nil, ErrDamaged
	}
	n := 1
	if names, ok := e.file.Array(list[1]); ok {
		n = len(names)
	}
	if n == 0 || n > maxComponents {
		return nil, ErrDamaged
	}
	inner, err := e.readSpace(list[2], 8, depth+1)
	if err != nil {
		return nil, err
	}
	s := &space{components: n}
	for range n {
		s.decode = append(s.decode, 0, 1)
	}
	transform := e.readFunction(list[3], n, 0)
	values := make([]float64, inner.components)
	s.rgb = func(v []float64) [3]uint8 {
		clear(values)
		if transform != nil {
			copy(values, transform(v))
		} else {
			standIn(values, v)
		}
		return inner.rgb(values)
	}
	return s, nil
}

// standIn is used where a tint transform cannot be read: the strongest ink counts as black.
func standIn(out, inks []float64) {
	tint := 0.0
	for _, v := range inks {
		tint = max(tint, v)
	}
	if len(out) == 4 {
		out[3] = tint
		return
	}
	for i := range out {
		out[i] = 1 - tint
	}
}
