package htmlcheck

import (
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// tables checks tables of data; those for layout are presentational or have a single row or column.
func (c *checker) tables() {
	for _, table := range c.all("table") {
		if !c.shown(table) || explicitRole(table) == "presentation" || explicitRole(table) == "none" {
			continue
		}
		c.table(table)
	}
	for _, n := range c.elements {
		if !c.shown(n) {
			continue
		}
		if has(n, "scope") && (n.Data == "td" || n.Data == "th") {
			scope := strings.ToLower(attr(n, "scope"))
			if n.Data == "td" || !slices.Contains([]string{"row", "col", "rowgroup", "colgroup"}, scope) {
				c.fail("scope-attr-valid", n, "%s", scope)
			}
		}
		role := c.role(n)
		if (n.Data == "th" || role == "columnheader" || role == "rowheader") && c.accessibleName(n) == "" {
			c.fail("empty-table-header", n, "")
		}
	}
}

func (c *checker) table(table *html.Node) {
	rows := rowsOf(table)
	if summary := collapse(attr(table, "summary")); summary != "" {
		if caption := c.childName(table, "caption", nameContext{seen: map[*html.Node]bool{}}); strings.EqualFold(collapse(caption), summary) {
			c.fail("table-duplicate-name", table, "%s", summary)
		}
	}
	headers, widest := []*html.Node{}, 0
	for _, row := range rows {
		widest = max(widest, len(row))
		for _, cell := range row {
			if isHeaderCell(c.role(cell)) {
				headers = append(headers, cell)
			}
		}
	}
	ids := map[string]bool{}
	for _, row := range rows {
		for _, cell := range row {
			if id := attr(cell, "id"); id != "" {
				ids[id] = true
			}
		}
	}
	named := false
	for _, row := range rows {
		for _, cell := range row {
			for id := range strings.FieldsSeq(attr(cell, "headers")) {
				named = true
				if !ids[id] || id == attr(cell, "id") {
					c.fail("td-headers-attr", cell, "%s", id)
				}
			}
		}
	}
	if len(headers) == 0 && len(rows) > 1 && widest > 1 && c.looksLikeData(table, rows) {
		c.fail("table-headers", table, "")
	}
	if named {
		return
	}
	for _, header := range headers {
		if !headsData(c, header, rows) {
			c.fail("th-has-data-cells", header, "")
		}
	}
}

// looksLikeData tells a table of data from one made for layout: it says so, or holds only short text.
func (c *checker) looksLikeData(table *html.Node, rows [][]*html.Node) bool {
	for _, kid := range kids(table) {
		if named("caption", "thead", "tfoot", "colgroup")(kid) {
			return true
		}
	}
	if has(table, "summary") || attr(table, "border") != "" && attr(table, "border") != "0" {
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
			if len(text(cell)) > 80 || c.under(cell, named("table", "form", "nav", "ul", "ol", "h1", "h2", "h3", "p", "div", "img", "input")) {
				return false
			}
		}
	}
	return true
}

func isHeaderCell(role string) bool { return role == "columnheader" || role == "rowheader" }

// headsData tells whether a header cell has data cells in its row or below it.
func headsData(c *checker, header *html.Node, rows [][]*html.Node) bool {
	for i, row := range rows {
		column := slices.Index(row, header)
		if column < 0 {
			continue
		}
		for j, cell := range row {
			if j != column && !isHeaderCell(c.role(cell)) {
				return true
			}
		}
		for _, below := range rows[i+1:] {
			for _, cell := range below {
				if !isHeaderCell(c.role(cell)) {
					return true
				}
			}
		}
	}
	return false
}

// rowsOf gives the cells of each row, those of tables inside left out.
func rowsOf(table *html.Node) [][]*html.Node {
	var out [][]*html.Node
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		for _, kid := range kids(n) {
			switch kid.Data {
			case "thead", "tbody", "tfoot":
				walk(kid)
			case "tr":
				var row []*html.Node
				for _, cell := range kids(kid) {
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
	for _, n := range c.elements {
		if !c.shown(n) || n.Namespace != "" {
			continue
		}
		switch n.Data {
		case "ul", "ol":
			if explicitRole(n) != "" && explicitRole(n) != "list" {
				continue
			}
			c.listKids(n, "list", func(kid *html.Node) bool {
				role := explicitRole(kid)
				return kid.Data == "li" && (role == "" || role == "listitem") || role == "listitem" || slices.Contains(scripted, kid.Data)
			})
		case "li":
			parent := n.Parent
			isList := parent != nil && (named("ul", "ol", "menu")(parent) && (explicitRole(parent) == "" || explicitRole(parent) == "list") || explicitRole(parent) == "list")
			if !isList && explicitRole(n) == "" && (parent == nil || explicitRole(parent) == "") {
				c.fail("listitem", n, "")
			}
		case "dl":
			if explicitRole(n) != "" {
				continue
			}
			c.listKids(n, "definition-list", func(kid *html.Node) bool {
				return named("dt", "dd", "div", "script", "template")(kid)
			})
			if !inPairs(n) {
				c.fail("definition-list", n, "no term is followed by a description")
			}
		case "dt", "dd":
			if explicitRole(n) != "" || n.Parent == nil {
				continue
			}
			inList := n.Parent.Data == "dl" || n.Parent.Data == "div" && n.Parent.Parent != nil && n.Parent.Parent.Data == "dl"
			if !inList {
				c.fail("dlitem", n, "")
			}
		}
	}
}

// inPairs tells whether a description list has a term with a description after it, if it has either.
func inPairs(n *html.Node) bool {
	term, either := false, false
	for _, kid := range kids(n) {
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
		if child.Type == html.ElementNode && !allowed(child) && c.rendered(child) {
			c.fail(rule, n, "<%s>", child.Data)
			return
		}
	}
}
