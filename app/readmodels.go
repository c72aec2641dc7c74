package app

import (
	"github.com/perfectworks/backend/projections"
	"github.com/perfectworks/backend/projections/apikeys"
	"github.com/perfectworks/backend/projections/organizations"
	"github.com/perfectworks/backend/projections/users"
)

// ReadModels are all projections with tables. A new one stands here.
func ReadModels() []projections.Definition {
	return []projections.Definition{
		users.Definition(),
		organizations.Definition(),
		apikeys.Definition(),
	}
}
