package protocol

import "evisit/pkg/intake"

// A Library is what a practice may begin with: the common block of every form, and
// protocols to adopt and edit.
type Library struct {
	Common    *intake.Questionnaire
	Protocols []Entry
}

// An Entry is a protocol of a library.
type Entry struct {
	Name   string
	Source Source
}

// Find returns the protocol of that name; false if there is none.
func (l Library) Find(name string) (Entry, bool) {
	for _, e := range l.Protocols {
		if e.Name == name {
			return e, true
		}
	}
	return Entry{}, false
}
