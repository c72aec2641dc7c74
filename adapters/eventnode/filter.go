package eventnode

import (
	"regexp"
	"strings"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"

	"github.com/perfectworks/backend/adapters/eventnode/internal/eventlog"
)

// filter chooses events of $all.
type filter struct {
	byType   bool // by the type of the event, else by the name of its stream
	regex    *regexp.Regexp
	prefixes []string
	// interval is how many events are considered between two checkpoints.
	interval uint64
}

// defaultWindow is the search window when the client sets none.
const defaultWindow = 32

// newFilter returns nil when there is no filter.
func newFilter(options *streams.ReadReq_Options_FilterOptions) (*filter, error) {
	if options == nil {
		return nil, nil //nolint:nilnil // no filter, no error
	}
	f := &filter{}
	var expression *streams.ReadReq_Options_FilterOptions_Expression
	switch by := options.GetFilter().(type) {
	case *streams.ReadReq_Options_FilterOptions_EventType:
		f.byType, expression = true, by.EventType
	case *streams.ReadReq_Options_FilterOptions_StreamIdentifier:
		expression = by.StreamIdentifier
	default:
		return nil, invalid("The filter has neither an event type nor a stream identifier.")
	}
	if err := f.setExpression(expression); err != nil {
		return nil, err
	}
	window := uint64(defaultWindow)
	switch w := options.GetWindow().(type) {
	case *streams.ReadReq_Options_FilterOptions_Max:
		window = max(uint64(w.Max), 1)
	case *streams.ReadReq_Options_FilterOptions_Count:
	default:
		return nil, invalid("The filter has no window.")
	}
	f.interval = uint64(options.GetCheckpointIntervalMultiplier()) * window
	return f, nil
}

func (f *filter) setExpression(expression *streams.ReadReq_Options_FilterOptions_Expression) error {
	if expression.GetRegex() == "" {
		f.prefixes = expression.GetPrefix()
		if len(f.prefixes) == 0 {
			return invalid("The filter has neither a regular expression nor prefixes.")
		}
		return nil
	}
	var err error
	if f.regex, err = regexp.Compile(expression.GetRegex()); err != nil {
		return invalid("The filter's regular expression is not understood (look-around is not supported): %v", err)
	}
	return nil
}

func (f *filter) matches(e *eventlog.Event) bool {
	if f == nil {
		return true
	}
	name := e.Stream
	if f.byType {
		name = e.Type
	}
	if f.regex != nil {
		return f.regex.MatchString(name)
	}
	for _, prefix := range f.prefixes {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// hiddenFromAll says that the server keeps an event out of $all: its own
// bookkeeping.
func hiddenFromAll(stream string) bool {
	if stream == "" || stream[0] != '$' {
		return false
	}
	const persistent = "$persistentsubscription-$all::"
	return stream == "$epoch-information" ||
		strings.HasPrefix(stream, persistent) &&
			(strings.HasSuffix(stream, "-checkpoint") || strings.HasSuffix(stream, "-parked"))
}
