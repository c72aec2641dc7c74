package app

import "errors"

// duePage is how many things that are due are looked up at a time.
const duePage = 100

// forEachDue does some work for each thing that is due. A read model says which to
// try: next returns a page of them, those after one, or the first ones for the zero
// value. One that fails does not keep the others, and is tried again at the next
// run. It returns how many were done, and all failures.
func forEachDue[T any](next func(after T) ([]T, error), do func(T) error) (done int, err error) {
	var failed []error
	var after T
	for {
		page, err := next(after)
		if err != nil {
			return done, errors.Join(append(failed, err)...)
		}
		for _, one := range page {
			if err := do(one); err != nil {
				failed = append(failed, err)
				continue
			}
			done++
		}
		if len(page) < duePage {
			return done, errors.Join(failed...)
		}
		after = page[len(page)-1]
	}
}
