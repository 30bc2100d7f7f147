package visit

// A Reason is a code for why a visit ended. Its words are the same wherever a person
// reads them: on pages, in letters and in the API's description. An empty Reason is
// of a visit that has not ended, or that was closed after its answer.
type Reason string

const (
	// A clinician's, for declining a visit or redirecting it to care in person.
	NeedsExam   Reason = "needs_exam"
	NeedsTests  Reason = "needs_tests"
	Emergency   Reason = "emergency" // of a diversion, too
	NotSuitable Reason = "not_suitable"
	OutOfScope  Reason = "out_of_scope"
	Duplicate   Reason = "duplicate"
	Other       Reason = "other"

	// Of an expired visit.
	Unanswered Reason = "unanswered"
	NoReply    Reason = "no_reply"
	HoldLost   Reason = "hold_lost"

	ByPatient Reason = "by_patient" // of a cancelled visit

	// Of a diverted visit, as is Emergency.
	Urgent     Reason = "urgent"
	Ineligible Reason = "ineligible"
	Private    Reason = "private" // of one that others in the patient's home must find no trace of
)

// TurnAwayReasons are the reasons that a clinician can choose, in the order in which
// they are offered.
var TurnAwayReasons = []Reason{NeedsExam, NeedsTests, Emergency, NotSuitable, OutOfScope, Duplicate, Other}

// reasonWords are the words of every reason: for the patient, a sentence; for the
// desk, the end of "Why: …".
var reasonWords = map[Reason]struct{ patient, desk string }{
	NeedsExam:   {"You need to be examined.", "needs an examination"},
	NeedsTests:  {"You need tests first.", "needs tests first"},
	Emergency:   {"You need emergency care.", "needs emergency care"},
	NotSuitable: {"Your problem is not suited to an e-visit.", "not suited to an e-visit"},
	OutOfScope:  {"The practice does not treat this.", "outside what this practice treats"},
	Duplicate:   {"You sent the same request twice.", "sent twice"},
	Other:       {"The reason is in the message to you.", "another reason, told in the message"},

	Unanswered: {"Nobody could answer your request in time. We are sorry.", "nobody answered in time"},
	NoReply:    {"We had a question and did not hear from you in time.", "the patient did not reply in time"},
	HoldLost:   {"The hold on your card ended before you were answered.", "the hold on the card ended before the answer"},

	ByPatient: {"You cancelled this request.", "cancelled by the patient"},

	Urgent:     {"You need to be seen in person today.", "needs to be seen in person today"},
	Ineligible: {"An e-visit is not right for this.", "not eligible for an e-visit"},
	Private:    {"You were shown where to turn.", "urgent and private: call only the number given for it"},
}

// ForPatient returns r as a sentence to the patient; empty for an empty r.
func (r Reason) ForPatient() string { return reasonWords[r].patient }

// ForDesk returns r in words for those who work at the practice; empty for an empty r.
func (r Reason) ForDesk() string { return reasonWords[r].desk }
