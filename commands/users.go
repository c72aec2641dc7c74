package commands

import (
	"github.com/perfectworks/backend/domain/erasure"
	"github.com/perfectworks/backend/domain/user"
)

// UserCommands are the use cases of a user's own account.
type UserCommands struct {
	RegisterUser             Handler[RegisterUser, RegisteredUser]
	FollowEmail              Handler[FollowEmail, user.State]
	UpdateUserProfile        Handler[UpdateUserProfile, user.State]
	SwitchActiveOrganization Handler[SwitchActiveOrganization, SwitchedOrganization]
	LeaveActiveOrganization  Handler[LeaveActiveOrganization, user.State]

	DeactivateUser Handler[DeactivateUser, user.State]
	RestoreUser    Handler[RestoreUser, user.State]
	SettleStanding Handler[SettleStanding, user.State]

	EraseUser         Handler[EraseUser, erasure.State]
	EraseDueUser      Handler[EraseDueUser, erasure.State]
	FinishUserErasure Handler[FinishUserErasure, erasure.State]
	RepeatUserErasure Handler[RepeatUserErasure, erasure.State]
}

func (x *executor) userCommands(o Observer) UserCommands {
	return UserCommands{
		RegisterUser:             observed(o, "RegisterUser", x.registerUser),
		FollowEmail:              observed(o, "FollowEmail", x.followEmail),
		UpdateUserProfile:        observed(o, "UpdateUserProfile", x.updateUserProfile),
		SwitchActiveOrganization: observed(o, "SwitchActiveOrganization", x.switchActiveOrganization),
		LeaveActiveOrganization:  observed(o, "LeaveActiveOrganization", x.leaveActiveOrganization),

		DeactivateUser: observed(o, "DeactivateUser", x.deactivateUser),
		RestoreUser:    observed(o, "RestoreUser", x.restoreUser),
		SettleStanding: observed(o, "SettleStanding", x.settleStandingOf),

		EraseUser:         observed(o, "EraseUser", x.eraseUser),
		EraseDueUser:      observed(o, "EraseDueUser", x.eraseDueUser),
		FinishUserErasure: observed(o, "FinishUserErasure", x.finishErasureOfUser),
		RepeatUserErasure: observed(o, "RepeatUserErasure", x.repeatUserErasure),
	}
}
