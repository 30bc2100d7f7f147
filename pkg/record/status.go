package record

import "evisit/pkg/visit"

// StatusWords says to a patient where a visit stands.
func StatusWords(s visit.Status) string {
	switch s {
	case visit.Draft:
		return "Not sent yet"
	case visit.AwaitingPayment:
		return "Waiting for your payment"
	case visit.Queued:
		return "Waiting to be read"
	case visit.InReview:
		return "Being read"
	case visit.AwaitingPatient:
		return "Waiting for your reply"
	case visit.Answered:
		return "Answered"
	case visit.Closed:
		return "Answered and closed"
	case visit.Diverted:
		return "Stopped for your safety"
	case visit.Cancelled:
		return "Cancelled"
	case visit.Declined:
		return "Declined"
	case visit.Redirected:
		return "Please be seen in person"
	case visit.Expired:
		return "Ended without an answer"
	case visit.Deleted:
		return "Deleted"
	}
	return string(s)
}

// StepWords says to anybody what a step of v was.
func StepWords(kind visit.StepKind, v visit.Visit) string {
	switch kind {
	case visit.StepStarted:
		return "Started"
	case visit.StepSubmitted:
		return "Fee and terms accepted"
	case visit.StepQueued:
		return "Received"
	case visit.StepTaken:
		return "Taken by " + v.Holder.Display
	case visit.StepAsked:
		return "Question asked"
	case visit.StepAnswered:
		return "Answered"
	case visit.StepRead:
		return "Answer read"
	}
	return StatusWords(visit.Status(kind))
}
