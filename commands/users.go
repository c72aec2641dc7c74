package commands

import "github.com/perfectworks/backend/domain/user"

// UserCommands are the use cases of a user's own account.
type UserCommands struct {
	RegisterUser             Handler[RegisterUser, RegisteredUser]
	FollowEmail              Handler[FollowEmail, user.State]
	UpdateUserProfile        Handler[UpdateUserProfile, user.State]
	SwitchActiveOrganization Handler[SwitchActiveOrganization, SwitchedOrganization]
	LeaveActiveOrganization  Handler[LeaveActiveOrganization, user.State]
}

func (x *executor) userCommands(o Observer) UserCommands {
	return UserCommands{
		RegisterUser:             observed(o, "RegisterUser", x.registerUser),
		FollowEmail:              observed(o, "FollowEmail", x.followEmail),
		UpdateUserProfile:        observed(o, "UpdateUserProfile", x.updateUserProfile),
		SwitchActiveOrganization: observed(o, "SwitchActiveOrganization", x.switchActiveOrganization),
		LeaveActiveOrganization:  observed(o, "LeaveActiveOrganization", x.leaveActiveOrganization),
	}
}
