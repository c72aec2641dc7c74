package pdfimage

import (
	"math"

	"github.com/perfectworks/backend/adapters/documents/pdf"
)

const (
	// maxComponents is how many inputs or outputs a function may have; ISO 32000-1, annex C allows 32 colorants.
	maxComponents = 32
	// maxSampledInputs bounds what one value of a sampled function costs, which doubles with each input.
	maxSampledInputs = 8
	// maxFunctionDepth bounds functions stitched of functions.
	maxFunctionDepth = 8
	// maxFunctions bounds the functions that one image's color space is made of.
	maxFunctions = 4096
)

// function maps numbers to numbers (ISO 32000-1, 7.10). Its result may be changed by the following call. It is nil
// where a function cannot be read.
type function func(in []float64) []float64

// readFunction reads a function of a number of inputs, or an array of functions with one output each.
func (e *encoder) readFunction(o pdf.Object, inputs, depth int) function {
	if e.functions++; depth > maxFunctionDepth || e.functions > maxFunctions {
		return nil
	}
	if list, ok := e.file.Array(o); ok {
		return e.sideBySide(list, inputs, depth)
	}
	d, ok := e.file.Dict(o)
	if !ok {
		return nil
	}
	domain, scope := e.numbers(d["Domain"]), e.numbers(d["Range"])
	if len(domain) < 2*inputs {
		return nil
	}
	var inner function
	kind, _ := e.file.Integer(d["FunctionType"])
	switch kind {
	case 0:
		inner = e.sampled(o, d, domain, scope, inputs)
	case 2:
		inner = e.exponential(d)
	case 3:
		inner = e.stitched(d, domain, depth)
	case 4:
		inner = e.calculated(o, len(scope)/2)
	}
	if inner == nil {
		return nil
	}
	clipped := make([]float64, inputs)
	return func(in []float64) []float64 {
		for i := range clipped {
			clipped[i] = clip(in[i], domain[2*i], domain[2*i+1])
		}
		out := inner(clipped)
		for i := range min(len(out), len(scope)/2) {
			out[i] = clip(out[i], scope[2*i], scope[2*i+1])
		}
		return out
	}
}

func (e *encoder) sideBySide(list pdf.Array, inputs, depth int) function {
	if len(list) == 0 || len(list) > maxComponents {
		return nil
	}
	parts := make([]function, len(list))
	for i, o := range list {
		if parts[i] = e.readFunction(o, inputs, depth+1); parts[i] == nil {
			return nil
		}
	}
	out := make([]float64, len(parts))
	return func(in []float64) []float64 {
		for i, part := range parts {
			out[i] = 0
			if values := part(in); len(values) > 0 {
				out[i] = values[0]
			}
		}
		return out
	}
}

// numbers reads an array of numbers, up to twice as many as there may be components.
func (e *encoder) numbers(o pdf.Object) []float64 {
	list, _ := e.file.Array(o)
	out := make([]float64, 0, min(len(list), 2*maxComponents))
	for _, element := range list[:min(len(list), 2*maxComponents)] {
		n, _ := e.file.Number(element)
		out = append(out, n)
	}
	return out
}

// clip also turns what is no number into the lower bound.
func clip(v, low, high float64) float64 {
	if !(v > low) {
		return low
	}
	return min(v, high)
}

// exponential is a function of type 2: a mix of two colors.
func (e *encoder) exponential(d pdf.Dict) function {
	from, to := e.numbers(d["C0"]), e.numbers(d["C1"])
	if len(from) == 0 {
		from = []float64{0}
	}
	if len(to) == 0 {
		to = []float64{1}
	}
	if len(from) != len(to) {
		return nil
	}
	exponent, ok := e.file.Number(d["N"])
	if !ok {
		exponent = 1
	}
	out := make([]float64, len(from))
	return func(in []float64) []float64 {
		e.steps++
		x := in[0]
		if exponent != 1 {
			x = math.Pow(x, exponent)
		}
		for i := range out {
			out[i] = from[i] + x*(to[i]-from[i])
		}
		return out
	}
}

// stitched is a function of type 3: other functions beside each other.
func (e *encoder) stitched(d pdf.Dict, domain []float64, depth int) function {
	list, _ := e.file.Array(d["Functions"])
	boundList, _ := e.file.Array(d["Bounds"])
	encodeList, _ := e.file.Array(d["Encode"])
	n := len(list)
	if n == 0 || n > maxFunctions || len(boundList) < n-1 || len(encodeList) < 2*n {
		return nil
	}
	parts, bounds, encode := make([]function, n), make([]float64, n+1), make([]float64, 2*n)
	bounds[0], bounds[n] = domain[0], domain[1]
	for i := range n {
		if parts[i] = e.readFunction(list[i], 1, depth+1); parts[i] == nil {
			return nil
		}
		if i > 0 {
			bounds[i], _ = e.file.Number(boundList[i-1])
		}
		encode[2*i], _ = e.file.Number(encodeList[2*i])
		encode[2*i+1], _ = e.file.Number(encodeList[2*i+1])
	}
	in := make([]float64, 1)
	return func(x []float64) []float64 {
		i := 0
		for i < n-1 && x[0] >= bounds[i+1] {
			i++
		}
		e.steps += int64(i)
		in[0] = scale(x[0], bounds[i], bounds[i+1], encode[2*i], encode[2*i+1])
		return parts[i](in)
	}
}

// scale moves a value from one interval to another.
func scale(v, fromLow, fromHigh, toLow, toHigh float64) float64 {
	if fromHigh == fromLow {
		return toLow
	}
	return toLow + (v-fromLow)*(toHigh-toLow)/(fromHigh-fromLow)
}

// sampled is a function of type 0: a table with values between its entries interpolated.
func (e *encoder) sampled(o pdf.Object, d pdf.Dict, domain, scope []float64, inputs int) function {
	stream, ok := e.file.Stream(o)
	outputs := len(scope) / 2
	size := e.numbers(d["Size"])
	bits, _ := e.file.Integer(d["BitsPerSample"])
	if !ok || outputs == 0 || inputs > maxSampledInputs || len(size) < inputs || bits < 1 || bits > 32 {
		return nil
	}
	total := outputs
	for _, n := range size[:inputs] {
		if !(n >= 1 && n <= 1<<16) || total > 1<<24 {
			return nil
		}
		total *= int(n)
	}
	data, _ := e.file.Decode(stream)
	if int64(len(data)) < (int64(total)*bits+7)/8 {
		return nil
	}
	encode, decode := e.numbers(d["Encode"]), e.numbers(d["Decode"])
	if len(encode) < 2*inputs {
		encode = encode[:0]
		for _, n := range size[:inputs] {
			encode = append(encode, 0, n-1)
		}
	}
	if len(decode) < 2*outputs {
		decode = scope
	}
	t := &table{data: data, bits: int(bits), size: size[:inputs], outputs: outputs}
	at, out := make([]float64, inputs), make([]float64, outputs)
	highest := math.Exp2(float64(bits)) - 1
	return func(in []float64) []float64 {
		e.steps += int64(outputs) << inputs
		for i := range at {
			at[i] = clip(scale(in[i], domain[2*i], domain[2*i+1], encode[2*i], encode[2*i+1]), 0, size[i]-1)
		}
		for j := range out {
			out[j] = scale(t.between(at, j), 0, highest, decode[2*j], decode[2*j+1])
		}
		return out
	}
}

// table holds the samples of a function; the first input changes fastest.
type table struct {
	data    []byte
	bits    int
	size    []float64
	outputs int
}

// between interpolates output j linearly between the 2^n corners around a place.
func (t *table) between(at []float64, j int) float64 {
	sum := 0.0
	for corner := range 1 << len(at) {
		weight, index, stride := 1.0, 0, 1
		for i, x := range at {
			low := math.Floor(x)
			rest := x - low
			if corner>>i&1 == 1 {
				low, rest = min(low+1, t.size[i]-1), 1-rest
			}
			weight *= 1 - rest
			index += int(low) * stride
			stride *= int(t.size[i])
		}
		if weight > 0 {
			sum += weight * t.sample(index*t.outputs+j)
		}
	}
	return sum
}

func (t *table) sample(index int) float64 {
	v := uint64(0)
	for bit := index * t.bits; bit < (index+1)*t.bits; {
		take := min(8-bit&7, (index+1)*t.bits-bit)
		part := t.data[bit>>3] >> (8 - bit&7 - take) & (1<<take - 1)
		v = v<<take | uint64(part)
		bit += take
	}
	return float64(v)
}
