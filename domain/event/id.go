package event

import (
	"strconv"

	"github.com/google/uuid"
)

// DeriveID names the index-th event that a command appends to a stream:
// UUIDv5(command id, "<stream>/<index>"). A repeated command derives the same
// ids, which is how the store and we recognise it. The stream is part of the
// name because a repeated command may find its first streams already written.
func DeriveID(command ID, stream string, index int) ID {
	return ID(uuid.NewSHA1(uuid.UUID(command), []byte(stream+"/"+strconv.Itoa(index))))
}

// String is the usual hexadecimal form.
func (i ID) String() string { return uuid.UUID(i).String() }
