package commands

import "github.com/perfectworks/backend/domain/organization"

// OrganizationCommands are the use cases of organizations.
type OrganizationCommands struct {
	CreateOrganization Handler[CreateOrganization, CreatedOrganization]
	UpdateOrganization Handler[UpdateOrganization, organization.State]
}

func (x *executor) organizationCommands(o Observer) OrganizationCommands {
	return OrganizationCommands{
		CreateOrganization: observed(o, "CreateOrganization", x.createOrganization),
		UpdateOrganization: observed(o, "UpdateOrganization", x.updateOrganization),
	}
}
