// Package user is the aggregate of a person with an account.
package user
