package projections

import (
	"fmt"
	"strconv"

	"github.com/google/uuid"

	"github.com/perfectworks/backend/domain/event"
)

// storedPosition reads and writes a position as two numerics in their text form,
// for no integer type of Postgres holds an unsigned 64-bit number.
type storedPosition struct{ commit, prepare string }

func storePosition(p event.Position) storedPosition {
	return storedPosition{strconv.FormatUint(p.Commit, 10), strconv.FormatUint(p.Prepare, 10)}
}

// storedPlace is the place of an event, as the columns of a checkpoint hold it;
// nil for none.
type storedPlace struct {
	commit, prepare, stream *string
	id                      *uuid.UUID
	revision                *int64
}

func storePlace(p event.Place) storedPlace {
	if p.IsZero() {
		return storedPlace{}
	}
	at, id, revision := storePosition(p.Position), uuid.UUID(p.ID), int64(p.Revision)
	return storedPlace{&at.commit, &at.prepare, &p.Stream, &id, &revision}
}

func (s storedPosition) position() (event.Position, error) {
	commit, err := strconv.ParseUint(s.commit, 10, 64)
	if err != nil {
		return event.Position{}, fmt.Errorf("read a checkpoint: %w", err)
	}
	prepare, err := strconv.ParseUint(s.prepare, 10, 64)
	if err != nil {
		return event.Position{}, fmt.Errorf("read a checkpoint: %w", err)
	}
	return event.Position{Commit: commit, Prepare: prepare}, nil
}
