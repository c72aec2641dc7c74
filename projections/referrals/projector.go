// Package referrals is the read model of referrers: who they are, their campaigns,
// and their accounts.
//
// What changes by the clock, such as whether a commission has matured or a campaign
// has ended, is computed when it is read.
package referrals

import (
	_ "embed"
	"time"

	"github.com/perfectworks/backend/domain/campaign"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/referrer"
	"github.com/perfectworks/backend/projections"
)

// Name is the projection's name.
const Name = "referrals"

var (
	//go:embed schema.sql
	tables string
	//go:embed indexes.sql
	indexes string
)

// Definition is the read model.
func Definition() projections.Definition {
	return projections.Definition{
		Name: Name, Version: 1, Tables: tables, Indexes: indexes,
		Personal: []projections.Personal{{Table: referrers, Subject: "user_id", Columns: []string{"payout_email"}}},
		Reducers: projections.Join(
			projections.On(enrolled),
			projections.On(func(e referrer.TermsAccepted, r event.Recorded) []change {
				return []change{patchReferrer(e.ReferrerID, e.OccurredAt, r, row{"terms_version": e.TermsVersion})}
			}),
			projections.On(func(e referrer.PayoutChanged, r event.Recorded) []change {
				// The person goes with the text about them: an erasure finds it by them.
				return []change{patchReferrer(e.ReferrerID, e.OccurredAt, r, row{
					"user_id": e.UserID, "payout_method": e.PayoutMethod, "payout_email": e.PayoutEmail.Reveal(),
				})}
			}),
			projections.On(func(e referrer.Suspended, r event.Recorded) []change {
				return []change{patchReferrer(e.ReferrerID, e.OccurredAt, r, row{"suspended": true, "changed": changed(r)})}
			}),
			projections.On(func(e referrer.Reinstated, r event.Recorded) []change {
				return []change{patchReferrer(e.ReferrerID, e.OccurredAt, r, row{"suspended": false, "changed": changed(r)})}
			}),
			projections.On(earned), projections.On(reversed), projections.On(restored),
			projections.On(func(e referrer.CommissionDenied, r event.Recorded) []change { return moved(e.ReferrerID, r) }),
			projections.On(func(e referrer.CommissionMatured, r event.Recorded) []change {
				return moved(e.ReferrerID, r, commission(e.PaymentID, row{"matured": true}))
			}),
			projections.On(func(e referrer.CommissionHeld, r event.Recorded) []change {
				return moved(e.ReferrerID, r, commission(e.PaymentID, row{"disputed": true}))
			}),
			projections.On(func(e referrer.CommissionReleased, r event.Recorded) []change {
				return moved(e.ReferrerID, r, commission(e.PaymentID, row{"disputed": false}))
			}),
			projections.On(withdrawalRequested), projections.On(withdrawalApproved), projections.On(withdrawalReturned),
			projections.On(func(e referrer.WithdrawalRejected, r event.Recorded) []change {
				return withdrawal(e.ReferrerID, e.Sequence, referrer.StatusRejected, e.OccurredAt, r)
			}),
			projections.On(func(e referrer.WithdrawalStopped, r event.Recorded) []change {
				return withdrawal(e.ReferrerID, e.Sequence, referrer.StatusStopped, e.OccurredAt, r)
			}),
			projections.On(func(e referrer.WithdrawalSent, r event.Recorded) []change {
				return withdrawal(e.ReferrerID, e.Sequence, referrer.StatusSent, e.OccurredAt, r)
			}),
			projections.On(func(e referrer.WithdrawalUncertain, r event.Recorded) []change {
				return withdrawal(e.ReferrerID, e.Sequence, referrer.StatusUncertain, e.OccurredAt, r)
			}),
			projections.On(func(e referrer.WithdrawalPaid, r event.Recorded) []change {
				return withdrawal(e.ReferrerID, e.Sequence, referrer.StatusPaid, e.OccurredAt, r)
			}),
			projections.On(func(e referrer.WithdrawalFailed, r event.Recorded) []change {
				return withdrawal(e.ReferrerID, e.Sequence, referrer.StatusFailed, e.OccurredAt, r)
			}),
			projections.On(campaignCreated), projections.On(campaignUpdated), projections.On(campaignEnded),
		),
	}
}

const (
	referrers    = "referrers"
	campaigns    = "campaigns"
	transactions = "transactions"
	commissions  = "commissions"
	approvals    = "approvals"
)

type (
	row    = projections.Row
	change = projections.Change
)

// Type is the kind of an entry of a referrer's account.
type Type string

// The types.
const (
	TypeCommission Type = "commission"
	TypeReversal   Type = "reversal"
	TypeWithdrawal Type = "withdrawal"
	TypeReturn     Type = "return"
)

// statusBooked is that of entries to which nothing more happens.
const statusBooked = "booked"

// changed is where in the log something changed, as an integer of Postgres.
func changed(r event.Recorded) int64 { return int64(r.Position.Commit) } //nolint:gosec // A log has fewer bytes.

func enrolled(e referrer.Enrolled, r event.Recorded) []change {
	return []change{projections.Put(referrers, row{"id": e.ReferrerID}, row{
		"user_id": e.UserID, "code": e.Code, "terms_version": e.TermsVersion, "payout_method": e.PayoutMethod,
		"payout_email": e.PayoutEmail.Reveal(), "enrolled_at": e.OccurredAt, "updated_at": e.OccurredAt,
		"revision": r.Revision, "changed": changed(r),
	})}
}

func patchReferrer(name id.Referrer, at time.Time, r event.Recorded, set row) change {
	set["revision"], set["updated_at"] = r.Revision, at
	return projections.Patch(referrers, row{"id": name}, set)
}

// moved is what every event of a stream changes, beside the other changes.
func moved(name id.Referrer, r event.Recorded, others ...change) []change {
	return append(others, projections.Patch(referrers, row{"id": name}, row{"revision": r.Revision}))
}

// entry is a new entry of an account.
func entry(name id.Referrer, sequence int64, at time.Time, set row) change {
	set["referrer_id"], set["sequence"], set["created_at"], set["updated_at"] = name, sequence, at, at
	return projections.Put(transactions, row{"id": referrer.TransactionID(name, sequence)}, set)
}

func commission(of id.Payment, set row) change {
	return projections.Patch(commissions, row{"payment_id": of}, set)
}

func earned(e referrer.CommissionEarned, r event.Recorded) []change {
	return moved(
		e.ReferrerID, r,
		entry(e.ReferrerID, e.Sequence, e.OccurredAt, row{
			"type": TypeCommission, "amount": e.Amount, "currency": e.Currency, "payment_id": e.PaymentID,
			"campaign_id": e.CampaignID, "status": statusBooked,
		}),
		projections.Put(commissions, row{"payment_id": e.PaymentID}, row{
			"referrer_id": e.ReferrerID, "net": e.Amount, "matures_at": e.MaturesAt,
		}),
	)
}

func reversed(e referrer.CommissionReversed, r event.Recorded) []change {
	return moved(
		e.ReferrerID, r,
		entry(e.ReferrerID, e.Sequence, e.OccurredAt, row{
			"type": TypeReversal, "amount": -e.Amount, "currency": e.Currency, "payment_id": e.PaymentID,
			"campaign_id": e.CampaignID, "status": statusBooked,
		}),
		commission(e.PaymentID, row{"net": e.Remaining}),
	)
}

func restored(e referrer.CommissionRestored, r event.Recorded) []change {
	return moved(
		e.ReferrerID, r,
		entry(e.ReferrerID, e.Sequence, e.OccurredAt, row{
			"type": TypeReversal, "amount": e.Amount, "currency": e.Currency, "payment_id": e.PaymentID,
			"campaign_id": e.CampaignID, "status": statusBooked,
		}),
		commission(e.PaymentID, row{"net": e.Remaining}),
	)
}

func withdrawalRequested(e referrer.WithdrawalRequested, r event.Recorded) []change {
	return moved(e.ReferrerID, r, entry(e.ReferrerID, e.Sequence, e.OccurredAt, row{
		"type": TypeWithdrawal, "amount": -e.Amount, "currency": e.Currency, "payout_method": e.PayoutMethod,
		"status": referrer.StatusRequested,
	}))
}

func withdrawalApproved(e referrer.WithdrawalApproved, r event.Recorded) []change {
	changes := []change{projections.Put(approvals, row{
		"transaction_id": referrer.TransactionID(e.ReferrerID, e.Sequence), "approved_by": e.ApprovedBy,
	}, nil)}
	if e.Final {
		return append(changes, withdrawal(e.ReferrerID, e.Sequence, referrer.StatusApproved, e.OccurredAt, r)...)
	}
	return moved(e.ReferrerID, r, changes...)
}

func withdrawal(name id.Referrer, sequence int64, to referrer.Status, at time.Time, r event.Recorded) []change {
	return moved(name, r, projections.Patch(transactions, row{"id": referrer.TransactionID(name, sequence)}, row{
		"status": to, "updated_at": at,
	}))
}

func withdrawalReturned(e referrer.WithdrawalReturned, r event.Recorded) []change {
	return append(
		withdrawal(e.ReferrerID, e.Withdrawal, referrer.StatusReturned, e.OccurredAt, r),
		entry(e.ReferrerID, e.Sequence, e.OccurredAt, row{
			"type": TypeReturn, "amount": e.Amount, "currency": e.Currency, "status": statusBooked,
			"withdrawal_id": referrer.TransactionID(e.ReferrerID, e.Withdrawal),
		}))
}

func campaignCreated(e campaign.Created, r event.Recorded) []change {
	return []change{projections.Put(campaigns, row{"id": e.CampaignID}, with(utm(e.UTM), row{
		"referrer_id": e.ReferrerID, "name": e.Name, "code": e.Code, "destination": e.Destination,
		"start_at": projections.OrNull(e.StartAt), "end_at": projections.OrNull(e.EndAt),
		"created_at": e.OccurredAt, "updated_at": e.OccurredAt, "revision": r.Revision, "changed": changed(r),
	}))}
}

func campaignUpdated(e campaign.Updated, r event.Recorded) []change {
	return []change{projections.Patch(campaigns, row{"id": e.CampaignID}, with(utm(e.UTM), row{
		"name": e.Name, "destination": e.Destination, "end_at": projections.OrNull(e.EndAt),
		"updated_at": e.OccurredAt, "revision": r.Revision, "changed": changed(r),
	}))}
}

func campaignEnded(e campaign.Ended, r event.Recorded) []change {
	return []change{projections.Patch(campaigns, row{"id": e.CampaignID}, row{
		"ended_at": e.OccurredAt, "updated_at": e.OccurredAt, "revision": r.Revision, "changed": changed(r),
	})}
}

func utm(u campaign.UTM) row {
	return row{
		"utm_source": u.Source, "utm_medium": u.Medium, "utm_campaign": u.Name, "utm_term": u.Term, "utm_content": u.Content,
	}
}

func with(r, more row) row {
	for name, value := range more {
		r[name] = value
	}
	return r
}
