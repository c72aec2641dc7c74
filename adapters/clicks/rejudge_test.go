package clicks

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/perfectworks/backend/domain/click"
)

// Judging again by the same list gives what was recorded, over windows, days and
// segments; by a better one it tells what would be another, and changes nothing.
func TestJudgingHistoryAgain(t *testing.T) {
	t.Parallel()
	d := newDesk(t, SpoolOptions{SegmentClicks: 7})
	midnight := time.Now().UTC().Truncate(24 * time.Hour)
	const crawler = "Mozilla/5.0 (compatible; NewsReaderX/1.0)"
	agents := []string{browser, browser + " b", crawler, "curl/8.5.0", browser + " c"}
	for i := range 60 {
		at := midnight.Add(time.Duration(i-30) * 9 * time.Minute)
		d.now = func() time.Time { return at }
		d.follow([]string{"ada", "spring"}[i%2], with("User-Agent", agents[i%3*i%5]))
		if i%11 == 0 {
			d.follow("ada", with("Sec-Purpose", "prefetch"))
		}
	}
	d.end()
	var history []click.Recorded
	for _, e := range d.recorded {
		history = append(history, e)
	}
	slices.SortFunc(history, func(a, b click.Recorded) int { return int(a.Segment - b.Segment) })
	before := fmt.Sprint(history)
	again := func(list string) Rejudged {
		agents, err := ReadAgents(strings.NewReader(list))
		if err != nil {
			t.Fatal(err)
		}
		r := NewRejudge(agents, 30*time.Minute)
		for _, e := range history {
			r.Add(e)
		}
		return r.Result()
	}
	same := again("")
	if same.Now != same.Then || len(same.Campaigns) != 0 || len(same.Agents) != 0 || same.Now.Human == 0 || same.Now.Duplicates == 0 || same.Now.Bots == 0 || same.Now.Unique == 0 {
		t.Errorf("%+v", same)
	}
	better := again("# readers\n\n  NewsReaderX \n")
	if better.Now != same.Now || better.Then.Bots <= same.Then.Bots || better.Then.Human+better.Then.Duplicates+better.Then.Bots != better.Clicks ||
		len(better.Campaigns) == 0 || len(better.Agents) != 1 || better.Agents[0].Agent != crawler {
		t.Errorf("%+v", better)
	}
	if fmt.Sprint(history) != before {
		t.Error("judging again changes what was recorded")
	}
}

func TestFilesOfAgents(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"ab":                            "line 1",
		"abc\n\n" + "x":                 "line 3",
		strings.Repeat("x", 300):        "line 1",
		"\xff\xfe\xfd":                  "line 1",
		strings.Repeat("abc\n", 10_001): "more than 10000",
		strings.Repeat("x", 1<<17):      "too long",
	} {
		if _, err := ReadAgents(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: %v", text, err)
		}
	}
	agents, err := ReadAgents(strings.NewReader("NewsReaderX\r\n#Chrome\n"))
	if err != nil || !agents.areProgram("Mozilla/5.0 newsreaderx/2") || agents.areProgram(browser) {
		t.Errorf("%+v, %v", agents, err)
	}
}
