package pdfhtml

import (
	"strconv"

	"golang.org/x/net/html"

	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// fieldGroup is a field with several buttons, of which each has a name of its own.
type fieldGroup struct {
	name    string
	buttons []*html.Node
}

// noteGroup notes that a control is a button of a group.
func (b *builder) noteGroup(d pdf.Dict, e *html.Node) {
	parent, isRef := d["Parent"].(pdf.Ref)
	own, _ := b.file.String(d["TU"])
	if !isRef || e.Data != "input" || own.Text() == "" {
		return
	}
	field, _ := b.file.Dict(parent)
	name, _ := b.file.String(field["TU"])
	if cleanLine(name.Text()) == "" {
		return
	}
	at, known := b.groupAt[parent]
	if !known {
		at = len(b.groups)
		b.groupAt[parent] = at
		b.groups = append(b.groups, &fieldGroup{name: cleanLine(name.Text())})
	}
	g := b.groups[at]
	if get(e, "type") == "radio" {
		set(e, "name", "group-"+strconv.Itoa(at+1))
	}
	g.buttons = append(g.buttons, e)
}

// nameGroups gives the names of groups to the paragraphs that hold all of their buttons and no others, else to the
// buttons beside their own names.
func (b *builder) nameGroups() {
	holders := map[*html.Node]int{}
	around := make([]*html.Node, len(b.groups))
	for i, g := range b.groups {
		if around[i] = commonParent(g.buttons); around[i] != nil {
			holders[around[i]]++
		}
	}
	for i, g := range b.groups {
		p := around[i]
		if p != nil && holders[p] == 1 && len(g.buttons) > 1 && (p.Data == "p" || p.Data == "div") && get(p, "role") == "" {
			role := "group"
			if get(g.buttons[0], "type") == "radio" {
				role = "radiogroup"
			}
			set(p, "role", role)
			set(p, "aria-label", g.name)
			continue
		}
		for _, e := range g.buttons {
			if own := get(e, "aria-label"); own != "" {
				set(e, "aria-label", g.name+": "+own)
			}
		}
	}
}

// commonParent is the innermost element around all nodes.
func commonParent(nodes []*html.Node) *html.Node {
	count := map[*html.Node]int{}
	for i, n := range nodes {
		for p := n.Parent; p != nil; p = p.Parent {
			if count[p]++; i == len(nodes)-1 && count[p] == len(nodes) {
				return p
			}
		}
	}
	return nil
}
