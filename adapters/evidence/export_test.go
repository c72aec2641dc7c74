package evidence

import "context"

// OpenTree opens the first tree as it was at a checkpoint, and returns the error.
func (l *Ledger) OpenTree(ctx context.Context, c Checkpoint) error {
	_, err := l.openTree(ctx, 1, c)
	return err
}
