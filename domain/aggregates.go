// Package domain lists the aggregates of the system. What each of them is stands
// in a package of its own below this one.
package domain

import (
	"github.com/perfectworks/backend/domain/act"
	"github.com/perfectworks/backend/domain/apikey"
	"github.com/perfectworks/backend/domain/campaign"
	"github.com/perfectworks/backend/domain/click"
	"github.com/perfectworks/backend/domain/erasure"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/file"
	"github.com/perfectworks/backend/domain/operator"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/payment"
	"github.com/perfectworks/backend/domain/referral"
	"github.com/perfectworks/backend/domain/referrer"
	"github.com/perfectworks/backend/domain/refusal"
	"github.com/perfectworks/backend/domain/reservation"
	"github.com/perfectworks/backend/domain/tokenaccount"
	"github.com/perfectworks/backend/domain/user"
)

// Aggregates returns all kinds of aggregates. Codec and subscriptions follow
// from it; a test fails for an aggregate that is not listed.
func Aggregates() []event.Kind {
	return []event.Kind{
		user.Aggregate.Describe(),
		operator.Aggregate.Describe(),
		organization.Aggregate.Describe(),
		file.Aggregate.Describe(),
		apikey.Aggregate.Describe(),
		payment.Aggregate.Describe(),
		refusal.Aggregate.Describe(),
		act.Aggregate.Describe(),
		reservation.Aggregate.Describe(),
		tokenaccount.Aggregate.Describe(),
		erasure.Aggregate.Describe(),
		referrer.Aggregate.Describe(),
		referral.Aggregate.Describe(),
		campaign.Aggregate.Describe(),
		click.Aggregate.Describe(),
	}
}
