package fontrepair

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/perfectworks/backend/adapters/documents/font"
)

// TestNormalType1 divides programs as PDF files hold them, from each form in which files have them.
func TestNormalType1(t *testing.T) {
	t.Parallel()
	glyph := string(crypt([]byte{1, 2, 3, 4, 139, 189, 13, 14}, charStringKey, true)) // four random bytes, 0 50 hsbw endchar
	private := string(crypt([]byte("abcd/lenIV 4 def /CharStrings 1 dict dup begin\n/A 8 RD "+glyph+" ND\nend\n"), eexecKey, true))
	const head = "%!PS-AdobeFont-1.0\n/FontMatrix [0.001 0 0 0.001 0 0] def\ncurrentfile eexec\n"
	tail := string(type1Tail())
	segment := func(kind byte, s string) string {
		return string(binary.LittleEndian.AppendUint32([]byte{0x80, kind}, uint32(len(s)))) + s
	}
	for name, data := range map[string]string{
		"binary":                 head + private + tail,
		"without its end":        head + private,
		"hexadecimal":            head + hex.EncodeToString([]byte(private)) + tail,
		"hexadecimal in lines":   head + strings.Join([]string{hex.EncodeToString([]byte(private))[:20], hex.EncodeToString([]byte(private))[20:]}, "\n") + tail,
		"segments":               segment(1, head) + segment(2, private) + segment(1, tail) + "\x80\x03",
		"segments that are cut":  segment(1, head) + segment(2, private) + segment(1, tail)[:6],
		"segments with no third": segment(1, head) + segment(2, private),
	} {
		parts, ok := normalType1([]byte(data))
		if !ok {
			t.Errorf("%s: it is not divided", name)
			continue
		}
		if string(parts[0]) != head || string(parts[1]) != private || !bytes.Contains(parts[2], []byte("cleartomark")) {
			t.Errorf("%s: divided into %d, %d and %d bytes, want %d, %d and %d",
				name, len(parts[0]), len(parts[1]), len(parts[2]), len(head), len(private), len(tail))
		}
		program, err := font.ParseType1(bytes.Join(parts[:], nil))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if width, ok := program.Width("A"); !ok || width != 50 {
			t.Errorf("%s: the glyph is %g wide", name, width)
		}
	}
	for _, data := range []string{"", "%!PS", head, head + "zz", strings.Repeat("\x80\x01\xff\xff\xff\x7f", 3)} {
		if parts, ok := normalType1([]byte(data)); ok {
			t.Errorf("%q is divided into %q", data, parts)
		}
	}
}

func TestKindOf(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]programKind{
		"%!PS-AdobeFont": type1Program, "\x80\x01\x04\x00\x00\x00%!PS": type1Program, "OTTO\x00\x01": openTypeCFF,
		"\x00\x01\x00\x00\x00": trueTypeProgram, "true\x00": trueTypeProgram, "\x01\x00\x04\x02\x00": bareCFF,
		"": unknownProgram, "\x01": unknownProgram, "\x80\x01": unknownProgram, "\x01\x00\x04\x09\x00": unknownProgram, "wOFF\x00": unknownProgram,
	} {
		if got := kindOf([]byte(data)); got != want {
			t.Errorf("%q is of the kind %d, want %d", data, got, want)
		}
	}
}
