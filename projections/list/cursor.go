package list

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// cursor names the last item of a page by what the list was sorted by, and the
// page that follows. It is opaque to callers, and no secret: it leads nowhere
// that a page would not.
type cursor struct {
	Sort string `json:"s"`
	Key  string `json:"k"`
	ID   string `json:"i"`
	Page int    `json:"p"`
}

func (c cursor) encode() string {
	text, _ := json.Marshal(c) // It cannot fail for such a struct.
	return base64.RawURLEncoding.EncodeToString(text)
}

// maxCursor is in bytes; a longer one was not made here.
const maxCursor = 4096

func decodeCursor(s string) (c cursor, ok bool) {
	if len(s) > maxCursor {
		return cursor{}, false
	}
	text, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || json.Unmarshal(text, &c) != nil {
		return cursor{}, false
	}
	return c, c.Page > 1 && storable(c.ID) && storable(c.Key)
}

func storable(s string) bool { return utf8.ValidString(s) && !strings.Contains(s, "\x00") }

// scanner is the place for a key of this kind.
func (k Kind) scanner() any {
	switch k {
	case Time:
		return new(time.Time)
	case Integer:
		return new(int64)
	default:
		return new(string)
	}
}

func (k Kind) format(scanned any) string {
	switch v := scanned.(type) {
	case *time.Time:
		return v.UTC().Format(time.RFC3339Nano)
	case *int64:
		return strconv.FormatInt(*v, 10)
	case *string:
		return *v
	}
	return ""
}

// parse reads what format wrote.
func (k Kind) parse(s string) (key any, ok bool) {
	var err error
	switch k {
	case Time:
		key, err = time.Parse(time.RFC3339Nano, s)
	case Integer:
		key, err = strconv.ParseInt(s, 10, 64)
	default:
		key = s
	}
	return key, err == nil
}
