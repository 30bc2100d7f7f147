package httpapi

import (
	"time"

	"evisit/pkg/clinic/registrar"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/phi"
	"evisit/pkg/registry"
)

// Who a patient is.
type contactInput struct {
	Name phi.Text `json:"name" validate:"required,max=200"`
	// As 1990-04-12.
	Birth string `json:"birth_date" validate:"required,max=10,date" schema:"format=date"`
	// `female`, `male`, `other` or `unknown`; it may be left out.
	Sex   string   `json:"sex,omitempty" validate:"max=10"`
	Email phi.Text `json:"email" validate:"required,max=254"`
	// It may be left out.
	Phone phi.Text `json:"phone,omitempty" validate:"max=40"`
}

func (in contactInput) domain() identity.Contact {
	return identity.Contact{Name: in.Name, Birth: day(in.Birth), Sex: in.Sex, Email: in.Email, Phone: in.Phone}
}

// A patient, as the practice knows them.
type patientReply struct {
	ID string `json:"id"`
	// Name, day of birth, sex and e-mail address are the practice's.
	Name string `json:"name"`
	// Absent of who was registered by the system without it.
	Birth string `json:"birth_date,omitempty" schema:"format=date"`
	Sex   string `json:"sex,omitempty"`
	Email string `json:"email"`
	Phone string `json:"phone,omitempty"`
	// How the patient came: `staff`, `page` (the practice's public page) or `file`; absent of those whom the system
	// registered.
	Came       identity.Way `json:"came,omitempty"`
	Registered time.Time    `json:"registered_at"`
	Import     string       `json:"import,omitempty"`
	// Whether somebody signs in as the patient.
	Joined bool `json:"joined"`
	// When somebody at the practice matched the patient to a person; absent until then.
	Verified   *time.Time `json:"verified_at,omitempty"`
	VerifiedBy string     `json:"verified_by,omitempty"`
	// `active`, `warned` or `suspended`.
	Standing string `json:"standing" schema:"enum=active|warned|suspended"`
	// Why the patient is warned or suspended.
	Reason identity.Ground `json:"standing_reason,omitempty"`
	// The same in words, for the patient.
	Words string     `json:"standing_words,omitempty"`
	Since *time.Time `json:"standing_since,omitempty"`
	// The day of the last professional service in person; absent: it is not known.
	Seen     string         `json:"seen,omitempty" schema:"format=date"`
	Discount *discountReply `json:"discount,omitempty"`
	// The record that this one is a double of.
	Into string `json:"merged_into,omitempty"`
	// For If-Match.
	Version int `json:"version" schema:"min=1"`
}

func showPatient(p identity.Patient) patientReply {
	return patientReply{
		ID: p.ID, Name: p.Contact.Name.Reveal(), Birth: showDay(p.Contact.Birth), Sex: p.Contact.Sex, Email: p.Contact.Email.Reveal(), Phone: p.Contact.Phone.Reveal(),
		Came: p.Came, Registered: p.At, Import: p.Import, Joined: p.Person != "", Verified: when(p.Verified.At), VerifiedBy: p.Verified.By,
		Standing: p.Standing.State.Word(), Reason: p.Standing.Reason, Words: p.Standing.Reason.Words(), Since: when(p.Standing.At),
		Seen: showDay(p.Seen), Discount: showDiscount(p.Discount), Into: p.Into, Version: p.Version,
	}
}

func showDay(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.DateOnly)
}

func (a *API) replyPatient(p identity.Patient, err error) (Reply, error) {
	return Reply{Body: showPatient(p), ETag: etag(p.Version)}, err
}

var listPatients = Endpoint{
	Method: "GET", Path: "/patients", ID: "listPatients", Group: "Patients",
	For:  "List your practice's patients",
	Text: "The newest first. Those of a file that is not imported whole are not among them. For staff and administrators; each read is recorded.",
	By:   ByRegistry, Who: Known, Paged: true,
	Out: patientsReply{}, OutText: "A page of them.",
	Refuses: []Refusal{{Code: "denied"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		all, next, err := a.Registrar.Patients(r.Context(), r.Caller, r.After, r.Limit)
		out := patientsReply{[]patientReply{}, showCursor(r.list, next)}
		for _, p := range all {
			out.Patients = append(out.Patients, showPatient(p))
		}
		return Reply{Body: out}, err
	},
}

type patientsReply struct {
	Patients []patientReply `json:"patients" schema:"max=100"`
	// The cursor of the next page; absent on the last one.
	Next string `json:"next,omitempty"`
}

var registerPatient = Endpoint{
	Method: "POST", Path: "/patients", ID: "registerPatient", Group: "Patients",
	For:  "Register a patient whom you know",
	Text: "The patient counts as verified by you. Who may have a record already is named, and registered all the same. Invite them next, to sign in. For staff and administrators.",
	By:   ByRegistry, Who: Known, Once: true, In: contactInput{},
	Out: registeredReply{}, OutText: "The patient.",
	Refuses: []Refusal{{Code: "denied"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		p, found, err := a.Registrar.RegisterPatient(r.Context(), r.Caller, r.In.(*contactInput).domain())
		return Reply{Body: registeredReply{showPatient(p), ids(found)}, ETag: etag(p.Version)}, err
	},
}

type registeredReply struct {
	Patient patientReply `json:"patient"`
	// Ids of patients who may be the same person.
	Doubles []string `json:"possible_doubles"`
}

// ids is a list that is never null.
func ids(all []string) []string { return append([]string{}, all...) }

// A file of patients.
type fileInput struct {
	// The text of a CSV file (RFC 4180), of at most 1,000 lines below the first, which names the columns: `name`,
	// `birth`, `email`, and, where you have them, `sex` and `phone`.
	File phi.Text `json:"file" validate:"required"`
}

// What is to be known of a file before it is imported.
type previewReply struct {
	// How many lines are patients.
	Good int `json:"good"`
	// What is wrong with the others, by line.
	Problems []fault.Problem `json:"problems"`
	// Lines of which the patient may be known already.
	Doubles []lineDoubleReply `json:"possible_doubles"`
	Import  *progressReply    `json:"import,omitempty"`
}

// How far an import of this very file, without an id of its own, has come; absent if none was begun.
type progressReply struct {
	ID    string `json:"id"`
	Lines int    `json:"lines"`
	// Of these, how many are stored.
	Written int `json:"written"`
	// When the last of them was; the patients count from then on.
	Done *time.Time `json:"done_at,omitempty"`
}

func showProgress(i registry.Import) *progressReply {
	if i.ID == "" {
		return nil
	}
	return &progressReply{i.ID, i.Lines, i.Written, when(i.Done)}
}

// A line of which the patient may be known already.
type lineDoubleReply struct {
	Line int `json:"line"`
	// Ids of patients who may be the same person, at most ten.
	Patients []string `json:"patients"`
	// Earlier lines of the file that may be, the first ten at most.
	Lines []int `json:"lines"`
}

func showDoubles(all []registrar.LineDouble) []lineDoubleReply {
	out := []lineDoubleReply{}
	for _, d := range all {
		out = append(out, lineDoubleReply{d.Line, ids(d.Patients), append([]int{}, d.Lines...)})
	}
	return out
}

var previewPatients = Endpoint{
	Method: "POST", Path: "/patients/file/preview", ID: "previewPatients", Group: "Patients",
	For:  "See what an import would do",
	Text: "No patient is written. Who is shown that patients of yours may be known already has read of them, and that is recorded. For staff and administrators.",
	By:   ByRegistry, Who: Known, In: fileInput{},
	Out: previewReply{}, OutText: "What is good, what is wrong, and who may be known already.",
	Refuses: []Refusal{{Code: "denied"}, {Code: "invalid_file"}, {Code: "too_many_lines"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		file := []byte(r.In.(*fileInput).File.Reveal())
		f, err := a.Registrar.PreviewPatients(r.Context(), r.Caller, file)
		if err != nil {
			return Reply{}, err
		}
		i, err := a.Registrar.ImportOf(r.Context(), r.Caller, file)
		return Reply{Body: previewReply{len(f.Lines), append([]fault.Problem{}, f.Problems...), showDoubles(f.Doubles), showProgress(i)}}, err
	},
}

// A file of patients, and the id of its import.
type importInput struct {
	// Choose it, with at most 40 letters, digits and hyphens. Left out, it is the file's own: the same file is then the
	// same import.
	ID string `json:"id,omitempty" validate:"max=40"`
	fileInput
}

// How far a file has been taken over.
type importReply struct {
	ID    string `json:"id"`
	Lines int    `json:"lines"`
	// When the last of them was; the patients count from then on.
	Done    *time.Time        `json:"done_at"`
	Doubles []lineDoubleReply `json:"possible_doubles"`
}

func showImport(i registry.Import, doubles []registrar.LineDouble) importReply {
	return importReply{i.ID, i.Lines, when(i.Done), showDoubles(doubles)}
}

var importPatients = Endpoint{
	Method: "POST", Path: "/patients/file/import", ID: "importPatients", Group: "Patients",
	For: "Import patients from a file",
	Text: "A file with a line that is wrong is refused whole, with everything that is wrong in it. Who may be known already is listed and imported " +
		"all the same; all are unverified. The patients count once all are stored: if the answer is lost, send the same file under the same id, " +
		"and it goes on where it stopped. For staff and administrators.",
	By: ByRegistry, Who: Known, In: importInput{},
	Out: importReply{}, OutText: "The import, done.",
	Refuses: []Refusal{{Code: "denied"}, {Code: "invalid_file"}, {Code: "too_many_lines"}, {Code: "import_other_file"}, {Code: "changed"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		in := r.In.(*importInput)
		i, doubles, err := a.Registrar.ImportPatients(r.Context(), r.Caller, in.ID, []byte(in.File.Reveal()))
		return Reply{Body: showImport(i, doubles)}, err
	},
}

var getPatient = Endpoint{
	Method: "GET", Path: "/patients/{patient}", ID: "getPatient", Group: "Patients",
	For:  "Read what the practice knows of a patient",
	Text: "For the patient, who acts for them, staff and administrators; each read is recorded.",
	By:   ByRegistry, Who: Known,
	Out: patientReply{}, OutText: "The patient.",
	Refuses: []Refusal{{Code: "denied"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		return a.replyPatient(a.Registrar.Patient(r.Context(), r.Caller, r.PathValue("patient")))
	},
}

var listDoubles = Endpoint{
	Method: "GET", Path: "/patients/{patient}/doubles", ID: "listDoubles", Group: "Patients",
	For:  "List who may be the same person",
	Text: "Name or day of birth agree, and something else does. For staff and administrators; each read is recorded.",
	By:   ByRegistry, Who: Known,
	Out: doublesReply{}, OutText: "Their ids; the list has no pages.",
	Refuses: []Refusal{{Code: "denied"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		found, err := a.Registrar.Doubles(r.Context(), r.Caller, r.PathValue("patient"))
		return Reply{Body: doublesReply{ids(found)}}, err
	},
}

type doublesReply struct {
	Doubles []string `json:"possible_doubles"`
}

// What is to be different; what is left out stays.
type contactChangeInput struct {
	Name  *phi.Text `json:"name,omitempty" validate:"omitempty,max=200"`
	Birth *string   `json:"birth_date,omitempty" validate:"omitempty,max=10,date" schema:"format=date"`
	Sex   *string   `json:"sex,omitempty" validate:"omitempty,max=10"`
	Email *phi.Text `json:"email,omitempty" validate:"omitempty,max=254"`
	// Empty: there is none.
	Phone *phi.Text `json:"phone,omitempty" validate:"omitempty,max=40"`
}

func (in contactChangeInput) domain() registrar.ContactChange {
	ch := registrar.ContactChange{Name: in.Name, Email: in.Email, Phone: in.Phone, Sex: in.Sex}
	if in.Birth != nil {
		birth := day(*in.Birth)
		ch.Birth = &birth
	}
	return ch
}

var changeContact = Endpoint{
	Method: "POST", Path: "/patients/{patient}/contact", ID: "changeContact", Group: "Patients",
	For: "Change a patient's contact data",
	Text: "A patient, or who acts for them, changes phone and e-mail address, the latter to the one that their own sign-in has confirmed; the practice's staff " +
		"and administrators change all. A letter to the address that there was says so.",
	By: ByRegistry, Who: Known, IfMatch: true, In: contactChangeInput{},
	Out: patientReply{}, OutText: "The patient.",
	Refuses: []Refusal{{Code: "denied"}, {Code: "email_unconfirmed"}, {Code: "merged"}, {Code: "stale"}, {Code: "changed"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		ch := r.In.(*contactChangeInput).domain()
		return a.replyPatient(a.Registrar.ChangeContact(r.Context(), r.Caller, r.PathValue("patient"), ch))
	},
}

var invitePatient = Endpoint{
	Method: "POST", Path: "/patients/{patient}/invite", ID: "invitePatient", Group: "Patients",
	For:  "Invite a patient to sign in",
	Text: "Sends a letter to the patient's address, whose link is good for seven days and one person, who signs in with that address confirmed. For staff and administrators.",
	By:   ByRegistry, Who: Known, Once: true,
	Out: invitationReply{}, OutText: "The invitation.",
	Refuses: []Refusal{{Code: "denied"}, {Code: "already_joined"}, {Code: "merged"}, {Code: "minor"}, {Code: "minors_not_taken"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		i, err := a.Registrar.InvitePatient(r.Context(), r.Caller, r.PathValue("patient"))
		return Reply{Body: showInvitation(i)}, err
	},
}

var verifyPatient = Endpoint{
	Method: "POST", Path: "/patients/{patient}/verify", ID: "verifyPatient", Group: "Patients",
	For:  "Say that a patient was matched to a person",
	Text: "The work that asks for it ends. Repeating it succeeds and changes nothing. For staff and administrators.",
	By:   ByRegistry, Who: Known,
	Out: patientReply{}, OutText: "The patient.",
	Refuses: []Refusal{{Code: "denied"}, {Code: "merged"}, {Code: "changed"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		return a.replyPatient(a.Registrar.Verify(r.Context(), r.Caller, r.PathValue("patient")))
	},
}

// How a patient is to stand.
type standingInput struct {
	State string `json:"standing" validate:"required,oneof=active warned suspended" schema:"enum=active|warned|suspended"`
	// Why, unless they are to be active: `misuse`, `abuse`, `unpaid`, `in_person` (must be seen first), or, of who is
	// suspended, `not_patient`.
	Reason identity.Ground `json:"reason,omitempty" validate:"max=40"`
}

var setStanding = Endpoint{
	Method: "POST", Path: "/patients/{patient}/standing", ID: "setStanding", Group: "Patients",
	For: "Warn or suspend a patient, or end that",
	Text: "Who is suspended starts no clinical request, is given no price, and is shown your phone number; administrative requests stay open, unless the reason " +
		"is `not_patient`. Requests that were sent run on. For staff and administrators.",
	By: ByRegistry, Who: Known, IfMatch: true, In: standingInput{},
	Out: patientReply{}, OutText: "The patient.",
	Refuses: []Refusal{{Code: "denied"}, {Code: "merged"}, {Code: "stale"}, {Code: "changed"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		in := r.In.(*standingInput)
		state := identity.StandingOf(in.State)
		return a.replyPatient(a.Registrar.Stand(r.Context(), r.Caller, r.PathValue("patient"), state, in.Reason))
	},
}

// When a patient was last seen.
type seenInput struct {
	// As 2026-03-02; empty or left out: it is not known.
	Day string `json:"seen,omitempty" validate:"max=10,date" schema:"format=date"`
}

var setSeen = Endpoint{
	Method: "POST", Path: "/patients/{patient}/seen", ID: "setSeen", Group: "Patients",
	For:  "Note when a patient was last seen in person",
	Text: "Where the practice answers established patients alone, this decides who is one. For staff and administrators.",
	By:   ByRegistry, Who: Known, IfMatch: true, In: seenInput{},
	Out: patientReply{}, OutText: "The patient.",
	Refuses: []Refusal{{Code: "denied"}, {Code: "merged"}, {Code: "stale"}, {Code: "changed"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		seen := day(r.In.(*seenInput).Day)
		return a.replyPatient(a.Registrar.SetSeen(r.Context(), r.Caller, r.PathValue("patient"), seen))
	},
}

// Which record is the patient's.
type mergeInput struct {
	// The id of the other record of the same person.
	Into string `json:"into" validate:"required,max=128"`
}

var mergePatient = Endpoint{
	Method: "POST", Path: "/patients/{patient}/merge", ID: "mergePatient", Group: "Patients",
	For: "Say that a record is a double of another",
	Text: "Who signs in as the double is from then on the other patient, and still acts for the double, whose visits stay where they are. The double is suspended. " +
		"Its health plans are taken over, but for those that the other has already; one whose turn is not free there gets the next, and is to be compared with its card. " +
		"Repeating it succeeds and changes nothing. For staff and administrators.",
	By: ByRegistry, Who: Known, In: mergeInput{},
	Out: patientReply{}, OutText: "The double.",
	Refuses: []Refusal{{Code: "denied"}, {Code: "merged"}, {Code: "already_joined"}, {Code: "not_joined"}, {Code: "coverage_priority"}, {Code: "coverages_full"}, {Code: "changed"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		return a.replyPatient(a.Registrar.Merge(r.Context(), r.Caller, r.PathValue("patient"), r.In.(*mergeInput).Into))
	},
}

var listCaregivers = Endpoint{
	Method: "GET", Path: "/patients/{patient}/caregivers", ID: "listCaregivers", Group: "Patients",
	For:  "List who acts for a patient, or did",
	Text: "For the patient, who acts for them, staff and administrators; each read is recorded.",
	By:   ByRegistry, Who: Known,
	Out: caregiversReply{}, OutText: "All of them; the lists have no pages.",
	Refuses: []Refusal{{Code: "denied"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		all, err := a.Registrar.Caregivers(r.Context(), r.Caller, r.PathValue("patient"))
		out := caregiversReply{[]caregiverReply{}, []invitationReply{}}
		for _, g := range all.All {
			one := a.showCaregiver(g.Grant)
			one.Email, one.Since = g.Email.Reveal(), when(g.Since)
			out.Caregivers = append(out.Caregivers, one)
		}
		for _, i := range all.Invited {
			out.Invited = append(out.Invited, showInvitation(i))
		}
		return Reply{Body: out}, err
	},
}

type caregiversReply struct {
	Caregivers []caregiverReply `json:"caregivers"`
	// Who is invited to act and has not accepted, the oldest first; empty for who acts.
	Invited []invitationReply `json:"invited"`
}

// Someone who acts for a patient, or did.
type caregiverReply struct {
	Person string `json:"person"`
	// The end; absent: there is none.
	Until *time.Time `json:"until,omitempty"`
	// Whether they act for the patient now.
	Active bool `json:"active"`
	// Who granted it.
	By string `json:"granted_by,omitempty"`
	// `parent` (or guardian), `help` (the patient asked them to), `legal` (a court or a power of attorney named them), or
	// `earlier`: the patient is an earlier record of the person's own.
	Why identity.Why `json:"why,omitempty"`
	// `read` for who may see what the patient sees and do nothing; absent for who may do all but delegate.
	Scope identity.Scope `json:"scope,omitempty"`
	// Where the invitation went; absent of who came without one, and of others for who acts.
	Email string `json:"email,omitempty"`
	// When they were invited.
	Since *time.Time `json:"invited_at,omitempty"`
}

func (a *API) showCaregiver(g identity.Grant) caregiverReply {
	return caregiverReply{Person: g.Person, Until: when(g.Until), Active: g.Active(a.Kernel.Time()), By: g.By, Why: g.Why, Scope: g.Scope}
}

// Somebody who is to act for a patient.
type caregiverInput struct {
	Email phi.Text `json:"email" validate:"required,max=254"`
	// `parent`, for minors alone; `help`; or `legal`.
	Why identity.Why `json:"why" validate:"required,max=20"`
	// `read` to see what the patient sees and do nothing; left out, all but to delegate.
	Scope identity.Scope `json:"scope,omitempty" validate:"max=20"`
	// The end; it may be left out. For a minor it is the eighteenth birthday at the latest.
	Until *time.Time `json:"until,omitempty"`
}

var inviteCaregiver = Endpoint{
	Method: "POST", Path: "/patients/{patient}/caregivers", ID: "inviteCaregiver", Group: "Patients",
	For: "Have somebody act for a patient",
	Text: "Sends a letter whose link is good for seven days and one person, who signs in with that address confirmed. For the patient themselves, and for staff and " +
		"administrators who have verified why. A grant for a minor ends at the eighteenth birthday, and the patient may then give it anew.",
	By: ByRegistry, Who: Known, Once: true, In: caregiverInput{},
	Out: invitationReply{}, OutText: "The invitation.",
	Refuses: []Refusal{{Code: "denied"}, {Code: "merged"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		in := r.In.(*caregiverInput)
		w := registrar.Power{Email: in.Email, Why: in.Why, Scope: in.Scope}
		if in.Until != nil {
			w.Until = *in.Until
		}
		i, err := a.Registrar.InviteCaregiver(r.Context(), r.Caller, r.PathValue("patient"), w)
		return Reply{Body: showInvitation(i)}, err
	},
}

var uninviteCaregiver = Endpoint{
	Method: "POST", Path: "/patients/{patient}/caregivers/invitations/{invitation}/revoke", ID: "uninviteCaregiver", Group: "Patients",
	For:  "Take back that somebody was asked to act for a patient",
	Text: "The link of the letter is then good for nobody. For the patient, staff and administrators. Repeating it succeeds and changes nothing.",
	By:   ByRegistry, Who: Known,
	Out: invitationReply{}, OutText: "The invitation.",
	Refuses: []Refusal{{Code: "denied"}, {Code: "no_invitation"}, {Code: "invitation_used"}, {Code: "changed"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		i, err := a.Registrar.UninviteCaregiver(r.Context(), r.Caller, r.PathValue("patient"), r.PathValue("invitation"))
		return Reply{Body: showInvitation(i)}, err
	},
}

var revokeCaregiver = Endpoint{
	Method: "POST", Path: "/patients/{patient}/caregivers/{person}/revoke", ID: "revokeCaregiver", Group: "Patients",
	For:  "End at once that somebody acts for a patient",
	Text: "For the patient, the one who acts, staff and administrators; the parent of a patient under 18 is for the latter two alone. Repeating it succeeds and changes nothing.",
	By:   ByRegistry, Who: Known,
	Out: caregiverReply{}, OutText: "Who acted for the patient.",
	Refuses: []Refusal{{Code: "denied"}, {Code: "changed"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		g, err := a.Registrar.RevokeCaregiver(r.Context(), r.Caller, r.PathValue("patient"), r.PathValue("person"))
		return Reply{Body: a.showCaregiver(g)}, err
	},
}

var readDoor = Endpoint{
	Method: "GET", Path: "/practices/{practice}/join", ID: "readDoor", Group: "Patients",
	For:  "Read what a practice tells those who would be its patients",
	Text: "For anyone.",
	By:   ByRegistry,
	Out:  doorReply{}, OutText: "The practice.",
	Refuses: []Refusal{{Code: "not_found"}, {Code: "try_again"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		d, err := a.Registrar.Door(r.Context(), r.PathValue("practice"))
		return Reply{Body: doorReply(d)}, err
	},
}

// A practice, for those who would be its patients.
type doorReply struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Phone string `json:"phone"`
	// Whether somebody may register now.
	Open bool `json:"open"`
	// Whether it takes online requests for patients under 18.
	Minors bool `json:"minors"`
	// The age from which people register themselves; who is younger is registered by the practice, with a parent.
	From int `json:"from_age" schema:"min=12"`
}

// Who registers; e-mail address and phone are those that the sign-in has confirmed.
type joinInput struct {
	Name phi.Text `json:"name" validate:"required,max=200"`
	// As 1990-04-12.
	Birth string `json:"birth_date" validate:"required,max=10,date" schema:"format=date"`
	// `female`, `male`, `other` or `unknown`; it may be left out.
	Sex string `json:"sex,omitempty" validate:"max=10"`
}

var joinPractice = Endpoint{
	Method: "POST", Path: "/practices/{practice}/join", ID: "joinPractice", Group: "Patients",
	For: "Register as a patient",
	Text: "With a token whose e-mail address is confirmed; a confirmed phone number is taken too. Staff then match who registered to a person. Who is under 18, or under the age " +
		"from which the practice lets patients act for themselves, is registered by the practice. The same holder again is the same patient, whatever is sent.",
	By: ByRegistry, Who: Holder, In: joinInput{},
	Out: patientReply{}, OutText: "Who you are there.",
	Refuses: []Refusal{{Code: "email_unconfirmed"}, {Code: "minor"}, {Code: "minors_not_taken"}, {Code: "practice_suspended"}, {Code: "already_member"}, {Code: "changed"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		in := r.In.(*joinInput)
		contact := identity.Contact{Name: in.Name, Birth: day(in.Birth), Sex: in.Sex}
		return a.replyPatient(a.Registrar.Join(r.Context(), r.Caller, r.PathValue("practice"), contact))
	},
}
