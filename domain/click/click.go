// Package click is the vocabulary of clicks on referral links. They are recorded
// in segments of some hundreds, each of which is the one event of a stream of its
// own: nothing is decided about them later.
package click

import (
	"strconv"
	"time"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
)

// Aggregate describes the streams of segments.
var Aggregate = event.Aggregate[SegmentID, State]{
	Category: "referralClicks",
	Schemas:  []event.Schema{event.Define[Recorded]()},
	Apply:    Apply,
}

// SegmentID names a segment: "<writer>-<number>".
type SegmentID string

// Prefix implements id.Name: these ids are no TypeIDs.
func (SegmentID) Prefix() string { return "" }

// Segment returns the id of a writer's segment.
func Segment(writer string, number int64) SegmentID {
	return SegmentID(writer + "-" + strconv.FormatInt(number, 10))
}

// State is a segment, folded from its stream: whether it is there.
type State struct{ Recorded bool }

// Apply folds an event into the state. Events of other kinds change nothing.
func Apply(s State, e event.Event) State {
	if _, ok := e.(Recorded); ok {
		s.Recorded = true
	}
	return s
}

// Verdict is what a click is taken for.
type Verdict string

// The verdicts. Only human clicks are counted as such.
const (
	Human     Verdict = "human"
	Bot       Verdict = "bot"
	Duplicate Verdict = "duplicate"
)

// Reason is why a click is not taken for a human's; empty for those that are.
type Reason string

// The reasons.
const (
	ReasonAgent    Reason = "agent"    // the agent says that it is a program
	ReasonNoAgent  Reason = "noAgent"  // there is no agent
	ReasonPrefetch Reason = "prefetch" // a browser or an app looked ahead
	ReasonHeads    Reason = "heads"    // HEAD requests came beside it
	ReasonRepeated Reason = "repeated" // the same visitor was counted a short time before
)

// Device is the class of a device.
type Device string

// The classes.
const (
	Desktop Device = "desktop"
	Mobile  Device = "mobile"
	Tablet  Device = "tablet"
	Other   Device = "other"
)

// Unknown is the country of a click of which nothing is known.
const Unknown = "unknown"

// Direct is the source of a click that names none.
const Direct = "direct"

// Link is what was clicked on: a campaign, or a referrer's own code, for which the
// campaign is empty.
type Link struct {
	ReferrerID id.Referrer `json:"referrerId"`
	CampaignID id.Campaign `json:"campaignId,omitempty"`
}

// Recorded is a segment. Links, agents and sources stand once in it; clicks refer to
// them by their place.
type Recorded struct {
	Writer  string   `json:"writer"`
	Segment int64    `json:"segment"`
	Links   []Link   `json:"links"`
	Agents  []string `json:"agents"`
	Sources []string `json:"sources"`
	Clicks  []Click  `json:"clicks"`
	// Lost is how many clicks the writer could not keep before this segment.
	Lost       int64     `json:"lost,omitempty"`
	OccurredAt time.Time `json:"occurredAt"`
}

// Click is one click.
type Click struct {
	// Index is the click's place in the spool, which its id names.
	Index int       `json:"i"`
	At    time.Time `json:"at"`
	Link  int       `json:"l"`
	Agent int       `json:"a"`
	// Source is the place in Sources.
	Source int `json:"s"`
	// Visitor is a hash by which clicks of one visitor on one UTC day are known. Its
	// salt is destroyed, so that it says nothing later.
	Visitor string `json:"v,omitempty"`
	// Country is an ISO 3166 code, or Unknown.
	Country string  `json:"c"`
	Device  Device  `json:"d"`
	Verdict Verdict `json:"verdict"`
	Reason  Reason  `json:"reason,omitempty"`
	// First says that it is the visitor's first human click on the link that day.
	First bool `json:"first,omitempty"`
	// Prefetch says that the request said that it looks ahead, and Heads how many
	// HEAD requests came beside it: with the agent, all that a verdict needs.
	Prefetch bool `json:"prefetch,omitempty"`
	Heads    int  `json:"heads,omitempty"`
	// Rule is the version of the programme's rules at the click.
	Rule int `json:"r"`
}

// EventType is the stored name.
func (Recorded) EventType() string { return "ReferralClicksRecorded" }
