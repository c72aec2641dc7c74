package clickstats

import (
	"time"
)

// Interval is the length of a point of a series.
type Interval string

// The intervals. Weeks begin on Monday, as in ISO 8601.
const (
	Hourly Interval = "hour"
	Daily  Interval = "day"
	Weekly Interval = "week"
)

// Longest is for how long a series of the interval can be asked; zero for an
// interval that is none.
func (i Interval) Longest() time.Duration {
	const day = 24 * time.Hour
	switch i {
	case Hourly:
		return 100 * day
	case Daily:
		return 3 * 366 * day
	case Weekly:
		return 10 * 366 * day
	}
	return 0
}

// begin is the first instant of the interval around a time, in the time's zone.
func (i Interval) begin(at time.Time) time.Time {
	y, m, d := at.Date()
	switch i {
	case Weekly:
		return midnight(y, m, d-(int(at.Weekday())+6)%7, at.Location())
	case Daily:
		return midnight(y, m, d, at.Location())
	case Hourly:
	}
	// Not by time.Date, which cannot tell the two hours of one name apart when
	// clocks are put back.
	return at.Add(-time.Duration(at.Minute())*time.Minute - time.Duration(at.Second())*time.Second - time.Duration(at.Nanosecond()))
}

// next is the first instant of the interval that follows one.
func (i Interval) next(begin time.Time) time.Time {
	y, m, d := begin.Date()
	switch i {
	case Weekly:
		return midnight(y, m, d+7, begin.Location())
	case Daily:
		return midnight(y, m, d+1, begin.Location())
	case Hourly:
	}
	// Where clocks are moved by half an hour, the next hour is not an hour away.
	if next := i.begin(begin.Add(time.Hour)); next.After(begin) {
		return next
	}
	return begin.Add(time.Hour)
}

// midnight is the first instant of a day. Where clocks are put forward at midnight,
// that is one o'clock.
func midnight(y int, m time.Month, d int, zone *time.Location) time.Time {
	noon := time.Date(y, m, d, 12, 0, 0, 0, zone)
	at := time.Date(y, m, d, 0, 0, 0, 0, zone)
	if at.Day() != noon.Day() {
		at = at.Add(time.Hour)
	}
	return at
}

// Point is what happened in one interval, which lasts from At until the next one.
type Point struct {
	At time.Time
	Numbers
}

// Series adds quarters of an hour up to a series without gaps, from the interval
// around from to the one before to, and returns also the total. The intervals are
// those of a time zone; each quarter belongs to the interval that it begins in.
func Series(all []AtQuarter, from, to time.Time, i Interval, zone *time.Location) ([]Point, Numbers) {
	var points []Point
	var total Numbers
	next := 0
	for begin := i.begin(from.In(zone)); begin.Before(to); {
		end := i.next(begin)
		p := Point{At: begin}
		for ; next < len(all) && all[next].At.Before(end); next++ {
			p.Numbers = p.Plus(all[next].Numbers)
		}
		total = total.Plus(p.Numbers)
		points = append(points, p)
		begin = end
	}
	return points, total
}
