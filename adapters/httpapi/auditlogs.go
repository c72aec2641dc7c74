package httpapi

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/input"
	"github.com/perfectworks/backend/projections/audit"
	"github.com/perfectworks/backend/projections/users"
)

// DefaultAuditAddresses is how long the audit log tells addresses and agents.
const DefaultAuditAddresses = 90 * 24 * time.Hour

// AuditEntry is a line of an organization's audit log.
type AuditEntry struct {
	ID            string       `json:"id" example:"16fb8643-e81b-525d-b830-f092b24fef46"`
	Time          Time         `json:"time"`
	Action        string       `json:"action" doc:"What happened: the name of the event, or of the operation that was refused." example:"MemberInvited"`
	Outcome       string       `json:"outcome" enum:"done,refused" example:"done"`
	Code          *string      `json:"code" doc:"Why it was refused." example:"FORBIDDEN"`
	Count         int64        `json:"count" doc:"How often it was refused in that minute; 1 for what was done." example:"1"`
	Actor         AuditActor   `json:"actor"`
	Target        *AuditTarget `json:"target,omitempty" doc:"Absent for what was refused."`
	Address       *string      `json:"address" doc:"The IP address that the request came from; null once it is no longer kept." example:"203.0.113.7"`
	UserAgent     *string      `json:"userAgent" doc:"Null once it is no longer kept." example:"Mozilla/5.0"`
	RequestID     *string      `json:"requestId" example:"01JD9Z3Q5W8X0V6M2K4T7R1B9C"`
	CorrelationID *string      `json:"correlationId" doc:"Shared by everything that one request set in motion." example:"01JD9Z3Q5W8X0V6M2K4T7R1B9C"`
}

// AuditActor is who acted.
type AuditActor struct {
	Kind   string  `json:"kind" enum:"user,key,system,policy" doc:"A person, an API key, a person who works for the operator, or the system itself." example:"user"`
	ID     string  `json:"id" pattern:"." example:"user_01jd9z3q5we8x9v6m2k4t7r1b9"`
	UserID *string `json:"userId" format:"person-id" pattern:"^(user|sysuser)_[0-7][0-9a-hjkmnp-tv-z]{25}$" doc:"The person behind the actor: for a key, its owner." example:"user_01jd9z3q5we8x9v6m2k4t7r1b9"`
	Name   *string `json:"name" doc:"The person's present name; null for somebody who was erased." example:"Ada Lovelace"`
}

// AuditTarget is what was acted on.
type AuditTarget struct {
	Type string `json:"type" example:"organization"`
	ID   string `json:"id" pattern:"." example:"org_01jd9z3q5we8x9v6m2k4t7r1b9"`
}

func auditEntryOf(e audit.Entry) AuditEntry {
	out := AuditEntry{
		ID: e.ID, Time: Time{e.RecordedAt}, Action: e.Action, Outcome: string(e.Outcome), Code: optional(e.Code), Count: max(e.Times, 1),
		Actor:   AuditActor{Kind: string(e.ActorKind), ID: e.ActorID, UserID: optional(string(e.ActorUserID))},
		Address: optional(e.ClientAddress.Reveal()), UserAgent: optional(e.UserAgent.Reveal()),
		RequestID: optional(e.RequestID), CorrelationID: optional(e.CorrelationID),
	}
	if first, last := e.FirstName.Reveal(), e.LastName.Reveal(); first != "" || last != "" {
		name := first + " " + last
		out.Actor.Name = &name
	}
	if e.TargetType != "" {
		out.Target = &AuditTarget{Type: e.TargetType, ID: e.TargetID}
	}
	return out
}

var auditColumns = []string{
	"id", "time", "action", "outcome", "code", "count", "actorKind", "actorId", "actorUserId", "actorName",
	"targetType", "targetId", "address", "userAgent", "requestId", "correlationId",
}

// cells are an entry as a line of auditColumns.
func (e AuditEntry) cells() []string {
	target := AuditTarget{}
	if e.Target != nil {
		target = *e.Target
	}
	return []string{
		e.ID, e.Time.UTC().Format(timeLayout), e.Action, e.Outcome, textOf(e.Code), strconv.FormatInt(e.Count, 10),
		e.Actor.Kind, e.Actor.ID, textOf(e.Actor.UserID), textOf(e.Actor.Name),
		target.Type, target.ID, textOf(e.Address), textOf(e.UserAgent), textOf(e.RequestID), textOf(e.CorrelationID),
	}
}

var tagAudit = tag{"Audit log", "Who did what in the organization."}

func (a *API) registerAuditLogs() {
	register(a, operation{
		id: "listAuditLogs", method: http.MethodGet, path: "/audit-logs", tag: tagAudit,
		summary: "List audit log",
		description: "Everything that was done in the organization, and what was refused: by whom, to what, when and from where. " +
			"Refusals of one kind by one caller within a minute are one entry with a count. Names vanish when a person is erased; the facts stay. " +
			"Addresses and user agents are kept for " + days(DefaultAuditAddresses) + ", unless the operator chose another time. " +
			"With `format` the whole selection is streamed, without pages.",
		authorization: permitted(access.ReadAuditLog), reads: []string{audit.Name, users.Name}, list: &audit.List,
		produces: []string{mediaCSV, mediaJSONLines}, timeout: auditTimeout, message: "the audit log",
	}, a.listAuditLogs)
}

// auditTimeout bounds the streaming of a whole log.
const auditTimeout = 10 * time.Minute

func days(d time.Duration) string { return strconv.Itoa(int(d/(24*time.Hour))) + " days" }

type auditLogsInput struct {
	ListInput
	From   string `query:"from" doc:"Only entries from this time on: RFC 3339." example:"2025-12-01T00:00:00Z"`
	To     string `query:"to" doc:"Only entries before this time: RFC 3339." example:"2026-01-01T00:00:00Z"`
	Format string `query:"format" enum:"json,csv,jsonl" doc:"csv or jsonl stream the whole selection; json, the default, answers a page." example:"json"`
}

func (a *API) listAuditLogs(ctx context.Context, x *exchange, in *auditLogsInput) (reply[Page[AuditEntry]], error) {
	var wrong failure.Fields
	scope := audit.Scope{
		OrganizationID: x.principal.OrganizationID,
		From:           queryTime(&wrong, "from", in.From), To: queryTime(&wrong, "to", in.To),
		AddressesFrom: time.Now().Add(-a.auditAddresses),
	}
	if err := wrong.Err(); err != nil {
		return reply[Page[AuditEntry]]{}, err
	}
	request := in.request(x)
	if in.Format == "" || in.Format == "json" {
		page, err := a.queries.Audit.List(ctx, scope, request)
		if err != nil {
			return reply[Page[AuditEntry]]{}, err
		}
		return reply[Page[AuditEntry]]{data: pageOf(page, auditEntryOf)}, nil
	}
	entries := func(yield func(AuditEntry, error) bool) {
		for e, err := range a.queries.Audit.Each(ctx, scope, request) {
			if !yield(auditEntryOf(e), err) {
				return
			}
		}
	}
	if in.Format == "jsonl" {
		return reply[Page[AuditEntry]]{raw: jsonLinesOf(entries)}, nil
	}
	return reply[Page[AuditEntry]]{raw: csvOf(auditColumns, func(yield func([]string, error) bool) {
		for e, err := range entries {
			if !yield(e.cells(), err) {
				return
			}
		}
	})}, nil
}

// queryTime reads a time from a query parameter; zero when it is absent.
func queryTime(wrong *failure.Fields, name, value string) time.Time {
	if value == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, value)
	if err != nil {
		wrong.Add(name, input.CodeFormat, "must be an RFC 3339 time, such as 2025-12-31T23:59:59Z")
	}
	return t
}
