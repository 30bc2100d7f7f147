// Package heads names the objects in which signed heads of logs are kept, where
// nothing can be written over or deleted. Their keys sort the latest first.
package heads

import (
	"fmt"
	"time"
)

// All begins the keys of all heads. What follows is whose log it is, and a slash.
const All = "heads/"

// Prefix begins the keys of all heads of a practice's log.
func Prefix(practice string) string { return All + practice + "/" }

// farHour is an hour after all that are counted from it, in hours since 1970.
const farHour = 9_999_999

// Key names the head of a practice's log that was kept in the hour of t.
func Key(practice string, t time.Time) string {
	return fmt.Sprintf("%s%07d-%s", Prefix(practice), farHour-t.Unix()/3600, t.UTC().Format("20060102T15"))
}

// Upto begins, in the order of their keys, the heads that were kept in the hour
// of t or before.
func Upto(practice string, t time.Time) string {
	return fmt.Sprintf("%s%07d", Prefix(practice), farHour-t.Unix()/3600)
}
