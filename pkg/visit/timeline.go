package visit

import (
	"slices"
	"time"
)

// A StepKind names a step of a visit's life. A visit that is over has its status
// as the kind of its last step.
type StepKind string

// The steps of a visit that is not over.
const (
	StepStarted   StepKind = "started"
	StepSubmitted StepKind = "submitted" // fee and consent were accepted
	StepQueued    StepKind = "queued"
	StepTaken     StepKind = "taken"
	StepAsked     StepKind = "asked" // the latest question
	StepAnswered  StepKind = "answered"
	StepRead      StepKind = "read" // the answer, by the patient's side
)

// A Step is something that happened to a visit, and when.
type Step struct {
	Kind StepKind
	At   time.Time
}

// Timeline lists what happened to v, oldest first. A step that was undone, such
// as an abandoned submission, is not among them.
func (v Visit) Timeline() []Step {
	all := []Step{
		{StepStarted, v.Times.Started},
		{StepSubmitted, v.Times.Submitted},
		{StepQueued, v.Times.Queued},
		{StepTaken, v.Times.Taken},
		{StepAsked, v.Times.Asked},
		{StepAnswered, v.Times.Answered},
	}
	if !v.Times.Answered.IsZero() {
		all = append(all, Step{StepRead, v.ReadAt(v.Messages)})
	}
	all = append(all, Step{StepKind(v.Status), v.Times.Ended})
	all = slices.DeleteFunc(all, func(s Step) bool { return s.At.IsZero() })
	slices.SortStableFunc(all, func(a, b Step) int { return a.At.Compare(b.At) }) // an answer may be read after it closed
	return all
}

// Unread reports whether the practice wrote something that the patient's side
// has not read.
func (v Visit) Unread() bool { return v.FromTeam > 0 && v.ReadAt(v.Messages).IsZero() }
