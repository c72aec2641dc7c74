package blob

import "strings"

// Attachment is the value of a Content-Disposition field by which browsers store a
// file under a name instead of showing it: RFC 6266. The name is for display alone;
// whatever it holds, the field is well-formed. Clients that do not know the extended
// form (RFC 8187) see the name with other characters than ASCII replaced.
func Attachment(filename string) string {
	var plain, extended strings.Builder
	for _, c := range filename {
		if c < ' ' || c > '~' || strings.ContainsRune(`"\%;/`, c) {
			plain.WriteByte('_')
			continue
		}
		plain.WriteRune(c)
	}
	name := plain.String()
	if strings.Trim(name, "._ ") == "" {
		name = "download"
	}
	for _, b := range []byte(filename) {
		if isAttrChar(b) {
			extended.WriteByte(b)
			continue
		}
		const digits = "0123456789ABCDEF"
		extended.Write([]byte{'%', digits[b>>4], digits[b&15]})
	}
	value := `attachment; filename="` + name + `"`
	if name != filename && filename != "" {
		value += "; filename*=UTF-8''" + extended.String()
	}
	return value
}

// isAttrChar reports whether a byte stands for itself in an extended value: RFC
// 8187, section 3.2.1.
func isAttrChar(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || strings.IndexByte("!#$&+-.^_`|~", b) >= 0
}
