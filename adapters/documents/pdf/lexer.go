package pdf

import (
	"bytes"
	"math"
	"strings"
)

// Lexer reads objects and operators from bytes. Its zero value is not usable; see [NewLexer].
type Lexer struct {
	data  []byte
	pos   int
	depth int
	// refs tells whether "1 0 R" is a reference: yes in files, no in content streams.
	refs bool
	// stack holds the elements of the arrays and dictionaries that are open.
	stack []Object
}

// NewLexer reads a content stream: no references, keywords are operators. Depth limits nesting; deeper levels read
// as null.
func NewLexer(data []byte, depth int) *Lexer { return &Lexer{data: data, depth: depth} }

// Pos is the offset of the next byte.
func (l *Lexer) Pos() int { return l.pos }

// endOf marks the closing delimiters, which are no objects.
type endOf byte

// endOfDict is the delimiter of two bytes that closes dictionaries.
const endOfDict endOf = 'D'

// Next gives the next object or operator, and false at the end of the data. Stray closing delimiters are passed over.
func (l *Lexer) Next() (Object, bool) {
	for {
		o, ok := l.object(l.depth)
		if !ok {
			return nil, false
		}
		if _, stray := o.(endOf); !stray {
			return o, true
		}
	}
}

func isSpace(c byte) bool {
	return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\f' || c == 0
}

func isDelimiter(c byte) bool {
	switch c {
	case '(', ')', '<', '>', '[', ']', '{', '}', '/', '%':
		return true
	}
	return false
}

func (l *Lexer) skipSpace() {
	for l.pos < len(l.data) {
		c := l.data[l.pos]
		switch {
		case isSpace(c):
			l.pos++
		case c == '%':
			for l.pos < len(l.data) && l.data[l.pos] != '\n' && l.data[l.pos] != '\r' {
				l.pos++
			}
		default:
			return
		}
	}
}

func (l *Lexer) object(depth int) (Object, bool) {
	l.skipSpace()
	if l.pos >= len(l.data) {
		return nil, false
	}
	switch c := l.data[l.pos]; c {
	case '/':
		l.pos++
		return l.name(), true
	case '(':
		l.pos++
		return l.literal(), true
	case '<':
		l.pos++
		if l.pos < len(l.data) && l.data[l.pos] == '<' {
			l.pos++
			if depth <= 0 {
				l.skipNested()
				return nil, true
			}
			return l.dict(depth), true
		}
		return l.hex(), true
	case '[':
		l.pos++
		if depth <= 0 {
			l.skipNested()
			return nil, true
		}
		return l.array(depth), true
	case '>':
		l.pos++
		if l.pos < len(l.data) && l.data[l.pos] == '>' {
			l.pos++
			return endOfDict, true
		}
		return endOf(c), true
	case ']', ')', '}', '{':
		l.pos++
		return endOf(c), true
	}
	return l.word(), true
}

func (l *Lexer) name() Name {
	start := l.pos
	escaped := false
	for l.pos < len(l.data) && !isSpace(l.data[l.pos]) && !isDelimiter(l.data[l.pos]) {
		escaped = escaped || l.data[l.pos] == '#'
		l.pos++
	}
	raw := l.data[start:l.pos]
	if !escaped {
		return Name(raw)
	}
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		if raw[i] == '#' && i+2 < len(raw) {
			hi, lo := hexValue(raw[i+1]), hexValue(raw[i+2])
			if hi >= 0 && lo >= 0 {
				out = append(out, byte(hi<<4|lo)) //nolint:gosec // two digits of four bits
				i += 2
				continue
			}
		}
		out = append(out, raw[i])
	}
	return Name(out)
}

func hexValue(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

func (l *Lexer) hex() String {
	out := make([]byte, 0, max(0, bytes.IndexByte(l.data[l.pos:], '>')+1)/2)
	high := -1
	for l.pos < len(l.data) {
		c := l.data[l.pos]
		l.pos++
		if c == '>' {
			break
		}
		v := hexValue(c)
		if v < 0 {
			continue
		}
		if high < 0 {
			high = v
		} else {
			out = append(out, byte(high<<4|v)) //nolint:gosec // two digits of four bits
			high = -1
		}
	}
	if high >= 0 {
		out = append(out, byte(high<<4)) //nolint:gosec // a digit of four bits
	}
	return String(out)
}

func (l *Lexer) literal() String {
	for i, c := range l.data[l.pos:] {
		if c == ')' {
			plain := String(l.data[l.pos : l.pos+i])
			l.pos += i + 1
			return plain
		}
		if c == '(' || c == '\\' || c == '\r' {
			break
		}
	}
	var out []byte
	open := 1
	for l.pos < len(l.data) {
		c := l.data[l.pos]
		l.pos++
		switch c {
		case '(':
			open++
		case ')':
			open--
			if open == 0 {
				return String(out)
			}
		case '\\':
			out = l.escape(out)
			continue
		case '\r':
			if l.pos < len(l.data) && l.data[l.pos] == '\n' {
				l.pos++
			}
			c = '\n'
		}
		out = append(out, c)
	}
	return String(out)
}

func (l *Lexer) escape(out []byte) []byte {
	if l.pos >= len(l.data) {
		return out
	}
	c := l.data[l.pos]
	l.pos++
	switch c {
	case 'n':
		return append(out, '\n')
	case 'r':
		return append(out, '\r')
	case 't':
		return append(out, '\t')
	case 'b':
		return append(out, '\b')
	case 'f':
		return append(out, '\f')
	case '\n':
		return out
	case '\r':
		if l.pos < len(l.data) && l.data[l.pos] == '\n' {
			l.pos++
		}
		return out
	}
	if c < '0' || c > '7' {
		return append(out, c)
	}
	v := int(c - '0')
	for i := 0; i < 2 && l.pos < len(l.data) && l.data[l.pos] >= '0' && l.data[l.pos] <= '7'; i++ {
		v = v<<3 | int(l.data[l.pos]-'0')
		l.pos++
	}
	return append(out, byte(v&0xff)) // the high bit of an octal escape is dropped: ISO 32000-1, 7.3.4.2
}

func (l *Lexer) array(depth int) Object {
	start := len(l.stack)
	for {
		o, ok := l.object(depth - 1)
		if !ok {
			break
		}
		if end, isEnd := o.(endOf); isEnd {
			if end == ']' {
				break
			}
			if end == endOfDict { // the closing bracket is missing
				l.pos -= len(">>")
				break
			}
			continue
		}
		if l.refs {
			if op, isOp := o.(Operator); isOp {
				if op == "endobj" || op == "stream" {
					l.pos -= len(op)
					break
				}
				if op == "R" {
					l.stack = append(l.stack[:start], foldRef(l.stack[start:])...)
				}
				continue
			}
		}
		l.stack = append(l.stack, o)
	}
	return Array(l.pop(start))
}

// pop takes the elements from start on off the stack.
func (l *Lexer) pop(start int) []Object {
	out := make([]Object, len(l.stack)-start)
	copy(out, l.stack[start:])
	clear(l.stack[start:])
	l.stack = l.stack[:start]
	return out
}

// skipNested passes an array or dictionary that is nested too deeply, without recursion.
func (l *Lexer) skipNested() {
	for open := 1; open > 0; {
		l.skipSpace()
		if l.pos >= len(l.data) {
			return
		}
		c := l.data[l.pos]
		double := l.pos+1 < len(l.data) && l.data[l.pos+1] == c
		switch {
		case c == '[':
			open++
		case c == ']':
			open--
		case c == '<' && double:
			open++
			l.pos++
		case c == '>' && double:
			open--
			l.pos++
		case c == '(':
			l.pos++
			l.literal()
			continue
		case c == '<':
			l.pos++
			l.hex()
			continue
		}
		l.pos++
	}
}

// foldRef replaces the two integers at the end of out by the reference they name.
func foldRef(out []Object) []Object {
	if len(out) < 2 {
		return out
	}
	n, ok1 := out[len(out)-2].(Integer)
	g, ok2 := out[len(out)-1].(Integer)
	if !ok1 || !ok2 || n < 0 || n > math.MaxInt32 || g < 0 || g > math.MaxInt32 {
		return out
	}
	return append(out[:len(out)-2], Ref{int(n), int(g)})
}

func (l *Lexer) dict(depth int) Object {
	start := len(l.stack)
	for {
		o, ok := l.object(depth - 1)
		if !ok {
			break
		}
		if end, isEnd := o.(endOf); isEnd {
			if end == endOfDict {
				break
			}
			continue
		}
		if op, isOp := o.(Operator); isOp {
			if op == "R" && l.refs {
				l.stack = append(l.stack[:start], foldRef(l.stack[start:])...)
				continue
			}
			if op == "endobj" || op == "stream" {
				l.pos -= len(op)
				break
			}
			continue
		}
		l.stack = append(l.stack, o)
	}
	flat := l.stack[start:]
	out := make(Dict, len(flat)/2)
	for i := 0; i < len(flat); i++ {
		key, ok := flat[i].(Name)
		if !ok {
			continue
		}
		if i+1 >= len(flat) {
			break
		}
		i++
		if flat[i] != nil {
			out[key] = flat[i]
		}
	}
	clear(flat)
	l.stack = l.stack[:start]
	return out
}

func (l *Lexer) word() Object {
	start := l.pos
	for l.pos < len(l.data) && !isSpace(l.data[l.pos]) && !isDelimiter(l.data[l.pos]) {
		l.pos++
	}
	w := l.data[start:l.pos]
	if c := w[0]; c >= '0' && c <= '9' || c == '+' || c == '-' || c == '.' {
		if n, ok := number(w); ok {
			return n
		}
	}
	if o, known := words[string(w)]; known {
		return o
	}
	return Operator(w)
}

// words are the keywords and the operators of content streams, made once since contents consist of them.
var words = func() map[string]Object {
	out := map[string]Object{"true": true, "false": false, "null": nil}
	for _, operator := range strings.Fields(`b B b* B* BDC BI BMC BT BX c cm CS cs d d0 d1 Do DP EI EMC ET EX f F f* G g
		gs h i ID j J K k l m M MP n q Q re RG rg ri s S SC sc SCN scn sh T* Tc Td TD Tf Tj TJ TL Tm Tr Ts Tw Tz v w W W*
		y ' " R obj endobj stream endstream`) {
		out[operator] = Operator(operator)
	}
	return out
}()
