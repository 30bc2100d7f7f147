package fuzz

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// runsOffice does one thing of those who run the system or a practice: registers a
// practice, has somebody invited who joins, changes what somebody may do.
func (w *world) runsOffice() {
	w.t.Helper()
	admin := w.person(oneOf(w, "ada-brooks", "ruth-vance"))
	w.names["person"] = cmp.Or(w.joined[admin.ID], "nobody")
	if w.joined[admin.ID] == "" && w.IntN(2) == 0 {
		w.invites(admin)
		return
	}
	switch w.IntN(10) {
	case 9:
		w.keepsPatients(w.person(oneOf(w, "sam-lee", "ada-brooks")))
	case 6, 7, 8:
		w.writesForms(w.person("ada-brooks"), w.person("dora-quist"))
	case 0:
		w.runsPractice(w.person("operator.pat-quinn"))
	case 1:
		w.invites(admin)
	case 2:
		w.does("listPeople", admin, nil, nil)
		w.does("getPerson", admin, nil, nil)
		w.does(oneOf(w, "getMoney", "listEntries", "exportEntries"), admin, nil, nil)
	case 3:
		w.does("changePerson", admin, nil, map[string]any{"roles": []string{"nurse"}, "name": "Guest, NP"})
	case 4:
		w.does("deactivatePerson", admin, nil, nil)
	default:
		w.does("reactivatePerson", admin, nil, nil)
	}
}

// ofPatient are the operations by which patients join and leave what a practice sells, and by which it
// ends a membership.
var ofPatient = []string{"getMembership", "joinMembership", "cancelMembership", "resumeMembership", "leaveMembership", "getMember", "endMember"}

// meets does what may lead to an operation that has not succeeded yet.
func (w *world) meets(op string) {
	w.t.Helper()
	if w.IntN(3) == 0 {
		w.asksFor(endpoint(op), false)
		return
	}
	admin := w.person("ada-brooks")
	switch group := endpoint(op).Group; {
	case strings.HasSuffix(op, "Contract"), op == "listContracts":
		w.entersContract(admin)
	case group == "Memberships" && slices.Contains(ofPatient, op) && w.becomesMember(w.person("tom-okafor"), op):
	case group == "Memberships": // each decision is kept for ever, and the next reads them all
		w.decidesMembership(admin, w.later())
	case group == "Forms of the practice" || group == "Settings":
		w.writesForms(admin, w.person("dora-quist"))
	case group == "Patients" || group == "Coverages" || strings.HasSuffix(op, "Payer"):
		w.keepsPatients(admin)
	case group == "People":
		w.runsOffice()
	case group == "Operator":
		w.runsPractice(w.person("operator.pat-quinn"))
	default:
		w.walk(openVisits)
	}
}

// later is when something that is decided now begins.
func (w *world) later() time.Time {
	return w.now().Add(24 * time.Hour).UTC().Truncate(time.Second)
}

// runsPractice registers another practice, looks at it, changes it.
func (w *world) runsPractice(operator *person) {
	w.t.Helper()
	if w.IntN(3) == 0 {
		w.names["practice"] = fmt.Sprint("practice-", w.IntN(20))
	}
	in := map[string]any{
		"id": w.names["practice"], "name": "Another Clinic", "time_zone": "America/Denver", "phone": "+13035550100", "inbox": "desk@another.example",
		"npi": "1234567893", "ein": "123456789", "taxonomy": "207Q00000X",
		"address": map[string]string{"line": "1 Main Street", "city": "Denver", "state": "CO", "zip": "80201"},
	}
	switch w.IntN(7) {
	case 0, 1:
		w.does("registerPractice", operator, nil, in)
	case 2:
		w.does("listPractices", operator, nil, nil)
		w.does("readPractice", operator, nil, nil)
	case 3:
		w.does("registerPractice", operator, nil, in)
		in["name"] = "Another Clinic and Son"
		w.does("changePractice", operator, nil, in)
	case 4:
		w.does("suspendPractice", operator, nil, nil)
	case 5:
		w.does("unsuspendPractice", operator, nil, nil)
	default:
		w.does("inviteAdministrator", operator, nil, map[string]string{"email": "kit@another.example", "name": "Kit Doe"})
	}
}

var acceptLink = regexp.MustCompile(`/accept/([a-z0-9]+)\?code=(\w+)`)

// invites has somebody invited, who joins or is told that the practice thought better of
// it.
func (w *world) invites(admin *person) {
	w.t.Helper()
	email := fmt.Sprintf("guest-%d@mail.example", w.IntN(1_000_000))
	invitation := w.made(w.does("invitePerson", admin, nil, map[string]any{"email": email, "roles": []string{"nurse"}, "name": "Guest, RN"}))
	if invitation == "" {
		return
	}
	w.names["invitation"] = invitation
	w.does("listInvitations", admin, nil, nil)
	if w.IntN(2) == 0 {
		w.does("revokeInvitation", admin, nil, nil)
		return
	}
	if person := w.accepts(w.guest(email), email, invitation); person != "" {
		w.joined[admin.ID] = person
	}
}

// accepts has a guest accept the invitation that a letter brought, and returns the id of
// the person that the guest became; empty if it was refused.
func (w *world) accepts(guest *person, email, invitation string) string {
	w.t.Helper()
	w.names["invitation"] = invitation
	var box struct {
		Mails []struct{ Text string }
	}
	w.tool(http.MethodGet, w.sys.URL+"/dev/mail.json?to="+email, nil, &box)
	for _, m := range box.Mails {
		if found := acceptLink.FindStringSubmatch(m.Text); found != nil && found[1] == invitation {
			return w.made(w.does("acceptInvitation", guest, nil, map[string]string{"code": found[2]}))
		}
	}
	return ""
}

// writesForms does one thing to a form of lakeside's, or to what it has decided.
func (w *world) writesForms(admin, director *person) {
	w.t.Helper()
	var draft struct {
		Version int    `json:"draft"`
		Hash    string `json:"hash"`
		Becomes string `json:"becomes"`
	}
	if got, done := w.does("getDraft", admin, nil, nil); done {
		_ = json.Unmarshal(got.body, &draft) // zero: there is none
	}
	later := w.later()
	switch w.IntN(12) {
	case 0:
		w.does(oneOf(w, "listQuestionnaires", "listLibrary", "getSettings"), admin, nil, nil)
	case 1:
		w.does("adoptProtocol", admin, nil, map[string]any{"replaces": draft.Version})
	case 2, 3:
		w.does("approveDraft", director, nil, map[string]string{"hash": draft.Hash})
		w.does("publishDraft", admin, nil, nil)
	case 4:
		w.does("offerForm", admin, nil, map[string]string{"version": draft.Becomes})
	case 5:
		w.does("compareVersions", admin, nil, nil)
	case 6:
		w.does("decideSettings", admin, nil, map[string]any{"prices": map[string]int{"uti-women": 40_00}, "from": later})
		w.does("withdrawDecision", admin, nil, map[string]any{"from": later})
		w.decidesMembership(admin, later)
	case 7:
		w.does("connectAccount", admin, nil, nil)
		w.does("openAccountPage", admin, nil, nil)
		w.does("decideReaders", admin, nil, map[string]string{"text": oneOf(w, "", "Those who are in.")})
	case 8:
		if w.IntN(6) == 0 {
			w.does("decideConsent", admin, nil, map[string]any{"version": fmt.Sprint("v", w.sent), "text": "You agree."})
		}
	default:
		w.does("handInQuestionnaire", admin, nil, []byte(w.said["handInQuestionnaire"]))
	}
}

// decidesMembership decides what lakeside sells by the year, takes back what was to begin, and at
// times sells none.
func (w *world) decidesMembership(admin *person, later time.Time) {
	w.t.Helper()
	terms := map[string]any{
		"price": 300_00 + w.IntN(100), "members": 1, "visits": 12, "classes": []string{"em"}, "grace_days": 14, "notice_days": 30, "refund": map[string]any{"full_days": 14, "later": "days"},
	}
	w.does("decideMembership", admin, nil, terms)
	terms["from"], terms["price"] = later, 400_00
	w.does("decideMembership", admin, nil, terms)
	w.does("withdrawMembership", admin, nil, map[string]any{"from": later})
	w.does("getMembershipOffer", admin, nil, nil)
	w.becomesMember(w.person("tom-okafor"), "joinMembership")
	if w.IntN(4) == 0 {
		w.does("closeMembership", admin, nil, nil)
	}
}

// entersContract enters what payers allow lakeside: one for a health plan of Tom's, and another that it removes.
func (w *world) entersContract(admin *person) {
	w.t.Helper()
	named := w.names["patient"]
	w.does("registerPayer", w.person("operator.pat-quinn"), nil, map[string]any{"id": "TOMS", "name": "Lasting Mutual", "filing_code": "CI"})
	w.does("enterContract", admin, nil, map[string]any{"payer": "TOMS", "code": "99421", "from": "2026-01-01", "rate": 80_00, "copay": 10_00})
	w.names["patient"] = "tom-okafor"
	w.does("addCoverage", w.person("sam-lee"), nil, map[string]any{"payer": "TOMS", "member_id": "W1234", "relation": "self", "priority": 1})
	w.names["patient"] = named
	payer := fmt.Sprint("CONTRACT", w.IntN(5))
	w.does("registerPayer", w.person("operator.pat-quinn"), nil, map[string]any{"id": payer, "name": "Agreed Mutual", "filing_code": "CI"})
	entered := w.made(w.does("enterContract", admin, nil, map[string]any{"payer": payer, "code": "99421", "from": "2026-01-01", "rate": 80_00 + w.IntN(100), "percent": 20}))
	if entered == "" {
		return
	}
	w.names["contract"] = entered
	w.does("listContracts", admin, nil, nil)
	w.does("removeContract", admin, nil, nil)
}

// becomesMember has a patient join on what lakeside sells now, pay the year or leave it unpaid, and
// change their mind about the next; the practice ends it if op is its. It reports false if nothing is sold.
func (w *world) becomesMember(patient *person, op string) bool {
	w.t.Helper()
	shown := w.membership(patient)
	if shown.Sold.Offer == "" {
		return false
	}
	got, ok := w.does("joinMembership", patient, nil, map[string]any{"offer": shown.Sold.Offer, "terms": shown.Sold.Terms, "medicare": "no"})
	var made struct {
		ID   string `json:"id"`
		Page string `json:"page"`
	}
	switch {
	case ok && json.Unmarshal(got.body, &made) == nil:
		w.names["membership"] = made.ID
	case w.names["membership"] == "":
		return true
	}
	if made.Page != "" && w.IntN(4) > 0 {
		session := made.Page[strings.LastIndex(made.Page, "/")+1:]
		w.tool(http.MethodPost, w.sys.Stripe+"/sim/pay", map[string]string{"session": session, "card": oneOf(w, "4242424242424242", "4242424242424242", "4000000000000002")}, nil)
		w.pass(2 * time.Minute)
		for wait := 0; wait < 40 && w.membership(patient).Mine.State == "pending"; wait++ {
			time.Sleep(250 * time.Millisecond) // the payment is not heard of yet
		}
	}
	w.does("cancelMembership", patient, nil, map[string]any{"membership": w.names["membership"]})
	w.does("resumeMembership", patient, nil, map[string]any{"membership": w.names["membership"]})
	if op == "getMember" || op == "endMember" {
		w.endsMember(patient)
	} else if refund := w.membership(patient).Leaving.Refund; refund > 0 && w.IntN(2) == 0 {
		w.does("leaveMembership", patient, nil, map[string]any{"membership": w.names["membership"], "refund_cents": refund})
	}
	return true
}

// endsMember has lakeside look at a patient's membership, and end it with its year or at once.
func (w *world) endsMember(patient *person) {
	w.t.Helper()
	admin, named := w.person("ada-brooks"), w.names["patient"]
	w.names["patient"] = patient.patient()
	defer func() { w.names["patient"] = named }()
	got, ok := w.does("getMember", admin, nil, nil)
	var held struct {
		Membership struct {
			ID string `json:"id"`
		} `json:"membership"`
		Ending *struct {
			Refund int64 `json:"refund_cents"`
		} `json:"ending"`
	}
	if !ok || json.Unmarshal(got.body, &held) != nil || held.Ending == nil {
		return
	}
	in := map[string]any{"membership": held.Membership.ID, "reason": oneOf(w, "on_request", "care_ended", "in_error")}
	if w.IntN(4) > 0 {
		in["at_once"], in["refund_cents"] = true, held.Ending.Refund
	}
	w.does("endMember", admin, nil, in)
}

// A shownMembership is what a patient reads of what is sold and of what they have.
type shownMembership struct {
	Sold struct {
		Offer string `json:"offer"`
		Terms int    `json:"terms"`
	} `json:"sold"`
	Mine struct {
		State string `json:"state"`
	} `json:"mine"`
	Leaving struct {
		Refund int64 `json:"refund_cents"`
	} `json:"leaving"`
}

func (w *world) membership(patient *person) (shown shownMembership) {
	w.t.Helper()
	if got, ok := w.does("getMembership", patient, nil, nil); ok && json.Unmarshal(got.body, &shown) != nil {
		w.t.Fatalf("a membership is shown as %s", got.body)
	}
	return shown
}
