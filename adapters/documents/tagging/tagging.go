// Package tagging makes PDF files accessible in place: it writes the structure of an untagged document into its
// content, repairs that of a tagged one, and completes what PDF/UA-1 (ISO 14289-1) asks of the file around it.
//
// What a page paints is not changed: content streams are copied byte for byte, and only marked-content operators are put
// between their operations. Nothing is invented: what only a person can know is flagged for one.
package tagging

import (
	"errors"
	"fmt"

	"github.com/perfectworks/backend/adapters/documents/fontrepair"
	"github.com/perfectworks/backend/adapters/documents/pagetext"
	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/pdfua"
	"github.com/perfectworks/backend/adapters/documents/structure"
)

// ErrRestricted says that the owner of an encrypted file allows neither changes nor annotations, so that no accessible
// version of it may be made without the owner's password (ISO 32000-1, table 22).
var ErrRestricted = errors.New("the PDF is protected: its owner does not permit changes to it")

// maxFlags bounds how many flags of one rule a result lists.
const maxFlags = 200

// work is the processing of one file.
type work struct {
	file    *pdf.File
	options Options
	catalog pdf.Dict
	pages   []pdf.Page
	shown   []*pagetext.Page
	frames  []pagetext.Frame
	tree    *structure.Tree
	result  *Result
	// repairs and flags count what is in the result, by rule.
	repairs map[string]int
	flags   map[string]int

	outline  outline
	parents  parentTree
	figures  []*element
	placed   map[pdf.Ref]bool
	language string
	// largest is the text of the first page that is written largest.
	largest string

	// paintings counts how often forms are painted; originals are forms before they were cleaned of marks.
	paintings map[pdf.Ref]int
	originals map[pdf.Ref]*pdf.Stream
	cleaned   map[pdf.Ref]bool

	// keptTags has the elements of the content that is tagged and stays so; nil if the document is tagged anew. Forms
	// with such content are tagged.
	keptTags map[contentKey]*element
	tagged   map[pdf.Ref]bool
	byRef    map[pdf.Ref]*element
	oldIDs   map[contentKey]int
	roles    map[pdf.Name]pdf.Name

	// These are made when first asked for.
	numbers       map[int]int
	annotated     map[pdf.Ref]int
	names         map[pdf.String]pdf.Object
	figureParents map[*structure.Node]figureParent
	fieldCells    map[pdf.Ref]cellName

	copies, copiedBytes, uncopied, damaged, compared, padded int
}

// Process makes a file accessible as far as that can be done without a person. It changes f, which the caller writes
// with [pdf.File.Write]. Progress, if not nil, is called after each page. Errors are [ErrRestricted], [ErrSigned],
// [pdf.ErrDamaged] or a [*pdf.LimitError]; f is not to be used after one.
func Process(f *pdf.File, options Options, progress func(done, total int)) (*Result, error) {
	w, err := open(f, options)
	if err != nil {
		return nil, err
	}
	if progress == nil {
		progress = func(int, int) {}
	}
	if err := w.guard(); err != nil {
		return nil, err
	}
	fontrepair.Repair(w.file, w.pages, w.options.Limits.Operations, fontReport{w})
	w.addRecognized()
	if err := w.readPages(); err != nil {
		return nil, err
	}
	w.hideAnnotations()
	w.noteScans()
	w.largest = w.largestText()
	if w.hasUsableTags() {
		w.result.WasTagged = true
		err = w.repair(progress)
	} else {
		err = w.retag(progress)
	}
	if err != nil {
		return nil, err
	}
	if err := w.conclude(); err != nil {
		return nil, err
	}
	return w.result, nil
}

func open(f *pdf.File, options Options) (*work, error) {
	if options.Limits.Pages == 0 {
		options.Limits.Pages = 20_000
	}
	pages, err := f.Pages(options.Limits.Pages)
	if err != nil {
		return nil, err
	}
	if len(pages) == 0 {
		return nil, fmt.Errorf("the PDF has no pages: %w", pdf.ErrDamaged)
	}
	if options.Check == nil {
		options.Check = func(f *pdf.File) (*pdf.File, *pdfua.Result, error) {
			checked, err := pdfua.Check(f, options.Limits, nil)
			return f, checked, err
		}
	}
	w := &work{
		file: f, options: options, catalog: f.Catalog(), pages: pages, result: &Result{}, repairs: map[string]int{},
		flags: map[string]int{}, placed: map[pdf.Ref]bool{}, originals: map[pdf.Ref]*pdf.Stream{},
		cleaned: map[pdf.Ref]bool{},
	}
	w.nameObjects()
	w.buildPageTree()
	return w, nil
}

// nameObjects gives a reference to pages and annotations that are written in place: elements refer to them.
func (w *work) nameObjects() {
	for i := range w.pages {
		page := &w.pages[i]
		if page.Ref == (pdf.Ref{}) {
			page.Ref = w.file.Add(page.Dict)
		}
		list, ok := w.file.Array(page.Dict["Annots"])
		if !ok {
			continue
		}
		named := make(pdf.Array, len(list))
		for j, o := range list {
			if d, isDict := o.(pdf.Dict); isDict {
				o = w.file.Add(d)
			}
			named[j] = o
		}
		page.Dict["Annots"] = named
	}
}

func (w *work) readPages() error {
	shown, err := pagetext.Read(w.file, w.pages, pagetext.Limits{Operations: w.options.Limits.Operations})
	if err != nil {
		return err
	}
	w.shown = shown
	w.frames = make([]pagetext.Frame, len(w.pages))
	for i, page := range w.pages {
		w.frames[i] = pagetext.NewFrame(w.file, page)
	}
	return nil
}

// forgetContent drops all that is known of the pages and of the structure: it is large, and not needed once it is written.
func (w *work) forgetContent() {
	*w = work{file: w.file, options: w.options, catalog: w.catalog, result: w.result, repairs: w.repairs, flags: w.flags, language: w.language}
}

// fixed counts a repair.
func (w *work) fixed(rule, detail string, count int) {
	if count <= 0 {
		return
	}
	key := rule + "\x00" + detail
	if i, known := w.repairs[key]; known {
		w.result.Fixed[i].Count += count
		return
	}
	w.repairs[key] = len(w.result.Fixed)
	w.result.Fixed = append(w.result.Fixed, Repair{Rule: rule, Count: count, Detail: detail})
}

// flag notes what a person must look at.
func (w *work) flag(rule string, page int, detail string) {
	if w.flags[rule]++; w.flags[rule] <= maxFlags {
		w.result.Manual = append(w.result.Manual, Flag{Rule: rule, Page: page, Detail: detail})
	}
}

func (w *work) warn(format string, args ...any) {
	w.result.Warnings = append(w.result.Warnings, fmt.Sprintf(format, args...))
}

// fontReport adds what happened to fonts to the result.
type fontReport struct{ *work }

func (r fontReport) Fixed(rule, detail string, count int)      { r.fixed(rule, detail, count) }
func (r fontReport) Flag(rule string, page int, detail string) { r.flag(rule, page, detail) }
func (r fontReport) Warn(format string, args ...any)           { r.warn(format, args...) }

// retag finds the structure of the document and writes it, in the place of tags that are of no use.
func (w *work) retag(progress func(done, total int)) error {
	w.tree = w.infer()
	delete(w.catalog, "StructTreeRoot")
	w.forgetParents()
	w.build(w.tree)
	w.describeFigures()
	w.placeLooseAnnotations()
	w.repairDocument()
	// What is written goes page by page in the place of what was read: both are large.
	w.tree.Root, w.figures, w.figureParents = nil, nil, nil
	w.outline.root.forget()
	if err := w.writePages(progress); err != nil {
		return err
	}
	root := pdf.Dict{"Type": pdf.Name("StructTreeRoot"), "K": w.outline.root.ref}
	ref := w.file.Add(root)
	w.outline.root.dict["P"] = ref
	w.catalog["StructTreeRoot"] = ref
	w.writeTree(root)
	w.fixed("7.1-3", "", len(w.outline.leaves))
	w.fixed("7.1-11", "", 1)
	return nil
}

// writePages marks the content of all pages, and forgets what they show.
func (w *work) writePages(progress func(done, total int)) error {
	leaves := make([][]int, len(w.pages))
	for i, l := range w.outline.leaves {
		if l.annotation == (pdf.Ref{}) {
			leaves[l.page-1] = append(leaves[l.page-1], i)
		}
	}
	artifacts := make([][]structure.Artifact, len(w.pages))
	for _, a := range w.tree.Artifacts {
		if p := a.Content.Page; p >= 1 && p <= len(w.pages) {
			artifacts[p-1] = append(artifacts[p-1], a)
		}
	}
	w.paintings = countPaintings(w.shown)
	for i, page := range w.shown {
		if err := w.writePage(i+1, w.planPage(page, leaves[i], artifacts[i])); err != nil {
			return err
		}
		w.shown[i] = nil
		for _, l := range leaves[i] {
			w.outline.leaves[l].content = nil
		}
		progress(i+1, len(w.pages))
	}
	return nil
}

// forgetParents takes out all that refers to the parent tree, which is written anew.
func (w *work) forgetParents() {
	w.file.Each(func(d pdf.Dict) {
		delete(d, "StructParent")
		delete(d, "StructParents")
	})
}

// writeTree completes the structure tree root once all content is marked.
func (w *work) writeTree(root pdf.Dict) {
	ids := w.nameElements()
	w.finish(w.outline.root)
	root["ParentTree"] = w.parents.write(w.file)
	root["ParentTreeNextKey"] = pdf.Integer(len(w.parents.values))
	w.writeIDs(root, ids)
	if w.uncopied > 0 {
		w.flag("01-006", 0, fmt.Sprintf("%d repeated groups of content are tagged as a whole", w.uncopied))
	}
	if w.damaged > 0 {
		w.warn("The content of %d pages is damaged and was kept as far as it could be read.", w.damaged)
	}
}
