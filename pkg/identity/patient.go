package identity

import (
	"cmp"
	"slices"
	"time"

	"evisit/pkg/phi"
)

// A Patient is a person whom visits are about, as one practice knows them.
type Patient struct {
	ID       string  `json:"id"`
	Practice string  `json:"practice"`
	Contact  Contact `json:"-"` // stored sealed
	// Edition is how often Contact was replaced; 0: it is the first. Contact is sealed
	// for its edition, so that an earlier one that is put back does not open.
	Edition int `json:"edition,omitempty"`
	// Person signs in as the patient; empty: nobody does yet.
	Person string `json:"person,omitempty"`
	// Came is how the patient came to be known, At when, and By who entered them.
	Came Way       `json:"came,omitempty"`
	At   time.Time `json:"at,omitzero"`
	By   string    `json:"by,omitempty"`
	// Import is the file that the patient is a line of; empty if none.
	Import string `json:"import,omitempty"`
	// Verified is by whom and when at the practice the patient was matched to a person;
	// zero: by nobody yet.
	Verified Deed     `json:"verified,omitzero"`
	Standing Standing `json:"standing,omitzero"`
	// Discount is what the practice takes off its prices for the patient; zero: nothing.
	Discount Discount `json:"discount,omitzero"`
	// Seen is the day of the last professional service in person (guideline G23); zero:
	// it is not known.
	Seen time.Time `json:"seen,omitzero"`
	// Into is the patient whose double this record is; empty: of nobody that is known.
	Into string `json:"into,omitempty"`
	// Coverages is how many health plans were entered for the patient, ended ones too: a
	// coverage that is missing was removed by somebody else.
	Coverages int `json:"coverages,omitempty"`
	// Public is set once a plan of Medicare or Medicaid was entered for the patient: such a plan
	// may have to be billed in place of the patient. Of nobody else a price asks that.
	Public  bool `json:"public,omitempty"`
	Version int  `json:"-"`
}

// A Deed is who did something, and when.
type Deed struct {
	By string    `json:"by"`
	At time.Time `json:"at"`
}

// A Way is how a patient came to be known to a practice.
type Way string

// How patients come. The empty Way is of those whom the system registered.
const (
	ByStaff Way = "staff" // entered at the practice
	ByPage  Way = "page"  // by themselves, on the practice's public page
	ByFile  Way = "file"
)

// A Standing is whether a patient may use online visits (guideline G14). The zero
// Standing is active.
type Standing struct {
	State  StandingState `json:"state,omitempty"`
	Reason Ground        `json:"reason,omitempty"`
	By     string        `json:"by,omitempty"`
	At     time.Time     `json:"at,omitzero"`
}

// A StandingState is one of three.
type StandingState string

// How a patient may stand.
const (
	Active    StandingState = ""
	Warned    StandingState = "warned"    // is told so, and may do all
	Suspended StandingState = "suspended" // starts no clinical request

	noStanding StandingState = "none" // of a word that names none; nobody stands so
)

// StandingOf returns the state that a word names: active, warned or suspended. What it
// returns for any other word is not Known.
func StandingOf(word string) StandingState {
	for _, s := range []StandingState{Active, Warned, Suspended} {
		if word == s.Word() {
			return s
		}
	}
	return noStanding
}

// Word returns the word that names s.
func (s StandingState) Word() string { return cmp.Or(string(s), "active") }

// Known reports whether s is one of the three.
func (s StandingState) Known() bool { return s == Active || s == Warned || s == Suspended }

// A Ground is why a patient is warned or suspended.
type Ground string

// Why a patient is warned or suspended.
const (
	Misuse     Ground = "misuse"      // urgent matters, or those of somebody else
	Abuse      Ground = "abuse"       // of the people who answer
	Unpaid     Ground = "unpaid"      // fees are owed
	InPerson   Ground = "in_person"   // must be seen before more is answered
	NotPatient Ground = "not_patient" // the practice does not know this person
	Double     Ground = "double"      // the record is a double of another
)

// Grounds are those that people of a practice may give.
var Grounds = []Ground{Misuse, Abuse, Unpaid, InPerson, NotPatient}

// Foreign reports whether g says that the record is not of a patient of the practice.
func (g Ground) Foreign() bool { return g == NotPatient || g == Double }

// groundWords say why, for the patient.
var groundWords = map[Ground]string{
	Misuse: "they were used for what they are not for", Abuse: "of how the people who answer were written to", Unpaid: "fees are owed",
	InPerson: "the practice must see the patient first", NotPatient: "the practice does not know this person as its patient",
	Double: "the practice keeps another record of the same person",
}

// Words say why, for the patient.
func (g Ground) Words() string { return groundWords[g] }

// Known reports whether g is one of Grounds.
func (g Ground) Known() bool { return slices.Contains(Grounds, g) }

// EstablishedAt reports whether p was seen in person in the months before now.
func (p Patient) EstablishedAt(now time.Time, months int) bool {
	return !p.Seen.IsZero() && !p.Seen.AddDate(0, months, 0).Before(now.Truncate(24*time.Hour))
}

// Contact data identify a person; they are sealed at rest and print as
// [redacted].
type Contact struct {
	Name  phi.Text  `json:"name"`
	Email phi.Text  `json:"email"`
	Phone phi.Text  `json:"phone,omitempty"`
	Birth time.Time `json:"birth,omitzero"`
	Sex   string    `json:"sex,omitempty"` // female, male, other, unknown (FHIR administrative gender)
}
