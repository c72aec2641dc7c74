package statistics

import (
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/file"
	"github.com/perfectworks/backend/projections"
)

// fileCounts are the reducers of what happens to files. An event says what it
// changes from and to, so that each number can be moved by it alone.
func fileCounts() projections.Reducers {
	return projections.Join(
		projections.On(func(e file.Registered, _ event.Recorded) []change {
			return []change{add(e.OrganizationID, moved("", file.Uploaded, row{ofType(file.Original): 1, "bytes": e.Content.Size}))}
		}),
		projections.On(func(e file.Derived, _ event.Recorded) []change {
			return []change{add(e.OrganizationID, moved("", file.Processing, row{ofType(e.Type): 1}))}
		}),
		projections.On(func(e file.AnalysisRequested, _ event.Recorded) []change {
			return []change{add(e.OrganizationID, moved(e.Was, file.Processing, row{}))}
		}),
		projections.On(func(e file.Analyzed, _ event.Recorded) []change {
			return []change{add(e.OrganizationID, moved(file.Processing, file.Processed, row{"pages_processed": e.Done.Pages}))}
		}),
		projections.On(func(e file.Remediated, _ event.Recorded) []change {
			return []change{add(e.OrganizationID, row{"pages_processed": e.Done.Pages})}
		}),
		projections.On(func(e file.DocumentConverted, _ event.Recorded) []change {
			return []change{add(e.OrganizationID, row{"pages_processed": e.Done.Pages})}
		}),
		projections.On(func(e file.OperationFailed, _ event.Recorded) []change {
			if e.Kind != file.Analysis {
				return nil
			}
			return []change{add(e.OrganizationID, moved(file.Processing, e.Status, row{}))}
		}),
		projections.On(func(e file.Delivered, _ event.Recorded) []change {
			return []change{add(e.OrganizationID, moved(file.Processing, file.Processed, row{"bytes": e.Content.Size}))}
		}),
		projections.On(func(e file.DeliveryFailed, _ event.Recorded) []change {
			return []change{add(e.OrganizationID, moved(file.Processing, file.Failed, row{}))}
		}),
		projections.On(func(e file.Removed, _ event.Recorded) []change {
			return []change{add(e.OrganizationID, moved(e.Was, file.Deleted, row{ofType(e.Type): -1, "bytes": -e.Size}))}
		}),
	)
}

// moved adds to changes that a file goes from one status to another; from nothing
// when it is new.
func moved(from, to file.Status, changes row) row {
	if from != "" {
		changes["files_"+string(from)] = -1
	}
	changes["files_"+string(to)] = 1
	if from == to {
		delete(changes, "files_"+string(from))
	}
	return changes
}

func ofType(t file.Type) string { return "files_" + string(t) }
