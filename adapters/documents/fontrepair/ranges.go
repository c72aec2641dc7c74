package fontrepair

import "github.com/perfectworks/backend/adapters/documents/pdf"

// overflows tells whether ToUnicode has a range whose texts differ in more than their last byte, which is not allowed
// and which programs read differently (ISO 32000-1, 9.10.3).
func (r *repairer) overflows(u *usedFont) bool {
	s, ok := r.file.Stream(u.dict["ToUnicode"])
	if !ok {
		return false
	}
	data, _ := r.file.Decode(s)
	lexer := pdf.NewLexer(data, 4)
	var last [3]pdf.Object
	inRanges, count := false, 0
	for {
		o, ok := lexer.Next()
		if !ok {
			return false
		}
		if op, isOperator := o.(pdf.Operator); isOperator {
			inRanges, count = op == "beginbfrange", 0
			continue
		}
		if !inRanges {
			continue
		}
		last[count%3] = o
		if count++; count%3 != 0 {
			continue
		}
		low, ok1 := last[0].(pdf.String)
		high, ok2 := last[1].(pdf.String)
		text, ok3 := last[2].(pdf.String)
		if ok1 && ok2 && ok3 && len(low) > 0 && len(high) == len(low) && len(text) > 0 {
			n := len(low) - 1
			if low[:n] != high[:n] || int(text[len(text)-1])+int(high[n])-int(low[n]) > 0xff {
				return true
			}
		}
	}
}
