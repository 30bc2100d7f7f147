package claim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"evisit/pkg/civil"
	"evisit/pkg/coding"
	"evisit/pkg/coding/icd"
	"evisit/pkg/coverage"
	"evisit/pkg/fault"
	"evisit/pkg/money"
	"evisit/pkg/x12/p837"
)

// A Record is where what is wrong with a claim is put right.
type Record string

// The records.
const (
	OfClaim     Record = "claim" // its diagnoses, lines and charge, and what is to be done with it
	OfVisit     Record = "visit" // the facts that coding asks for
	OfPractice  Record = "practice"
	OfClinician Record = "clinician"
	OfPatient   Record = "patient"
	OfCoverage  Record = "coverage"
	OfPayer     Record = "payer"
)

// A Problem keeps a claim from being sent, or is why it was rejected. Where is the field, by the
// names of package p837 joined by slashes, such as subscriber/member_id and lines/1/charge, or
// facts/ and the name of a fact; Text says what to put there.
type Problem struct {
	fault.Problem
	Of Record `json:"of"`
	// Confirm is set if a person may say that it is right as it is (Claim.Confirm).
	Confirm bool `json:"confirm,omitempty"`
}

// Review returns c as it stands at now: embargoed, held with everything that is to be put right, or
// ready. Before its release the problems are those that would hold it. Reviewed again with the same
// result it is returned unchanged.
//
// It refuses with fault.Conflict (claim_state) a claim that is in a file, out or ended.
func (c Claim) Review(p Parties, book icd.Book, now time.Time) (Claim, error) {
	if !c.State.Unsent() {
		return c, c.refuse("review it")
	}
	found := c.Scrub(p, book, civil.Of(now, p.Zone))
	state := Ready
	switch {
	case now.Before(c.Release):
		state = Embargoed
	case len(found) > 0:
		state = Held
	}
	if state == c.State && slices.Equal(found, c.Problems) {
		return c, nil
	}
	c.Problems = found
	return c.next(state, now), nil
}

// Scrub returns all that keeps c from being sent on a day: facts that coding does not know,
// diagnoses that are not in force on the date of service or not complete, what X12 cannot carry or
// a payer turns back, a plan that does not pay, and a deadline that is over. What was confirmed is
// not among it.
func (c Claim) Scrub(p Parties, book icd.Book, today civil.Day) []Problem {
	s := &scrub{Claim: c, Parties: p, Held: p.billed(c.Coverage)}
	s.asks()
	s.plan(today)
	s.diagnoses(book)
	s.form()
	s.services(today)
	s.filing(today)
	return slices.DeleteFunc(s.found, func(f Problem) bool { return f.Confirm && c.confirmed(f.Where, f.Code) })
}

// A scrub gathers the problems of a claim. Fields that hold health text are exported, so that they
// print as redacted.
type scrub struct {
	Claim   Claim
	Parties Parties
	Held    coverage.Held // the claim's
	found   []Problem
}

func (s *scrub) add(of Record, where, code, text string) {
	s.found = append(s.found, Problem{Problem: fault.Problem{Where: where, Code: code, Text: text}, Of: of})
}

// asks are the facts that coding does not know.
func (s *scrub) asks() {
	for _, a := range s.Claim.Asks {
		s.add(OfVisit, askedAt(a), "unknown", a.Question)
	}
}

func askedAt(a coding.Ask) string {
	where := "facts/" + string(a.Fact)
	if a.Of != "" {
		where += "/" + a.Of
	}
	return where
}

// service is the day by which coverage is judged: the first of the services; zero if it is not
// known.
func (s *scrub) service() civil.Day {
	if len(s.Claim.Lines) == 0 {
		return civil.Day{}
	}
	return s.Claim.Lines[0].From
}

// plan: the claim goes to the payer who pays first on the date of service. What a second payer
// must be told of the first (loops 2320 and 2430) is not written here.
func (s *scrub) plan(today civil.Day) {
	on := s.service()
	if on.IsZero() {
		on = today
	}
	active := coverage.ActiveOn(s.Parties.Coverages, on)
	switch first := slices.IndexFunc(active, func(h coverage.Held) bool { return h.ID == s.Claim.Coverage }); {
	case s.Held.ID == "":
		s.add(OfClaim, "coverage", "unknown", "The patient has no such health plan on record. Choose one that they have.")
	case s.Held.Payer.ID == "":
		s.add(OfCoverage, "subscriber/payer", "missing", "The card names a plan whose payer is not known. Choose the payer.")
	case s.Held.Payer.ID != s.Claim.Payer:
		s.add(OfClaim, "payer", "changed", "The patient's card now names another payer. Choose the coverage again, and have the visit coded for that payer.")
	case s.Held.Payer.Address == "":
		s.add(OfPayer, "payer/address", "missing", "The payer takes no electronic claims. Send this one another way and close it here, or enter the payer's electronic address.")
	case first < 0:
		s.add(OfCoverage, "subscriber/plan", "not_active", fmt.Sprintf("The plan does not hold on %s. Put the card's days right, or choose the plan that held.", on))
	case first > 0:
		s.add(OfCoverage, "subscriber/order", "not_first", "Another plan of the patient pays first on that day. Bill that one, or put the plans' turns right.")
	}
}

// diagnoses are held to the codes in force on the date of service.
func (s *scrub) diagnoses(book icd.Book) {
	on := s.service()
	if on.IsZero() { // coding asks for what the day follows from
		on = s.Claim.Window.First
	}
	var codes []string
	for _, d := range s.Claim.Diagnoses {
		codes = append(codes, d.Reveal())
	}
	patient := icd.Patient{Sex: s.Parties.Patient.Sex, Born: s.Parties.Patient.Birth}
	if s.Parties.Patient.gender() == unknownGender {
		patient.Sex = ""
	}
	for _, f := range book.Check("diagnoses", codes, on, patient) {
		s.found = append(s.found, Problem{Problem: f.Problem, Of: OfClaim, Confirm: f.Confirm})
	}
}

// form is what p837 refuses. Left out is what follows from a problem that was found: of the codes
// of diagnoses, of a plan that is not known, and of a service that coding has no code for yet.
func (s *scrub) form() {
	noCode := len(s.Claim.Lines) == 0 && len(s.Claim.Asks) > 0
	named := slices.ContainsFunc(s.found, func(f Problem) bool { return strings.HasPrefix(f.Where, "diagnoses") && !f.Confirm })
	if s.Parties.Clinician == (p837.Provider{}) {
		s.add(OfClinician, "rendering", "missing", "It is not known who answered. Enter the clinician's name and NPI.")
	}
	for _, f := range p837.Check(s.Claim.form(s.Claim.current()+1, s.Parties)) {
		of := recordOf(f.Where, s.Held.Card.Relation == coverage.Self)
		first, _, _ := strings.Cut(f.Where, "/")
		switch {
		case first == "diagnoses" && named,
			s.Held.Payer.ID == "" && (of == OfCoverage || of == OfPayer),
			noCode && (first == "lines" || first == "place"):
			continue
		}
		if text, own := ownWords[f.Where]; own {
			f.Text = text
		}
		if !slices.ContainsFunc(s.found, func(g Problem) bool { return g.Problem == f }) {
			s.found = append(s.found, Problem{Problem: f, Of: of})
		}
	}
}

// ownWords say what to do where p837 names a code that nobody here enters.
var ownWords = map[string]string{
	"patient/relationship": "Enter what the patient is to the one whose insurance it is: self, spouse, child or other.",
	"patient/birth":        "Enter the patient's date of birth.",
	"subscriber/birth":     "Enter the patient's date of birth.",
	"subscriber/filing":    "Enter what kind of insurance the payer's is.",
	"payer_control":        "Enter the payer's own number of the claim, which the payer can tell.",
	"place":                "Enter where the clinician normally works, typically place of service 11.",
}

// recordOf is where a field of p837 is put right. Self says that the patient is the subscriber.
func recordOf(where string, self bool) Record {
	part, field, _ := strings.Cut(where, "/")
	switch part {
	case "billing":
		return OfPractice
	case "rendering":
		return OfClinician
	case "payer":
		return OfPayer
	case "patient":
		if field == "relationship" {
			return OfCoverage
		}
		return OfPatient
	case "subscriber":
		switch {
		case field == "filing":
			return OfPayer
		case self && !slices.Contains([]string{"member_id", "group", "order", "plan", "payer"}, field):
			return OfPatient
		}
		return OfCoverage
	}
	return OfClaim
}

// services are held to what p837 leaves open: each bills something, no more than an amount here
// may be, for days of the window that have been.
func (s *scrub) services(today civil.Day) {
	for i, l := range s.Claim.Lines {
		where := fmt.Sprintf("lines/%d/", i+1)
		if l.Charge <= 0 || l.Charge > money.Max {
			s.add(OfClaim, where+"charge", "range", "A service is billed for more than nothing, up to "+money.Max.String()+".")
		}
		if l.From.Before(s.Claim.Window.First) || l.Until.After(s.Claim.Window.Last) || l.Until.After(today) {
			s.add(OfClaim, where+"from", "window", fmt.Sprintf("The days of service must be from %s to %s, the window of the visit, and not to come. Have the visit coded again.", s.Claim.Window.First, s.Claim.Window.Last))
		}
	}
	if sum := s.Claim.Charge(); sum > money.Max {
		s.add(OfClaim, "charge", "range", "A claim bills up to "+money.Max.String()+" together.")
	}
}

// filing: an original must arrive by the payer's deadline, and so must one that was turned back,
// which counts as never filed. Payers have other deadlines for what replaces or voids a claim that
// they decided on.
func (s *scrub) filing(today civil.Day) {
	switch {
	case s.Claim.last().Frequency != p837.Original:
	case s.Claim.FileBy.IsZero() && len(s.Claim.Asks) == 0:
		s.add(OfPayer, "file_by", "unknown", "It is not known until when the payer takes claims. Enter its deadline.")
	case !s.Claim.FileBy.IsZero() && today.After(s.Claim.FileBy):
		s.add(OfClaim, "file_by", "late", fmt.Sprintf("The payer took this claim until %s; it is %s. Close the claim; or, if the payer's deadline is entered wrongly, put it right and have the visit coded again.", s.Claim.FileBy, today))
	}
}
