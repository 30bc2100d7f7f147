package web

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"time"

	"evisit/pkg/clinic/registrar"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/phi"
	"evisit/pkg/practice"
)

// caring are the pages of who acts for a patient: the patient's own, and the practice's.
func (s *site) caring() []route {
	var all []route
	for _, at := range []string{caregiversPath + "{patient}", "/manage/patients/{patient}/caregivers"} {
		all = append(
			all,
			route{"GET " + at, s.as(s.caregiversPage)},
			route{"POST " + at, s.as(s.inviteCaregiver)},
			route{"POST " + at + "/{person}/end", s.as(s.endCaregiver)},
			route{"POST " + at + "/invitations/{invitation}/revoke", s.as(s.uninviteCaregiver)},
		)
	}
	return all
}

const caregiversPath = "/caregivers/"

// caregiversAt is the page of who acts for a patient, as v reaches it.
func caregiversAt(v visitor, patient string) string {
	if v.Person.Works() {
		return patientPath(patient) + "/caregivers"
	}
	return caregiversPath + url.PathEscape(patient)
}

type caregiversView struct {
	Complaints []complaint
	At         string
	Back       link
	Name       phi.Text // the patient's
	Own        bool     // the visitor is the patient
	Works      bool     // at the practice
	Minor      bool
	Done       string
	Acting     []caregiverRow
	Ended      []caregiverRow
	Invited    []caregiverRow
	Form       []field // empty for who may invite nobody
}

// A caregiverRow is somebody who acts, did, or is invited to. ID names the grant or the
// invitation that can be ended.
type caregiverRow struct {
	ID      string
	Who     phi.Text // an address, or what they are called
	Reads   bool     // and does nothing
	Why, By string
	Since   string
	Until   string // empty: it has no end
	Expired bool   // of an invitation
	CanEnd  bool
	Self    bool // it is the visitor
}

var whyWords = map[identity.Why]string{
	identity.ParentOf: "Parent or guardian", identity.Help: "The patient asked them to", identity.LegalProxy: "Named by a court or a power of attorney",
	identity.EarlierOwn: "It is an earlier record of their own",
}

var caregiversDone = map[string]string{
	"invited": "The letter is on its way.", "revoked": "The invitation was taken back: its link is good for nobody now.", "ended": "That has ended, at once.",
}

// caregiversPage shows who acts for a patient.
func (s *site) caregiversPage(w http.ResponseWriter, r *http.Request, v visitor) error {
	return s.showCaregivers(w, r, v, nil, "", http.StatusOK)
}

// showCaregivers shows who acts for a patient. was is an invitation that was refused, and alert
// why something was, if that is not beside its fields.
func (s *site) showCaregivers(w http.ResponseWriter, r *http.Request, v visitor, was *sentForm, alert string, code int) error {
	all, err := s.Registrar.Caregivers(r.Context(), v.Caller, r.PathValue("patient"))
	if err != nil {
		return err
	}
	p := all.Patient
	zone, err := v.practice.Location()
	if err != nil {
		return err
	}
	view := caregiversView{
		Complaints: aboutPage(alert), At: caregiversAt(v, p.ID), Name: p.Contact.Name, Own: v.Person.Patient == p.ID, Works: v.Person.Works(),
		Minor: s.Now().Before(identity.Adult(p.Contact.Birth, zone)), Back: link{Href: dataPath, Text: "My data"}, Done: caregiversDone[r.URL.Query().Get("done")],
	}
	if view.Works {
		view.Back = link{Href: patientPath(p.ID), Text: "The patient"}
	}
	if code != http.StatusOK {
		view.Done = ""
	}
	view.list(all, v, s.Now())
	if all.MayInvite {
		view.Form = caregiverForm(view.Own, view.Minor)
		if was == nil {
			view.Form = with(view.Form, nil)
		} else {
			view.Form = was.fill(view.Form)
		}
	}
	view.Complaints = append(view.Complaints, complaints(view.Form)...)
	title := "Who acts for you"
	if !view.Own {
		title = "Who acts for the patient"
	}
	v.otherPatient = nil
	if !view.Own && !view.Works {
		v.For = p.Contact.Name
	}
	return s.show(w, &v, page{view: "caregivers", title: errorTitle(title, view.Complaints), data: view, code: code})
}

func (view *caregiversView) list(all registrar.Caregivers, v visitor, now time.Time) {
	for _, g := range all.All {
		row := newCaregiver(g.Grant, all.Patient, v)
		row.By = grantedBy(g, v)
		row.ID, row.Self = g.Person, g.Person == v.Person.ID
		row.CanEnd = all.MayInvite && (view.Works || g.PatientEnds()) || row.Self
		switch {
		case row.Self:
			row.Who = "You"
		case g.Email != "":
			row.Who = g.Email
		}
		if !g.Since.IsZero() {
			row.Since = v.practice.Local(g.Since)
		}
		if g.Active(now) {
			view.Acting = append(view.Acting, row)
		} else {
			row.Until = v.practice.Local(g.Until)
			view.Ended = append(view.Ended, row)
		}
	}
	for _, i := range all.Invited {
		row := newCaregiver(*i.Acts, all.Patient, v)
		row.ID, row.Who, row.Since, row.Expired, row.CanEnd = i.ID, i.Email, v.practice.Local(i.At), !i.Open(now), true
		view.Invited = append(view.Invited, row)
	}
}

func newCaregiver(g identity.Grant, p identity.Patient, v visitor) caregiverRow {
	return caregiverRow{
		Who: "Somebody whom the practice named", Reads: g.Scope == identity.Reading, Until: lastDay(g.Until, v.practice),
		Why: cmp.Or(whyText(g.Why, v.Person.Patient == p.ID), "The practice has no reason on record"),
	}
}

// grantedBy says who granted g; nothing if that is not known.
func grantedBy(g registrar.Caregiver, v visitor) string {
	switch {
	case g.By == "":
		return ""
	case g.By == v.Person.ID:
		return "you"
	case g.ByPractice:
		return "the practice"
	}
	return "the patient"
}

// lastDay says when something ends: at the end of a day, or at another time; nothing if never.
func lastDay(until time.Time, p practice.Practice) string {
	if until.IsZero() {
		return ""
	}
	zone, err := p.Location()
	if err != nil {
		return p.Local(until)
	}
	if at := until.In(zone); at.Equal(midnight(at)) {
		return "the end of " + at.Add(-time.Second).Format("2 January 2006")
	}
	return p.Local(until)
}

// midnight is the beginning of t's day.
func midnight(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, t.Location())
}

// whyText says why somebody acts for a patient, to the patient or to others; empty if that is
// not known.
func whyText(w identity.Why, own bool) string {
	if own && w == identity.Help {
		return "You asked them to"
	}
	return whyWords[w]
}

// caregiverForm invites somebody to act for the visitor's own record or another's, who is a
// minor or is not.
func caregiverForm(own, minor bool) []field {
	why := field{Kind: "radios", ID: "why", Name: "why", Label: "Why", Required: true}
	last := field{Kind: "date", ID: "until", Name: "until", Label: "Last day", Help: []string{"Empty: until it is ended here."}}
	scope := field{Kind: "radios", ID: "scope", Name: "scope", Label: "What they may do", Required: true, Options: []option{
		{ID: "scope", Value: scopeAll, Label: "All that the patient does, but letting others act"},
		{ID: "scope-read", Value: string(identity.Reading), Label: "Read it, and do nothing"},
	}}
	whys := []identity.Why{identity.Help, identity.LegalProxy}
	if minor {
		whys = []identity.Why{identity.ParentOf, identity.LegalProxy}
		last.Help = []string{"At the latest it ends as the patient turns 18."}
	}
	for n, w := range whys {
		o := option{ID: why.ID, Value: string(w), Label: whyText(w, own)}
		if n > 0 {
			o.ID = "why-" + string(w)
		}
		why.Options = append(why.Options, o)
	}
	return []field{
		{Kind: "text", ID: "email", Name: "email", Label: "Their e-mail address", Required: true, Help: []string{"The letter goes there, and they sign in with it."}},
		why, scope, last,
	}
}

// scopeAll is posted for a grant for everything.
const scopeAll = "all"

// scopeOf reads the scope that was posted; one that is unknown if none was.
func scopeOf(values url.Values) identity.Scope {
	switch said := values.Get("scope"); said {
	case scopeAll:
		return identity.Everything
	case "":
		return "none"
	default:
		return identity.Scope(said)
	}
}

var caregiverPlaces = map[string]string{"/email": "email", "/why": "why", "/scope": "scope", "/until": "until"}

// inviteCaregiver asks somebody by e-mail to act for a patient.
func (s *site) inviteCaregiver(w http.ResponseWriter, r *http.Request, v visitor) error {
	values, err := posted(r)
	if err != nil {
		return err
	}
	patient, sent := r.PathValue("patient"), newSentForm(values, caregiverPlaces)
	power := registrar.Power{Email: sent.text("email"), Why: identity.Why(values.Get("why")), Scope: scopeOf(values)}
	var unclear []fault.Problem
	switch day, err := dayOf(values.Get("until"), v.practice); {
	case err != nil:
		unclear = []fault.Problem{{Where: "/until", Code: "format", Text: "Choose a day, or leave it empty."}}
	case !day.IsZero():
		power.Until = dayAfter(day, v.practice)
	}
	err = judged(r.Context(), unclear, func(ctx context.Context) error {
		_, err := s.Registrar.InviteCaregiver(ctx, v.Caller, patient, power)
		return err
	})
	return s.afterCaregiver(w, r, v, &sent, err, "invited")
}

// dayAfter is the midnight that ends the day that begins at day.
func dayAfter(day time.Time, p practice.Practice) time.Time {
	zone, err := p.Location()
	if err != nil {
		zone = time.UTC
	}
	return day.In(zone).AddDate(0, 0, 1).UTC()
}

// endCaregiver ends at once that somebody acts for a patient.
func (s *site) endCaregiver(w http.ResponseWriter, r *http.Request, v visitor) error {
	_, err := s.Registrar.RevokeCaregiver(r.Context(), v.Caller, r.PathValue("patient"), r.PathValue("person"))
	if err == nil && r.PathValue("person") == v.Person.ID { // who gave it up sees the patient no more
		return redirect(w, "/")
	}
	return s.afterCaregiver(w, r, v, nil, err, "ended")
}

// uninviteCaregiver takes back that somebody was asked to act for a patient.
func (s *site) uninviteCaregiver(w http.ResponseWriter, r *http.Request, v visitor) error {
	_, err := s.Registrar.UninviteCaregiver(r.Context(), v.Caller, r.PathValue("patient"), r.PathValue("invitation"))
	return s.afterCaregiver(w, r, v, nil, err, "revoked")
}

// afterCaregiver leads back to the page of who acts for a patient, which says what was done
// or why it was not.
func (s *site) afterCaregiver(w http.ResponseWriter, r *http.Request, v visitor, sent *sentForm, err error, done string) error {
	if err == nil {
		return redirect(w, caregiversAt(v, r.PathValue("patient"))+"?"+url.Values{"done": {done}}.Encode())
	}
	if sent == nil {
		code, text, ok := explain(err)
		if !ok {
			return err
		}
		return s.showCaregivers(w, r, v, nil, text, code)
	}
	code, text, ok := sent.refuse(err)
	if !ok {
		return err
	}
	return s.showCaregivers(w, r, v, sent, text, code)
}
