package eventstore

import (
	"slices"

	"github.com/perfectworks/backend/domain/apikey"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/reservation"
	"github.com/perfectworks/backend/domain/user"
)

// Schemas lists the stored shapes of all events of this system. An aggregate's
// events can be stored once they stand here.
func Schemas() []event.Schema {
	return slices.Concat(
		user.Schemas,
		organization.Schemas,
		apikey.Schemas,
		reservation.Schemas,
	)
}

// StreamPrefixes are the beginnings of the names of all streams of this
// system: what subscriptions follow, all of them the same, so that every write
// advances every projection.
func StreamPrefixes() []string {
	return []string{
		event.StreamName(user.Category, ""),
		event.StreamName(organization.Category, ""),
		event.StreamName(apikey.Category, ""),
		event.StreamName(reservation.Category, ""),
	}
}
