package commands

import "github.com/perfectworks/backend/domain/organization"

// MemberCommands are the use cases of an organization's members.
type MemberCommands struct {
	SuspendMember   Handler[SuspendMember, organization.State]
	ReinstateMember Handler[ReinstateMember, organization.State]
}

func (x *executor) memberCommands(o Observer) MemberCommands {
	return MemberCommands{
		SuspendMember:   observed(o, "SuspendMember", x.suspendMember),
		ReinstateMember: observed(o, "ReinstateMember", x.reinstateMember),
	}
}
