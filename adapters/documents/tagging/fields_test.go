package tagging_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/perfectworks/backend/adapters/documents/documentstest/pdftest"
	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/tagging"
)

// formPage is a page with texts and fields at places.
type formPage struct {
	content strings.Builder
	fields  []string
	groups  []string
}

func (p *formPage) text(x, y float64, s string) *formPage {
	fmt.Fprintf(&p.content, "BT /F 11 Tf %g %g Td (%s) Tj ET\n", x, y, s)
	return p
}

// grid draws the lines of a table whose upper left corner is at a place.
func (p *formPage) grid(x, y, width, height float64, columns, rows int) *formPage {
	for i := range columns + 1 {
		fmt.Fprintf(&p.content, "%g %g m %g %g l S\n", x+width*float64(i), y, x+width*float64(i), y-height*float64(rows))
	}
	for i := range rows + 1 {
		fmt.Fprintf(&p.content, "%g %g m %g %g l S\n", x, y-height*float64(i), x+width*float64(columns), y-height*float64(i))
	}
	return p
}

// field adds a widget of 12 points' height whose base is at y.
func (p *formPage) field(x, y, width float64, entries string) *formPage {
	p.fields = append(p.fields, fmt.Sprintf("<</Type/Annot/Subtype/Widget/Rect[%g %g %g %g]%s>>", x, y-2, x+width, y+10, entries))
	return p
}

// radio adds a button to the last group.
func (p *formPage) radio(x, y float64) *formPage {
	return p.field(x, y, 12, fmt.Sprintf("/Parent GROUP%d", len(p.groups)-1))
}

func (p *formPage) group(name string) *formPage {
	p.groups = append(p.groups, name)
	return p
}

func (p *formPage) bytes() []byte {
	const first = 6 // the objects of the page and the form are before
	var refs []string
	for i := range p.fields {
		refs = append(refs, fmt.Sprintf("%d 0 R", first+i))
	}
	file := pdftest.OnePage(p.content.String(), fonts+"/Annots["+strings.Join(refs, " ")+"]")
	file.Add("<</Fields[" + strings.Join(refs, " ") + "]>>")
	for _, f := range p.fields {
		for g := range p.groups {
			f = strings.ReplaceAll(f, fmt.Sprintf("GROUP%d", g), fmt.Sprintf("%d 0 R", first+len(p.fields)+g))
		}
		file.Add(f)
	}
	for g, name := range p.groups {
		var kids []string
		for i, f := range p.fields {
			if strings.Contains(f, fmt.Sprintf("GROUP%d", g)) {
				kids = append(kids, refs[i])
			}
		}
		file.Add(fmt.Sprintf("<</FT/Btn/Ff 32768/T(%s)/Kids[%s]>>", name, strings.Join(kids, " ")))
	}
	return file.Bytes()
}

// TestFieldNames names fields by the texts that label them, on every side, alone, in groups and in tables. The wanted
// names are those of the widgets in their order, then those of the groups.
func TestFieldNames(t *testing.T) {
	t.Parallel()
	const (
		line  = "/FT/Tx/T(x)"
		check = "/FT/Btn/T(x)"
	)
	p := func() *formPage { return &formPage{} }
	for name, tt := range map[string]struct {
		page *formPage
		want []string
	}{
		"label left": {p().text(72, 700, "First name:").field(150, 700, 200, line), []string{"First name"}},
		"label above": {
			p().text(72, 720, "First name").field(72, 700, 100, line).text(200, 720, "Last name").field(200, 700, 100, line),
			[]string{"First name", "Last name"},
		},
		"label of several strings": {p().text(72, 700, "Date").text(99, 700, "of").text(112, 700, "birth").field(150, 700, 200, line), []string{"Date of birth"}},
		"check boxes before their labels": {
			p().field(72, 700, 12, check).text(90, 700, "Tea").field(72, 680, 12, check).text(90, 680, "Coffee"),
			[]string{"Tea", "Coffee"},
		},
		"check boxes after their labels": {
			p().text(72, 700, "Tea").field(95, 700, 12, check).text(72, 680, "Milk").field(95, 680, 12, check),
			[]string{"Tea", "Milk"},
		},
		"radio buttons before their labels": {
			p().group("g1").text(72, 700, "Do you want a receipt?").radio(220, 700).text(236, 700, "Yes").radio(270, 700).text(286, 700, "No"),
			[]string{"Yes", "No", "Do you want a receipt?"},
		},
		"radio buttons after their labels": {
			p().group("g1").text(72, 700, "Receipt?").text(170, 700, "Yes").radio(192, 700).text(212, 700, "No").radio(230, 700),
			[]string{"Yes", "No", "Receipt?"},
		},
		"radio buttons below each other": {
			p().group("g1").text(72, 720, "Size of the shirt").radio(72, 700).text(90, 700, "Small").radio(72, 680).text(90, 680, "Large"),
			[]string{"Small", "Large", "Size of the shirt"},
		},
		"radio buttons above a scale": {
			p().group("g1").text(72, 740, "How likely is it?").radio(72, 710).radio(112, 710).radio(152, 710).
				text(74, 692, "1").text(114, 692, "2").text(154, 692, "3"),
			[]string{"1", "2", "3", "How likely is it?"},
		},
		"two groups": {
			p().group("g1").text(72, 700, "Tea?").radio(150, 700).text(166, 700, "Yes").radio(200, 700).text(216, 700, "No").
				group("g2").text(72, 670, "Milk?").radio(150, 670).text(166, 670, "Yes").radio(200, 670).text(216, 670, "No"),
			[]string{"Yes", "No", "Yes", "No", "Tea?", "Milk?"},
		},
		"cells of a table": {
			p().grid(72, 720, 150, 20, 3, 3).text(228, 705, "2024").text(378, 705, "2025").text(78, 685, "Income").text(78, 665, "Costs").
				field(228, 685, 100, line).field(378, 685, 100, line).field(228, 665, 100, line).field(378, 665, 100, line),
			[]string{"Income, 2024", "Income, 2025", "Costs, 2024", "Costs, 2025"},
		},
		"a question of two lines": {
			p().group("g1").text(72, 740, "How satisfied are you with the").text(72, 726, "service of our office?").radio(72, 700).text(90, 700, "Very").radio(72, 680).text(90, 680, "Little"),
			[]string{"Very", "Little", "How satisfied are you with the service of our office?"},
		},
		"labels of two lines beside buttons": {
			p().field(72, 700, 12, check).text(90, 700, "I have read the terms of the").text(90, 686, "agreement and accept them").
				field(72, 660, 12, check).text(90, 660, "I want to be told of news by").text(90, 646, "letters sent to my address"),
			[]string{"I have read the terms of the agreement and accept them", "I want to be told of news by letters sent to my address"},
		},
		"a label of two lines above": {
			p().text(72, 734, "Name of the person who").text(72, 720, "looks after the child").field(72, 700, 200, line),
			[]string{"Name of the person who looks after the child"},
		},
		"a label of two lines on the left": {
			p().text(72, 707, "Name of the").text(72, 694, "child's school").field(160, 700, 200, line).text(72, 660, "Town").field(160, 660, 200, line),
			[]string{"Name of the child's school", "Town"},
		},
		"a hint below the field": {
			p().text(72, 720, "Date of birth").field(72, 700, 100, line).text(72, 686, "day, month, year"),
			[]string{"Date of birth"},
		},
		"label below": {
			p().field(72, 700, 150, line).text(72, 686, "Signature of the owner").field(300, 700, 150, line).text(300, 686, "Place and date"),
			[]string{"Signature of the owner", "Place and date"},
		},
		"radio buttons in the rows of a table": {
			p().grid(72, 720, 120, 20, 3, 3).text(198, 705, "Agree").text(318, 705, "Disagree").text(78, 685, "The room was clean").text(78, 665, "The staff was kind").
				group("g1").radio(240, 685).radio(360, 685).group("g2").radio(240, 665).radio(360, 665),
			[]string{"Agree", "Disagree", "Agree", "Disagree", "The room was clean", "The staff was kind"},
		},
		"radio buttons in rows without lines": {
			p().text(198, 705, "Agree").text(298, 705, "Disagree").text(78, 685, "The room was clean").text(78, 665, "The staff was kind").
				group("g1").radio(205, 685).radio(310, 685).group("g2").radio(205, 665).radio(310, 665),
			[]string{"Agree", "Disagree", "Agree", "Disagree", "The room was clean", "The staff was kind"},
		},
		"three groups below each other": {
			p().group("g1").text(72, 720, "Gender").radio(150, 720).text(166, 720, "female").radio(220, 720).text(236, 720, "male").radio(280, 720).text(296, 720, "other").
				group("g2").text(72, 700, "Married").radio(150, 700).text(166, 700, "yes").radio(220, 700).text(236, 700, "no").
				group("g3").text(72, 680, "Pays by").radio(150, 680).text(166, 680, "card").radio(220, 680).text(236, 680, "transfer"),
			[]string{"female", "male", "other", "yes", "no", "card", "transfer", "Gender", "Married", "Pays by"},
		},
		"groups side by side": {
			p().group("g1").text(72, 720, "Tea?").radio(72, 700).text(90, 700, "Yes").radio(72, 680).text(90, 680, "No").
				group("g2").text(300, 720, "Milk?").radio(300, 700).text(318, 700, "Yes").radio(300, 680).text(318, 680, "No"),
			[]string{"Yes", "No", "Yes", "No", "Tea?", "Milk?"},
		},
		"radio buttons of two columns": {
			p().group("g1").text(72, 720, "How did you hear of us?").radio(72, 700).text(90, 700, "Press").radio(200, 700).text(218, 700, "Radio").
				radio(72, 680).text(90, 680, "Friends").radio(200, 680).text(218, 680, "Internet"),
			[]string{"Press", "Radio", "Friends", "Internet", "How did you hear of us?"},
		},
		"a choice, a button and a signature": {
			p().text(72, 700, "Country").field(150, 700, 100, "/FT/Ch/Ff 131072/T(x)/Opt[(A)(B)]").text(72, 670, "Languages").field(150, 670, 100, "/FT/Ch/T(x)/Opt[(A)(B)]").
				field(72, 640, 80, "/FT/Btn/Ff 65536/T(x)/MK<</CA(Send)>>").text(72, 610, "Signature").field(150, 610, 200, "/FT/Sig/T(x)"),
			[]string{"Country", "Languages", "Send", "Signature"},
		},
		"two fields after one label": {
			p().text(72, 700, "Name").field(120, 700, 100, line).field(230, 700, 100, "/FT/Tx/T(last_name)"),
			[]string{"Name", "last name"},
		},
		"labels under a heading": {
			p().text(72, 740, "Your address").text(72, 715, "Street:").field(150, 715, 200, line).text(72, 695, "Town:").field(150, 695, 200, line),
			[]string{"Street", "Town"},
		},
		"boxes for yes and no": {
			p().text(72, 700, "Do you smoke?").field(200, 700, 12, check).text(216, 700, "yes").field(250, 700, 12, check).text(266, 700, "no").
				text(72, 680, "Do you drive?").field(200, 680, 12, check).text(216, 680, "yes").field(250, 680, 12, check).text(266, 680, "no"),
			[]string{"Do you smoke? yes", "Do you smoke? no", "Do you drive? yes", "Do you drive? no"},
		},
		"labels below rows of fields": {
			p().field(72, 700, 150, line).field(300, 700, 150, line).text(72, 687, "First name").text(300, 687, "Last name").
				field(72, 664, 150, line).field(300, 664, 150, line).text(72, 651, "Street").text(300, 651, "Town"),
			[]string{"First name", "Last name", "Street", "Town"},
		},
		"labels above rows of fields": {
			p().text(72, 715, "First name").text(300, 715, "Last name").field(72, 700, 150, line).field(300, 700, 150, line).
				text(72, 680, "Street").text(300, 680, "Town").field(72, 665, 150, line).field(300, 665, 150, line).
				text(72, 652, "We keep no other data."),
			[]string{"First name", "Last name", "Street", "Town"},
		},
		"labels of narrow lines": {
			p().text(72, 700, "first name").field(150, 700, 200, line).text(72, 687, "last name").field(150, 687, 200, line).
				text(72, 674, "town").field(150, 674, 200, line),
			[]string{"first name", "last name", "town"},
		},
		"a scale of four rows without lines": {
			p().text(200, 705, "never").text(250, 705, "rarely").text(300, 705, "often").text(72, 685, "Sleeps well").text(72, 665, "Eats well").text(72, 645, "Goes out").text(72, 625, "Meets friends").
				group("g1").radio(205, 685).radio(255, 685).radio(305, 685).group("g2").radio(205, 665).radio(255, 665).radio(305, 665).
				group("g3").radio(205, 645).radio(255, 645).radio(305, 645).group("g4").radio(205, 625).radio(255, 625).radio(305, 625),
			[]string{
				"never", "rarely", "often", "never", "rarely", "often", "never", "rarely", "often", "never", "rarely", "often",
				"Sleeps well", "Eats well", "Goes out", "Meets friends",
			},
		},
		"an introduction above labels": {
			p().text(72, 740, "Please fill in every line of the form below.").text(72, 726, "First name").field(150, 726, 200, line).text(72, 712, "Town").field(150, 712, 200, line),
			[]string{"First name", "Town"},
		},
		"a question with its number before radio buttons": {
			p().group("g1").text(72, 700, "12.").text(95, 700, "Is the house insured?").radio(260, 700).text(276, 700, "yes").radio(310, 700).text(326, 700, "no"),
			[]string{"yes", "no", "12. Is the house insured?"},
		},
		"no label":           {p().text(72, 500, "Text that is far away").field(72, 700, 100, "/FT/Tx/T(full_name)"), []string{"full name"}},
		"a name that it has": {p().text(72, 700, "Name").field(120, 700, 100, line+"/TU(Your name)"), []string{"Your name"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := tt.page.bytes()
			after, result, err := process(data, tagging.Options{Title: "Form"})
			if err != nil {
				t.Fatal(err)
			}
			if len(result.Failures) > 0 {
				t.Errorf("fails %v", rules(result.Failures))
			}
			f, err := pdf.Open(after, pdf.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			pages, err := f.Pages(1)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			var groups []pdf.Dict
			list, _ := f.Array(pages[0].Dict["Annots"])
			for _, o := range list {
				d, _ := f.Dict(o)
				name, _ := f.String(d["TU"])
				got = append(got, name.Text())
				if parent, ok := f.Dict(d["Parent"]); ok && (len(groups) == 0 || cmp.Diff(groups[len(groups)-1], parent) != "") {
					groups = append(groups, parent)
				}
			}
			for _, g := range groups {
				name, _ := f.String(g["TU"])
				got = append(got, name.Text())
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
