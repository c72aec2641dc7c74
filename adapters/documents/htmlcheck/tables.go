package htmlcheck

import (
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// tables checks tables of data; those for layout are presentational or have a single row or column.
func (c *checker) tables() {
	for _, table := range c.All("table") {
		if !c.Shown(table) || ExplicitRole(table) == "presentation" || ExplicitRole(table) == "none" {
			continue
		}
		c.table(table)
	}
	for _, n := range c.Elements {
		if role := c.Role(n); n.Data != "table" && (role == "table" || role == "grid" || role == "treegrid") && c.Shown(n) {
			c.headersOfNothing(n)
		}
	}
	for _, n := range c.Elements {
		if !c.Shown(n) {
			continue
		}
		if Has(n, "scope") && (n.Data == "td" || n.Data == "th") {
			scope := strings.ToLower(Attr(n, "scope"))
			if n.Data == "td" || !slices.Contains([]string{"row", "col", "rowgroup", "colgroup"}, scope) {
				c.fail("scope-attr-valid", n, "%s", scope)
			}
		}
		if isHeaderCell(c.Role(n)) && c.Name(n) == "" {
			c.fail("empty-table-header", n, "")
		}
	}
}

func (c *checker) table(table *html.Node) {
	rows := Rows(table)
	if summary := Collapse(Attr(table, "summary")); summary != "" {
		if caption := c.childName(table, "caption", newNameContext()); strings.EqualFold(Collapse(caption), summary) {
			c.fail("table-duplicate-name", table, "%s", summary)
		}
	}
	headers, widest := 0, 0
	for _, row := range rows {
		widest = max(widest, len(row))
		for _, cell := range row {
			if isHeaderCell(c.Role(cell)) {
				headers++
			}
		}
	}
	ids := map[string]bool{}
	for _, row := range rows {
		for _, cell := range row {
			if id := Attr(cell, "id"); id != "" {
				ids[id] = true
			}
		}
	}
	for _, row := range rows {
		for _, cell := range row {
			for id := range strings.FieldsSeq(Attr(cell, "headers")) {
				if c.Visible(table) && (!ids[id] || id == Attr(cell, "id")) {
					c.fail("td-headers-attr", cell, "%s", id)
				}
			}
		}
	}
	if headers == 0 && len(rows) > 1 && widest > 1 && c.looksLikeData(table, rows) {
		c.fail("table-headers", table, "")
	}
	c.headersOfNothing(table)
}

// looksLikeData tells a table of data from one made for layout: it says so, or holds only short text.
func (c *checker) looksLikeData(table *html.Node, rows [][]*html.Node) bool {
	for _, kid := range Kids(table) {
		if Named("caption", "thead", "tfoot", "colgroup")(kid) {
			return true
		}
	}
	if Has(table, "summary") || Attr(table, "border") != "" && Attr(table, "border") != "0" {
		return true
	}
	if len(rows) < 3 {
		return false
	}
	for _, row := range rows {
		if len(row) != len(rows[0]) {
			return false
		}
		for _, cell := range row {
			if len(Text(cell)) > 80 || Under(cell, Named("table", "form", "nav", "ul", "ol", "h1", "h2", "h3", "p", "div", "img", "input")) {
				return false
			}
		}
	}
	return true
}

func isHeaderCell(role string) bool { return role == "columnheader" || role == "rowheader" }

// Rows returns the cells of each row, those of tables inside left out.
func Rows(table *html.Node) [][]*html.Node {
	var out [][]*html.Node
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		for _, kid := range Kids(n) {
			switch kid.Data {
			case "thead", "tbody", "tfoot":
				walk(kid)
			case "tr":
				var row []*html.Node
				for _, cell := range Kids(kid) {
					if cell.Data == "td" || cell.Data == "th" {
						row = append(row, cell)
					}
				}
				out = append(out, row)
			}
		}
	}
	walk(table)
	return out
}

// lists checks lists and description lists.
func (c *checker) lists() {
	scripted := []string{"script", "template"}
	for _, n := range c.Elements {
		if !c.Shown(n) || n.Namespace != "" {
			continue
		}
		switch n.Data {
		case "ul", "ol":
			if ExplicitRole(n) != "" && ExplicitRole(n) != "list" {
				continue
			}
			c.listKids(n, "list", func(kid *html.Node) bool {
				role := ExplicitRole(kid)
				return kid.Data == "li" && (role == "" || role == "listitem") || role == "listitem" || slices.Contains(scripted, kid.Data)
			})
		case "li":
			parent := n.Parent
			isList := parent != nil && (Named("ul", "ol", "menu")(parent) && (ExplicitRole(parent) == "" || ExplicitRole(parent) == "list") || ExplicitRole(parent) == "list")
			if !isList && ExplicitRole(n) == "" && (parent == nil || ExplicitRole(parent) == "") {
				c.fail("listitem", n, "")
			}
		case "dl":
			if ExplicitRole(n) != "" {
				continue
			}
			c.listKids(n, "definition-list", func(kid *html.Node) bool {
				return Named("dt", "dd", "div", "script", "template")(kid)
			})
			if !inPairs(n) {
				c.fail("definition-list", n, "no term is followed by a description")
			}
		case "dt", "dd":
			if ExplicitRole(n) != "" || n.Parent == nil {
				continue
			}
			inList := n.Parent.Data == "dl" || n.Parent.Data == "div" && n.Parent.Parent != nil && n.Parent.Parent.Data == "dl"
			if !inList {
				c.fail("dlitem", n, "")
			}
		}
	}
}

// inPairs reports whether a description list has a term with a description after it, if it has either.
func inPairs(n *html.Node) bool {
	term, either := false, false
	for _, kid := range Kids(n) {
		switch kid.Data {
		case "dt":
			term, either = true, true
		case "dd":
			if term {
				return true
			}
			either = true
		}
	}
	return !either
}

func (c *checker) listKids(n *html.Node, rule string, allowed func(*html.Node) bool) {
	for child := n.FirstChild; child != nil; child = child.NextSibling {
		if child.Type == html.TextNode && strings.TrimSpace(child.Data) != "" {
			c.fail(rule, n, "text outside of its items")
			return
		}
		if child.Type == html.ElementNode && !allowed(child) && c.Rendered(child) {
			c.fail(rule, n, "<%s>", child.Data)
			return
		}
	}
}
