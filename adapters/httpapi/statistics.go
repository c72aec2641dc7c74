package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/projections/statistics"
)

// OrganizationStatistics are an organization in numbers.
type OrganizationStatistics struct {
	Members            int64           `json:"members" example:"12"`
	PendingInvitations int64           `json:"pendingInvitations" doc:"Invitations that can still be accepted." example:"2"`
	Files              FileCounts      `json:"files"`
	Bytes              int64           `json:"bytes" doc:"Size of all files that are not deleted, in bytes." example:"73400320"`
	PagesProcessed     int64           `json:"pagesProcessed" example:"418"`
	Tokens             TokenStatistics `json:"tokens"`
	APIKeys            int64           `json:"apiKeys" doc:"Keys that were not revoked and have not expired." example:"3"`
	AsOf               Time            `json:"asOf" doc:"The time to which the numbers apply."`
}

// FileCounts are numbers of files.
type FileCounts struct {
	Total    int64        `json:"total" doc:"All files that are not deleted." example:"40"`
	ByStatus FileStatuses `json:"byStatus"`
	ByType   FileTypes    `json:"byType" doc:"Files that are not deleted, by type."`
}

// FileStatuses are numbers of files by status.
type FileStatuses struct {
	Uploaded   int64 `json:"uploaded" example:"4"`
	Processing int64 `json:"processing" example:"1"`
	Processed  int64 `json:"processed" example:"34"`
	Failed     int64 `json:"failed" example:"1"`
	Deleted    int64 `json:"deleted" example:"6"`
}

// FileTypes are numbers of files by type.
type FileTypes struct {
	Original   int64 `json:"original" example:"22"`
	Accessible int64 `json:"accessible" example:"16"`
	Converted  int64 `json:"converted" example:"2"`
}

// TokenStatistics are numbers of tokens.
type TokenStatistics struct {
	Available int64 `json:"available" doc:"Tokens that can be spent." example:"1582"`
	Held      int64 `json:"held" doc:"Tokens that are reserved by operations under way." example:"24"`
	Frozen    int64 `json:"frozen" doc:"Tokens that cannot be spent while their payment is disputed." example:"0"`
	Consumed  int64 `json:"consumed" doc:"All tokens that were ever spent." example:"418"`
	Debt      int64 `json:"debt" doc:"Tokens that are owed: new ones repay them first." example:"0"`
}

func (a *API) registerStatistics() {
	register(a, operation{
		id: "getCurrentOrganizationStatistics", method: http.MethodGet, path: "/organizations/current/statistics", tag: tagOrganizations,
		summary: "Get statistics of active organization", description: "The active organization in numbers.",
		authorization: permitted(access.ReadOrganization),
		reads:         []string{statistics.Name}, message: "the statistics of the active organization",
	}, a.getStatistics)
}

func (a *API) getStatistics(ctx context.Context, x *exchange, _ *struct{}) (reply[OrganizationStatistics], error) {
	now := time.Now().UTC().Truncate(time.Millisecond)
	s, err := a.queries.Statistics.Of(ctx, x.principal.OrganizationID, now)
	if err != nil {
		return reply[OrganizationStatistics]{}, err
	}
	return reply[OrganizationStatistics]{data: OrganizationStatistics{
		Members: s.Members, PendingInvitations: s.PendingInvitations, APIKeys: s.APIKeys,
		Files: FileCounts{
			Total: s.FilesOriginal + s.FilesAccessible + s.FilesConverted,
			ByStatus: FileStatuses{
				Uploaded: s.FilesUploaded, Processing: s.FilesProcessing, Processed: s.FilesProcessed,
				Failed: s.FilesFailed, Deleted: s.FilesDeleted,
			},
			ByType: FileTypes{Original: s.FilesOriginal, Accessible: s.FilesAccessible, Converted: s.FilesConverted},
		},
		Bytes: s.Bytes, PagesProcessed: s.PagesProcessed,
		Tokens: TokenStatistics{
			Available: s.TokensAvailable, Held: s.TokensHeld, Frozen: s.TokensFrozen, Consumed: s.TokensConsumed, Debt: s.TokensDebt,
		},
		AsOf: Time{now},
	}}, nil
}
