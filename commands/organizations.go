package commands

import "github.com/perfectworks/backend/domain/organization"

// OrganizationCommands are the use cases of organizations.
type OrganizationCommands struct {
	CreateOrganization Handler[CreateOrganization, CreatedOrganization]
	UpdateOrganization Handler[UpdateOrganization, organization.State]

	DeleteOrganization   Handler[DeleteOrganization, organization.State]
	RestoreOrganization  Handler[RestoreOrganization, organization.State]
	PurgeOrganization    Handler[PurgeOrganization, PurgedOrganization]
	PurgeDueOrganization Handler[PurgeDueOrganization, PurgedOrganization]

	FinishOrganizationErasure Handler[FinishOrganizationErasure, PurgedOrganization]
	RepeatOrganizationErasure Handler[RepeatOrganizationErasure, PurgedOrganization]
}

func (x *executor) organizationCommands(o Observer) OrganizationCommands {
	return OrganizationCommands{
		CreateOrganization: observed(o, "CreateOrganization", x.createOrganization),
		UpdateOrganization: observed(o, "UpdateOrganization", x.updateOrganization),

		DeleteOrganization:   observed(o, "DeleteOrganization", x.deleteOrganization),
		RestoreOrganization:  observed(o, "RestoreOrganization", x.restoreOrganization),
		PurgeOrganization:    observed(o, "PurgeOrganization", x.purgeOrganization),
		PurgeDueOrganization: observed(o, "PurgeDueOrganization", x.purgeDueOrganization),

		FinishOrganizationErasure: observed(o, "FinishOrganizationErasure", x.finishErasureOfOrganization),
		RepeatOrganizationErasure: observed(o, "RepeatOrganizationErasure", x.repeatOrganizationErasure),
	}
}
