package pdf

import "bytes"

// maxOperands is how many operands an operator keeps; the format's longest operator needs far fewer.
const maxOperands = 64

// Operation is an operator of a content stream with its operands.
type Operation struct {
	Operator Operator
	Operands []Object
	// Image is the inline image of a BI operation.
	Image *Stream
}

// Scanner reads the operations of a content stream one by one.
type Scanner struct {
	lexer    *Lexer
	operands []Object
}

// NewScanner reads decoded content.
func NewScanner(content []byte, limits Limits) *Scanner {
	return &Scanner{lexer: NewLexer(content, limits.withDefaults().Depth)}
}

// Next gives the next operation, and false at the end. The operands are valid until the following call.
func (s *Scanner) Next() (Operation, bool) {
	s.operands = s.operands[:0]
	for {
		o, ok := s.lexer.Next()
		if !ok {
			return Operation{}, false
		}
		op, isOp := o.(Operator)
		if !isOp {
			if len(s.operands) == maxOperands {
				copy(s.operands, s.operands[1:])
				s.operands = s.operands[:maxOperands-1]
			}
			s.operands = append(s.operands, o)
			continue
		}
		if op == "BI" {
			return Operation{Operator: op, Image: s.inlineImage()}, true
		}
		return Operation{Operator: op, Operands: s.operands}, true
	}
}

// Pos is the offset after the last operation.
func (s *Scanner) Pos() int { return s.lexer.pos }

// inlineImage reads from after BI to after EI.
func (s *Scanner) inlineImage() *Stream {
	image := &Stream{Dict: Dict{}}
	var key Name
	for {
		o, ok := s.lexer.Next()
		if !ok {
			return image
		}
		if op, isOp := o.(Operator); isOp {
			if op == "ID" {
				break
			}
			if op == "EI" {
				return image
			}
			continue
		}
		if key == "" {
			key, _ = o.(Name)
			continue
		}
		image.Dict[key] = o
		key = ""
	}
	l := s.lexer
	if l.pos < len(l.data) && isSpace(l.data[l.pos]) {
		l.pos++
	}
	start := l.pos
	for from := start; ; {
		at := bytes.Index(l.data[from:], []byte("EI"))
		if at < 0 {
			l.pos = len(l.data)
			image.Raw = l.data[start:]
			return image
		}
		at += from
		if s.endsImage(start, at) {
			image.Raw = bytes.TrimRight(l.data[start:at], "\r\n \t")
			l.pos = at + 2
			return image
		}
		from = at + 2
	}
}

// endsImage tells whether the EI at an offset is the operator rather than image data: white space around it, and
// text that can be operators after it.
func (s *Scanner) endsImage(start, at int) bool {
	data := s.lexer.data
	if at > start && !isSpace(data[at-1]) {
		return false
	}
	rest := data[at+2:]
	if len(rest) > 0 && !isSpace(rest[0]) {
		return false
	}
	for _, c := range rest[:min(len(rest), 16)] {
		if c > 0x7e || (c < 0x20 && !isSpace(c)) {
			return false
		}
	}
	return true
}
