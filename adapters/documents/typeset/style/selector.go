package style

import (
	"strings"

	"github.com/tdewolff/parse/v2/css"
	"golang.org/x/net/html"
)

// The limits of selectors. The matcher is our own since each step of it must be counted: style sheets come from
// anybody, and a document of a hundred thousand siblings with structural pseudo-classes must not take quadratic time.
const (
	maxCompounds   = 16
	maxConditions  = 32
	maxAlternative = 32
	maxNested      = 4 // depth of :not(:is(…))
)

// selector is a chain of compounds from the subject to the left.
type selector struct {
	compounds []compound
	// combinators stand between a compound and the next one to the left: ' ', '>', '+' or '~'.
	combinators []byte
	pseudo      string // before, after, or "" for the element itself
	specificity int
}

// compound is the conditions that one element has to meet.
type compound struct {
	tag, id    string
	classes    []string
	conditions []condition
}

// condition is an attribute selector or a pseudo-class.
type condition struct {
	kind  string // "attribute" or the pseudo-class
	name  string
	op    css.TokenType
	value string
	fold  bool
	// step and offset are those of an+b.
	step, offset int
	among        []selector
	negated      bool
}

// parseSelector reads one selector, without commas at its top. It is false for what is not understood: CSS leaves such
// rules out.
func parseSelector(tokens []css.Token) (selector, bool) {
	p := selectorParser{tokens: tokens}
	s, ok := p.complex(0)
	return s, ok && p.at == len(p.tokens)
}

type selectorParser struct {
	tokens []css.Token
	at     int
}

func (p *selectorParser) peek() (css.TokenType, string) {
	if p.at >= len(p.tokens) {
		return css.ErrorToken, ""
	}
	t := p.tokens[p.at]
	return t.TokenType, string(t.Data)
}

func (p *selectorParser) space() bool {
	start := p.at
	for kind, _ := p.peek(); kind == css.WhitespaceToken || kind == css.CommentToken; kind, _ = p.peek() {
		p.at++
	}
	return p.at > start
}

// complex reads compounds until the end, a comma or a closing parenthesis.
func (p *selectorParser) complex(depth int) (selector, bool) {
	var s selector
	p.space()
	for {
		var c compound
		if len(s.compounds) >= maxCompounds || !p.compound(&s, &c, depth) {
			return s, false
		}
		s.compounds = append([]compound{c}, s.compounds...)
		spaced := p.space()
		kind, text := p.peek()
		combinator := byte(' ')
		switch {
		case kind == css.ErrorToken || kind == css.CommaToken || kind == css.RightParenthesisToken:
			return s, true
		case kind == css.DelimToken && (text == ">" || text == "+" || text == "~"):
			combinator = text[0]
			p.at++
			p.space()
		case !spaced:
			return s, false
		}
		if s.pseudo != "" {
			return s, false
		}
		s.combinators = append([]byte{combinator}, s.combinators...)
	}
}

// compound reads a sequence of simple selectors; there must be one at least.
func (p *selectorParser) compound(s *selector, c *compound, depth int) bool {
	start := p.at
	for len(c.conditions) < maxConditions {
		kind, text := p.peek()
		switch {
		case kind == css.IdentToken && p.at == start:
			c.tag = strings.ToLower(unquote(text))
			s.specificity++
		case kind == css.DelimToken && text == "*" && p.at == start:
		case kind == css.HashToken:
			c.id = unquote(text[1:])
			s.specificity += 10_000
		case kind == css.DelimToken && text == ".":
			p.at++
			if kind, text = p.peek(); kind != css.IdentToken {
				return false
			}
			c.classes = append(c.classes, unquote(text))
			s.specificity += 100
		case kind == css.LeftBracketToken:
			p.at++
			if !p.attribute(c) {
				return false
			}
			s.specificity += 100
			continue
		case kind == css.ColonToken:
			p.at++
			if !p.pseudo(s, c, depth) {
				return false
			}
			continue
		default:
			return p.at > start
		}
		p.at++
	}
	return false
}

// attribute reads what stands between brackets.
func (p *selectorParser) attribute(c *compound) bool {
	p.space()
	kind, text := p.peek()
	if kind != css.IdentToken {
		return false
	}
	cond := condition{kind: "attribute", name: strings.ToLower(text)}
	p.at++
	p.space()
	switch kind, text = p.peek(); {
	case kind == css.RightBracketToken:
		p.at++
		c.conditions = append(c.conditions, cond)
		return true
	case kind == css.DelimToken && text == "=":
		cond.op = css.DelimToken
	case kind == css.IncludeMatchToken, kind == css.DashMatchToken, kind == css.PrefixMatchToken,
		kind == css.SuffixMatchToken, kind == css.SubstringMatchToken:
		cond.op = kind
	default:
		return false
	}
	p.at++
	p.space()
	if kind, text = p.peek(); kind != css.IdentToken && kind != css.StringToken && kind != css.NumberToken {
		return false
	}
	cond.value = unquote(text)
	p.at++
	p.space()
	// The values of these attributes are compared without regard to case in HTML (HTML, 4.16.2).
	cond.fold = cond.name == "type" || cond.name == "align" || cond.name == "dir" || cond.name == "lang"
	if kind, text = p.peek(); kind == css.IdentToken {
		cond.fold = strings.EqualFold(text, "i")
		p.at++
		p.space()
	}
	if kind, _ = p.peek(); kind != css.RightBracketToken {
		return false
	}
	p.at++
	c.conditions = append(c.conditions, cond)
	return true
}

func attribute(n *html.Node, name string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == name && a.Namespace == "" {
			return a.Val, true
		}
	}
	return "", false
}
