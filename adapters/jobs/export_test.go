package jobs

import "time"

// SetRecheck changes how often a waiting caller looks by itself.
func (c *Client) SetRecheck(d time.Duration) { c.recheck = d }

// CheckArgs walks a type of arguments.
var CheckArgs = checkArgs

// Next is when work that is due every so often is due next.
func Next(d time.Duration, now time.Time) time.Time { return every(d).Next(now) }
