package eventnode

import (
	"strings"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"

	"github.com/perfectworks/backend/adapters/eventnode/internal/eventlog"
)

func FuzzFilter(f *testing.F) {
	f.Add("^a", "a", "b", "stream", "type", uint32(32), uint32(1), true)
	f.Add("", "", "", "", "", uint32(0), uint32(0), false)
	f.Add("(?!a)", "$", "é", "$all", "\xff", uint32(1<<31), uint32(1<<31), true)
	f.Fuzz(func(t *testing.T, regex, prefix1, prefix2, stream, eventType string, window, multiplier uint32, byType bool) {
		expression := &streams.ReadReq_Options_FilterOptions_Expression{Regex: regex}
		if prefix1 != "" || prefix2 != "" {
			expression.Prefix = []string{prefix1, prefix2}
		}
		options := &streams.ReadReq_Options_FilterOptions{
			CheckpointIntervalMultiplier: multiplier,
			Window:                       &streams.ReadReq_Options_FilterOptions_Max{Max: window},
			Filter:                       &streams.ReadReq_Options_FilterOptions_StreamIdentifier{StreamIdentifier: expression},
		}
		name := stream
		if byType {
			options.Filter = &streams.ReadReq_Options_FilterOptions_EventType{EventType: expression}
			name = eventType
		}
		filter, err := newFilter(options)
		if err != nil {
			return
		}
		matches, err := filter.matches(&eventlog.Event{Stream: stream, Type: eventType})
		if err != nil {
			return // it takes too long
		}
		if regex == "" && matches != (strings.HasPrefix(name, prefix1) || strings.HasPrefix(name, prefix2)) {
			t.Errorf("prefixes %q and %q and %q: %v", prefix1, prefix2, name, matches)
		}
		if multiplier > 0 && filter.interval == 0 {
			t.Error("a checkpoint after no events")
		}
	})
}

// TestRegularExpressionsAreThoseOfDotNet has what clients send by default, and
// what Go's own expressions lack.
func TestRegularExpressionsAreThoseOfDotNet(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ expression, matching, other string }{
		{`^[^\$].*`, "UserRegistered", "$metadata"},                                       // the clients of .NET and Go
		{`^(?!(\$.+$|PersistentConfig\d+$)).*$`, "UserRegistered", "$metadata"},           // the Python client
		{`^(?!(\$.+$|PersistentConfig\d+$)).*$`, "PersistentConfig", "PersistentConfig1"}, // another of its names
		{`(?<=user-)\d+`, "user-12", "users-12"},
		{`^(?<a>.)\k<a>`, "aab", "aba"},
		{`\bé\p{Lu}`, "éÉ", "éé"},
	} {
		f := &filter{}
		if err := f.setExpression(byRegex(test.expression)); err != nil {
			t.Errorf("%s: %v", test.expression, err)
			continue
		}
		for name, want := range map[string]bool{test.matching: true, test.other: false} {
			if got, err := f.matches(&eventlog.Event{Stream: name}); err != nil || got != want {
				t.Errorf("%s on %s: %v %v", test.expression, name, got, err)
			}
		}
	}
}

func TestRegularExpressionsAreBounded(t *testing.T) {
	t.Parallel()
	f := &filter{}
	if err := f.setExpression(byRegex(`^(a+)+$`)); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	if _, err := f.matches(&eventlog.Event{Stream: strings.Repeat("a", 100) + "b"}); err == nil {
		t.Error("an expression that never ends came to an end")
	}
	if took := time.Since(begun); took > 20*matchTimeout {
		t.Errorf("it took %v", took)
	}
	for _, expression := range []string{"(", "[", `\p{Nothing}`, strings.Repeat("a", maxRegexLength+1), "(?<"} {
		if err := f.setExpression(byRegex(expression)); err == nil {
			t.Errorf("%.20q was accepted", expression)
		}
	}
}

func byRegex(expression string) *streams.ReadReq_Options_FilterOptions_Expression {
	return &streams.ReadReq_Options_FilterOptions_Expression{Regex: expression}
}

func FuzzReadOptions(f *testing.F) {
	f.Add([]byte("s"), uint64(0), uint64(0), true, true)
	f.Add([]byte("$$"), ^uint64(0), ^uint64(0), false, false)
	f.Fuzz(func(t *testing.T, stream []byte, a, b uint64, all, subscribe bool) {
		options := &streams.ReadReq_Options{
			StreamOption: &streams.ReadReq_Options_Stream{Stream: &streams.ReadReq_Options_StreamOptions{
				StreamIdentifier: &shared.StreamIdentifier{StreamName: stream},
				RevisionOption:   &streams.ReadReq_Options_StreamOptions_Revision{Revision: a},
			}},
			CountOption:  &streams.ReadReq_Options_Count{Count: b},
			FilterOption: &streams.ReadReq_Options_NoFilter{},
		}
		if all {
			options.StreamOption = &streams.ReadReq_Options_All{All: &streams.ReadReq_Options_AllOptions{
				AllOption: &streams.ReadReq_Options_AllOptions_Position{
					Position: &streams.ReadReq_Options_Position{CommitPosition: a, PreparePosition: b},
				},
			}}
		}
		if subscribe {
			options.CountOption = &streams.ReadReq_Options_Subscription{}
		}
		r, err := newReading(options)
		if err != nil {
			return
		}
		if r.target.from < 0 || !all && (r.target.stream == "" || strings.Contains(r.target.stream, "\x00")) || r.subscribe != subscribe {
			t.Errorf("%+v", r)
		}
	})
}
