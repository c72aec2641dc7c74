package eventstore

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/perfectworks/backend/domain/click"
	"github.com/perfectworks/backend/domain/event"
)

// quickReaders read events of the current version by hand, as Encode writes them,
// where the speed of a rebuild depends on it. Each returns false for whatever it
// does not expect: that is left to the general reader, which also says what is
// wrong.
var quickReaders = map[string]func(data []byte) (event.Event, bool){
	click.Recorded{}.EventType(): readClicks,
}

// readClicks reads a segment of clicks. Its texts share one string.
func readClicks(data []byte) (event.Event, bool) {
	c := cursor{text: string(data)}
	var e click.Recorded
	c.must(`{"writer":`)
	e.Writer = c.string()
	c.must(`,"segment":`)
	e.Segment = c.integer()
	c.must(`,"links":`)
	e.Links = list(&c, 1, (*cursor).link)
	c.must(`,"agents":`)
	e.Agents = list(&c, 0, (*cursor).textInto)
	c.must(`,"sources":`)
	e.Sources = list(&c, 0, (*cursor).textInto)
	c.must(`,"clicks":`)
	e.Clicks = list(&c, strings.Count(c.text, `{"i":`), (*cursor).click)
	c.must(`,"lost":`)
	e.Lost = c.integer()
	c.must(`,"occurredAt":`)
	e.OccurredAt = c.instant()
	c.must(`}`)
	return e, !c.lost && c.at == len(c.text)
}

func (c *cursor) link(l *click.Link) {
	c.must(`{"referrerId":`)
	setText(&l.ReferrerID, c.string())
	if c.skip(`,"campaignId":`) {
		setText(&l.CampaignID, c.string())
	}
	c.must(`}`)
}

func (c *cursor) textInto(to *string) { *to = c.string() }

func (c *cursor) click(k *click.Click) {
	c.must(`{"i":`)
	k.Index = int(c.integer())
	c.must(`,"at":`)
	k.At = c.instant()
	c.must(`,"l":`)
	k.Link = int(c.integer())
	c.must(`,"a":`)
	k.Agent = int(c.integer())
	c.must(`,"s":`)
	k.Source = int(c.integer())
	if c.skip(`,"v":`) {
		k.Visitor = c.string()
	}
	c.must(`,"c":`)
	k.Country = c.string()
	c.must(`,"d":`)
	setText(&k.Device, c.string())
	c.must(`,"verdict":`)
	setText(&k.Verdict, c.string())
	if c.skip(`,"reason":`) {
		setText(&k.Reason, c.string())
	}
	c.must(`,"first":`)
	k.First = c.bool()
	c.must(`,"prefetch":`)
	k.Prefetch = c.bool()
	c.must(`,"heads":`)
	k.Heads = int(c.integer())
	c.must(`,"r":`)
	k.Rule = int(c.integer())
	c.must(`}`)
}

// cursor goes through JSON as marshal writes it. Once something is not as expected it
// is lost, and all that it returns is void.
type cursor struct {
	text string
	at   int
	lost bool
	// hour is the last hour of a time that was read, as a text, and began what it is:
	// most times of a segment have one.
	hour  string
	began time.Time
}

func (c *cursor) skip(literal string) bool {
	if c.lost || !strings.HasPrefix(c.text[c.at:], literal) {
		return false
	}
	c.at += len(literal)
	return true
}

func (c *cursor) must(literal string) {
	if !c.skip(literal) {
		c.lost = true
	}
}

// string reads a text without escapes.
func (c *cursor) string() string {
	c.must(`"`)
	if c.lost {
		return ""
	}
	begin, ascii := c.at, true
	for ; c.at < len(c.text); c.at++ {
		switch b := c.text[c.at]; {
		case b == '"':
			s := c.text[begin:c.at]
			c.at++
			c.lost = !ascii && !utf8.ValidString(s)
			return s
		case b == '\\', b < ' ':
			c.lost = true
			return ""
		case b >= utf8.RuneSelf:
			ascii = false
		}
	}
	c.lost = true
	return ""
}

// maxInteger is how many digits surely fit.
const maxInteger = 18

// integer reads a number that is not negative.
func (c *cursor) integer() (n int64) {
	begin := c.at
	for ; c.at < len(c.text) && c.text[c.at]-'0' < 10; c.at++ {
		n = 10*n + int64(c.text[c.at]-'0')
	}
	if size := c.at - begin; size == 0 || size > maxInteger || size > 1 && c.text[begin] == '0' {
		c.lost = true
	}
	return n
}

func (c *cursor) bool() bool {
	if c.skip("true") {
		return true
	}
	c.must("false")
	return false
}

// instant reads a time in UTC, of whole seconds or with a fraction.
func (c *cursor) instant() time.Time {
	c.must(`"`)
	const hour, seconds = len("2006-01-02T15"), len("2006-01-02T15:04:05")
	rest := c.text[c.at:]
	if c.lost || len(rest) < seconds || rest[hour] != ':' || rest[hour+3] != ':' {
		c.lost = true
		return time.Time{}
	}
	if rest[:hour] != c.hour {
		var err error
		if c.began, err = time.Parse("2006-01-02T15", rest[:hour]); err != nil {
			c.lost = true
			return time.Time{}
		}
		c.hour = rest[:hour]
	}
	minute, second := c.twoDigits(rest[hour+1:]), c.twoDigits(rest[hour+4:])
	c.at += seconds
	nanosecond := 0
	if c.skip(".") {
		begin, unit := c.at, int(time.Second)
		for ; c.at < len(c.text) && c.text[c.at]-'0' < 10 && unit > 1; c.at++ {
			unit /= 10
			nanosecond += unit * int(c.text[c.at]-'0')
		}
		c.lost = c.lost || c.at == begin
	}
	c.must(`Z"`)
	if c.lost || minute > 59 || second > 59 {
		c.lost = true
		return time.Time{}
	}
	return c.began.Add(time.Duration(minute)*time.Minute + time.Duration(second)*time.Second + time.Duration(nanosecond))
}

// twoDigits is the number that a text begins with.
func (c *cursor) twoDigits(text string) int {
	tens, ones := text[0]-'0', text[1]-'0'
	c.lost = c.lost || tens > 9 || ones > 9
	return int(tens)*10 + int(ones)
}

// list reads an array. Size is how long it is about.
func list[T any](c *cursor, size int, read func(*cursor, *T)) []T {
	all := make([]T, 0, size)
	c.must("[")
	if c.skip("]") {
		return all
	}
	for !c.lost {
		var zero T
		all = append(all, zero)
		read(c, &all[len(all)-1])
		if c.skip("]") {
			return all
		}
		c.must(",")
	}
	return nil
}

func setText[T ~string](to *T, text string) { *to = T(text) }
