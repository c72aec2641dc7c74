package httpapi

import (
	"bytes"
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"text/template"

	"github.com/perfectworks/backend/adapters/httpapi/jsonbody"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/input"
	"github.com/perfectworks/backend/projections/list"
)

// introduction is what the documentation says before the operations. Tables and
// numbers in it come from the code.
//
//go:embed introduction.md
var introduction string

var introductionTemplate = template.Must(template.New("introduction").Parse(introduction))

// introductionData is what the introduction shows.
type introductionData struct {
	Base        string
	Scopes      []documentedScope
	Sample      string
	DetailCodes []documentedDetail
	Codes       []documentedCode

	DefaultLimit, MaxLimit                      int
	MaxBodyKiB, MaxDepth, MaxValues, MaxDetails int
}

type documentedScope struct {
	Name               access.Scope
	User, Organization bool
}

type documentedDetail struct{ Code, Meaning string }

type documentedCode struct {
	Status        int
	Code, Message string
}

// detailCodes are the codes of broken rules.
var detailCodes = []documentedDetail{
	{input.CodeRequired, "The member must be given."},
	{input.CodeTooShort, "The text or list is too short."},
	{input.CodeTooLong, "The text or list is too long."},
	{input.CodeRange, "The number is too small or too large."},
	{input.CodeFormat, "The value does not have the expected form."},
	{input.CodeUnknown, "The value is none of those allowed."},
	{input.CodeCharacter, "The text has a character that is not allowed."},
	{input.CodePast, "The time must be in the future."},
	{jsonbody.CodeUnknown, "The member is not known. The message names the nearest known one."},
	{codeImmutable, "The member cannot be changed."},
	{jsonbody.CodeType, "The value has another JSON type."},
	{jsonbody.CodeDuplicate, "The member occurs twice."},
	{jsonbody.CodeDepth, "The body is nested too deeply."},
	{jsonbody.CodeValues, "The body has too many names and values."},
}

// introduce writes the introduction, once all operations are declared.
func (a *API) introduce() (string, error) {
	sample, err := json.MarshalIndent(answerTo(nil, errValidation).body(&exchange{requestID: "01JD9Z3Q5W8X0V6M2K4T7R1B9C"}), "", "  ") //nolint:staticcheck // The context matters for the context's errors alone.
	if err != nil {
		return "", fmt.Errorf("write the sample of an error: %w", err)
	}
	data := introductionData{
		Base: basePath, Sample: string(sample), DetailCodes: detailCodes, Codes: a.documentedCodes(),
		DefaultLimit: list.DefaultLimit, MaxLimit: list.MaxLimit,
		MaxBodyKiB: defaultMaxBody >> 10, MaxDepth: jsonbody.MaxDepth, MaxValues: jsonbody.MaxValues, MaxDetails: jsonbody.MaxDetails,
	}
	of := map[access.Kind][]access.Scope{}
	var all []access.Scope
	for _, kind := range []access.Kind{access.KindUserKey, access.KindOrganizationKey} {
		of[kind] = access.ScopesOf(kind)
		all = append(all, of[kind]...)
	}
	for i, scope := range all {
		if !slices.Contains(all[:i], scope) {
			data.Scopes = append(data.Scopes, documentedScope{
				scope, slices.Contains(of[access.KindUserKey], scope), slices.Contains(of[access.KindOrganizationKey], scope),
			})
		}
	}
	var b bytes.Buffer
	if err := introductionTemplate.Execute(&b, data); err != nil {
		return "", fmt.Errorf("write the introduction: %w", err)
	}
	return b.String(), nil
}

// documentedCodes lists the codes of all operations that are documented.
func (a *API) documentedCodes() []documentedCode {
	seen := map[documentedCode]bool{}
	var all []documentedCode
	for _, op := range a.operations {
		if op.hidden {
			continue
		}
		for _, err := range a.refusalsOf(op) {
			e := answerTo(nil, err) //nolint:staticcheck // The context matters for the context's errors alone.
			c := documentedCode{Status: e.status, Code: e.code}
			if !seen[c] {
				seen[c] = true
				c.Message = strings.ReplaceAll(e.message, "|", "\\|")
				all = append(all, c)
			}
		}
	}
	slices.SortFunc(all, func(x, y documentedCode) int {
		return cmp.Or(cmp.Compare(x.Status, y.Status), cmp.Compare(x.Code, y.Code))
	})
	return all
}
