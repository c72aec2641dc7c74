package admission

import (
	"runtime"
	"sync"
)

// StreamLimits bound the uploads and downloads that are under way. They wait for
// their clients most of the time, so they hold no place of a Gate, and a slow one
// keeps nobody else from working. The zero value of each means the default.
type StreamLimits struct {
	// Streams is how many may be under way at once: 128 for each processor, at least
	// 256. Each takes some 300 kB of memory.
	Streams int
	// PerOrganization and PerCaller are how many of these one organization and one
	// caller may have: half, and an eighth, at least 16.
	PerOrganization int
	PerCaller       int
	// Bytes bounds what the uploads under way have announced, together: 16 GiB. One
	// caller and one organization may have an eighth and a half of them. An upload
	// that would be the only one is taken whatever its size.
	Bytes int64
}

const (
	minStreams          = 256
	minStreamsPerCaller = 16
	defaultStreamBytes  = 16 << 30
)

func (l StreamLimits) withDefaults() StreamLimits {
	if l.Streams == 0 {
		l.Streams = max(minStreams, 128*runtime.GOMAXPROCS(0))
	}
	if l.PerOrganization == 0 {
		l.PerOrganization = max(1, l.Streams/2)
	}
	if l.PerCaller == 0 {
		l.PerCaller = max(min(minStreamsPerCaller, l.Streams), l.Streams/8)
	}
	if l.Bytes == 0 {
		l.Bytes = defaultStreamBytes
	}
	return l
}

// Streams admits uploads and downloads. It is safe for concurrent use.
type Streams struct {
	limits StreamLimits

	mu            sync.Mutex
	all           load
	callers       map[string]load
	organizations map[string]load
}

// load is what is under way.
type load struct {
	streams int
	bytes   int64
}

// NewStreams returns the streams of a process, of which none is under way.
func NewStreams(limits StreamLimits) *Streams {
	return &Streams{limits: limits.withDefaults(), callers: map[string]load{}, organizations: map[string]load{}}
}

// Enter admits a stream of a caller in an organization, which may be empty. It does
// not wait. An upload announces its size in bytes, a download zero. The error is
// ErrCallerBusy or ErrBusy. The caller of Enter calls leave once.
func (s *Streams) Enter(caller, organization string, bytes int64) (leave func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.limits
	switch {
	case !s.callers[caller].hasRoom(l.PerCaller, l.Bytes/8, bytes),
		organization != "" && !s.organizations[organization].hasRoom(l.PerOrganization, l.Bytes/2, bytes):
		return nil, ErrCallerBusy
	case !s.all.hasRoom(l.Streams, l.Bytes, bytes):
		return nil, ErrBusy
	}
	s.add(caller, organization, 1, bytes)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.add(caller, organization, -1, -bytes)
	}, nil
}

// hasRoom tells whether one more stream fits.
func (l load) hasRoom(streams int, bytes, more int64) bool {
	return l.streams < streams && (l.bytes == 0 || more <= bytes-l.bytes)
}

func (s *Streams) add(caller, organization string, streams int, bytes int64) {
	s.all = s.all.plus(streams, bytes)
	change := func(of map[string]load, name string) {
		if of[name] = of[name].plus(streams, bytes); of[name] == (load{}) {
			delete(of, name)
		}
	}
	change(s.callers, caller)
	if organization != "" {
		change(s.organizations, organization)
	}
}

func (l load) plus(streams int, bytes int64) load { return load{l.streams + streams, l.bytes + bytes} }

// UnderWay returns how many streams are under way, and the bytes that the uploads
// among them have announced.
func (s *Streams) UnderWay() (streams int, bytes int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all.streams, s.all.bytes
}
