package practice

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

// zones are the locations loaded so far, by name. A zone's rules do not change
// while the process runs, and loading one reads and parses a file.
var zones sync.Map

// Zone returns the location of an IANA name such as America/Chicago. An empty
// name, "Local" and a name with a blank are refused: a wrong name must not count
// days or write times in another zone.
func Zone(name string) (*time.Location, error) {
	if z, ok := zones.Load(name); ok {
		return z.(*time.Location), nil
	}
	if name == "" || name == "Local" || strings.ContainsAny(name, " \t\r\n") {
		return nil, fmt.Errorf("practice: %q is no IANA time zone", name)
	}
	z, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("practice: %q is no IANA time zone: %w", name, err)
	}
	zones.Store(name, z)
	return z, nil
}

// Location returns the time zone of the practice's days and hours.
func (p Practice) Location() (*time.Location, error) { return Zone(p.Zone) }

// Local writes a time in the practice's zone, which it names: 26 November 2026, 14:05
// PST. A practice without a zone that exists is neither written nor read, so UTC, which
// the text would name, is for values made otherwise.
func (p Practice) Local(t time.Time) string {
	zone, err := p.Location()
	if err != nil {
		zone = time.UTC
	}
	return t.In(zone).Format("2 January 2006, 15:04 MST")
}
