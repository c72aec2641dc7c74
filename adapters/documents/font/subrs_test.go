package font

import "testing"

func TestSoundSubrs(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, private string
		want          bool
	}{
		{"none", "/Private 9 dict dup begin", true},
		{"a space before the end", "/Subrs 2 array\ndup 0 3 RD abc NP\ndup 1 2 RD ab NP\n", true},
		{"no space before the end", "/Subrs 2 array\ndup 0 3 RD abcNP\ndup 1 2 RD abNP\n", true},
		{"a bar", "/Subrs 1 array\ndup 0 3 -| abc |\n", true},
		{"in words", "/Subrs 1 array\ndup 0 3 RD abc noaccess put\n", true},
		{"a length that is too small", "/Subrs 1 array\ndup 0 2 RD abcd NP\n", false},
		{"a length that is too large", "/Subrs 1 array\ndup 0 9 RD abcd NP\ndup 1 2 RD ab NP\n", false},
	} {
		if got := soundSubrs([]byte(tt.private)); got != tt.want {
			t.Errorf("%s: %t", tt.name, got)
		}
	}
}
