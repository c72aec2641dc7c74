package access

import (
	"slices"
	"strings"
)

// Permission is a row of the permission table of the HTTP contract: a right in
// the organization acted in, or one of the system's.
type Permission string

// The permissions in an organization.
const (
	ReadOrganization       Permission = "organization:read"
	UpdateOrganization     Permission = "organization:update"
	DisposeOrganization    Permission = "organization:dispose" // delete, restore, purge
	ExportOrganization     Permission = "organization:export"
	TransferOwnership      Permission = "organization:transfer"
	LeaveOrganization      Permission = "organization:leave"
	ManageMembers          Permission = "members:manage"
	ReadOwnFiles           Permission = "files:read"
	WriteOwnFiles          Permission = "files:write"
	ReadFilesOfOthers      Permission = "files-of-others:read"
	WriteFilesOfOthers     Permission = "files-of-others:write"
	ListFilesOfOthers      Permission = "files-of-others:list" // what is known of them, not their content
	ManageOwnKeys          Permission = "own-keys:manage"
	ManageOrganizationKeys Permission = "organization-keys:manage"
	RevokeKeys             Permission = "keys:revoke" // anybody's and the organization's
	ReadTokens             Permission = "tokens:read"
	ReadTokensOfOthers     Permission = "tokens-of-others:read" // otherwise only the use by the caller
	AdjustTokens           Permission = "tokens:adjust"
	Checkout               Permission = "payments:checkout"
	ReadAuditLog           Permission = "audit:read"
	// SpendTokens and GrantTokens belong to no role: only policies declare them.
	SpendTokens Permission = "tokens:spend"
	GrantTokens Permission = "tokens:grant"
	// WorkOnFiles belongs to no role: only policies and workers declare it.
	WorkOnFiles Permission = "files:work"
)

// table is the permission table of the HTTP contract. An x stands for yes, a dot
// for no. In the columns of the keys an x says that the scope can grant it; a
// user's key has it only while the owner's role has it too. ManageMembers and
// TransferOwnership are judged by the organization as well, by rank: see package
// organization.
var table = map[Permission]row{
	//                        o a b m v     user org     admin finance support
	//                                      key  key
	ReadOrganization:       {"x x x x x", "   x   x", "     x    x     x", ScopeReadOrganization},
	UpdateOrganization:     {"x x . . .", "   .   .", "     x    .     .", ""},
	DisposeOrganization:    {"x . . . .", "   .   .", "     x    .     .", ""},
	ExportOrganization:     {"x . . . .", "   .   .", "     .    .     .", ""},
	TransferOwnership:      {"x . . . .", "   .   .", "     .    .     .", ""},
	LeaveOrganization:      {"x x x x x", "   .   .", "     .    .     .", ""},
	ManageMembers:          {"x x . . .", "   .   .", "     x    .     .", ""},
	ReadOwnFiles:           {"x x . x x", "   x   x", "     .    .     .", ScopeReadFiles},
	WriteOwnFiles:          {"x x . x .", "   x   x", "     .    .     .", ScopeWriteFiles},
	ReadFilesOfOthers:      {"x x . . x", "   .   x", "     .    .     .", ScopeReadFiles},
	WriteFilesOfOthers:     {"x x . . .", "   .   x", "     .    .     .", ScopeWriteFiles},
	ListFilesOfOthers:      {"x x . . x", "   .   x", "     x    x     x", ScopeReadFiles},
	ManageOwnKeys:          {"x x . x .", "   .   .", "     .    .     .", ""},
	ManageOrganizationKeys: {"x x . . .", "   .   .", "     .    .     .", ""},
	RevokeKeys:             {"x x . . .", "   .   .", "     x    x     .", ""},
	ReadTokens:             {"x x x x x", "   x   x", "     .    x     x", ScopeReadTokens},
	ReadTokensOfOthers:     {"x x x . x", "   x   x", "     .    x     x", ScopeReadTokens},
	AdjustTokens:           {". . . . .", "   .   .", "     .    x     .", ""},
	SpendTokens:            {". . . . .", "   .   .", "     .    .     .", ""},
	GrantTokens:            {". . . . .", "   .   .", "     .    .     .", ""},
	WorkOnFiles:            {". . . . .", "   .   .", "     .    .     .", ""},
	Checkout:               {"x x x . .", "   .   x", "     .    .     .", ScopeCheckout},
	ReadAuditLog:           {"x x . . .", "   .   x", "     x    x     x", ScopeReadAuditLog},
}

// The permissions of the system, which need no organization.
const (
	ApprovePayouts    Permission = "payouts:approve"
	ManagePayments    Permission = "payments:manage" // refund, release and reject
	ManageSystemUsers Permission = "system-users:manage"
	EraseUsers        Permission = "users:erase"
	ReadOperations    Permission = "operations:read" // projections, policies, jobs
	ManageOperations  Permission = "operations:manage"
	// FollowPayments belongs to no role: only policies declare it.
	FollowPayments Permission = "payments:follow"
	// FollowReferrals belongs to no role either.
	FollowReferrals Permission = "referrals:follow"
)

// systemTable is the table of the system's permissions.
var systemTable = map[Permission]row{
	//                                      admin finance support
	ApprovePayouts:    {system: "     .    x     ."},
	ManagePayments:    {system: "     .    x     ."},
	ManageSystemUsers: {system: "     x    .     ."},
	EraseUsers:        {system: "     x    .     ."},
	ReadOperations:    {system: "     x    .     x"},
	ManageOperations:  {system: "     x    .     ."},
	FollowPayments:    {system: "     .    .     ."},
	FollowReferrals:   {system: "     .    .     ."},
}

// row is a permission's row: in each text an x for each who has it.
type row struct {
	members string // in the order of Roles
	keys    string // in the order of keyKinds
	system  string // in the order of SystemRoles
	scope   Scope  // that a key needs
}

var keyKinds = []Kind{KindUserKey, KindOrganizationKey}

// rowOf finds a permission's row, and whether it is one of the system's.
func rowOf(perm Permission) (r row, ofSystem bool) {
	if r, ofSystem = systemTable[perm]; ofSystem {
		return r, true
	}
	return table[perm], false
}

// marked reports whether the i-th mark of a text is an x.
func marked(text string, i int) bool {
	for at := range len(text) {
		if text[at] == ' ' {
			continue
		}
		if i == 0 {
			return text[at] == 'x'
		}
		i--
	}
	return false
}

// May reports whether members of this role have a permission.
func (r Role) May(perm Permission) bool {
	i := slices.Index(Roles(), r)
	return i >= 0 && marked(table[perm].members, i)
}

// May reports whether system users of this role have a permission.
func (r SystemRole) May(perm Permission) bool {
	row, _ := rowOf(perm)
	i := slices.Index(SystemRoles(), r)
	return i >= 0 && marked(row.system, i)
}

// Kinds returns the kinds of principal some of whom can have a permission.
// Policies are not among them: they have what they declare.
func (perm Permission) Kinds() []Kind {
	row, _ := rowOf(perm)
	var kinds []Kind
	if strings.Contains(row.members, "x") {
		kinds = append(kinds, KindUser)
	}
	for i, kind := range keyKinds {
		if marked(row.keys, i) {
			kinds = append(kinds, kind)
		}
	}
	if strings.Contains(row.system, "x") {
		kinds = append(kinds, KindSystem)
	}
	return kinds
}

// Permissions returns all permissions, in no particular order.
func Permissions() []Permission {
	var all []Permission
	for perm := range table {
		all = append(all, perm)
	}
	for perm := range systemTable {
		all = append(all, perm)
	}
	return all
}
