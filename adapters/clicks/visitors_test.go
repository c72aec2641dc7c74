package clicks

import (
	"fmt"
	"testing"
	"time"
)

// Noting many visits at once gives what noting one after the other gives, over the
// ends of windows too.
func TestVisitsAreNotedTogether(t *testing.T) {
	t.Parallel()
	d := newDesk(t, SpoolOptions{})
	began := time.Now().UTC().Truncate(24 * time.Hour).Add(time.Hour)
	var visits []visit
	for i := range 300 {
		visits = append(visits, visit{
			click: fmt.Sprint("c", i), at: began.Add(time.Duration(i*7) * time.Minute / 3), link: fmt.Sprint("l", i%2), visitor: fmt.Sprint("v", i*i%5),
		})
	}
	together, err := d.visitors.note(t.Context(), visits)
	if err != nil {
		t.Fatal(err)
	}
	one := newDesk(t, SpoolOptions{})
	counted := 0
	for i, at := range visits {
		alone, err := one.visitors.note(t.Context(), []visit{at})
		if err != nil {
			t.Fatal(err)
		}
		if alone[0] != together[i] {
			t.Errorf("visit %d: %+v alone, %+v together", i, alone[0], together[i])
		}
		if alone[0].counted {
			counted++
		}
	}
	if counted < 10 || counted > 200 {
		t.Errorf("%d of %d visits count", counted, len(visits))
	}
}
