package tokenaccount

import "slices"

func (t Taken) plus(o Taken) Taken {
	return Taken{
		Available: t.Available + o.Available,
		Frozen:    t.Frozen + o.Frozen,
		Expired:   t.Expired + o.Expired,
		Others:    slices.Concat(t.Others, o.Others),
		Debt:      t.Debt + o.Debt,
	}
}

// minus takes away what last returned, so the last of the others first.
func (t Taken) minus(o Taken) Taken {
	others, _ := divide(t.Others, total(t.Others)-total(o.Others))
	return Taken{
		Available: t.Available - o.Available,
		Frozen:    t.Frozen - o.Frozen,
		Expired:   t.Expired - o.Expired,
		Others:    others,
		Debt:      t.Debt - o.Debt,
	}
}

// last is the part of what was taken that is undone first: debt, then other
// grants in the reverse order, then what had expired, then the grant's own.
func (t Taken) last(amount int64) Taken {
	take := func(of int64) int64 {
		n := min(of, amount)
		amount -= n
		return n
	}
	undone := Taken{Debt: take(t.Debt)}
	_, undone.Others = divide(t.Others, total(t.Others)-take(total(t.Others)))
	undone.Expired = take(t.Expired)
	undone.Frozen = take(t.Frozen)
	undone.Available = take(t.Available)
	return undone
}
