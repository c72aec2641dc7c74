package style

import (
	"slices"
	"strings"

	"github.com/tdewolff/parse/v2"
	"github.com/tdewolff/parse/v2/css"
)

// The limits of style sheets.
const (
	maxSheetBytes   = 4 << 20
	maxRules        = 50_000
	maxDeclarations = 400 // of one rule
)

// declaration is a property with its value.
type declaration struct {
	name      string
	value     []token
	important bool
	// text is the value as it is written, without !important.
	text string
}

// rule is a selector with its declarations.
type rule struct {
	selector     selector
	declarations []declaration
	order        int
}

// Sheet is what style sheets say.
type Sheet struct {
	rules []*rule
	// Page is what @page says.
	Page Page
	// Ignored tells of what was left out: at-rules that import something, selectors that are not understood.
	Ignored []string
	// screen tells that media queries are answered for a screen.
	screen bool
}

// Parse reads a style sheet for print. What is not understood is left out, as CSS demands.
func Parse(source string) *Sheet { return parseFor(source, false) }

// ParseScreen reads a style sheet for a screen.
func ParseScreen(source string) *Sheet { return parseFor(source, true) }

func parseFor(source string, screen bool) *Sheet {
	s := &Sheet{screen: screen, Page: Page{Margin: [4]Length{{Auto: true}, {Auto: true}, {Auto: true}, {Auto: true}}}}
	if len(source) > maxSheetBytes {
		source = source[:maxSheetBytes]
		s.ignore("the rest of a style sheet larger than 4 MiB")
	}
	r := reader{sheet: s, parser: css.NewParser(parse.NewInputString(source), false)}
	r.run()
	return s
}

// parseDeclarations reads the value of a style attribute.
func parseDeclarations(source string) []declaration {
	p := css.NewParser(parse.NewInputString(source), true)
	var out []declaration
	for len(out) < maxDeclarations {
		grammar, _, data := p.Next()
		switch grammar {
		case css.ErrorGrammar:
			if p.HasParseError() {
				continue
			}
			return out
		case css.DeclarationGrammar, css.CustomPropertyGrammar:
			out = appendDeclaration(out, string(data), p.Values())
		default: // at-rules and the like have no place here
		}
	}
	return out
}

func (s *Sheet) ignore(what string) {
	if !slices.Contains(s.Ignored, what) && len(s.Ignored) < 20 {
		s.Ignored = append(s.Ignored, what)
	}
}

// reader follows the parser through rules and the at-rules around them.
type reader struct {
	sheet  *Sheet
	parser *css.Parser
	// open are the at-rules around, each with whether its rules count.
	open      []atRule
	selectors []selector
	// prelude is the beginning of a selector with parentheses that are open yet.
	prelude []css.Token
	block   []declaration
}

type atRule struct {
	name   string
	counts bool
}

func (r *reader) counts() bool {
	return !slices.ContainsFunc(r.open, func(a atRule) bool { return !a.counts })
}

func (r *reader) run() {
	for {
		grammar, _, data := r.parser.Next()
		switch grammar {
		case css.ErrorGrammar:
			// The parser goes on after an error until the end of its input, which is an error without a message.
			if !r.parser.HasParseError() {
				return
			}
		case css.AtRuleGrammar:
			if strings.EqualFold(string(data), "@import") {
				r.sheet.ignore("an imported style sheet")
			}
		case css.BeginAtRuleGrammar:
			name := strings.ToLower(string(data))
			r.open = append(r.open, atRule{name, r.atRuleCounts(name, r.parser.Values())})
			if name == "@page" {
				r.block = nil
			}
		case css.EndAtRuleGrammar:
			if n := len(r.open); n > 0 {
				if r.open[n-1].name == "@page" && r.counts() {
					r.page()
				}
				r.open = r.open[:n-1]
			}
		case css.QualifiedRuleGrammar, css.BeginRulesetGrammar:
			r.selector(r.parser.Values(), grammar == css.BeginRulesetGrammar)
		case css.DeclarationGrammar, css.CustomPropertyGrammar:
			if len(r.block) < maxDeclarations {
				r.block = appendDeclaration(r.block, string(data), r.parser.Values())
			}
		case css.EndRulesetGrammar:
			r.endRule()
		default: // comments, and tokens without meaning
		}
	}
}

// selector takes what the parser gives up to a comma or up to the block. It cuts at every comma, so that those within
// parentheses are put back.
func (r *reader) selector(tokens []css.Token, last bool) {
	if len(r.prelude)+len(tokens) <= maxTokens {
		r.prelude = append(r.prelude, tokens...)
	}
	depth := 0
	for _, t := range r.prelude {
		switch t.TokenType {
		case css.FunctionToken, css.LeftParenthesisToken:
			depth++
		case css.RightParenthesisToken:
			depth--
		default:
		}
	}
	if depth > 0 && !last {
		r.prelude = append(r.prelude, css.Token{TokenType: css.CommaToken, Data: []byte(",")})
		return
	}
	if parsed, ok := parseSelector(r.prelude); ok {
		r.selectors = append(r.selectors, parsed)
	}
	r.prelude = nil
	if last {
		r.block = nil
	}
}

func (r *reader) endRule() {
	if r.counts() {
		for _, s := range r.selectors {
			if len(r.sheet.rules) >= maxRules {
				r.sheet.ignore("style rules beyond the first 50,000")
				break
			}
			r.sheet.rules = append(r.sheet.rules, &rule{s, r.block, len(r.sheet.rules)})
		}
	}
	r.selectors, r.block = nil, nil
}

// atRuleCounts tells whether the rules in an at-rule apply to a page on paper.
func (r *reader) atRuleCounts(name string, prelude []css.Token) bool {
	switch name {
	case "@media":
		return mediaMatches(prelude, r.sheet.screen)
	case "@supports", "@layer", "@page":
		return name != "@page" || len(values(prelude)) == 0
	}
	return false
}

// screenWidth is the width of a screen in points: 1280 pixels.
const screenWidth = 960

// MatchesScreen evaluates a media query list for a screen. An empty one matches.
func MatchesScreen(query string) bool {
	l := css.NewLexer(parse.NewInputString(query))
	var tokens []css.Token
	for len(tokens) < maxTokens {
		kind, data := l.Next()
		if kind == css.ErrorToken {
			break
		}
		tokens = append(tokens, css.Token{TokenType: kind, Data: data})
	}
	return strings.TrimSpace(query) == "" || mediaMatches(tokens, true)
}

// mediaMatches evaluates a media query list for print or for a screen. Of features, only a few are known; those of the
// width are compared with the width of a page or of a usual screen.
func mediaMatches(prelude []css.Token, screen bool) bool {
	medium := "print"
	if screen {
		medium = "screen"
	}
	for _, query := range split(values(prelude)) {
		matches, negated := true, false
		for _, t := range query {
			switch {
			case t.kind == css.IdentToken && t.text == "not":
				negated = true
			case t.kind == css.IdentToken && (t.text == "only" || t.text == "and" || t.text == "all" || t.text == medium):
			case t.kind == css.IdentToken:
				matches = false
			case t.kind == css.FunctionToken && t.text == "":
				matches = matches && featureMatches(t.args, screen)
			}
		}
		if matches != negated {
			return true
		}
	}
	return false
}

func featureMatches(args []token, screen bool) bool {
	if len(args) != 3 || args[1].kind != css.ColonToken {
		return false
	}
	l, ok := args[2].length(rootSize, rootSize)
	width := viewport[0]
	if screen {
		width = screenWidth
	}
	switch args[0].text {
	case "min-width":
		return ok && l.Points <= width
	case "max-width":
		return ok && l.Points >= width
	case "orientation":
		return (args[2].text == "portrait") != screen
	case "prefers-color-scheme":
		return args[2].text == "light"
	case "prefers-reduced-motion":
		return (args[2].text == "reduce") != screen
	}
	return false
}

// appendDeclaration adds a declaration, shorthands taken apart.
func appendDeclaration(out []declaration, name string, tokens []css.Token) []declaration {
	d := declaration{name: strings.ToLower(name)}
	if strings.HasPrefix(name, "--") {
		d.name = name
		var raw strings.Builder
		for _, t := range tokens {
			raw.Write(t.Data)
		}
		d.value = lex(raw.String())
		return append(out, d)
	}
	d.value = values(tokens)
	var text strings.Builder
	for _, t := range tokens {
		if t.TokenType == css.DelimToken && string(t.Data) == "!" {
			break
		}
		text.Write(t.Data)
	}
	d.text = strings.TrimSpace(text.String())
	if n := len(d.value); n >= 2 && d.value[n-1].text == "important" && d.value[n-2].text == "!" {
		d.value, d.important = d.value[:n-2], true
	}
	if len(d.value) == 0 {
		return out
	}
	return append(out, d)
}
