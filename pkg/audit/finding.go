package audit

import "fmt"

// A Kind is what is wrong with a row or a log.
type Kind string

// The kinds of findings. A row that has another row's bytes is Moved, whether the
// other row is removed, unchanged, or has the bytes of the first.
const (
	Changed  Kind = "changed"  // the row has bytes that no record wrote
	Removed  Kind = "removed"  // the row was written and is not there
	PutBack  Kind = "put back" // the row has bytes that were written before its last
	Moved    Kind = "moved"    // the row has bytes that were written under another key
	Unlogged Kind = "unlogged" // no record names the row
	// LogAltered is for a log whose leaves are not those that were signed.
	LogAltered Kind = "log altered"
)

// A Finding is an error that says where a row or a log differs from what was
// logged.
type Finding struct {
	Kind     Kind
	Key      string // of the row; empty if Kind is LogAltered
	From     string // if Kind is Moved, the key that the bytes were written under
	Position string // of the record concerned
	Detail   string // if Kind is LogAltered, what was seen
}

func (f *Finding) Error() string {
	switch f.Kind {
	case Changed:
		return fmt.Sprintf("%s was changed: its bytes are not those that record %s wrote", f.Key, f.Position)
	case Removed:
		return fmt.Sprintf("%s was removed: record %s wrote it", f.Key, f.Position)
	case PutBack:
		return fmt.Sprintf("%s was put back: record %s wrote a later state", f.Key, f.Position)
	case Moved:
		return fmt.Sprintf("%s was moved or swapped: its bytes were written as %s", f.Key, f.From)
	case Unlogged:
		return fmt.Sprintf("%s is unlogged: no record names it, and it says that record %q does", f.Key, f.Position)
	default:
		return fmt.Sprintf("%s: %s", f.Kind, f.Detail)
	}
}

func logAltered(format string, args ...any) *Finding {
	return &Finding{Kind: LogAltered, Detail: fmt.Sprintf(format, args...)}
}
