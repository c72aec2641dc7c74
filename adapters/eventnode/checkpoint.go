package eventnode

import "github.com/EventStore/EventStore-Client-Go/v4/protos/streams"

// checkpoint sends a position, unless the client has it already.
func (sub *subscription) checkpoint(position int64) error {
	if position <= sub.checkpoints.last {
		return nil
	}
	sub.checkpoints.last = position
	at := uint64(position) //nolint:gosec // positions are above zero
	return sub.out.call.Send(&streams.ReadResp{Content: &streams.ReadResp_Checkpoint_{
		Checkpoint: &streams.ReadResp_Checkpoint{CommitPosition: at, PreparePosition: at},
	}})
}

// checkpoints counts the events that a filter considered.
type checkpoints struct {
	interval   uint64
	considered uint64
	last       int64 // position that the client knows
}

func newCheckpoints(f *filter, from int64) checkpoints {
	if f == nil {
		return checkpoints{}
	}
	return checkpoints{interval: f.interval, last: from}
}

// next is how many of n events may be considered before a checkpoint is due.
func (c *checkpoints) next(n int) int {
	return int(min(uint64(n), c.interval-c.considered)) //nolint:gosec // at most n
}

// count adds events and says whether a checkpoint is due.
func (c *checkpoints) count(n int) bool {
	if c.considered += uint64(n); c.considered < c.interval { //nolint:gosec // a count
		return false
	}
	c.considered = 0
	return true
}
