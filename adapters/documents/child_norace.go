//go:build !race

package documents

var detector []string // There is none.
