// Package readmodels lists the read models that have tables: how they are built,
// and what they can be asked. Package directory is the one without.
package readmodels

import (
	"github.com/perfectworks/backend/projections"
	"github.com/perfectworks/backend/projections/apikeys"
	"github.com/perfectworks/backend/projections/audit"
	"github.com/perfectworks/backend/projections/clickstats"
	"github.com/perfectworks/backend/projections/erasures"
	"github.com/perfectworks/backend/projections/files"
	"github.com/perfectworks/backend/projections/members"
	"github.com/perfectworks/backend/projections/organizations"
	"github.com/perfectworks/backend/projections/payments"
	"github.com/perfectworks/backend/projections/referrals"
	"github.com/perfectworks/backend/projections/statistics"
	"github.com/perfectworks/backend/projections/tokens"
	"github.com/perfectworks/backend/projections/users"
	"github.com/perfectworks/backend/projections/view"
)

// Definitions returns all of them. The server builds a new one from the log.
func Definitions() []projections.Definition {
	return []projections.Definition{
		users.Definition(),
		organizations.Definition(),
		members.Definition(),
		apikeys.Definition(),
		payments.Definition(),
		referrals.Definition(),
		clickstats.Definition(),
		statistics.Definition(),
		audit.Definition(),
		erasures.Definition(),
		tokens.Definition(),
		files.Definition(),
	}
}

// Queries are the reads of the product, as commands.Commands are its writes.
type Queries struct {
	Users         users.Queries
	Organizations organizations.Queries
	Members       members.Queries
	APIKeys       apikeys.Queries
	Payments      payments.Queries
	Referrals     referrals.Queries
	Clicks        clickstats.Queries
	Statistics    statistics.Queries
	Audit         audit.Queries
	Erasures      erasures.Queries
	Tokens        tokens.Queries
	Files         files.Queries
}

// NewQueries returns the queries on a database. They are safe for concurrent use
// if it is.
func NewQueries(db view.DB) *Queries {
	return &Queries{
		Users:         users.NewQueries(db),
		Organizations: organizations.NewQueries(db),
		Members:       members.NewQueries(db),
		APIKeys:       apikeys.NewQueries(db),
		Payments:      payments.NewQueries(db),
		Referrals:     referrals.NewQueries(db),
		Clicks:        clickstats.NewQueries(db),
		Statistics:    statistics.NewQueries(db),
		Audit:         audit.NewQueries(db),
		Erasures:      erasures.NewQueries(db),
		Tokens:        tokens.NewQueries(db),
		Files:         files.NewQueries(db),
	}
}
