package processing

import "context"

// OnStep is called at each step of an attempt. An error of it cuts the attempt off there.
func (s *Service) OnStep(step func(ctx context.Context, name string) error) { s.step = step }

// Priority is priority.
func Priority(withinShare, async bool) int { return priority(withinShare, async) }
