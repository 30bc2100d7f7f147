// Package heads names the objects of the bucket that are signed heads of logs.
// The bucket lets no object be overwritten or deleted. The latest head of a log
// sorts first. Writing heads is package sweep, reading them verify.
package heads

import (
	"fmt"
	"hash/fnv"
	"time"
)

// All begins the keys of all heads. The practice and a slash follow.
const All = "heads/"

// Prefix begins the keys of all heads of a practice's log.
func Prefix(practice string) string { return All + practice + "/" }

// farHour, in hours since 1970, is later than any hour of a head.
const farHour = 9_999_999

// Key names the head of a practice's log that was kept in the hour of t.
func Key(practice string, t time.Time) string {
	return fmt.Sprintf("%s%07d-%s", Prefix(practice), farHour-t.Unix()/3600, t.UTC().Format("20060102T15"))
}

// Upto returns the key at or after which, in the order of keys, are the heads
// kept in the hour of t or before.
func Upto(practice string, t time.Time) string {
	return fmt.Sprintf("%s%07d", Prefix(practice), farHour-t.Unix()/3600)
}

// HourOf returns the hour of the day, from 0 to 23, in which a practice's log is
// looked at whether or not anything says that it was written to.
func HourOf(practice string) int {
	const hours = 24
	h := fnv.New32a()
	_, _ = h.Write([]byte(practice))
	return int(h.Sum32() % hours)
}
