package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"evisit/infra/local/seed"
	"evisit/infra/local/system"
)

// The form of the new practice, which is not in the library, and its examples.
//
//go:embed forms/tick-bite.json
var tickBite []byte

//go:embed forms/tick-bite-examples.json
var tickBiteExamples []byte

// An opening is a practice that opens its doors in a system where nobody is registered.
type opening struct {
	*scene
	operator, admin, ana, ben *person
	noa                       *person // a nurse practitioner
	jo                        *person
	joID                      string // as a patient
	account                   string // of the practice at Stripe
	first                     *care
	accepted                  []string // invitations
}

// openDoors plays the opening of a practice on an empty system of its own, over HTTP alone, and
// proves what it left.
func openDoors(ctx context.Context, out io.Writer) error {
	return withSystem(ctx, true, func(sys *system.System) error { return opens(ctx, sys, out) })
}

// opens plays the scenes in order.
func opens(ctx context.Context, sys *system.System, out io.Writer) error {
	k := newCast(newClient(http.DefaultTransport), sys.URL, "opening", out)
	k.stripe = sys.Stripe
	o := &opening{scene: &scene{cast: k}}
	for n, sc := range openings {
		if _, err := fmt.Fprintf(out, "\n%2d %s\n", n+1, sc.title); err != nil {
			return err
		}
		if sc.play(o, ctx); o.err != nil {
			return fmt.Errorf("scene %d, %q: %w", n+1, sc.title, o.err)
		}
	}
	if _, err := fmt.Fprint(out, "\nProof, from the API and the payment simulator alone\n"); err != nil {
		return err
	}
	o.proves(ctx)
	return o.err
}

var openings = []struct {
	title string
	play  func(*opening, context.Context)
}{
	{"Who runs the system registers a practice", (*opening).registers},
	{"Its administrator joins, and invites the others", (*opening).joins},
	{"It connects an account at Stripe", (*opening).connects},
	{"A form of its own is written, shown by examples, approved and published", (*opening).publishes},
	{"The practice decides prices, promise, states and consent", (*opening).decides},
	{"A patient comes by the practice's page; the clinician leaves in the middle of the first visit", (*opening).treats},
	{"Health plans are entered and checked, and Medicare is told apart", (*opening).covers},
	{"One person works at two practices", (*opening).worksTwice},
	{"Patients come by a file", (*opening).imports},
	{"A suspended patient is refused before the price", (*opening).suspends},
	{"A child turns eighteen", (*opening).growsUp},
}

// signsIn is somebody new at the identity provider, with a confirmed address.
func (o *opening) signsIn(ctx context.Context, name, email, phone string) *person {
	p := &person{cast: o.cast, Name: name}
	o.do(func() error {
		in := map[string]any{"name": name, "email": email, "email_verified": email != "", "phone": phone, "phone_verified": phone != ""}
		return o.json(ctx, call{method: http.MethodPost, url: o.base + "/dev/issuer/people"}, in, p)
	})
	return p
}

// says prints what somebody did.
func (o *opening) says(ctx context.Context, who, what string) {
	o.do(func() error { return o.print(ctx, who, what, "") })
}

const north = "north"

func (o *opening) registers(ctx context.Context) {
	o.operator = &person{cast: o.cast, Name: "Pat Quinn"}
	o.do(func() error {
		return o.json(ctx, call{method: http.MethodPost, url: o.base + "/dev/issuer/people"}, map[string]any{"subject": seed.Operator}, o.operator)
	})
	practice := map[string]any{
		"id": north, "name": "North Clinic", "time_zone": "America/Los_Angeles", "phone": "+1 503 555 0100", "inbox": "desk@north.example",
		"address": map[string]string{"line": "12 Shore Road", "city": "Portland", "state": "OR", "zip": "97201"},
		"npi":     "1234567890", "ein": "12-3456789", "taxonomy": "207Q00000X", "platform_fee_basis_points": 250,
	}
	o.refused(ctx, "Pat Quinn", "an NPI with a wrong digit", "invalid_request", func() error {
		return o.operator.post(ctx, "/practices", practice, nil)
	})
	practice["npi"] = "1234567893"
	o.do(func() error { return o.operator.post(ctx, "/practices", practice, nil) })
	o.says(ctx, "Pat Quinn", "registers North Clinic, of whose payments the platform takes 2.5%")
	o.do(func() error {
		return o.operator.post(ctx, "/practices/"+north+"/invitations", map[string]string{"email": "ada@north.example", "name": "Ada North"}, nil)
	})
	o.says(ctx, "Pat Quinn", "invites its administrator")
}

var letterLink = regexp.MustCompile(`/accept/([a-z0-9]+)\?(code=\S+)`)

// accepts waits for the letter that invites who, and accepts it.
func (o *opening) accepts(ctx context.Context, who *person, email string) {
	var id, code string
	o.waitsForLetter(ctx, "the invitation of "+email, func(m letter) bool {
		found := letterLink.FindStringSubmatch(m.Text)
		if found == nil || !slices.Contains(m.To, email) || slices.Contains(o.accepted, found[1]) {
			return false
		}
		values, err := url.ParseQuery(found[2])
		id, code = found[1], values.Get("code")
		return err == nil
	})
	var as struct {
		ID string `json:"id"`
	}
	o.do(func() error { return who.post(ctx, "/invitations/"+id+"/accept", map[string]string{"code": code}, &as) })
	if who.ID == "" {
		who.ID = as.ID
	}
	o.accepted = append(o.accepted, id)
	o.says(ctx, who.Name, "opens the letter, signs in and accepts")
}

// invites has the administrator invite somebody, who accepts.
func (o *opening) invites(ctx context.Context, name, email, kind string, roles []string, license map[string]any) *person {
	in := map[string]any{"email": email, "name": name, "kind": kind, "roles": roles, "licenses": []any{license}}
	o.do(func() error { return o.admin.post(ctx, "/invitations", in, nil) })
	who := o.signsIn(ctx, name, email, "")
	o.accepts(ctx, who, email)
	return who
}

func (o *opening) joins(ctx context.Context) {
	stranger := o.signsIn(ctx, "Someone else", "else@north.example", "")
	o.admin = o.signsIn(ctx, "Ada North", "ada@north.example", "")
	o.refused(ctx, "Someone else", "whom nobody invited", "unknown_person", func() error { return stranger.get(ctx, "/people", nil) })
	o.accepts(ctx, o.admin, "ada@north.example")
	var ends time.Time
	o.do(func() (err error) {
		now, err := o.now(ctx)
		ends = now.AddDate(2, 0, 0).UTC()
		return err
	})
	license := map[string]any{"state": "OR", "number": "MD-20411", "expires": ends}
	o.ana = o.invites(ctx, "Ana North, MD", "ana@north.example", "physician", []string{"clinician"}, license)
	o.ben = o.invites(ctx, "Ben North, MD", "ben@north.example", "physician", []string{"clinician", "director"}, license)
	o.noa = o.invites(ctx, "Noa North, NP", "noa@north.example", "np", []string{"clinician"}, map[string]any{"state": "OR", "number": "NP-7001", "expires": ends})
	o.refused(ctx, "Ada North", "the last administrator leaves", "last_admin", func() error {
		return o.admin.post(ctx, "/people/"+o.admin.ID+"/deactivate", nil, nil)
	})
}

// connects has an account made at Stripe and gives what Stripe asks for, until patients can pay.
func (o *opening) connects(ctx context.Context) {
	var stands struct {
		Account struct {
			ID        string `json:"id"`
			MayCharge bool   `json:"may_charge"`
		} `json:"stripe_account"`
	}
	o.refused(ctx, "Ana North, MD", "connecting the practice's account", "denied", func() error { return o.ana.post(ctx, "/settings/account", nil, nil) })
	o.do(func() error {
		return o.until(ctx, "the account at Stripe", func(ctx context.Context) (bool, error) {
			err := o.admin.post(ctx, "/settings/account", nil, &stands)
			return stands.Account.ID != "" || !pause(ctx, time.Second), err
		})
	})
	o.account = stands.Account.ID
	o.check(!stands.Account.MayCharge, "patients can pay before Stripe knows whom")
	o.says(ctx, "Ada North", "has an account made at Stripe, which can take no payment yet")
	var page struct {
		URL string `json:"url"`
	}
	o.do(func() error { return o.admin.post(ctx, "/practice/account/page", nil, &page) })
	o.do(func() error {
		status, _, _, err := o.submitForm(ctx, page.URL, url.Values{"left": {"finish"}})
		o.check(status == http.StatusSeeOther, "Stripe's page answered %d", status)
		return err
	})
	o.do(func() error {
		return o.until(ctx, "payments to be possible", func(ctx context.Context) (bool, error) {
			err := o.admin.get(ctx, "/settings", &stands)
			return stands.Account.MayCharge, err
		})
	})
	o.says(ctx, "Ada North", "gives Stripe what it asks for; patients can pay")
}

func (o *opening) publishes(ctx context.Context) {
	source := map[string]any{"questionnaire": json.RawMessage(tickBite)}
	o.do(func() error {
		var draft struct {
			Missing []struct{ Text string } `json:"missing"`
		}
		err := o.admin.post(ctx, "/questionnaires", source, &draft)
		o.check(len(draft.Missing) > 0, "a form without examples lacks nothing")
		return errors.Join(err, o.print(ctx, "Ada North", fmt.Sprintf("hands in a form; %d things are not shown by examples yet", len(draft.Missing)), ""))
	})
	var draft struct {
		Hash    string `json:"hash"`
		Version int    `json:"draft"`
	}
	o.do(func() error { return o.admin.get(ctx, "/questionnaires/tick-bite/draft", &draft) })
	o.refused(ctx, "Ben North, MD", "approving what examples do not show", "examples_missing", func() error {
		return o.ben.post(ctx, "/questionnaires/tick-bite/draft/approve", map[string]string{"hash": draft.Hash}, nil)
	})
	source["examples"], source["replaces"] = json.RawMessage(tickBiteExamples), draft.Version
	o.do(func() error { return o.admin.post(ctx, "/questionnaires", source, &draft) })
	o.refused(ctx, "Ada North", "publishing what nobody approved", "not_approved", func() error {
		return o.admin.post(ctx, "/questionnaires/tick-bite/draft/publish", nil, nil)
	})
	o.do(func() error {
		return o.ben.post(ctx, "/questionnaires/tick-bite/draft/approve", map[string]string{"hash": draft.Hash}, nil)
	})
	o.says(ctx, "Ben North, MD", "approves exactly this text, as medical director")
	o.do(func() error { return o.admin.post(ctx, "/questionnaires/tick-bite/draft/publish", nil, nil) })
	o.says(ctx, "Ada North", "publishes it")
}

func (o *opening) decides(ctx context.Context) {
	o.refused(ctx, "Ada North", "a price of a few cents", "invalid_request", func() error {
		return o.admin.post(ctx, "/settings/decisions", map[string]any{"prices": map[string]int{"tick-bite": 20}}, nil)
	})
	o.refusedAt(ctx, "Ada North", "a nurse practitioner's price above the form's", "/kind_prices/tick-bite/np", func() error {
		return o.admin.post(ctx, "/settings/decisions", map[string]any{
			"prices": map[string]int{"tick-bite": 45_00}, "kind_prices": map[string]any{"tick-bite": map[string]int{"np": 60_00}},
		}, nil)
	})
	o.do(func() error {
		return o.admin.post(ctx, "/settings/decisions", map[string]any{
			"prices": map[string]int{"tick-bite": 45_00}, "kind_prices": map[string]any{"tick-bite": map[string]int{"np": 30_00}}, "states": []string{"OR"}, "answer_minutes": 24 * 60, "give_up_minutes": 24 * 60,
		}, nil)
	})
	o.do(func() error {
		return o.admin.post(ctx, "/settings/consent", map[string]any{
			"version": "2026-11", "text": "An e-visit is an answer in writing from a clinician of this practice. It is not for emergencies.",
		}, nil)
	})
	o.says(ctx, "Ada North", "decides the price, what it is if a nurse practitioner answers, the promise, the states and the consent text")
	var all struct {
		Readers string `json:"who_reads"`
	}
	o.do(func() error { return o.admin.get(ctx, "/settings", &all) })
	o.check(strings.HasPrefix(all.Readers, "Ana North, MD, Ben North, MD and Noa North, NP."), "patients are told of readers: %q", all.Readers)
}

// joinsAsPatient has somebody come to the practice by its page.
func (o *opening) joinsAsPatient(ctx context.Context, who *person, birth string) string {
	var patient struct {
		ID string `json:"id"`
	}
	o.do(func() error {
		return who.post(ctx, "/practices/"+north+"/join", map[string]string{"name": who.Name, "birth_date": birth, "sex": "female"}, &patient)
	})
	return patient.ID
}

func (o *opening) treats(ctx context.Context) {
	o.jo = o.signsIn(ctx, "Jo Walker", "jo@mail.example", "+15035550188")
	o.joID = o.joinsAsPatient(ctx, o.jo, "1988-05-17")
	o.do(func() error { return o.jo.get(ctx, "/me", o.jo) })
	o.says(ctx, "Jo Walker", "joins by the practice's page, unverified")
	o.do(func() error { return o.admin.post(ctx, "/patients/"+o.joID+"/verify", nil, nil) })
	o.says(ctx, "Ada North", "matches her with the practice's records")
	v := o.requests(ctx, o.jo, "tick-bite", answers{"tick-days": 2, "tick-rash": "small"}.no("tick-breath", "tick-fever", "tick-neck"))
	o.first = v
	var priced struct {
		Quote struct {
			Amount int64  `json:"amount_cents"`
			Most   string `json:"at_most"`
		} `json:"quote"`
	}
	o.do(func() error { return o.jo.get(ctx, "/visits/"+v.id, &priced) })
	most := "At most $45.00; $30.00 if a nurse practitioner answers."
	o.check(priced.Quote.Amount == 45_00 && priced.Quote.Most == most, "the quote is %+v, want %q", priced.Quote, most)
	v.pays(ctx)
	v.queues(ctx)
	v.taken(ctx, o.ana)
	o.do(func() error { return o.admin.post(ctx, "/people/"+o.ana.ID+"/deactivate", nil, nil) })
	o.says(ctx, "Ada North", "deactivates Ana North, who has taken it")
	o.refused(ctx, "Ana North, MD", "reading on", "unknown_person", func() error { return o.ana.get(ctx, "/queue", nil) })
	v.becomes(ctx, "queued", "the visit goes back to its pool; the promise stands")
	v.taken(ctx, o.noa)
	v.answeredBy(ctx, o.noa, concludes("The tick is out, and a small red spot is usual.", "W57.XXXA", "Bitten by an arthropod",
		"Watch the bite for a month.", "A ring around it, a fever, or aching joints."))
	v.settles(ctx, "captured", "the card is charged $30.00 of the $45.00 held, for a nurse practitioner answered")
	v.isWritten(ctx, "Your request was answered")
	o.do(func() error { return o.admin.post(ctx, "/people/"+o.ana.ID+"/reactivate", nil, nil) })
	o.says(ctx, "Ada North", "lets Ana North in again")
}

// A healthPlan is what the scenes read of a patient's health plan.
type healthPlan struct {
	ID       string     `json:"id"`
	Payer    string     `json:"payer_name"`
	Medicare string     `json:"medicare"`
	Member   string     `json:"member_id"`
	Checked  *time.Time `json:"checked_at"`
}

// unchecked is how many health plans the work list of the practice asks to compare with cards.
func (o *opening) unchecked(ctx context.Context) int {
	var all struct {
		Items []struct {
			Kind string `json:"kind"`
		} `json:"items"`
	}
	o.do(func() error { return o.admin.get(ctx, "/practice/work", &all) })
	n := 0
	for _, i := range all.Items {
		if i.Kind == "coverage.unchecked" {
			n++
		}
	}
	return n
}

func (o *opening) covers(ctx context.Context) {
	for _, payer := range []map[string]string{
		{"id": "60999", "name": "Cascade Mutual", "filing_code": "CI", "electronic_address": "CASCADE"},
		{"id": "MEDOR", "name": "Medicare of Oregon", "filing_code": "MB", "electronic_address": "MEDOR"},
	} {
		o.do(func() error { return o.operator.post(ctx, "/payers", payer, nil) })
		o.says(ctx, "Pat Quinn", "registers the payer "+payer["name"])
	}
	plans := "/patients/" + o.joID + "/coverages"
	var first, medicare healthPlan
	o.do(func() error {
		in := map[string]any{"payer": "60999", "member_id": "W123456789", "group": "G1001", "relation": "self", "priority": 1}
		return o.jo.post(ctx, plans, in, &first)
	})
	o.check(first.Payer == "Cascade Mutual" && first.Medicare == "" && first.Checked == nil, "the patient's plan is %+v", first)
	o.check(o.unchecked(ctx) == 1, "the practice is not asked to compare the plan with its card")
	o.says(ctx, "Jo Walker", "enters the plan on her card: work for the practice")
	o.do(func() error { return o.admin.post(ctx, plans+"/"+first.ID+"/check", nil, nil) })
	o.check(o.unchecked(ctx) == 0, "the practice is still asked to compare the plan with its card")
	o.says(ctx, "Ada North", "compares it with the card: that work is done")
	in := map[string]any{"payer": "MEDOR", "member_id": "1SG4-TE5-MK73", "relation": "self", "priority": 2}
	o.refusedAt(ctx, "Jo Walker", "a Medicare number with an S", "/member_id", func() error { return o.jo.post(ctx, plans, in, nil) })
	in["member_id"], in["priority"] = "1EG4-TE5-MK73", 1
	o.refused(ctx, "Jo Walker", "a second plan that pays first", "coverage_priority", func() error { return o.jo.post(ctx, plans, in, nil) })
	in["priority"] = 2
	o.do(func() error { return o.admin.post(ctx, plans, in, &medicare) })
	o.check(medicare.Medicare == "part_b" && medicare.Member == "1EG4TE5MK73" && medicare.Checked != nil, "what the practice entered is %+v", medicare)
	o.says(ctx, "Ada North", "enters her Medicare: told apart, and checked by that")
	o.do(func() error { return o.jo.post(ctx, plans+"/"+first.ID+"/end", map[string]string{}, nil) })
	o.check(o.unchecked(ctx) == 1, "the practice is not asked to compare the plan that ended")
	o.says(ctx, "Jo Walker", "says that the first ends today; it stays")
}

// at is p at one of the practices that know p.
func (p *person) at(practice string) *person {
	there := *p
	there.Practice = practice
	return &there
}

func (o *opening) worksTwice(ctx context.Context) {
	south := map[string]any{
		"id": "south", "name": "South Clinic", "time_zone": "America/Denver", "phone": "+1 303 555 0100", "inbox": "desk@south.example",
		"address": map[string]string{"line": "1 Main Street", "city": "Denver", "state": "CO", "zip": "80201"},
		"npi":     "1234567893", "ein": "12-3456789", "taxonomy": "207Q00000X",
	}
	o.do(func() error { return o.operator.post(ctx, "/practices", south, nil) })
	o.do(func() error {
		return o.operator.post(ctx, "/practices/south/invitations", map[string]string{"email": "ben@north.example", "name": "Ben North"}, nil)
	})
	ben := &person{cast: o.cast, Name: o.ben.Name, Token: o.ben.Token}
	o.accepts(ctx, ben, "ben@north.example")
	o.do(func() error { return o.advance(ctx, 2*time.Minute) }) // who belongs where is remembered for a minute
	o.refused(ctx, ben.Name, "naming neither practice", "choose_practice", func() error { return ben.get(ctx, "/queue", nil) })
	o.do(func() error { return ben.at(north).get(ctx, "/queue", nil) })
	o.do(func() error { return ben.at("south").get(ctx, "/people", nil) })
	o.refused(ctx, ben.Name, "north's visit, as of south", "not_found", func() error { return ben.at("south").get(ctx, o.first.path("chart"), nil) })
	o.says(ctx, ben.Name, "is a clinician at one and administrator at the other")
}

const patientsFile = `name,birth,sex,email,phone
Ann Adler,1990-04-12,female,ann@mail.example,503 555 0101
Bob Baker,1971-13-02,male,bob@mail.example,
"=HYPERLINK(""x"")",1980-01-30,,cy@mail.example,
Dee Dorn,1964-09-09,female,dee@mail.example,
`

func (o *opening) imports(ctx context.Context) {
	var preview struct {
		Good     int              `json:"good"`
		Problems []map[string]any `json:"problems"`
	}
	o.do(func() error {
		return o.admin.post(ctx, "/patients/file/preview", map[string]string{"file": patientsFile}, &preview)
	})
	o.check(preview.Good == 2 && len(preview.Problems) == 2, "the preview of the file: %+v", preview)
	o.says(ctx, "Ada North", "previews a file: 2 lines are good, and what is wrong with 2 is told by line")
	o.refused(ctx, "Ada North", "importing it as it is", "invalid_file", func() error {
		return o.admin.post(ctx, "/patients/file/import", map[string]string{"id": "spring", "file": patientsFile}, nil)
	})
	o.refused(ctx, "Ada North", "a file of 1,001 lines", "too_many_lines", func() error {
		var b strings.Builder
		b.WriteString("name,birth,email\n")
		for n := range 1001 {
			fmt.Fprintf(&b, "Person %d,1990-04-12,p%d@mail.example\n", n, n)
		}
		return o.admin.post(ctx, "/patients/file/import", map[string]string{"id": "all", "file": b.String()}, nil)
	})
	lines := strings.Split(patientsFile, "\n")
	right := strings.Join([]string{lines[0], lines[1], lines[4], ""}, "\n")
	var done struct {
		Lines int `json:"lines"`
	}
	for range 2 { // the second time is the first again
		o.do(func() error {
			return o.admin.post(ctx, "/patients/file/import", map[string]string{"id": "spring", "file": right}, &done)
		})
	}
	o.check(done.Lines == 2, "%d lines were imported", done.Lines)
	var all struct {
		Patients []struct{ Name, Import string } `json:"patients"`
	}
	o.do(func() error { return o.admin.get(ctx, "/patients?limit=100", &all) })
	imported := 0
	for _, p := range all.Patients {
		if p.Import == "spring" {
			imported++
		}
	}
	o.check(imported == 2, "%d patients came by the file, which was imported twice", imported)
	o.says(ctx, "Ada North", "imports it corrected, twice: two patients")
}

func (o *opening) suspends(ctx context.Context) {
	standing := func(state, reason string) error {
		return o.admin.post(ctx, "/patients/"+o.joID+"/standing", map[string]string{"standing": state, "reason": reason}, nil)
	}
	draft := o.starts(ctx, o.jo, "tick-bite", "")
	o.do(func() error { return standing("suspended", "misuse") })
	o.says(ctx, "Ada North", "suspends Jo Walker, with a reason")
	o.refused(ctx, "Jo Walker", "starting another request", "patient_suspended", func() error {
		return o.jo.post(ctx, "/visits", map[string]string{"form": "tick-bite"}, nil)
	})
	draft.fills(ctx, common().with(answers{"tick-days": 2, "tick-rash": "none"}.no("tick-breath", "tick-fever", "tick-neck")))
	o.refused(ctx, "Jo Walker", "the price of the one begun before", "patient_suspended", func() error { return o.jo.post(ctx, draft.path("quote"), nil, nil) })
	o.do(func() error { return standing("active", "") })
	o.says(ctx, "Ada North", "ends the suspension")
}

func (o *opening) growsUp(ctx context.Context) {
	var birth string
	o.do(func() error {
		now, err := o.now(ctx)
		birth = now.AddDate(-18, 0, 4).Format(time.DateOnly)
		return err
	})
	minor := o.signsIn(ctx, "Max Walker", "max@mail.example", "")
	o.refused(ctx, "Max Walker", "joining by the page, at seventeen", "minor", func() error {
		return minor.post(ctx, "/practices/"+north+"/join", map[string]string{"name": "Max Walker", "birth_date": birth}, nil)
	})
	var made struct {
		Patient struct {
			ID string `json:"id"`
		} `json:"patient"`
	}
	o.do(func() error {
		return o.admin.post(ctx, "/patients", map[string]string{"name": "Max Walker", "birth_date": birth, "email": "max@mail.example"}, &made)
	})
	max := made.Patient.ID
	o.do(func() error {
		return o.admin.post(ctx, "/patients/"+max+"/caregivers", map[string]string{"email": "jo@mail.example", "why": "parent"}, nil)
	})
	o.accepts(ctx, o.jo, "jo@mail.example")
	o.do(func() error { return o.jo.get(ctx, "/visits?patient="+max, nil) })
	o.says(ctx, "Jo Walker", "acts for her son, as the practice has verified")
	o.do(func() error { return o.advance(ctx, 6*24*time.Hour) })
	o.refused(ctx, "Jo Walker", "acting for him after his eighteenth birthday", "not_found", func() error {
		return o.jo.get(ctx, "/visits?patient="+max, nil)
	})
}

// proves checks what the opening left, from the API and the payment simulator alone: every
// row is as the logs say, the ledger of the first visit is what Stripe holds, and who did
// what is in its trail.
func (o *opening) proves(ctx context.Context) {
	o.do(func() error { return o.advance(ctx, 2*time.Minute) }) // records of the last minute are not signed yet
	var logs []struct {
		Practice string
		Leaves   int
		Rows     int
	}
	o.do(func() error {
		return o.json(ctx, call{method: http.MethodPost, url: o.base + "/dev/verify"}, nil, &logs)
	})
	for _, l := range logs {
		o.proved(fmt.Sprintf("the log of %s: %d records, %d rows, as they were written", l.Practice, l.Leaves, l.Rows))
	}
	o.check(len(logs) == 3, "%d logs, want those of two practices and the platform", len(logs))
	var atStripe struct {
		Captured struct {
			Cents int64 `json:"cents"`
		} `json:"captured"`
		Intents []struct {
			Platform int64 `json:"platform_cents"`
		} `json:"payment_intents"`
	}
	o.do(func() error {
		return o.json(ctx, call{method: http.MethodGet, url: o.stripe + "/sim/oracle?account=" + o.account}, nil, &atStripe)
	})
	money, err := o.first.money(ctx)
	o.do(func() error { return err })
	var collected, shared, sharedThere int64
	for _, p := range money.Payments {
		collected += p.Collected
		shared += p.Platform
	}
	for _, i := range atStripe.Intents {
		sharedThere += i.Platform
	}
	o.check(collected == 30_00 && collected == atStripe.Captured.Cents, "the ledger has %d cents collected of 3,000, Stripe %d", collected, atStripe.Captured.Cents)
	o.proved("the ledger has " + dollars(collected) + " collected, and so has Stripe")
	o.check(shared == 75 && shared == sharedThere, "the ledger has %d cents of 75 taken by the platform, Stripe %d", shared, sharedThere)
	o.proved("the platform took " + dollars(shared) + " of it, 2.5%, by the ledger and by Stripe")
	o.provesPlans(ctx)
	type act struct {
		Actor string `json:"actor"`
	}
	var trail struct {
		Records []act `json:"records"`
	}
	o.do(func() error { return o.admin.get(ctx, o.first.path("audit"), &trail) })
	for _, who := range []*person{o.jo, o.ana, o.noa} {
		o.check(slices.ContainsFunc(trail.Records, func(r act) bool { return r.Actor == who.ID }), "%s is not in the trail", who.Name)
	}
	o.proved(fmt.Sprintf("the trail of the first visit: %d records, of the patient and both clinicians", len(trail.Records)))
}

// provesPlans checks what the opening left of health plans, and who is in the patient's list for it.
func (o *opening) provesPlans(ctx context.Context) {
	var left struct {
		Coverages []healthPlan `json:"coverages"`
	}
	o.do(func() error { return o.jo.get(ctx, "/patients/"+o.joID+"/coverages", &left) })
	o.check(len(left.Coverages) == 2 && left.Coverages[0].Medicare == "" && left.Coverages[1].Medicare == "part_b", "the patient's plans are %+v", left.Coverages)
	type act struct {
		Words string `json:"words"`
	}
	var seen struct {
		Records []act `json:"records"`
	}
	o.do(func() error { return o.jo.get(ctx, "/me/access?limit=100", &seen) })
	for _, did := range []string{"Ada North, administrator: compared a health plan with its card", "You: entered a health plan", "You: ended a health plan", "You: read the health plans"} {
		o.check(slices.Contains(seen.Records, act{did}), "the patient is not told: %s", did)
	}
	o.proved("two health plans, one of Medicare's; the patient sees who entered, checked and ended them")
}

func (o *opening) proved(what string) {
	o.do(func() error {
		_, err := fmt.Fprintf(o.out, "   holds  %s\n", what)
		return err
	})
}
