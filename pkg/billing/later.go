package billing

import (
	"time"

	"evisit/pkg/fault"
	"evisit/pkg/money"
)

// A LaterCharge is a patient's agreement that the card whose hold ends before they are
// answered is held again, or charged for the answer, without them. Card networks ask that
// they were told when, and how much at most, and that they agreed before.
type LaterCharge struct {
	Words string    `json:"words"` // the version of what they read: LaterWords
	At    time.Time `json:"at"`
}

// Suffix ends the name of the payment page of who agreed: the page keeps the card, so it is
// another page than without the agreement.
func (l LaterCharge) Suffix() string {
	if l.Words == "" {
		return ""
	}
	return "-later"
}

// LaterWords is the version of LaterText. Who changes the text changes the version; of the
// earlier ones, what they said is in this file's history.
const LaterWords = "1"

// LaterText says what a patient agrees to about a request that costs up to amount.
func LaterText(amount money.Cents) string {
	return "If the hold on my card runs out before I am answered, the practice may hold or charge this card again for this request, " +
		"no more than " + amount.String() + ", and charges it only once I am answered."
}

// AgreeLater returns the agreement to the words of a version, which the patient read; the
// zero LaterCharge for none.
func AgreeLater(words string, now time.Time) (LaterCharge, error) {
	switch words {
	case "":
		return LaterCharge{}, nil
	case LaterWords:
		return LaterCharge{Words: words, At: now}, nil
	}
	return LaterCharge{}, fault.New(fault.Conflict, "later_words_replaced",
		"what is agreed to about charging the card later has changed; read the new words, and agree to them or leave them out")
}
