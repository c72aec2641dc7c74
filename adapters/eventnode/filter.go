package eventnode

import (
	"fmt"
	"strings"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/dlclark/regexp2"

	"github.com/perfectworks/backend/adapters/eventnode/internal/eventlog"
)

// filter chooses events of $all.
type filter struct {
	byType   bool // by the type of the event, else by the name of its stream
	regex    *regexp2.Regexp
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
	if len(expression.GetRegex()) > maxRegexLength {
		return invalid("The filter's regular expression is longer than %d bytes.", maxRegexLength)
	}
	var err error
	if f.regex, err = compile(expression.GetRegex()); err != nil {
		return invalid("The filter's regular expression is not understood: %v", err)
	}
	return nil
}

// Bounds of regular expressions, which clients write and can be made to take
// exponential time.
const (
	maxRegexLength = 4 << 10
	matchTimeout   = 100 * time.Millisecond
)

// compile reads an expression of .NET: that is what the server runs, and what
// clients are written for.
func compile(expression string) (regex *regexp2.Regexp, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
	}()
	if regex, err = regexp2.Compile(expression, regexp2.None); err != nil {
		return nil, err
	}
	regex.MatchTimeout = matchTimeout
	return regex, nil
}

// matches says whether the filter chooses an event. Its error ends the read.
func (f *filter) matches(e *eventlog.Event) (bool, error) {
	if f == nil {
		return true, nil
	}
	name := e.Stream
	if f.byType {
		name = e.Type
	}
	if f.regex != nil {
		matched, err := f.regex.MatchString(name)
		if err != nil {
			return false, invalid("The filter's regular expression takes longer than %v for a name.", matchTimeout)
		}
		return matched, nil
	}
	for _, prefix := range f.prefixes {
		if strings.HasPrefix(name, prefix) {
			return true, nil
		}
	}
	return false, nil
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
