// Package jsonbody reads the JSON of request bodies strictly, and says clearly
// what is wrong with one: RFC 8259, with the restrictions of RFC 7493 (I-JSON)
// that names occur once and texts are valid Unicode.
package jsonbody

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/input"
)

// Bounds of a body. No operation needs more than a few levels, or some dozens of
// values.
const (
	MaxDepth  = 16
	MaxValues = 1000
	// MaxDetails bounds how many broken rules are told of.
	MaxDetails = 50
)

// The codes of broken rules, beside those of package input.
const (
	CodeMalformed = "JSON_MALFORMED"
	CodeDuplicate = "FIELD_DUPLICATED"
	CodeType      = "TYPE_INVALID"
	CodeDepth     = "TOO_DEEP"
	CodeValues    = "TOO_MANY_VALUES"
	CodeUnknown   = "FIELD_UNKNOWN"
)

// Check says what is wrong with a body before its meaning is looked at; it must
// be one JSON object. A member that the operation does not know is refused, with
// the nearest known name: an "expiresAt" that is silently ignored would be a key
// that never expires. It stops at the first MaxDetails broken rules.
func Check(body []byte, known *Names) error {
	decoder := jsontext.NewDecoder(bytes.NewReader(body))
	var wrong broken
	values := 0
	for first := true; first || decoder.StackDepth() > 0; first = false {
		token, err := decoder.ReadToken()
		if err != nil {
			return malformed(err, len(body))
		}
		if first && token.Kind() != jsontext.KindBeginObject {
			wrong.Add("body", CodeType, "must be a JSON object")
			return wrong.Err()
		}
		if decoder.StackDepth() > MaxDepth {
			return tooMuch(CodeDepth, "must not be nested deeper than "+strconv.Itoa(MaxDepth)+" levels")
		}
		if values++; values > MaxValues {
			return tooMuch(CodeValues, "must not hold more than "+strconv.Itoa(MaxValues)+" names and values")
		}
		if token.Kind() == jsontext.KindString {
			checkText(&wrong, decoder, token.String(), known)
			if wrong.count >= MaxDetails {
				return wrong.Err()
			}
		}
	}
	if rest := bytes.TrimLeft(body[decoder.InputOffset():], " \t\r\n"); len(rest) > 0 {
		return &failure.Failure{
			Kind: failure.Invalid, Code: CodeMalformed,
			Message: "the body goes on after the JSON object, at byte " + strconv.Itoa(len(body)-len(rest)),
		}
	}
	return wrong.Err()
}

// tooMuch is the refusal of a body that is not looked at any further. What else
// is wrong with it does not matter.
func tooMuch(code, message string) error {
	var wrong failure.Fields
	wrong.Add("body", code, message)
	return wrong.Err()
}

// broken are rules that a body breaks.
type broken struct {
	failure.Fields
	count int
}

func (b *broken) Add(field, code, message string) {
	b.count++
	b.Fields.Add(field, code, message)
}

// checkText looks at a text that was just read: a value, or a member's name.
func checkText(wrong *broken, decoder *jsontext.Decoder, text string, known *Names) {
	if strings.ContainsFunc(text, isControl) {
		wrong.Add(field(decoder.StackPointer()), input.CodeCharacter, "must not contain control characters")
	}
	// A name at the top is the odd one of the tokens in the only open object.
	if decoder.StackDepth() != 1 {
		return
	}
	if _, n := decoder.StackIndex(1); n%2 == 1 {
		if message := known.unknown(text); message != "" {
			wrong.Add(field(decoder.StackPointer()), CodeUnknown, message)
		}
	}
}

// isControl leaves out tabs and line ends, which a description may have.
func isControl(r rune) bool {
	return r < 0x20 && r != '\t' && r != '\n' && r != '\r' || r == 0x7f
}

func malformed(err error, size int) error {
	var syntax *jsontext.SyntacticError
	if !errors.As(err, &syntax) {
		syntax = &jsontext.SyntacticError{ByteOffset: int64(size), Err: err}
	}
	if errors.Is(err, jsontext.ErrDuplicateName) {
		var wrong failure.Fields
		wrong.Add(field(syntax.JSONPointer), CodeDuplicate, "must not be given twice")
		return wrong.Err()
	}
	// The library's own sentence quotes the body, which may hold secrets.
	return &failure.Failure{
		Kind: failure.Invalid, Code: CodeMalformed,
		Message: "the body is not valid JSON, at byte " + strconv.FormatInt(syntax.ByteOffset, 10),
	}
}

// field is a JSON pointer as errors name fields: scopes[0], address.city.
func field(pointer jsontext.Pointer) string {
	var b strings.Builder
	for token := range pointer.Tokens() {
		switch _, err := strconv.Atoi(token); {
		case err == nil && b.Len() > 0:
			b.WriteString("[" + token + "]")
		case b.Len() > 0:
			b.WriteString("." + printable(token))
		default:
			b.WriteString(printable(token))
		}
	}
	if b.Len() == 0 {
		return "body"
	}
	return b.String()
}

// printable is a member's name fit to be shown: it came from outside.
func printable(name string) string {
	const longest = 64
	name = strings.Map(func(r rune) rune {
		if isControl(r) || r == '\t' || r == '\n' || r == '\r' {
			return '\uFFFD'
		}
		return r
	}, name)
	if runes := []rune(name); len(runes) > longest {
		return string(runes[:longest]) + "…"
	}
	return name
}

// Decode reads a checked body into v. Members are matched by their exact names.
// When a value does not fit, the error is a failure that names the field.
func Decode(body []byte, v any) error {
	err := json.Unmarshal(body, v, wholeNumbers)
	var semantic *json.SemanticError
	if errors.As(err, &semantic) {
		var wrong failure.Fields
		wrong.Add(field(semantic.JSONPointer), input.CodeFormat, "does not have the expected form")
		return wrong.Err()
	}
	if err != nil {
		return malformed(err, len(body))
	}
	return nil
}

// Split takes the members that may come along unchanged out of a checked body.
// Without any, rest is the body itself.
func Split(body []byte, known *Names) (rest []byte, carried map[string]jsontext.Value, err error) {
	if known == nil || len(known.carried) == 0 {
		return body, nil, nil
	}
	var members map[string]jsontext.Value
	if err := json.Unmarshal(body, &members); err != nil {
		return nil, nil, malformed(err, len(body))
	}
	carried = map[string]jsontext.Value{}
	for name, value := range members {
		if known.carried[name] {
			carried[name] = value
			delete(members, name)
		}
	}
	if len(carried) == 0 {
		return body, nil, nil
	}
	if rest, err = json.Marshal(members, json.Deterministic(true)); err != nil {
		return nil, nil, malformed(err, len(body))
	}
	return rest, carried, nil
}

// Same reports whether two values are the same: the same JSON, or texts of the
// same instant.
func Same(a, b jsontext.Value) bool {
	var at, bt time.Time
	if json.Unmarshal(a, &at) == nil && json.Unmarshal(b, &bt) == nil && a.Kind() == b.Kind() && a.Kind() == jsontext.KindString {
		return at.Equal(bt)
	}
	return bytes.Equal(Canonical(a), Canonical(b))
}

// Canonical is a checked body in the form that all bodies of the same meaning
// share: RFC 8785. What cannot be brought into it is returned as it is.
func Canonical(body []byte) []byte {
	value := jsontext.Value(bytes.Clone(body))
	if err := value.Canonicalize(); err != nil {
		return body
	}
	return value
}
