package web

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"evisit/pkg/identity"
	"evisit/pkg/phi"
)

// patientsPage is how many patients one page of the list has.
const patientsPage = 50

type patientsView struct {
	Patients []patientRow
	Next     string // the address of the next page; empty at the end
}

type patientRow struct {
	ID         string
	Name       phi.Text
	Born, Came string
	Verified   bool
	Standing   string // empty: active
}

// bornWords is a day of birth; that of who was registered by the system may not be known.
func bornWords(birth time.Time) string {
	if birth.IsZero() {
		return "on a day that is not known"
	}
	return birth.Format("2 January 2006")
}

var cameWords = map[identity.Way]string{
	identity.ByStaff: "Entered by the practice", identity.ByPage: "Came by the public page", identity.ByFile: "Came by a file",
}

var standsWords = map[identity.StandingState]string{identity.Warned: "Warned", identity.Suspended: "Suspended"}

// patients lists the patients of the visitor's practice.
func (s *site) patients(w http.ResponseWriter, r *http.Request, v visitor) error {
	all, next, err := s.Registrar.Patients(r.Context(), v.Caller, clipCursor(r.URL.Query().Get(afterField)), patientsPage)
	if err != nil {
		return err
	}
	var view patientsView
	for _, p := range all {
		view.Patients = append(view.Patients, patientRow{
			p.ID, p.Contact.Name, bornWords(p.Contact.Birth), cameWords[p.Came], !p.Verified.At.IsZero(), standsWords[p.Standing.State],
		})
	}
	if next != "" {
		view.Next = "/manage/patients?" + url.Values{afterField: {next}}.Encode()
	}
	return s.show(w, &v, page{view: "patients", title: "Patients", data: view})
}

var standingForm = []field{
	{Kind: "radios", ID: "standing", Name: "standing", Label: "Online requests of this patient", Required: true, Options: []option{
		{ID: "standing", Value: "active", Label: "As those of any patient"},
		{ID: "standing-warned", Value: string(identity.Warned), Label: "The patient is warned, and may send them"},
		{ID: "standing-suspended", Value: string(identity.Suspended), Label: "Suspended: no clinical request can be started"},
	}},
	{Kind: "select", ID: "reason", Name: "reason", Label: "Why", Help: []string{"The patient is told in these words."}, Options: groundOptions()},
}

func groundOptions() []option {
	var all []option
	for _, g := range identity.Grounds {
		all = append(all, option{Value: string(g), Label: capital(g.Words())})
	}
	return all
}

var standingPlaces = map[string]string{"/reason": "reason", "/standing": "standing"}

// patientPath is where a patient is managed.
func patientPath(patient string) string { return "/manage/patients/" + url.PathEscape(patient) }

func (s *site) patientSheet(r *http.Request, v visitor, id string) (sheet, error) {
	p, err := s.Registrar.Patient(r.Context(), v.Caller, id)
	if err != nil {
		return sheet{}, err
	}
	doubles, err := s.Registrar.Doubles(r.Context(), v.Caller, id)
	if err != nil {
		return sheet{}, err
	}
	at := patientPath(p.ID)
	sh := sheet{
		Crumb: &link{Href: "/manage/patients", Text: "Patients"}, Title: p.Contact.Name.Reveal(), Action: at, Button: "Save",
		Fields: with(standingForm, url.Values{"standing": {p.Standing.State.Word()}, "reason": {string(p.Standing.Reason)}}),
		Hidden: seen(p.Version),
		Facts: []fact{
			{"Born", bornWords(p.Contact.Birth)}, {"E-mail address", p.Contact.Email.Reveal()},
		},
	}
	sh.Links = []link{{Href: coveragesOf(p.ID), Text: "Health plans"}, {Href: discountAt(p.ID), Text: "Discount"}, {Href: memberAtDesk(p.ID), Text: "Membership"}}
	if p.Discount.Percent > 0 {
		sh.Facts = append(sh.Facts, fact{"Discount", discountWords(p.Discount, v.practice, s.Now())})
	}
	if !p.Contact.Phone.Blank() {
		sh.Facts = append(sh.Facts, fact{"Phone", p.Contact.Phone.Reveal()})
	}
	sh.Links = append(sh.Links, link{Href: caregiversAt(v, p.ID), Text: "Who acts for the patient"})
	if p.Person == "" {
		sh.Presses = append(sh.Presses, newPress(false, at+"/invite", "second", "Send an invitation to sign in"))
	}
	if came := cameWords[p.Came]; came != "" {
		sh.Facts = append(sh.Facts, fact{"How they came", came + ", " + v.practice.Local(p.At)})
	}
	if n := len(doubles); n > 0 {
		sh.Facts = append(sh.Facts, fact{"Possible doubles", strconv.Itoa(n) + ": compare them before you match this record"})
		sh.Links = append(sh.Links, link{Href: twinsAt(p.ID), Text: "Compare the possible doubles"})
	}
	if p.Verified.At.IsZero() {
		sh.Presses = append(sh.Presses, newPress(false, at+"/verify", "second", "This is the person of our records"))
	} else {
		sh.Facts = append(sh.Facts, fact{"Matched with the records", v.practice.Local(p.Verified.At)})
	}
	return sh, nil
}

var patientDone = map[string]string{"changed": "The change is made.", "invited": "The letter is on its way.", "merged": "The other record was merged into this one. Health plans that it alone had are now among those of this one."}

func (s *site) patient(w http.ResponseWriter, r *http.Request, v visitor) error {
	sh, err := s.patientSheet(r, v, r.PathValue("patient"))
	if err != nil {
		return err
	}
	sh.Done = patientDone[r.URL.Query().Get("done")]
	return s.showSheet(w, &v, sh, "", http.StatusOK)
}

// standPatient warns or suspends a patient, or ends that.
func (s *site) standPatient(w http.ResponseWriter, r *http.Request, v visitor) error {
	v, f, err := v.readSheetAsSeen(r, standingForm, standingPlaces)
	if err != nil {
		return err
	}
	id, state, why := r.PathValue("patient"), identity.StandingOf(f.values.Get("standing")), identity.Ground(f.values.Get("reason"))
	if state == identity.Active {
		why = ""
	}
	if _, err = s.Registrar.Stand(r.Context(), v.Caller, id, state, why); err == nil {
		return redirect(w, patientPath(id)+"?done=changed")
	}
	sh, failed := s.patientSheet(r, v, id)
	if failed != nil {
		return failed
	}
	return s.refusedSheet(w, &v, sh, f, err)
}

// verifyPatient says that a patient was matched with the practice's records.
func (s *site) verifyPatient(w http.ResponseWriter, r *http.Request, v visitor) error {
	_, err := s.Registrar.Verify(r.Context(), v.Caller, r.PathValue("patient"))
	return s.afterPatient(w, r, v, err, "changed")
}

func (s *site) invitePatient(w http.ResponseWriter, r *http.Request, v visitor) error {
	_, err := s.Registrar.InvitePatient(r.Context(), v.Caller, r.PathValue("patient"))
	return s.afterPatient(w, r, v, err, "invited")
}

// afterPatient leads back to a patient's page, which says what was done or why it was not.
func (s *site) afterPatient(w http.ResponseWriter, r *http.Request, v visitor, err error, done string) error {
	id := r.PathValue("patient")
	if err == nil {
		return redirect(w, patientPath(id)+"?done="+done)
	}
	code, text, ok := explain(err)
	if !ok {
		return err
	}
	sh, failed := s.patientSheet(r, v, id)
	if failed != nil {
		return failed
	}
	return s.showSheet(w, &v, sh, text, code)
}
