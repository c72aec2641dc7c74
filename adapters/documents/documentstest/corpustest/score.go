package corpustest

// Score counts how blocks that were found agree with the truth.
type Score struct {
	// Truth and Found are how many there are, Matched those that agree, each with one of the other.
	Truth, Found, Matched int
}

// Add sums the counts of documents.
func (s Score) Add(o Score) Score {
	return Score{Truth: s.Truth + o.Truth, Found: s.Found + o.Found, Matched: s.Matched + o.Matched}
}

// F1 is the harmonic mean of precision and recall, from 0 to 1; 1 if there is nothing to find and nothing was found.
func (s Score) F1() float64 {
	if s.Truth+s.Found == 0 {
		return 1
	}
	return 2 * float64(s.Matched) / float64(s.Truth+s.Found)
}

// similar is the share of a text that must be the same for two blocks to be the same.
const similar = 0.9

// longest is how many characters of a text are compared.
const longest = 3000

// Compare matches blocks of the same role by their texts, each with one other at most: first those that are equal, then,
// in the order of the document, those whose edit distance is at most a tenth of the longer text. Figures have no text
// and match by their number.
func Compare(truth, found []Block) map[Role]Score {
	out := map[Role]Score{}
	for _, role := range Roles {
		out[role] = match(texts(truth, role), texts(found, role))
	}
	return out
}

func texts(blocks []Block, role Role) [][]rune {
	var out [][]rune
	for _, b := range blocks {
		if b.Role == role {
			text := []rune(b.Text)
			out = append(out, text[:min(len(text), longest)])
		}
	}
	return out
}

func match(truth, found [][]rune) Score {
	s := Score{Truth: len(truth), Found: len(found)}
	equal := map[string][]int{}
	for i, text := range found {
		equal[string(text)] = append(equal[string(text)], i)
	}
	taken := make([]bool, len(found))
	var rest [][]rune
	for _, text := range truth {
		same := equal[string(text)]
		if len(same) == 0 {
			rest = append(rest, text)
			continue
		}
		taken[same[0]] = true
		equal[string(text)] = same[1:]
		s.Matched++
	}
	for _, text := range rest {
		for i, other := range found {
			if !taken[i] && nearly(text, other) {
				taken[i] = true
				s.Matched++
				break
			}
		}
	}
	return s
}

// nearly tells whether the edit distance of two texts is at most a tenth of the longer one.
func nearly(a, b []rune) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	allowed := int(float64(len(b))*(1-similar) + 1e-9)
	if len(b)-len(a) > allowed || outOfStock(a, b, allowed) {
		return false
	}
	return within(a, b, allowed)
}

// outOfStock tells quickly that one text has too many letters that the other lacks.
func outOfStock(a, b []rune, allowed int) bool {
	var stock [256]int
	for _, c := range b {
		stock[c&0xff]++
	}
	lacking := 0
	for _, c := range a {
		if stock[c&0xff]--; stock[c&0xff] < 0 {
			lacking++
		}
	}
	return lacking > allowed
}

// within tells whether the Levenshtein distance is at most a limit, looking at a band of that width only.
func within(a, b []rune, limit int) bool {
	beyond := limit + 1
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = min(j, beyond)
	}
	for i, c := range a {
		from, to := max(0, i-limit), min(len(b), i+1+limit+1)
		diagonal := row[from]
		if from == 0 {
			row[0] = min(i+1, beyond)
		} else {
			row[from] = beyond
		}
		best := row[from]
		for j := from; j < to; j++ {
			cost := diagonal
			if c != b[j] {
				cost = min(diagonal, row[j], row[j+1]) + 1
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, beyond)
			best = min(best, row[j+1])
		}
		if best >= beyond {
			return false
		}
	}
	return row[len(b)] <= limit
}
