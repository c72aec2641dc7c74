package documents

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/perfectworks/backend/adapters/documents/htmlcheck"
	"github.com/perfectworks/backend/adapters/documents/htmlfix"
	"github.com/perfectworks/backend/adapters/documents/tagging"
)

// processHTML repairs an HTML document.
func (j *job) processHTML() (*Outcome, error) {
	source, err := j.html()
	if err != nil {
		return nil, err
	}
	before, err := analyzeHTML(j.data, j.Now)
	if err != nil {
		return nil, err
	}
	undescribed := 0
	fixed, err := htmlfix.Fix(source, htmlfix.Options{Describe: func(image htmlfix.Image) string {
		text := j.answers.Alternatives[figureKey(image.Source)]
		if text == "" {
			undescribed++
		}
		return text
	}})
	if err != nil {
		return nil, htmlProblem(err)
	}
	after, err := analyzeHTML(fixed.HTML, j.Now)
	if err != nil {
		return nil, err
	}
	outcome := &Outcome{Report: after, Before: before, Undescribed: undescribed}
	outcome.addHTML(fixed)
	return outcome, j.deliver(fixed.HTML)
}

// addHTML adds what was repaired in an HTML document and what is left to do.
func (o *Outcome) addHTML(fixed *htmlfix.Result) {
	for _, r := range fixed.Fixed {
		o.addRepair(r.Rule, htmlTitle(r.Rule), r.Detail, 1)
	}
	for _, f := range fixed.Manual {
		o.Manual = append(o.Manual, Task{
			Rule: f.Rule, Title: sentence(htmlTitle(f.Rule), f.Detail), Location: &Location{Line: f.Line, Column: f.Column},
		})
	}
}

// html gives the document in UTF-8.
func (j *job) html() ([]byte, error) {
	if len(j.data) > MaxHTMLBytes {
		return nil, problem(TooLarge, "The HTML is larger than the allowed %d MiB.", MaxHTMLBytes>>20)
	}
	return ToUTF8(j.data)
}

func htmlProblem(err error) error {
	var deep *htmlcheck.TooDeepError
	if errors.As(err, &deep) {
		return problem(TooLarge, "The HTML is nested too deeply: it has more than 512 levels of elements.")
	}
	return err
}

func htmlTitle(id string) string {
	rule, _ := htmlcheck.RuleByID(id)
	return rule.Title
}

// sentence joins what is wrong and the detail.
func sentence(title, detail string) string {
	switch {
	case title == "":
		return detail
	case detail == "":
		return title
	case strings.HasPrefix(detail, title):
		return detail
	}
	return title + ": " + detail
}

// addRepair counts a repair with those of the same kind.
func (o *Outcome) addRepair(rule, title, detail string, count int) {
	for i := range o.Fixed {
		if o.Fixed[i].Rule == rule && o.Fixed[i].Detail == detail {
			o.Fixed[i].Count += count
			return
		}
	}
	o.Fixed = append(o.Fixed, Repair{Rule: rule, Title: title, Detail: detail, Count: count})
}

// figureKey names an image of HTML by its address, which may be the image itself.
func figureKey(source string) string {
	sum := sha256.Sum256([]byte(source))
	return hex.EncodeToString(sum[:16])
}

// wantedHTML lists the images that have no alternative text and are in the document itself: nothing is fetched.
func (j *job) wantedHTML() (*tagging.Wanted, error) {
	source, err := j.html()
	if err != nil {
		return nil, err
	}
	wanted := &tagging.Wanted{}
	_, err = htmlfix.Fix(source, htmlfix.Options{Describe: func(image htmlfix.Image) string {
		wanted.Language = image.Language
		if mime, data, ok := dataImage(image.Source); ok {
			wanted.Figures = append(wanted.Figures, tagging.Figure{
				Key: figureKey(image.Source), MIME: mime, Image: data, Context: image.Before + " … " + image.After,
			})
		}
		return ""
	}})
	if err != nil {
		return nil, htmlProblem(err)
	}
	return wanted, nil
}

// dataImage reads a data URI of an image.
func dataImage(source string) (mime string, data []byte, ok bool) {
	head, body, ok := strings.Cut(source, ",")
	head, isData := strings.CutPrefix(head, "data:")
	mime, isBase64 := strings.CutSuffix(head, ";base64")
	if !ok || !isData || !isBase64 || !strings.HasPrefix(mime, "image/") {
		return "", nil, false
	}
	data, err := base64.StdEncoding.DecodeString(body)
	return mime, data, err == nil
}
