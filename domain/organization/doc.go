// Package organization is the aggregate of an organization and its members.
package organization
