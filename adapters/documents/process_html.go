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
	undescribed := 0
	outcome, repaired, err := j.repair(htmlfix.Options{Describe: func(image htmlfix.Image) string {
		text := j.answers.Alternatives[figureKey(image.Source)]
		if text == "" {
			undescribed++
		}
		return text
	}})
	if err != nil {
		return nil, err
	}
	outcome.Undescribed = undescribed
	if outcome.Report, err = analyzeHTML(repaired, j.Now); err != nil {
		return nil, err
	}
	return outcome, j.deliver(repaired)
}

// repair gives the repaired document, and an outcome with the report on what it was.
func (j *job) repair(options htmlfix.Options) (*Outcome, []byte, error) {
	source, err := readHTML(j.data)
	if err != nil {
		return nil, nil, err
	}
	before, err := reportHTML(source, j.Now)
	if err != nil {
		return nil, nil, err
	}
	fixed, err := htmlfix.Fix(source, options)
	if err != nil {
		return nil, nil, htmlProblem(err)
	}
	outcome := &Outcome{Before: before}
	outcome.addHTML(fixed)
	return outcome, fixed.HTML, nil
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

func htmlProblem(err error) error {
	var deep *htmlcheck.TooDeepError
	if errors.As(err, &deep) {
		return tooDeep()
	}
	return err
}

func tooDeep() error {
	return problem(TooLarge, "The HTML is nested too deeply: it has more than 512 levels of elements.")
}

func htmlTitle(id string) string {
	rule, _ := htmlcheck.RuleByID(id)
	return rule.Title
}

// figureKey names an image of HTML by its address, which may be the image itself.
func figureKey(source string) string {
	sum := sha256.Sum256([]byte(source))
	return hex.EncodeToString(sum[:16])
}

// wantedHTML lists the images that have no alternative text and are in the document itself: nothing is fetched.
func (j *job) wantedHTML() (*tagging.Wanted, error) {
	source, err := readHTML(j.data)
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
