package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Lease is the right of a worker to carry out a job. It ends with the job, or
// when the worker's process does not beat any more and another takes the job
// up.
type Lease struct {
	JobID int64
	// Fence is greater than those of all leases before, of this job and others.
	// What a worker has done is written with it, so that a late worker's result
	// can be told from that of the one who holds the job now: an aggregate that
	// remembers the greatest fence it has seen refuses lesser ones.
	Fence int64
}

// ErrLeaseLost says that another worker has the job now, or that it has ended.
var ErrLeaseLost = errors.New("the job is not this worker's any more")

// Confirm is nil when the lease holds, and then holds it until the transaction
// ends: what the transaction writes is written by the holder of the job. Else
// its error is ErrLeaseLost.
func (l Lease) Confirm(ctx context.Context, tx pgx.Tx) error {
	var held bool
	err := tx.QueryRow(ctx, `SELECT true FROM jobs.river_job
		WHERE id = $1 AND state = 'running' AND (metadata ->> 'fence')::bigint = $2 FOR SHARE`,
		l.JobID, l.Fence).Scan(&held)
	if errors.Is(err, pgx.ErrNoRows) {
		return ErrLeaseLost
	}
	if err != nil {
		return fmt.Errorf("confirm the lease of job %d: %w", l.JobID, err)
	}
	return nil
}

// The members of a job's metadata that are ours.
const (
	fenceMember = "fence"
	keyMember   = "key"
)

// metadata is what this package keeps in a job's metadata.
type metadata struct {
	Key   string `json:"key,omitempty"`
	Fence int64  `json:"fence,omitempty"`
	// TraceParent is a W3C trace parent.
	TraceParent string `json:"traceParent,omitempty"`
}

func readMetadata(stored []byte) (metadata, error) {
	var m metadata
	if err := json.Unmarshal(stored, &m); err != nil {
		return metadata{}, Final(fmt.Errorf("read a job's metadata: %w", err))
	}
	return m, nil
}
