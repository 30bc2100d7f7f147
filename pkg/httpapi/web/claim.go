package web

import (
	"net/http"

	"evisit/pkg/clinic/office"
	"evisit/pkg/practice"
	"evisit/pkg/visit"
)

func claimPath(visit string) string { return deskPath(visit) + "/claim" }

var claimPlaces = map[string]string{"/reference": "reference"}

func claimForm() []field {
	return []field{{
		Kind: "text", ID: "reference", Name: "reference", Label: "The claim's number or, if none was sent, why", Required: true, Max: 40, Values: one(""),
		Help: []string{"As the payer or the clearinghouse gave it. Nothing about the patient."},
	}}
}

// claimSheet shows what is to be billed to a health plan, and the form that records that it was.
func claimSheet(c office.Claim, p practice.Practice) sheet {
	v := c.Visit
	sh := sheet{
		Crumb: &link{Href: "/desk/work", Text: "Back to the work"}, Title: "Bill the health plan",
		Intro: []string{"Request " + v.Number() + ". The patient was promised that you bill their plan."},
		Facts: []fact{
			{"Health plan", v.Quote.Plan.Name + " (" + v.Quote.Plan.Payer + ")"},
			{"Answered", p.Local(v.Times.Answered) + ", by " + v.Holder.Display},
			{"What the patient pays of it", sharedWords(v)},
		},
	}
	for _, t := range v.Quote.Plan.Terms {
		sh.Facts = append(sh.Facts, fact{"Allowed for " + t.Code, t.Rate.String() + ", of which " + t.Share.String() + " by the patient"})
	}
	if !c.Work.Open() {
		sh.Facts = append(sh.Facts, fact{"Recorded", c.Work.Reference + ", " + p.Local(c.Work.Ended) + ", by " + c.Work.EndedBy})
		return sh
	}
	sh.Intro = append(sh.Intro,
		"The code follows from the minutes that who answered states, and the diagnosis is in the answer: ask them. The patient's number at the plan is among their health plans.",
		"Send the claim a week after the service at the earliest, because a visit about the same problem by then takes its place; then record it here.")
	sh.Action, sh.Button, sh.Fields = claimPath(v.ID), "The claim is sent", claimForm()
	return sh
}

func sharedWords(v visit.Visit) string {
	if v.Quote.Plan.Later {
		return "Nothing was charged. Ask them for their share once the plan has said what it is: by the contract that is up to " + v.Quote.Plan.UpTo.String()
	}
	return v.Fee().String() + ", of " + v.Quote.Amount.String() + " that they accepted"
}

// claim shows what is to be billed to a health plan for a visit.
func (s *site) claim(w http.ResponseWriter, r *http.Request, v visitor) error {
	c, err := s.Office.Claim(r.Context(), v.Caller, r.PathValue("id"))
	if err != nil {
		return err
	}
	sh := claimSheet(c, v.practice)
	if r.URL.Query().Get("done") != "" {
		sh.Done = "It is recorded, and off the list of work."
	}
	return s.showSheet(w, &v, sh, "", http.StatusOK)
}

// recordClaim records the reference that the visitor typed.
func (s *site) recordClaim(w http.ResponseWriter, r *http.Request, v visitor) error {
	id := r.PathValue("id")
	f, err := readSheet(r, claimForm(), claimPlaces)
	if err != nil {
		return err
	}
	if _, err = s.Office.RecordClaim(r.Context(), v.Caller, id, f.values.Get("reference")); err == nil {
		return redirect(w, claimPath(id)+"?done=1")
	}
	c, failed := s.Office.Claim(r.Context(), v.Caller, id)
	if failed != nil {
		return failed
	}
	return s.refusedSheet(w, &v, claimSheet(c, v.practice), f, err)
}
