package pagetext

import (
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
)

// legacy is the character encoding that a predefined CMap is made from (ISO 32000-1, table 118). Its codes have one or two
// bytes, and can be read without the CMap.
type legacy struct {
	encoding encoding.Encoding
	shiftJIS bool
}

// legacyOf gives the encoding behind the name of a predefined CMap, nil if it is none of these.
func legacyOf(cmap string) *legacy {
	name := strings.TrimSuffix(strings.TrimSuffix(cmap, "-V"), "-H")
	switch name {
	case "GB-EUC", "GBpc-EUC", "GBK-EUC", "GBKp-EUC", "GBK2K":
		return &legacy{encoding: simplifiedchinese.GBK}
	case "B5pc", "HKscs-B5", "ETen-B5", "ETenms-B5":
		return &legacy{encoding: traditionalchinese.Big5}
	case "90ms-RKSJ", "90msp-RKSJ", "90pv-RKSJ", "83pv-RKSJ", "Add-RKSJ", "Ext-RKSJ":
		return &legacy{encoding: japanese.ShiftJIS, shiftJIS: true}
	case "EUC":
		return &legacy{encoding: japanese.EUCJP}
	case "KSC-EUC", "KSCms-UHC", "KSCms-UHC-HW", "KSCpc-EUC":
		return &legacy{encoding: korean.EUCKR}
	}
	return nil
}

// length is how many bytes the code has that starts with a byte.
func (l *legacy) length(b byte) int {
	if b < 0x81 || l.shiftJIS && b >= 0xa0 && b < 0xe0 { // a half-width kana is one byte
		return 1
	}
	return 2
}

// text gives what a code means, "" if it means nothing.
func (l *legacy) text(code int) string {
	raw := []byte{byte(code & 0xff)}
	if code > 0xff {
		raw = []byte{byte(code >> 8 & 0xff), byte(code & 0xff)}
	}
	out, err := l.encoding.NewDecoder().Bytes(raw)
	if err != nil {
		return ""
	}
	return clean(string(out))
}

// width is the usual advance of a code: half of an em for those of one byte.
func (l *legacy) width(code int, standard float64) float64 {
	if code <= 0xff {
		return standard / 2
	}
	return standard
}
