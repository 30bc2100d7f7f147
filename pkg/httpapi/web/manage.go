package web

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"evisit/pkg/clinic"
	"evisit/pkg/coding"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/registry"
)

// managing are the pages of function registry: who works at a practice, its patients and
// their health plans, for the practice and for them, its forms, and what it decides; for
// people who run the system which practices and payers there are; and how patients
// register and an invitation is accepted, to work, to be a patient, or to act for one.
func (s *site) managing() []route {
	return slices.Concat(s.authoring(), s.deciding(), s.offering(), s.contracting(), s.importing(), s.caring(), []route{
		{"GET " + managedKeptPath, s.as(s.keptManaged)},
		{"POST " + managedKeptPath + "/{id}", s.as(s.sendManaged)},

		{"GET " + connectingAt, s.as(s.connecting)},
		{"POST " + connectingAt, s.as(s.connectAccount)},

		{"GET /manage/people", s.as(s.people)},
		{"GET /manage/people/invite", s.as(s.newInvitation)},
		{"POST /manage/people/invite", s.as(s.invite)},
		{"GET /manage/people/{person}", s.as(s.person)},
		{"POST /manage/people/{person}", s.as(s.changePerson)},
		{"POST /manage/people/{person}/deactivate", s.as(s.activate(false))},
		{"POST /manage/people/{person}/reactivate", s.as(s.activate(true))},
		{"POST /manage/invitations/{invitation}/revoke", s.as(s.revokeInvitation)},

		{"GET /manage/practices", s.as(s.practices)},
		{"GET /manage/practices/new", s.as(s.newPractice)},
		{"POST /manage/practices", s.as(s.registerPractice)},
		{"GET /manage/practices/{practice}", s.as(s.practicePage)},
		{"POST /manage/practices/{practice}", s.as(s.changePractice)},
		{"POST /manage/practices/{practice}/suspend", s.as(s.suspend(true))},
		{"POST /manage/practices/{practice}/resume", s.as(s.suspend(false))},
		{"GET /manage/practices/{practice}/invite", s.as(s.newAdministrator)},
		{"POST /manage/practices/{practice}/invite", s.as(s.inviteAdministrator)},

		{"GET /manage/patients", s.as(s.patients)},
		{"GET /manage/patients/{patient}", s.as(s.patient)},
		{"POST /manage/patients/{patient}", s.as(s.standPatient)},
		{"POST /manage/patients/{patient}/verify", s.as(s.verifyPatient)},
		{"POST /manage/patients/{patient}/invite", s.as(s.invitePatient)},
		{"GET /manage/patients/{patient}/discount", s.as(s.discount)},
		{"POST /manage/patients/{patient}/discount", s.as(s.giveDiscount)},
		{"POST /manage/patients/{patient}/discount/end", s.as(s.endDiscount)},
		{"GET /manage/patients/{patient}/doubles", s.as(s.twinsPage)},
		{"POST /manage/patients/{patient}/doubles", s.as(s.mergeTwins)},

		{"GET /manage/payers", s.as(s.payers)},
		{"GET /manage/payers/new", s.as(s.newPayer)},
		{"POST /manage/payers", s.as(s.registerPayer)},
		{"GET /manage/payers/{payer}", s.as(s.payer)},
		{"POST /manage/payers/{payer}", s.as(s.changePayer)},
		{"POST /manage/payers/{payer}/end", s.as(s.endPayer(true))},
		{"POST /manage/payers/{payer}/resume", s.as(s.endPayer(false))},

		{"GET /coverages/{patient}", s.as(s.coverages)},
		{"GET /coverages/{patient}/new", s.as(s.newCoverage)},
		{"POST /coverages/{patient}", s.as(s.addCoverage)},
		{"GET /coverages/{patient}/order", s.as(s.coverageOrder)},
		{"POST /coverages/{patient}/order", s.as(s.orderCoverages)},
		{"GET /coverages/{patient}/{coverage}", s.as(s.coverage)},
		{"POST /coverages/{patient}/{coverage}", s.as(s.changeCoverage)},
		{"GET /coverages/{patient}/{coverage}/end", s.as(s.coverageEnd)},
		{"POST /coverages/{patient}/{coverage}/end", s.as(s.endCoverage)},
		{"POST /coverages/{patient}/{coverage}/check", s.as(s.checkCoverage)},

		{"GET /join/{practice}", s.door},
		{"POST /join/{practice}", s.asHolder(s.join)},
		{"GET /accept/{invitation}", s.asHolder(s.invitationPage)},
		{"POST /accept/{invitation}", s.asHolder(s.acceptInvitation)},
	})
}

// A sheet is a page of one form, with what is to be known before it is filled in.
type sheet struct {
	Crumb      *link
	Title      string
	Done       string // what was done just before
	Intro      []string
	Facts      []fact
	Links      []link // after the facts
	Complaints []complaint
	Action     string // empty: there is no form
	Fields     []field
	Hidden     []hiddenField
	Button     string
	Invite     string // where an administrator is invited; empty: not from here
	SignIn     string // where signing in leads back from; empty: no need to
	Presses    []press
	Pays       bool // the form leads to a payment page
}

type fact struct{ What, Text string }

type hiddenField struct{ Name, Value string }

// seenField has the version that a page showed. A change that was decided on another is
// refused: it would undo what somebody else has changed meanwhile.
const seenField = "seen"

func seen(version int) []hiddenField { return []hiddenField{{seenField, strconv.Itoa(version)}} }

// asSeen is v who changes what a page showed them.
func (v visitor) asSeen(values url.Values) (visitor, error) {
	if v.Version = number(values.Get(seenField)); v.Version < 1 {
		return v, errNotAForm
	}
	return v, nil
}

// postedAsSeen reads a form by which v changes what a page showed them.
func (v visitor) postedAsSeen(r *http.Request) (visitor, url.Values, error) {
	values, err := posted(r)
	if err == nil {
		v, err = v.asSeen(values)
	}
	return v, values, err
}

// onceField makes the same press one request.
const onceField = "once"

// once is v with the key of a request that the page gave, under which it is made once.
func (v visitor) once(route string, values url.Values, input string) visitor {
	if key := values.Get(onceField); key != "" && len(key) <= 100 {
		v.Once = clinic.NewOnce(v.Person.ID, route, key, []byte(input))
	}
	return v
}

// showSheet draws a sheet whose fields have what is wrong with them. Text is what is wrong
// with the whole.
func (s *site) showSheet(w http.ResponseWriter, v *visitor, sh sheet, text string, code int) error {
	sh.Complaints = append(aboutPage(text), complaints(sh.Fields)...)
	return s.show(w, v, page{view: "sheet", title: errorTitle(sh.Title, sh.Complaints), data: sh, code: code, pays: sh.Pays})
}

// A filled is a sheet's form as it was sent: refusedSheet shows it again with what is wrong.
type filled struct {
	sentForm
	Form []field
}

func readSheet(r *http.Request, form []field, places map[string]string) (filled, error) {
	values, err := posted(r)
	return filled{newSentForm(values, places), form}, err
}

// readSheetAsSeen reads a sheet's form by which v changes what the sheet showed them.
func (v visitor) readSheetAsSeen(r *http.Request, form []field, places map[string]string) (visitor, filled, error) {
	v, values, err := v.postedAsSeen(r)
	return v, filled{newSentForm(values, places), form}, err
}

// refusedSheet shows the sheet again as it was sent, with what err says of its fields and of
// the whole; an err that a page cannot say is returned.
func (s *site) refusedSheet(w http.ResponseWriter, v *visitor, sh sheet, f filled, err error) error {
	code, text, ok := f.refuse(err)
	if !ok {
		return err
	}
	sh.Fields = f.fill(f.Form)
	return s.showSheet(w, v, sh, text, code)
}

// with returns form with the values that a record has.
func with(form []field, values url.Values) []field { return newSentForm(values, nil).fill(form) }

var workerForm = []field{
	{Kind: "text", ID: "name", Name: "name", Label: "Name and credential, as patients see them", Required: true},
	{Kind: "checks", ID: "roles", Name: "roles", Label: "What they do", Required: true, Options: []option{
		{ID: "roles", Value: string(identity.Clinician), Label: "Clinician: takes requests and answers them"},
		{ID: "roles-nurse", Value: string(identity.Nurse), Label: "Nurse: reads requests"},
		{ID: "roles-staff", Value: string(identity.Staff), Label: "Staff: answers administrative requests"},
		{ID: "roles-director", Value: string(identity.Director), Label: "Medical director: approves forms"},
		{ID: "roles-admin", Value: string(identity.Admin), Label: "Administrator: people, prices, money and logs"},
	}},
	{Kind: "text", ID: "npi", Name: "npi", Label: "NPI", Help: []string{"Of those who treat: ten digits."}},
	{
		Kind: "select", ID: "kind", Name: "kind", Label: "What a clinician is, by license", Options: kindOptions(),
		Help: []string{"An answer may cost less, depending on it; the prices are in the settings."},
	},
	{
		Kind: "area", ID: "licenses", Name: "licenses", Label: "Licenses",
		Help: []string{"One on each line: the state, the number, and the day on which it ends, such as OR MD-20411 2028-06-30."},
	},
}

// kindOptions are the kinds of clinician to choose from.
func kindOptions() []option {
	var all []option
	for _, k := range coding.Clinicians {
		all = append(all, option{Value: string(k), Label: capital(k.Words())})
	}
	return all
}

var invitationForm = append([]field{{Kind: "text", ID: "email", Name: "email", Label: "E-mail address", Required: true}}, workerForm...)

var workerPlaces = map[string]string{"/email": "email", "/name": "name", "/roles": "roles", "/npi": "npi", "/kind": "kind", "/licenses": "licenses"}

// worker reads what a form says of someone who works at the practice, and which lines
// are no license.
func (f filled) worker() (w registry.Worker, unclear []fault.Problem) {
	w = registry.Worker{Display: f.text("name").Reveal(), NPI: f.text("npi").Reveal(), Kind: coding.Kind(f.values.Get("kind"))}
	for _, r := range f.values["roles"] {
		w.Roles = append(w.Roles, identity.Role(r))
	}
	for line := range strings.Lines(f.text("licenses").Reveal()) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		l := identity.License{State: strings.ToUpper(words[0])}
		var err error
		if len(words) == 3 {
			l.Number = words[1]
			l.Expires, err = time.Parse(time.DateOnly, words[2])
		}
		if len(words) != 3 || err != nil {
			unclear = append(unclear, fault.Problem{
				Where: "/licenses", Code: "license",
				Text: "“" + strings.TrimSpace(line) + "” is not a state, a number without spaces and a day such as 2028-06-30.",
			})
			continue
		}
		w.Licenses = append(w.Licenses, l)
	}
	return w, unclear
}

// judged makes the request of a form. If unclear names what of it could not be read, the request is
// refused with that, and with all else that is wrong with it.
func judged(ctx context.Context, unclear []fault.Problem, do func(context.Context) error) error {
	if len(unclear) == 0 {
		return do(ctx)
	}
	return clinic.Judge(ctx, fault.New(fault.Invalid, "invalid_request", "some fields need to be put right", unclear...), do)
}

func workerValues(p identity.Person) url.Values {
	var lines []string
	for _, l := range p.Licenses {
		lines = append(lines, l.State+" "+l.Number+" "+l.Expires.Format(time.DateOnly))
	}
	values := url.Values{"name": {p.Display}, "npi": {p.NPI}, "kind": {string(p.Kind)}, "licenses": {strings.Join(lines, "\n")}}
	for _, r := range append([]identity.Role{p.Role}, p.Also...) {
		values.Add("roles", string(r))
	}
	return values
}

type peopleView struct {
	Complaints []complaint
	Done       string
	CanChange  bool
	People     []workerRow
	Invited    []invitedRow
}

type workerRow struct {
	ID, Name, Roles, Kind, Licenses string
	Inactive                        bool
}

type invitedRow struct {
	ID, Name, For, Email, Until string
	Expired                     bool
}

var peopleDone = map[string]string{"invited": "The letter is on its way.", "revoked": "The invitation was taken back.", "changed": "The change is made."}

// people lists who works at the visitor's practice, and who is invited to.
func (s *site) people(w http.ResponseWriter, r *http.Request, v visitor) error {
	return s.showPeople(w, r, v, "", http.StatusOK)
}

func (s *site) showPeople(w http.ResponseWriter, r *http.Request, v visitor, alert string, code int) error {
	all, err := s.Registrar.People(r.Context(), v.Caller)
	if err != nil {
		return err
	}
	view := peopleView{Complaints: aboutPage(alert), Done: peopleDone[r.URL.Query().Get("done")], CanChange: v.Person.Has(identity.Admin)}
	for _, p := range all {
		view.People = append(view.People, workerRow{p.ID, p.Display, rolesWords(p.Role, p.Also...), p.Kind.Words(), licensesWords(p.Licenses), p.Inactive})
	}
	if view.CanChange {
		invited, err := s.Registrar.Invitations(r.Context(), v.Caller)
		if err != nil {
			return err
		}
		for _, i := range invited {
			view.Invited = append(view.Invited, invitedRow{
				i.ID, cmp.Or(i.Display, i.Email.Reveal()), invitedFor(i), i.Email.Reveal(), v.practice.Local(i.Ends()), !i.Open(s.Now()),
			})
		}
	}
	return s.show(w, &v, page{view: "people", title: errorTitle("People", view.Complaints), data: view, code: code})
}

// invitedFor says what someone becomes who accepts.
func invitedFor(i registry.Invitation) string {
	switch {
	case i.Acts != nil:
		return "Acts for a patient"
	case i.Patient != "":
		return "Patient"
	}
	return rolesWords(i.Roles[0], i.Roles[1:]...)
}

func rolesWords(first identity.Role, others ...identity.Role) string {
	words := []string{first.Words()}
	for _, r := range others {
		words = append(words, strings.ToLower(r.Words()))
	}
	return strings.Join(words, ", ")
}

func licensesWords(ls []identity.License) string {
	var words []string
	for _, l := range ls {
		words = append(words, l.State+" "+l.Number+" until "+l.Expires.Format("2 January 2006"))
	}
	return strings.Join(words, "; ")
}

var peopleCrumb = &link{Href: "/manage/people", Text: "People"}

func invitationSheet() sheet {
	return sheet{
		Crumb: peopleCrumb, Title: "Invite someone", Action: "/manage/people/invite", Button: "Send the invitation", Fields: with(invitationForm, nil),
		Intro: []string{"They get a letter with a link that is good for seven days, and sign in with this e-mail address and a second factor."},
	}
}

func (s *site) newInvitation(w http.ResponseWriter, r *http.Request, v visitor) error {
	if _, err := s.Registrar.Invitations(r.Context(), v.Caller); err != nil {
		return err
	}
	return s.showSheet(w, &v, invitationSheet(), "", http.StatusOK)
}

func (s *site) invite(w http.ResponseWriter, r *http.Request, v visitor) error {
	f, err := readSheet(r, invitationForm, workerPlaces)
	if err != nil {
		return err
	}
	worker, unclear := f.worker()
	err = judged(r.Context(), unclear, func(ctx context.Context) error {
		_, err := s.Registrar.Invite(ctx, v.Caller, registry.Invitation{Email: f.text("email"), Worker: worker})
		return err
	})
	if err != nil {
		return s.refusedSheet(w, &v, invitationSheet(), f, err)
	}
	return redirect(w, "/manage/people?done=invited")
}

func personSheet(p identity.Person) sheet {
	at := "/manage/people/" + p.ID
	sh := sheet{
		Crumb: peopleCrumb, Title: p.Display, Action: at, Button: "Save", Fields: with(workerForm, workerValues(p)), Hidden: seen(p.Version),
		Intro: []string{"What is changed here holds from their next page on."},
	}
	if p.Inactive {
		sh.Presses = []press{newPress(false, at+"/reactivate", "second", "Reactivate")}
		sh.Intro = []string{"Deactivated: they cannot sign in here, and what they did stays theirs."}
	} else {
		sh.Presses = []press{newPress(false, at+"/deactivate", "danger", "Deactivate at once")}
	}
	return sh
}

func (s *site) person(w http.ResponseWriter, r *http.Request, v visitor) error {
	p, err := s.Registrar.Person(r.Context(), v.Caller, r.PathValue("person"))
	if err != nil {
		return err
	}
	return s.showSheet(w, &v, personSheet(p), "", http.StatusOK)
}

func (s *site) changePerson(w http.ResponseWriter, r *http.Request, v visitor) error {
	v, f, err := v.readSheetAsSeen(r, workerForm, workerPlaces)
	if err != nil {
		return err
	}
	worker, unclear := f.worker()
	err = judged(r.Context(), unclear, func(ctx context.Context) error {
		_, err := s.Registrar.ChangePerson(ctx, v.Caller, r.PathValue("person"), worker)
		return err
	})
	if err == nil {
		return redirect(w, "/manage/people?done=changed")
	}
	p, failed := s.Registrar.Person(r.Context(), v.Caller, r.PathValue("person"))
	if failed != nil {
		return failed
	}
	return s.refusedSheet(w, &v, personSheet(p), f, err)
}

func (s *site) activate(active bool) func(http.ResponseWriter, *http.Request, visitor) error {
	return func(w http.ResponseWriter, r *http.Request, v visitor) error {
		p, err := s.Registrar.Activate(r.Context(), v.Caller, r.PathValue("person"), active)
		if err == nil {
			return redirect(w, "/manage/people?done=changed")
		}
		code, text, ok := explain(err)
		if !ok {
			return err
		}
		return s.showSheet(w, &v, personSheet(p), text, code)
	}
}

func (s *site) revokeInvitation(w http.ResponseWriter, r *http.Request, v visitor) error {
	_, err := s.Registrar.Revoke(r.Context(), v.Caller, r.PathValue("invitation"))
	if code, text, ok := explain(err); ok {
		return s.showPeople(w, r, v, text, code)
	}
	if err != nil {
		return err
	}
	return redirect(w, "/manage/people?done=revoked")
}

// invitationPage asks who is signed in whether they accept an invitation.
func (s *site) invitationPage(w http.ResponseWriter, r *http.Request, v visitor) error {
	return s.showSheet(w, known(v), acceptSheet(r, v, r.URL.Query().Get("code")), "", http.StatusOK)
}

// known is the visitor of a page that somebody may reach whom no practice knows; nil then.
func known(v visitor) *visitor {
	if v.Person.ID == "" {
		return nil
	}
	return &v
}

func acceptSheet(r *http.Request, v visitor, code string) sheet {
	sh := sheet{
		Title: "You are invited", Action: "/accept/" + url.PathEscape(r.PathValue("invitation")), Button: "Accept", Hidden: []hiddenField{{"code", code}},
		Intro: []string{"If you accept, the practice that wrote to you knows you from now on by the account with which you are signed in now."},
	}
	if v.Email != "" {
		sh.Facts = []fact{{"You are signed in as", v.Email.Reveal()}}
	}
	return sh
}

func (s *site) acceptInvitation(w http.ResponseWriter, r *http.Request, v visitor) error {
	f, err := readSheet(r, nil, nil)
	if err != nil {
		return err
	}
	code := f.values.Get("code")
	if _, err = s.Registrar.Accept(r.Context(), v.Caller, r.PathValue("invitation"), code); err == nil {
		return redirect(w, "/")
	}
	sh := acceptSheet(r, v, code)
	if errors.Is(err, clinic.ErrSecondFactor) {
		return weakSignIn{err, sh.Action + "?" + url.Values{"code": {code}}.Encode()}
	}
	public, ok := fault.Public(err)
	if !ok || !slices.Contains([]fault.Kind{fault.Conflict, fault.NotFound, fault.Denied}, public.Kind) {
		return err
	}
	if public.Kind != fault.Denied {
		sh.Action, sh.Intro = "", nil
	}
	return s.showSheet(w, known(v), sh, sentence(public.Text), http.StatusConflict)
}

var administratorForm = []field{
	{Kind: "text", ID: "email", Name: "email", Label: "E-mail address", Required: true},
	{Kind: "text", ID: "name", Name: "name", Label: "Name", Required: true},
}

func administratorSheet(practice string) sheet {
	at := practicePath(practice)
	return sheet{
		Crumb: &link{Href: at, Text: "The practice"}, Title: "Invite an administrator", Action: at + "/invite", Button: "Send the invitation",
		Fields: with(administratorForm, nil),
		Intro:  []string{"They get a letter with a link that is good for seven days, and sign in with this e-mail address and a second factor. Administrators invite everybody else."},
	}
}

func (s *site) newAdministrator(w http.ResponseWriter, r *http.Request, v visitor) error {
	if _, err := s.Registrar.Practice(r.Context(), v.Caller, r.PathValue("practice")); err != nil {
		return err
	}
	return s.showSheet(w, &v, administratorSheet(r.PathValue("practice")), "", http.StatusOK)
}

func (s *site) inviteAdministrator(w http.ResponseWriter, r *http.Request, v visitor) error {
	f, err := readSheet(r, administratorForm, workerPlaces)
	if err != nil {
		return err
	}
	in := registry.Administrator(r.PathValue("practice"), f.text("email"), f.text("name").Reveal())
	if _, err := s.Registrar.Invite(r.Context(), v.Caller, in); err != nil {
		return s.refusedSheet(w, &v, administratorSheet(in.Practice), f, err)
	}
	return redirect(w, practicePath(in.Practice)+"?done=invited")
}
