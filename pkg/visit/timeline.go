package visit

import (
	"slices"
	"time"
)

// A StepKind names a step of a visit's life. The last step of an ended visit has
// the visit's status as its kind.
type StepKind string

// The steps of a visit that is not over.
const (
	StepStarted   StepKind = "started"
	StepSubmitted StepKind = "submitted" // fee and consent were accepted
	StepQueued    StepKind = "queued"
	StepTaken     StepKind = "taken" // by the visit's holder
	StepAsked     StepKind = "asked" // the latest question
	StepAnswered  StepKind = "answered"
	StepRead      StepKind = "read" // the answer, by the patient's side
)

// A Step is something that happened to a visit, and when.
type Step struct {
	Kind StepKind
	At   time.Time
}

// Timeline lists the steps of v, oldest first, without those that were undone,
// such as an abandoned submission, or the taking of a visit that was given back.
func (v Visit) Timeline() []Step {
	var read time.Time
	if !v.Times.Answered.IsZero() {
		read = v.ReadAt(v.Messages)
	}
	all := []Step{
		{StepStarted, v.Times.Started},
		{StepSubmitted, v.Times.Submitted},
		{StepQueued, v.Times.Queued},
		{StepTaken, v.Times.Taken},
		{StepAsked, v.Times.Asked},
		{StepAnswered, v.Times.Answered},
		{StepRead, read},
		{StepKind(v.Status), v.Times.Ended},
	}
	all = slices.DeleteFunc(all, func(s Step) bool { return s.At.IsZero() })
	slices.SortStableFunc(all, func(a, b Step) int { return a.At.Compare(b.At) }) // an answer may be read after the visit closed
	return all
}
