package tagging

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/perfectworks/backend/adapters/documents/language"
	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// languageTag writes a language as a tag (BCP 47), "" if it is not written as anything like it.
func languageTag(said string) string {
	tag := strings.ReplaceAll(strings.TrimSpace(said), "_", "-")
	if !languageForm.MatchString(tag) {
		return ""
	}
	return tag
}

var languageForm = regexp.MustCompile(`^[a-zA-Z]{1,8}(-[a-zA-Z0-9]{1,8})*$`)

// repairDocument completes what belongs to the document as a whole.
func (w *work) repairDocument() {
	mark, _ := w.file.Dict(w.catalog["MarkInfo"])
	if w.file.Resolve(mark["Marked"]) != true {
		w.fixed("6.2-1", "", 1)
	}
	w.catalog["MarkInfo"] = pdf.Dict{"Marked": true}
	viewer, _ := w.file.Dict(w.catalog["ViewerPreferences"])
	if w.file.Resolve(viewer["DisplayDocTitle"]) != true {
		viewer = maps.Clone(viewer)
		if viewer == nil {
			viewer = pdf.Dict{}
		}
		viewer["DisplayDocTitle"] = true
		w.catalog["ViewerPreferences"] = viewer
		w.fixed("7.1-10", "", 1)
	}
	w.findLanguage()
	w.describeAnnotations()
	w.repairLayers()
	w.nameAttachments()
	w.describeMedia()
	w.warnOfForms()
	w.addOutlines()
}

// undetermined is the language tag of text in an unknown language (BCP 47).
const undetermined = "und"

// findLanguage sets the language of the document: told by the caller, as it is, or found in the text.
func (w *work) findLanguage() {
	said, has := w.file.String(w.catalog["Lang"])
	tag := languageTag(said.Text())
	switch {
	case w.options.Language != "":
		tag = w.options.Language
	case has && tag != "" && !strings.EqualFold(tag, undetermined):
	default:
		confident := true
		if tag = ""; w.tree != nil {
			tag = languageTag(w.tree.Language)
		}
		if tag == "" {
			tag, confident = language.Detect(w.sample())
		}
		if tag == "" {
			tag, confident = undetermined, false
		}
		if !confident {
			w.flag("11-007", 0, fmt.Sprintf("The language of the document is not certain; it was set to %q", tag))
		}
	}
	w.language = tag
	if has && said.Text() == tag {
		return
	}
	w.catalog["Lang"] = pdf.TextString(tag)
	switch {
	case tag == undetermined: // this only says that it is unknown
	case has:
		w.fixed("7.2-29", "", 1)
	default:
		w.fixed("7.2-34", "", 1)
	}
}

// sampleBytes is how much text the language is found by.
const sampleBytes = 64 << 10

// sample gives text of the document, of all its parts rather than of its beginning alone.
func (w *work) sample() string {
	var out strings.Builder
	each := max(sampleBytes/max(1, len(w.shown)), 256)
	for _, page := range w.shown {
		taken := 0
		for _, run := range page.Runs() {
			if taken > each || out.Len() > sampleBytes {
				break
			}
			if run.Text != "" && !run.Hidden {
				out.WriteString(run.Text)
				out.WriteByte(' ')
				taken += len(run.Text)
			}
		}
	}
	return out.String()
}

// repairLayers names the configurations of optional content and stops them from switching by themselves
// (ISO 14289-1, 7.10).
func (w *work) repairLayers() {
	properties, ok := w.file.Dict(w.catalog["OCProperties"])
	if !ok {
		return
	}
	configs, _ := w.file.Array(properties["Configs"])
	for i, o := range append(pdf.Array{properties["D"]}, configs...) {
		config, ok := w.file.Dict(o)
		if !ok {
			continue
		}
		if name, _ := w.file.String(config["Name"]); name.Text() == "" {
			config["Name"] = pdf.String("Default")
			if i > 0 {
				config["Name"] = pdf.TextString(fmt.Sprintf("Configuration %d", i))
			}
			w.fixed("7.10-1", "", 1)
		}
		if w.file.Resolve(config["AS"]) != nil {
			delete(config, "AS")
			w.fixed("7.10-2", "", 1)
		}
	}
}

// nameAttachments gives embedded files both names that they must have (ISO 14289-1, 7.11).
func (w *work) nameAttachments() {
	number := 0
	name := func(spec pdf.Dict) {
		if spec["EF"] == nil {
			return
		}
		number++
		plain, _ := w.file.String(spec["F"])
		unicode, _ := w.file.String(spec["UF"])
		switch {
		case plain.Text() != "" && unicode.Text() != "":
			return
		case plain.Text() != "":
			spec["UF"] = pdf.TextString(plain.Text())
		case unicode.Text() != "":
			spec["F"] = pdf.TextString(unicode.Text())
		default:
			files, _ := w.file.Dict(spec["EF"])
			embedded := fmt.Sprintf("attachment-%d", number)
			if s, ok := w.file.Dict(files["F"]); ok {
				if _, kind, ok := strings.Cut(string(w.file.Name(s["Subtype"])), "/"); ok {
					embedded += "." + kind
				}
			}
			spec["F"], spec["UF"] = pdf.TextString(embedded), pdf.TextString(embedded)
		}
		w.fixed("7.11-1", "", 1)
	}
	names, _ := w.file.Dict(w.catalog["Names"])
	for _, o := range w.file.Pairs(names["EmbeddedFiles"], "Names", maxDepth) {
		if spec, ok := w.file.Dict(o); ok {
			name(spec)
		}
	}
	w.file.Each(func(d pdf.Dict) {
		if d["Type"] == pdf.Name("Filespec") {
			name(d)
		}
	})
}

// warnOfForms says what of a form's behaviour is left as it is.
func (w *work) warnOfForms() {
	form, _ := w.file.Dict(w.catalog["AcroForm"])
	if w.file.Resolve(form["XFA"]) != nil {
		w.warn("The PDF has an XFA form, which was not changed and which many programs cannot show.")
	}
	names, _ := w.file.Dict(w.catalog["Names"])
	if names["JavaScript"] != nil {
		w.warn("The PDF runs scripts, which were not changed: a person must check that they hinder no reader.")
	}
}

// nameElements gives identifiers to notes, which must have them, and new ones where two are the same (ISO 14289-1, 7.9). It
// returns the elements by their identifiers.
func (w *work) nameElements() map[string]pdf.Ref {
	ids := map[string]pdf.Ref{}
	notes := 0
	var walk func(e *element)
	walk = func(e *element) {
		if e.kind == "Note" || e.dict["ID"] != nil {
			id, _ := e.dict["ID"].(pdf.String)
			for _, taken := ids[string(id)]; id == "" || taken; _, taken = ids[string(id)] {
				notes++
				id = pdf.String(fmt.Sprintf("note-%d", notes))
			}
			e.set("ID", id)
			ids[string(id)] = e.ref
		}
		for _, k := range e.kids {
			if k.element != nil {
				walk(k.element)
			}
		}
	}
	walk(w.outline.root)
	return ids
}

// writeIDs adds the tree that leads from identifiers to elements.
func (w *work) writeIDs(root pdf.Dict, ids map[string]pdf.Ref) {
	if len(ids) == 0 {
		return
	}
	var pairs pdf.Array
	for _, id := range slices.Sorted(maps.Keys(ids)) {
		pairs = append(pairs, pdf.String(id), ids[id])
	}
	root["IDTree"] = w.file.Add(pdf.Dict{"Names": pairs})
}
