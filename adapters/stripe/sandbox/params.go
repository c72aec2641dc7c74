package sandbox

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// params are the parameters of a call. Each that is read is known; what is left
// at the end is refused, as Stripe does.
type params struct {
	values url.Values
	known  map[string]bool
	wrong  error
}

func (p *params) note(err error) {
	if p.wrong == nil {
		p.wrong = err
	}
}

func (p *params) has(name string) bool {
	p.known[name] = true
	return p.values.Has(name)
}

func (p *params) text(name string) string {
	p.known[name] = true
	return p.values.Get(name)
}

func (p *params) required(name string) string {
	text := p.text(name)
	if text == "" {
		p.note(required(name))
	}
	return text
}

func (p *params) optional(name string) *string {
	if !p.has(name) {
		return nil
	}
	text := p.text(name)
	return &text
}

func (p *params) integer(name string, fallback int64) int64 {
	if !p.has(name) {
		return fallback
	}
	n, err := strconv.ParseInt(p.text(name), 10, 64)
	if err != nil {
		p.note(invalid(name, "Invalid integer: %s", p.text(name)))
	}
	return n
}

func (p *params) boolean(name string) bool {
	switch text := p.text(name); text {
	case "", "false":
		return false
	case "true":
		return true
	default:
		p.note(invalid(name, "Invalid boolean: %s", text))
		return false
	}
}

// list reads name[0], name[1], or name[].
func (p *params) list(name string) []string {
	p.known[name+"[]"] = true
	all := slices.Clone(p.values[name+"[]"])
	for i := 0; p.has(fmt.Sprintf("%s[%d]", name, i)); i++ {
		all = append(all, p.text(fmt.Sprintf("%s[%d]", name, i)))
	}
	return all
}

// metadata reads name[key] for every key.
func (p *params) metadata(name string) metadata {
	m := metadata{}
	for key := range p.values {
		if member, ok := strings.CutPrefix(key, name+"["); ok && strings.HasSuffix(member, "]") {
			p.known[key] = true
			m[strings.TrimSuffix(member, "]")] = p.values.Get(key)
		}
	}
	if len(m) > maxMetadata {
		p.note(invalid(name, "You can have up to %d metadata keys.", maxMetadata))
	}
	return m
}

const maxMetadata = 50

var members = regexp.MustCompile(`^[a-z_]+(\[[a-z0-9_]*\])*$`)

// err is the first mistake, a parameter that is not known included.
func (p *params) err() error {
	if p.wrong != nil {
		return p.wrong
	}
	for name := range p.values {
		if !p.known[name] || !members.MatchString(name) && !strings.Contains(name, "metadata[") {
			return &Error{400, invalidRequest, "parameter_unknown", name, "Received unknown parameter: " + name}
		}
	}
	return nil
}
