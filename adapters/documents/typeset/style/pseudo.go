package style

import (
	"strconv"
	"strings"

	"github.com/tdewolff/parse/v2/css"
)

// pseudo reads a pseudo-class or a pseudo-element.
func (p *selectorParser) pseudo(s *selector, c *compound, depth int) bool {
	kind, text := p.peek()
	double := kind == css.ColonToken
	if double {
		p.at++
		kind, text = p.peek()
	}
	p.at++
	name := strings.ToLower(strings.TrimSuffix(text, "("))
	if kind == css.IdentToken {
		if name == "before" || name == "after" {
			s.pseudo = name
			s.specificity++
			return true
		}
		s.specificity += 100
		c.conditions = append(c.conditions, condition{kind: name, offset: 1})
		switch name {
		case "root", "first-child", "last-child", "only-child", "first-of-type", "last-of-type", "only-of-type", "empty",
			"link", "any-link", "checked", "disabled", "enabled", "required", "optional", "scope":
			return !double
		}
		return false // what depends on a user, such as :hover
	}
	if kind != css.FunctionToken || double {
		return false
	}
	cond := condition{kind: name}
	switch name {
	case "nth-child", "nth-last-child", "nth-of-type", "nth-last-of-type":
		var ok bool
		if cond.step, cond.offset, ok = p.nth(); !ok {
			return false
		}
		s.specificity += 100
	case "not", "is", "where", "matches":
		if depth >= maxNested || !p.alternatives(&cond, depth) {
			return false
		}
		if name != "where" {
			highest := 0
			for _, a := range cond.among {
				highest = max(highest, a.specificity)
			}
			s.specificity += highest
		}
		cond.negated = name == "not"
	case "lang":
		p.space()
		_, text := p.peek()
		cond.value = unquote(text)
		p.at++
		p.space()
		s.specificity += 100
	default:
		return false
	}
	if kind, _ := p.peek(); kind != css.RightParenthesisToken {
		return false
	}
	p.at++
	c.conditions = append(c.conditions, cond)
	return true
}

func (p *selectorParser) alternatives(cond *condition, depth int) bool {
	for len(cond.among) < maxAlternative {
		s, ok := p.complex(depth + 1)
		if !ok || s.pseudo != "" {
			return false
		}
		cond.among = append(cond.among, s)
		if kind, _ := p.peek(); kind != css.CommaToken {
			return true
		}
		p.at++
	}
	return false
}

// nth reads an+b up to the closing parenthesis.
func (p *selectorParser) nth() (step, offset int, ok bool) {
	var b strings.Builder
	for kind, text := p.peek(); kind != css.RightParenthesisToken && kind != css.ErrorToken && b.Len() < 32; kind, text = p.peek() {
		if kind != css.WhitespaceToken {
			b.WriteString(text)
		}
		p.at++
	}
	switch text := strings.ToLower(b.String()); text {
	case "odd":
		return 2, 1, true
	case "even":
		return 2, 0, true
	default:
		before, after, stepped := strings.Cut(text, "n")
		if !stepped {
			offset, err := strconv.Atoi(text)
			return 0, offset, err == nil
		}
		switch before {
		case "", "+":
			step = 1
		case "-":
			step = -1
		default:
			var err error
			if step, err = strconv.Atoi(before); err != nil {
				return 0, 0, false
			}
		}
		if after != "" {
			var err error
			if offset, err = strconv.Atoi(after); err != nil {
				return 0, 0, false
			}
		}
		return step, offset, true
	}
}
