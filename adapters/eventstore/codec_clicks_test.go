package eventstore

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/perfectworks/backend/domain/click"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
)

// someClicks is any segment of clicks.
func someClicks(t *rapid.T) click.Recorded {
	text := rapid.OneOf(rapid.StringMatching(`[a-zA-Z0-9 /;:.()<>&ä"\\]{0,20}`), rapid.String())
	at := rapid.Custom(func(t *rapid.T) time.Time {
		at := time.UnixMilli(rapid.Int64Range(-60_000_000_000_000, 240_000_000_000_000).Draw(t, "ms")).UTC()
		if rapid.Bool().Draw(t, "nanoseconds") {
			at = at.Add(time.Duration(rapid.IntRange(0, 999_999).Draw(t, "ns")))
		}
		return at
	})
	small := rapid.IntRange(0, 500)
	e := click.Recorded{
		Writer: text.Draw(t, "writer"), Segment: rapid.Int64().Draw(t, "segment"), Lost: rapid.Int64Range(0, 10).Draw(t, "lost"), OccurredAt: at.Draw(t, "occurred"),
		Agents: rapid.SliceOfN(text, 0, 3).Draw(t, "agents"), Sources: rapid.SliceOfN(text, 0, 3).Draw(t, "sources"),
	}
	for range rapid.IntRange(0, 2).Draw(t, "links") {
		e.Links = append(e.Links, click.Link{ReferrerID: id.Referrer(text.Draw(t, "referrer")), CampaignID: id.Campaign(text.Draw(t, "campaign"))})
	}
	for range rapid.IntRange(0, 4).Draw(t, "clicks") {
		e.Clicks = append(e.Clicks, click.Click{
			Index: small.Draw(t, "i"), At: at.Draw(t, "at"), Link: small.Draw(t, "l"), Agent: small.Draw(t, "a"), Source: small.Draw(t, "s"),
			Visitor: text.Draw(t, "v"), Country: text.Draw(t, "c"), Device: click.Device(text.Draw(t, "d")),
			Verdict: click.Verdict(text.Draw(t, "verdict")), Reason: click.Reason(text.Draw(t, "reason")),
			First: rapid.Bool().Draw(t, "first"), Prefetch: rapid.Bool().Draw(t, "prefetch"), Heads: rapid.Int().Draw(t, "heads"), Rule: small.Draw(t, "r"),
		})
	}
	return e
}

func clicksCodec(tb testing.TB) *Codec {
	tb.Helper()
	codec, err := NewCodec(Schemas(), &fixedKeys{})
	if err != nil {
		tb.Fatal(err)
	}
	return codec
}

// generally reads a segment of clicks by the general reader.
func generally(data []byte) (click.Recorded, error) {
	var e click.Recorded
	err := unmarshal(data, &e, strictly)
	return e, err
}

// Both readers read the same from what Encode writes, and the quick one does read
// what is usual.
func TestClicksAreReadQuickly(t *testing.T) {
	t.Parallel()
	codec := clicksCodec(t)
	rapid.Check(t, func(t *rapid.T) {
		encoded, err := codec.Encode(t.Context(), event.Draft{ID: goldenID, Event: someClicks(t)})
		if err != nil {
			t.Skip(err)
		}
		want, err := generally(encoded.Data)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := readClicks(encoded.Data); ok {
			if diff := cmp.Diff(event.Event(want), got); diff != "" {
				t.Fatalf("%s is read as another (-general +quick):\n%s", encoded.Data, diff)
			}
		}
	})
	usual := segmentOf(500)
	encoded, err := codec.Encode(t.Context(), event.Draft{ID: goldenID, Event: usual})
	if err != nil {
		t.Fatal(err)
	}
	got, ok := readClicks(encoded.Data)
	if diff := cmp.Diff(event.Event(usual), got); diff != "" || !ok {
		t.Errorf("%t (-was +is):\n%s", ok, diff)
	}
}

// What the quick reader takes, the general one takes too, and reads the same.
func FuzzClicks(f *testing.F) {
	codec := clicksCodec(f)
	encoded, err := codec.Encode(f.Context(), event.Draft{ID: goldenID, Event: segmentOf(2)})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(encoded.Data)
	for _, change := range [][2]string{
		{`"i":0`, `"i":00`},
		{`"i":0`, `"i":-1`},
		{"2026-03-01", "2026-02-30"},
		{`"r":1}`, `"r":1,"r":2}`},
		{`"first":true`, `"first":null`},
		{`.0`, `.`},
		{`"c":"DE"`, `"c":"\u0044E"`},
		{`{"writer"`, ` {"writer"`},
		{`"lost":0`, `"lost":9999999999999999999`},
		{"DE", "\xff"},
	} {
		f.Add(bytes.Replace(encoded.Data, []byte(change[0]), []byte(change[1]), 1))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, ok := readClicks(data)
		if !ok {
			return
		}
		want, err := generally(data)
		if diff := cmp.Diff(event.Event(want), got); diff != "" || err != nil {
			t.Errorf("%q: %v (-general +quick):\n%s", data, err, diff)
		}
	})
}

// segmentOf is a usual segment.
func segmentOf(n int) click.Recorded {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	e := click.Recorded{
		Writer: "0123456789abcdef", Segment: 7, Links: []click.Link{{ReferrerID: "rfr_1", CampaignID: "cmp_1"}, {ReferrerID: "rfr_1"}},
		Agents: []string{"Mozilla/5.0 (X11; Linux x86_64)", "Größe"}, Sources: []string{"direct", "news.example"}, OccurredAt: at,
	}
	for i := range n {
		e.Clicks = append(e.Clicks, click.Click{
			Index: i, At: at.Add(time.Duration(i) * 7 * time.Millisecond), Link: i % 2, Agent: i % 2, Source: i % 2, Visitor: fmt.Sprintf("%024x", i),
			Country: "DE", Device: click.Desktop, Verdict: click.Human, First: i%2 == 0, Rule: 1,
		})
		if i%5 == 4 {
			e.Clicks[i].Verdict, e.Clicks[i].Reason, e.Clicks[i].Heads, e.Clicks[i].First = click.Bot, click.ReasonHeads, 2, false
		}
	}
	return e
}

func BenchmarkReadingClicks(b *testing.B) {
	encoded, err := clicksCodec(b).Encode(b.Context(), event.Draft{ID: goldenID, Event: segmentOf(500)})
	if err != nil {
		b.Fatal(err)
	}
	for name, read := range map[string]func([]byte) bool{
		"quick":   func(data []byte) bool { _, ok := readClicks(data); return ok },
		"general": func(data []byte) bool { _, err := generally(data); return err == nil },
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(encoded.Data)))
			for b.Loop() {
				if !read(encoded.Data) {
					b.Fatal("it cannot be read")
				}
			}
		})
	}
}
