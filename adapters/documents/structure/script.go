package structure

import (
	"cmp"
	"slices"
)

// attachScripts moves superscripts and subscripts into the rows they belong to.
func (s *sheet) attachScripts(rows []*runRow) []*runRow {
	const near = 4 // rows above and below that are looked at
	for i, r := range rows {
		keep := r.runs[:0]
		for _, run := range r.runs {
			moved := false
			for j := max(0, i-near); j <= min(len(rows)-1, i+near) && !moved; j++ {
				moved = j != i && s.attach(run, rows[j])
			}
			if !moved {
				keep = append(keep, run)
			}
		}
		r.runs = keep
	}
	return slices.DeleteFunc(rows, func(r *runRow) bool { return len(r.runs) == 0 })
}

// attach puts a run into a row if it is a script of one of its runs.
func (s *sheet) attach(run int, r *runRow) bool {
	if s.initials[run] {
		return false
	}
	small, box := s.page.Runs()[run].Size, s.box(run)
	rise := s.baseline(run) - r.baseline
	if s.sunkBetween(run, r, rise) {
		return true
	}
	if small > scriptSize*r.size || rise > 0.75*r.size || rise < -0.45*r.size {
		return false
	}
	at, _ := slices.BinarySearchFunc(r.runs, box.Left, func(i int, x float64) int { return cmp.Compare(s.box(i).Left, x) })
	const (
		beside  = 0.3 // ems between a script and its base
		noteGap = 1.2 // ems between the mark of a note and its text
	)
	for _, j := range [...]int{at - 1, at} {
		if j < 0 || j >= len(r.runs) {
			continue
		}
		host := r.runs[j]
		size := s.page.Runs()[host].Size
		if small > scriptSize*size || s.initials[host] {
			continue
		}
		gap := max(box.Left-s.box(host).Right, s.box(host).Left-box.Right)
		if gap < beside*size || at == 0 && j == 0 && gap < noteGap*size {
			r.runs = slices.Insert(r.runs, at, run)
			return true
		}
	}
	return false
}

// sunkBetween puts a run into a row that it stands in the middle of, as the E of TeX does.
func (s *sheet) sunkBetween(run int, r *runRow, rise float64) bool {
	size, box := s.page.Runs()[run].Size, s.box(run)
	const far, beside = 0.4, 0.12 // ems from the row, and between the run and its neighbours
	if rise > far*size || rise < -far*size || size > 1.1*r.size || size < 0.9*r.size {
		return false
	}
	at, _ := slices.BinarySearchFunc(r.runs, box.Left, func(i int, x float64) int { return cmp.Compare(s.box(i).Left, x) })
	if at == 0 || at == len(r.runs) {
		return false
	}
	before, after := box.Left-s.box(r.runs[at-1]).Right, s.box(r.runs[at]).Left-box.Right
	if before > beside*size || after > beside*size || before < -box.Width() || after < -box.Width() {
		return false
	}
	r.runs = slices.Insert(r.runs, at, run)
	return true
}
