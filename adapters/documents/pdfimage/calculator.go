package pdfimage

import (
	"math"
	"strconv"

	"github.com/perfectworks/backend/adapters/documents/pdf"
)

const (
	// maxProgram is how many operators a calculator function may have.
	maxProgram = 10_000
	// maxOperandStack is that of ISO 32000-1, annex C.
	maxOperandStack = 100
)

// step is a number to push, an operator, or a block of steps.
type step struct {
	number   float64
	operator string
	block    []step
}

// calculated is a function of type 4: a small program on a stack (ISO 32000-1, 7.10.5).
func (e *encoder) calculated(o pdf.Object, outputs int) function {
	stream, ok := e.file.Stream(o)
	if !ok || outputs == 0 {
		return nil
	}
	data, err := e.file.Decode(stream)
	if err != nil {
		return nil
	}
	p := program{data: data}
	if p.word() != "{" {
		return nil
	}
	steps, ok := p.block(0)
	if !ok {
		return nil
	}
	out := make([]float64, outputs)
	return func(in []float64) []float64 {
		c := calculator{encoder: e, stack: append(make([]float64, 0, maxOperandStack), in...)}
		c.run(steps)
		clear(out)
		copy(out, c.stack[max(0, len(c.stack)-outputs):])
		return out
	}
}

// program splits a calculator function into words.
type program struct {
	data  []byte
	pos   int
	count int
}

func (p *program) word() string {
	for p.pos < len(p.data) && p.data[p.pos] <= ' ' {
		p.pos++
	}
	start := p.pos
	for p.pos < len(p.data) && p.data[p.pos] > ' ' {
		brace := p.data[p.pos] == '{' || p.data[p.pos] == '}'
		if brace && p.pos > start {
			break
		}
		p.pos++
		if brace {
			break
		}
	}
	return string(p.data[start:p.pos])
}

func (p *program) block(depth int) ([]step, bool) {
	if depth > maxFunctionDepth {
		return nil, false
	}
	var steps []step
	for {
		if p.count++; p.count > maxProgram {
			return nil, false
		}
		switch w := p.word(); w {
		case "":
			return nil, false
		case "}":
			return steps, true
		case "{":
			inner, ok := p.block(depth + 1)
			if !ok {
				return nil, false
			}
			steps = append(steps, step{block: inner})
		default:
			if n, err := strconv.ParseFloat(w, 64); err == nil {
				steps = append(steps, step{number: n})
			} else {
				steps = append(steps, step{operator: w})
			}
		}
	}
}

// calculator runs a program. What the program does wrong is passed over; it has no loops and so always ends.
type calculator struct {
	*encoder
	stack []float64
}

func (c *calculator) push(v float64) {
	if len(c.stack) < maxOperandStack {
		c.stack = append(c.stack, v)
	}
}

func (c *calculator) pop() float64 {
	n := len(c.stack)
	if n == 0 {
		return 0
	}
	v := c.stack[n-1]
	c.stack = c.stack[:n-1]
	return v
}

func (c *calculator) run(steps []step) {
	for i, s := range steps {
		c.steps++
		switch {
		case s.block != nil:
		case s.operator == "":
			c.push(s.number)
		case s.operator == "if":
			if c.pop() != 0 && i >= 1 {
				c.run(steps[i-1].block)
			}
		case s.operator == "ifelse":
			if i < 2 {
				continue
			}
			if c.pop() != 0 {
				c.run(steps[i-2].block)
			} else {
				c.run(steps[i-1].block)
			}
		default:
			c.operate(s.operator)
		}
	}
}

var unary = map[string]func(float64) float64{
	"abs": math.Abs, "ceiling": math.Ceil, "floor": math.Floor, "round": math.Round, "truncate": math.Trunc,
	"cvi": math.Trunc, "cvr": func(a float64) float64 { return a }, "neg": func(a float64) float64 { return -a },
	"sqrt": math.Sqrt, "ln": math.Log, "log": math.Log10,
	"sin": func(a float64) float64 { return math.Sin(a * math.Pi / 180) },
	"cos": func(a float64) float64 { return math.Cos(a * math.Pi / 180) },
	"not": func(a float64) float64 { return truth(a == 0) },
}

var dyadic = map[string]func(a, b float64) float64{
	"add": func(a, b float64) float64 { return a + b }, "sub": func(a, b float64) float64 { return a - b },
	"mul": func(a, b float64) float64 { return a * b }, "div": func(a, b float64) float64 { return a / b },
	"idiv": func(a, b float64) float64 { return math.Trunc(a / b) }, "mod": math.Mod, "exp": math.Pow,
	"atan": func(a, b float64) float64 { return math.Mod(math.Atan2(a, b)*180/math.Pi+360, 360) },
	"eq":   func(a, b float64) float64 { return truth(a == b) }, "ne": func(a, b float64) float64 { return truth(a != b) },
	"gt": func(a, b float64) float64 { return truth(a > b) }, "ge": func(a, b float64) float64 { return truth(a >= b) },
	"lt": func(a, b float64) float64 { return truth(a < b) }, "le": func(a, b float64) float64 { return truth(a <= b) },
	"and":      func(a, b float64) float64 { return float64(whole(a) & whole(b)) },
	"or":       func(a, b float64) float64 { return float64(whole(a) | whole(b)) },
	"xor":      func(a, b float64) float64 { return float64(whole(a) ^ whole(b)) },
	"bitshift": shift,
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func whole(v float64) int64 { return int64(clip(v, math.MinInt32, math.MaxInt32)) }

func shift(a, b float64) float64 {
	by := int(clip(b, -31, 31))
	if by < 0 {
		return float64(whole(a) >> -by)
	}
	return float64(whole(a) << by)
}

func (c *calculator) operate(name string) {
	if f, ok := unary[name]; ok {
		c.push(f(c.pop()))
		return
	}
	if f, ok := dyadic[name]; ok {
		b := c.pop()
		c.push(f(c.pop(), b))
		return
	}
	switch name {
	case "true", "false":
		c.push(truth(name == "true"))
	case "pop":
		c.pop()
	case "dup":
		v := c.pop()
		c.push(v)
		c.push(v)
	case "exch":
		b, a := c.pop(), c.pop()
		c.push(b)
		c.push(a)
	case "copy":
		n := int(clip(c.pop(), 0, float64(len(c.stack))))
		for _, v := range c.stack[len(c.stack)-n:] {
			c.push(v)
		}
	case "index":
		if n := int(clip(c.pop(), 0, maxOperandStack)); n < len(c.stack) {
			c.push(c.stack[len(c.stack)-1-n])
		}
	case "roll":
		by := int(clip(c.pop(), -maxOperandStack, maxOperandStack))
		n := int(clip(c.pop(), 0, float64(len(c.stack))))
		if n > 0 {
			top := c.stack[len(c.stack)-n:]
			by = (by%n + n) % n
			rolled := append(append(make([]float64, 0, n), top[n-by:]...), top[:n-by]...)
			copy(top, rolled)
		}
	}
}
