package eventstore

import (
	"errors"

	// What Go 1.27 has as encoding/json/v2, by the same people. It reads events
	// three times as fast as encoding/json, by which the speed of a rebuild
	// goes, and is as strict as a log needs: no field twice, names to the letter.
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

var (
	// The same event has the same bytes; an absent list does not come back as
	// an empty one; and a text that is not UTF-8, as a client may send, does
	// not keep a fact from being stored.
	marshalOptions = json.JoinOptions(
		json.Deterministic(true), json.FormatNilSliceAsNull(true), jsontext.AllowInvalidUTF8(true))
	strictly   = json.RejectUnknownMembers(true)
	tolerantly = json.RejectUnknownMembers(false)
)

var errNoObject = errors.New("no JSON object")

// marshal writes only what unmarshal reads.
func marshal(v any) ([]byte, error) {
	data, err := json.Marshal(v, marshalOptions)
	if err != nil {
		return nil, err
	}
	return data, checkNesting(data)
}

// unmarshal reads one JSON object. Its errors show nothing of the content.
func unmarshal(data []byte, target any, strictness json.Options) error {
	if len(data) == 0 || data[0] != '{' { // null would be taken for an empty one.
		return errNoObject
	}
	if err := checkNesting(data); err != nil {
		return err
	}
	err := json.Unmarshal(data, target, strictness)
	var semantic *json.SemanticError
	if errors.As(err, &semantic) {
		semantic.JSONValue = nil
	}
	return err
}
