package lambdatest_test

import (
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"evisit/infra/local/seed"
	"evisit/infra/local/stripesim"
	"evisit/pkg/audit"
	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/clinic/limits"
	"evisit/pkg/clinic/registrar"
	"evisit/pkg/clinic/request"
	"evisit/pkg/clinic/session"
	"evisit/pkg/coverage"
	"evisit/pkg/identity"
	"evisit/pkg/intake"
	"evisit/pkg/ledger"
	"evisit/pkg/membership"
	"evisit/pkg/money"
	"evisit/pkg/outbox"
	"evisit/pkg/practice"
	"evisit/pkg/registry"
	"evisit/pkg/statement"
	"evisit/pkg/visit"
	"evisit/pkg/work"
)

var scenes = map[string]scene{
	"api/answers":            {plant: func(w *world) { w.visit("draft", visit.Draft, nil) }},
	"api/cancel":             {plant: func(w *world) { w.held("mistaken", visit.Queued, nil) }, check: func(w *world) { w.status("mistaken", visit.Cancelled) }},
	"api/queue":              {plant: plantQueue},
	"api/take":               {plant: plantQueue, check: func(w *world) { w.status("queued", visit.InReview) }},
	"api/me-access":          {plant: plantTaken},
	"api/colleagues":         {plant: plantTaken},
	"api/hand-over":          {plant: plantTaken, check: func(w *world) { w.status("queued", visit.InReview) }, again: true},
	"api/chart":              {plant: plantQueue},
	"api/ledger":             {plant: plantQueue},
	"api/audit":              {plant: plantTaken},
	"api/other-practice":     {plant: plantQueue},
	"api/list-visits":        {plant: plantQueue},
	"api/list-visits-twice":  {plant: plantQueue},
	"api/message":            {plant: func(w *world) { w.held("asked", visit.AwaitingPatient, nil) }, check: func(w *world) { w.status("asked", visit.InReview) }},
	"api/submit":             {plant: plantPriced, check: func(w *world) { w.status("priced", visit.AwaitingPayment) }, again: true},
	"api/pay-link":           {plant: plantOwed, check: checkPayLink, again: true},
	"api/member-join":        {check: func(w *world) { w.member(membership.Pending) }, again: true},
	"api/work":               {plant: plantOwed},
	"api/work-end":           {plant: plantOwed, check: func(w *world) { w.ended(work.ID(work.PaymentFailed, paymentOf("unpaid")), "ada-brooks") }, again: true},
	"api/work-resume":        {plant: plantParked, check: checkResumed, again: true},
	"api/dispute":            {plant: plantDisputed},
	"api/dispute-accept":     {plant: plantDisputed, check: checkAccepted, again: true},
	"api/refund":             {plant: plantCharged, check: checkRefunding, again: true},
	"api/refunds":            {plant: plantCharged},
	"api/money":              {plant: plantCharged},
	"api/money-entries":      {plant: plantCharged},
	"api/money-csv":          {plant: plantCharged},
	"api/log":                {plant: plantLog},
	"api/log-checkpoint":     {plant: plantLog},
	"api/payouts":            {plant: plantPayouts},
	"api/reconciliations":    {plant: plantCompared},
	"api/log-rows":           {plant: plantAccount},
	"api/message-late":       {check: func(w *world) { w.kept(session.Visits, "jane-smith", "/my/visits/asked/messages") }},
	"api/me-forged-token":    {times: limits.FailedProofs.Batch},
	"api/sign-out":           {check: func(w *world) { w.signedOut("jane-smith") }},
	"api/start-visit":        {check: func(w *world) { w.started(1) }, again: true},
	"api/start-visit-base64": {check: func(w *world) { w.started(1) }},
	"api/start-visit-binary": {check: func(w *world) { w.started(0) }},

	"registry/register":        {again: true},
	"registry/invite-late":     {check: func(w *world) { w.kept(session.Management, "ada-brooks", "/manage/people/invite") }},
	"registry/practices":       {plant: plantOwed},
	"registry/connect-account": {again: true},
	"registry/accept":          {plant: plantInvitation, again: true},
	"registry/invite":          {again: true},
	"registry/join":            {again: true},
	"registry/deactivate":      {plant: plantAdministrator, again: true},
	"registry/coverage":        {plant: plantMember, check: checkMedicare, again: true},
	"registry/forged-token":    {times: limits.FailedProofs.Batch},

	"stripehook/held":            {check: received("evt_1Recorded0000000000000001"), again: true},
	"stripehook/held-base64":     {check: received("evt_1Recorded0000000000000002"), again: true},
	"stripehook/held-again":      {plant: receiveFirst, check: received("evt_1Recorded0000000000000001"), again: true},
	"stripehook/account-updated": {check: receivedAbout(seed.Accounts[0], "evt_1Recorded0000000000000021"), again: true},
	"stripehook/payout-paid":     {check: receivedAbout("po_1Recorded00000001", "evt_1Recorded0000000000000031"), again: true},
	"stripehook/unknown-object":  {check: received(), again: true},
	"stripehook/platform":        {check: received(), again: true},
	"stripehook/forged":          {check: received(), again: true},
	"stripehook/altered":         {check: received(), again: true},
	"stripehook/stale":           {check: received(), again: true},
	"stripehook/wrong-endpoint":  {check: received(), again: true},

	"charge/batch":        {plant: plantChargeBatch, check: checkChargeBatch, again: true},
	"charge/unreadable":   {plant: plantUnreadable, check: checkUnreadable, again: true},
	"charge/stripe-said":  {plant: plantSaid, check: checkSaid, again: true},
	"charge/look":         {plant: func(w *world) { w.atPage("look-paid", recordedAt) }, check: checkLook, again: true},
	"charge/open-account": {plant: plantUnconnected, check: checkOpened, again: true},
	"charge/compare":      {plant: plantEntryAlone, check: checkCompared, again: true},
	"charge/account":      {check: checkAccount, again: true},
	"charge/unwanted":     {plant: plantUnwanted, check: checkUnwanted, again: true},
	"charge/member-look":  {plant: plantMemberPaid, check: func(w *world) { w.member(membership.Active) }, again: true},
	"charge/given-back":   {plant: plantGivenBack, check: checkGivenBack, again: true},
	"charge/link-paid":    {plant: plantLinkPaid, check: checkLinkPaid, again: true},

	"notify/invited":    {plant: plantInvitation, check: func(w *world) { w.mailed("kim@lakeside.example") }, again: true},
	"notify/member":     {plant: plantMemberEnded, check: func(w *world) { w.mailed("jane-smith@patients.example") }, again: true},
	"notify/batch":      {plant: func(w *world) { w.held("held", visit.Queued, nil) }, check: checkNotifyBatch, again: true},
	"notify/again":      {plant: plantAgain, check: checkAgain, again: true},
	"notify/unreadable": {plant: plantTomsVisit, check: checkUnreadableLetter, again: true},

	"deadline/minute": {plant: plantDue, check: checkDue, again: true},
	"deadline/stuck":  {plant: plantStuck, check: checkStuck, again: true},

	"sweep/minute": {plant: plantSweep, check: checkSweep, again: true},
}

func plantQueue(w *world) {
	w.held("queued", visit.Queued, func(v *visit.Visit) { v.Patient, v.By = "tom-okafor", "tom-okafor" })
	w.commit(clinic.Commit{Visit: w.drawn("older", visit.Cancelled, func(v *visit.Visit) {
		v.Patient, v.Times.Started = "tom-okafor", v.Times.Started.Add(-time.Hour)
	})})
}

// plantOwed is an answer whose hold could not be captured, and the work it is.
func plantOwed(w *world) {
	p := w.paid("unpaid")
	p.State, p.Why = billing.Failed, "card_declined"
	w.commit(clinic.Commit{
		Visit: w.drawn("unpaid", visit.Answered, func(v *visit.Visit) { v.Owed = true }), Payments: []billing.Payment{p},
		Work: []work.Item{w.owedItem(p)},
	})
}

// plantParked is a capture that was given up, and the work it is.
func plantParked(w *world) {
	w.held("unpaid", visit.Answered, nil)
	d := w.capture("parked", "unpaid").Park("timeout")
	w.commit(clinic.Commit{Deliveries: []outbox.Delivery{d}, Work: []work.Item{work.New(work.Item{
		Kind: work.EventParked, Practice: "lakeside", Pool: identity.OfficePool, Visit: "unpaid", Payment: d.Payment,
		Event: d.ID, EventKind: string(d.Kind), Note: d.Note,
	}, d.ParkedAs(), recordedAt)}})
}

// plantDisputed is an answer whose fee was charged and is disputed.
func plantDisputed(w *world) {
	v, p := w.drawn("contested", visit.Answered, nil), w.paid("contested")
	_, o, err := w.cards.Observe(w.Context(), p.Account, p.Session)
	w.must(err)
	o.Status, o.Capturable, o.Received, o.Withdrawn = "succeeded", 0, fee, fee
	o.Dispute = billing.Dispute{
		ID: "dp_1Recorded", Status: "needs_response", Reason: "fraudulent", Amount: fee, Opened: recordedAt, Due: recordedAt.AddDate(0, 0, 14),
	}
	p, entries, err := p.Settle(o, recordedAt)
	w.must(err)
	p.Version = 1
	w.commit(clinic.Commit{Visit: v, Payments: []billing.Payment{p}, Entries: entries})
}

// plantCharged is an answer whose fee was charged.
func plantCharged(w *world) {
	v, p := w.drawn("charged", visit.Answered, nil), w.paid("charged")
	_, o, err := w.cards.Observe(w.Context(), p.Account, p.Session)
	w.must(err)
	o.Status, o.Capturable, o.Received = "succeeded", 0, fee
	p, entries, err := p.Settle(o, recordedAt)
	w.must(err)
	p.Version = 1
	w.commit(clinic.Commit{Visit: v, Payments: []billing.Payment{p}, Entries: entries})
}

// checkRefunding checks that a part of the fee is to be refunded.
func checkRefunding(w *world) {
	p, err := w.store.Payment(w.Context(), paymentOf("charged"))
	w.must(err)
	if p.Asked.Stage != billing.RefundAsked || p.Asked.Amount != 12_50 {
		w.Errorf("the refund: %+v", p.Asked)
	}
}

// checkAccepted checks that the dispute is to be given up.
func checkAccepted(w *world) {
	p, err := w.store.Payment(w.Context(), paymentOf("contested"))
	w.must(err)
	if p.Dispute.Decision != billing.Accepting {
		w.Errorf("the dispute: %+v", p.Dispute)
	}
}

// plantAdministrator is a second administrator of lakeside.
func plantAdministrator(w *world) {
	w.commit(clinic.Commit{Person: &identity.Person{ID: "kit-doe", Practice: "lakeside", Role: identity.Admin, Display: "Kit Doe", Version: 1}})
}

// plantInvitation is an invitation that waits to be accepted.
func plantInvitation(w *world) { w.commit(clinic.Commit{Invitation: w.invited()}) }

func (w *world) invited() *clinic.Invitation {
	w.Helper()
	i, err := registry.Invite(registry.Invitation{
		ID: "invited", Practice: "lakeside", Email: "kim@lakeside.example", Secret: "the code", By: "ada-brooks", At: recordedAt.Add(-time.Hour),
		Worker: registry.Worker{Roles: []identity.Role{identity.Clinician}, Display: "Kim Doe, MD"},
	})
	w.must(err)
	row, err := w.rooms.Charts.SealInvitation(w.Context(), i)
	w.must(err)
	return &row
}

func checkResumed(w *world) {
	const event = "api.2603021650.parked"
	w.ended(work.ID(work.EventParked, event+"-1"), "ada-brooks")
	w.delivery(event, "armed")
}

// plantAgain is an account that cannot be reached and one that can again, and a new
// request whose patient was written and whose practice was not.
func plantAgain(w *world) {
	w.held("held", visit.Queued, nil)
	lost := func(practice, account string) work.Item {
		return work.New(work.Item{Kind: work.AccountLost, Practice: practice, Pool: identity.OfficePool}, account, recordedAt)
	}
	found := lost("harbor", seed.Accounts[1]).End("system:charge", recordedAt)
	found.Version = 1
	w.commit(clinic.Commit{Work: []work.Item{lost("lakeside", seed.Accounts[0])}})
	w.commit(clinic.Commit{Work: []work.Item{found}})
}

func checkAgain(w *world) {
	w.mailed("desk@lakeside.example", "desk@lakeside.example")
	for _, id := range []string{"account-lost", "account-found", "told-in-part"} {
		w.delivery("charge.2603021650."+id, "done")
	}
}

func checkPayLink(w *world) {
	v, err := w.store.Visit(w.Context(), "unpaid")
	w.must(err)
	if p := w.payment(v.Payment); p.ID == paymentOf("unpaid") || p.State != billing.Opened || !p.AtOnce || p.Amount != fee {
		w.Errorf("the payment asked for: %+v", p)
	}
}

func plantTaken(w *world) {
	plantQueue(w)
	ana, err := w.store.Person(w.Context(), "ana-rivera")
	w.must(err)
	_, err = w.rooms.Desk.Take(w.Context(), clinic.Caller{Person: ana, IP: "203.0.113.9"}, "queued")
	w.must(err)
}

// received says which events of Stripe's about the recorded intent are kept.
func received(ids ...string) func(*world) { return receivedAbout("pi_3RecordedIntent00000001", ids...) }

// receivedAbout says which events of Stripe's about an object are kept, all armed for
// charge. They came in another ten minutes than Stripe made them, so each is due again.
func receivedAbout(object string, ids ...string) func(*world) {
	return func(w *world) {
		w.Helper()
		var want, got []string
		for _, id := range ids {
			want = append(want, stripeEvent(seed.Accounts[0], id))
		}
		for id, d := range w.outbox() {
			got = append(got, id)
			if d.To != outbox.Charge || !d.Armed || d.Due.IsZero() || d.Account != seed.Accounts[0] || d.Object != object {
				w.Errorf("kept as %+v", d)
			}
		}
		slices.Sort(got)
		if d := cmp.Diff(want, got); d != "" {
			w.Errorf("events kept (-want +got):\n%s", d)
		}
	}
}

func plantChargeBatch(w *world) {
	w.held("charge-cancelled", visit.Cancelled, nil)
	w.held("charge-answered", visit.Answered, nil)
}

func checkChargeBatch(w *world) {
	w.settled("charge-cancelled", billing.Released, "canceled")
	w.settled("charge-answered", billing.Captured, "succeeded")
	w.delivery("deadline.2603021650.charge-release", "done")
	w.delivery("api.2603021650.charge-capture", "done")
	w.delivery("charge.2603021650.charge-poison", "waiting")
	w.delivery("api.2603021650.charge-for-notify", "armed")
	w.delivery("api.2603021650.charge-disarmed", "waiting")
	w.untouched("api.2603021650.charge-empty")
}

func plantUnreadable(w *world) {
	w.held("unreadable-one", visit.Answered, nil)
	w.held("unreadable-two", visit.Answered, nil)
}

func checkUnreadable(w *world) {
	w.settled("unreadable-one", billing.Captured, "succeeded")
	w.settled("unreadable-two", billing.Captured, "succeeded")
	w.delivery("api.2603021650.unreadable-event", "parked")
	w.wanted(audit.Platform, work.EventParked)
}

func plantSaid(w *world) {
	w.atPage("said-paid", recordedAt.Add(time.Hour))
	w.atPage("said-foreign", recordedAt.Add(time.Hour))
}

func checkSaid(w *world) {
	w.settled("said-paid", billing.Held, "requires_capture")
	w.status("said-paid", visit.Queued)
	w.delivery(stripeEvent(seed.Accounts[0], "evt_1"), "done")
	w.settled("said-foreign", billing.Opened, "requires_capture")
	w.status("said-foreign", visit.AwaitingPayment)
	w.delivery(stripeEvent(seed.Accounts[1], "evt_2"), "parked")
	w.wanted("harbor", work.EventParked)
}

// plantPriced is a draft that was filled in and priced.
func plantPriced(w *world) {
	w.visit("priced", visit.Draft, nil)
	jane, err := w.store.Person(w.Context(), "jane-smith")
	w.must(err)
	answers, err := intake.ParseResponse([]byte(urinary))
	w.must(err)
	_, err = w.rooms.Request.SavePage(w.Context(), clinic.Caller{Person: jane}, "priced", request.Save{Page: request.Answers(answers)})
	w.must(err)
	v, err := w.store.Visit(w.Context(), "priced")
	w.must(err)
	v.Version, v.Quote.ID = v.Version+1, "quote-priced"
	w.commit(clinic.Commit{Visit: &v})
}

// urinary are the answers of somebody with urinary symptoms.
const urinary = `{"resourceType":"QuestionnaireResponse","status":"in-progress","item":[
	{"linkId":"emergency-ack","answer":[{"valueBoolean":true}]},{"linkId":"completed-by","answer":[{"valueCoding":{"code":"self"}}]},
	{"linkId":"location-state","answer":[{"valueCoding":{"code":"OR"}}]},{"linkId":"language","answer":[{"valueCoding":{"code":"en"}}]},
	{"linkId":"callback-phone","answer":[{"valueString":"+1 503 555 0177"}]},{"linkId":"seen-7d","answer":[{"valueBoolean":false}]},
	{"linkId":"surgery-90d","answer":[{"valueBoolean":false}]},{"linkId":"accident","answer":[{"valueBoolean":false}]},
	{"linkId":"pregnant","answer":[{"valueCoding":{"code":"no"}}]},{"linkId":"conditions","answer":[{"valueCoding":{"code":"none"}}]},
	{"linkId":"allergies","item":[{"linkId":"allergy-none","answer":[{"valueBoolean":true}]}]},
	{"linkId":"medications","answer":[{"valueString":"none"}]},{"linkId":"payment-route","answer":[{"valueCoding":{"code":"self-pay"}}]},
	{"linkId":"uti-onset","answer":[{"valueInteger":2}]},{"linkId":"uti-sx","answer":[{"valueCoding":{"code":"burning"}}]},
	{"linkId":"uti-fever","answer":[{"valueBoolean":false}]},{"linkId":"uti-flank","answer":[{"valueBoolean":false}]},
	{"linkId":"uti-vomit","answer":[{"valueBoolean":false}]},{"linkId":"uti-confused","answer":[{"valueBoolean":false}]},
	{"linkId":"uti-retention","answer":[{"valueBoolean":false}]},{"linkId":"uti-discharge","answer":[{"valueBoolean":false}]},
	{"linkId":"uti-sti","answer":[{"valueBoolean":false}]},{"linkId":"uti-catheter","answer":[{"valueBoolean":false}]},
	{"linkId":"uti-kidney","answer":[{"valueBoolean":false}]},{"linkId":"uti-abx","answer":[{"valueBoolean":false}]},
	{"linkId":"uti-count","answer":[{"valueInteger":1}]}]}`

// plantMemberPaid is a membership whose page was paid, of which no webhook came.
func plantMemberPaid(w *world) {
	_, err := w.sim.Pay(w.Context(), w.joined().Page.Session, stripesim.CardSuccess, nil)
	w.must(err)
}

// plantMember is a membership of who has no health plan on record, and a payer that is Medicare.
func plantMember(w *world) {
	cast := &registrar.Room{Kernel: w.rooms.Kernel, Store: w.store, Charts: w.rooms.Charts}
	operator := clinic.Caller{Person: identity.Person{ID: "operator." + seed.Operator, Practice: audit.Platform, Role: identity.Operator}, Strong: true}
	_, err := cast.RegisterPayer(w.Context(), operator, coverage.Payer{ID: "MEDOR", Name: "Medicare of Oregon", Filing: "MB"})
	w.must(err)
	w.joined()
}

func checkMedicare(w *world) {
	m, err := w.store.Membership(w.Context(), membership.IDOf("jane-smith", 1))
	w.must(err)
	if m.People[0].Medicare.IsZero() || m.Version != 2 {
		w.Errorf("version %d of the membership knows of %+v", m.Version, m.People[0])
	}
}

// plantGivenBack is a visit that a membership included, and that was cancelled.
func plantGivenBack(w *world) {
	m := w.joined()
	w.commit(clinic.Commit{Visit: w.drawn("given-back", visit.Cancelled, func(v *visit.Visit) {
		v.Payment, v.Payments, v.Quote.Amount, v.Quote.Basis, v.Times.Ended = "", nil, 0, billing.ByMember, recordedAt
	}), Counts: []clinic.Count{{Count: membership.Count{
		Membership: m.ID, Year: recordedAt, Uses: []membership.Use{{Visit: "given-back", Patient: "jane-smith", At: recordedAt}}, Version: 1,
	}, Practice: "lakeside"}}})
}

func checkGivenBack(w *world) {
	_, counts, err := w.store.Included(w.Context(), "jane-smith")
	w.must(err)
	if len(counts) != 1 || len(counts[0].Uses) != 0 {
		w.Errorf("used are %+v", counts)
	}
}

// plantMemberEnded is a membership whose page expired unpaid.
func plantMemberEnded(w *world) {
	m := w.joined().Abandoned(w.now())
	w.commit(clinic.Commit{Memberships: []clinic.Membership{{Membership: m}}})
}

func checkLook(w *world) {
	w.settled("look-paid", billing.Held, "requires_capture")
	w.status("look-paid", visit.Queued)
	w.delivery("deadline.2603021650.charge-look", "done")
}

// plantUnwanted is a visit that nobody has answered and one that was answered:
// the events ask to capture the one's hold and to release the other's.
func plantUnwanted(w *world) {
	w.held("unwanted-queued", visit.Queued, nil)
	w.held("unwanted-answered", visit.Answered, nil)
}

func checkUnwanted(w *world) {
	for _, id := range []string{"unwanted-queued", "unwanted-answered"} {
		w.settled(id, billing.Held, "requires_capture")
	}
	w.delivery("api.2603021650.capture-queued", "done")
	w.delivery("api.2603021650.release-answered", "done")
}

// plantLinkPaid is an answer whose fee was not collected and has now been paid by
// its link.
func plantLinkPaid(w *world) {
	failed := billing.Payment{ID: "link-paid.p0", Visit: "link-paid", Practice: "lakeside", Account: seed.Accounts[0], Amount: fee, State: billing.Failed, Version: 1}
	p := w.paidAtOnce("link-paid")
	w.commit(clinic.Commit{
		Visit: w.drawn("link-paid", visit.Answered, func(v *visit.Visit) {
			v.Owed, v.Payments = true, []string{failed.ID, p.ID}
		}), Payments: []billing.Payment{failed, p},
		Work: []work.Item{w.owedItem(failed)},
	})
}

func checkLinkPaid(w *world) {
	w.settled("link-paid", billing.Captured, "succeeded")
	w.ended(work.ID(work.PaymentFailed, "link-paid.p0"), "system:charge")
	v, err := w.store.Visit(w.Context(), "link-paid")
	w.must(err)
	if v.Owed {
		w.Error("the fee is still owed")
	}
}

func plantTomsVisit(w *world) {
	w.visit("held", visit.AwaitingPatient, func(v *visit.Visit) { v.Patient = "tom-okafor" })
}

func checkUnreadableLetter(w *world) {
	w.mailed("tom-okafor@patients.example") // once, although the batch came twice
	w.delivery("api.2603021650.notify-unreadable", "parked")
	w.wanted(audit.Platform, work.EventParked)
}

func checkNotifyBatch(w *world) {
	// A new request is told to both; that it has ended is not true.
	w.mailed("desk@lakeside.example", "desk@lakeside.example", "jane-smith@patients.example")
	w.delivery("charge.2603021650.notify-ended", "done")
	w.delivery("charge.2603021650.notify-received", "done")
	w.delivery("api.2603021650.notify-diverted", "done")
	w.delivery("api.2603021650.notify-poison", "waiting")
	w.delivery("api.2603021650.notify-exhausted", "parked")
	w.delivery("api.2603021650.notify-for-charge", "armed")
	w.delivery("api.2603021650.notify-disarmed", "waiting")
	w.untouched("api.2603021650.notify-empty")
	w.wanted("lakeside", work.EventParked)
}

// plantDue has one visit of each kind that came due: late, over, over because
// the hold runs out, asked and not replied to, answered and not acknowledged, at
// a page of which no webhook came; and one that is looked at too early.
func plantDue(w *world) {
	past := recordedAt.Add(-time.Minute)
	w.held("due-late", visit.Queued, func(v *visit.Visit) { v.Promise.By = past })
	w.held("due-over", visit.InReview, func(v *visit.Visit) { v.Promise = visit.Promise{By: past, Ends: past, Told: true} })
	w.held("due-hold", visit.Queued, func(v *visit.Visit) { v.CaptureBefore = past.Add(visit.HoldMargin) })
	w.held("due-silent", visit.AwaitingPatient, func(v *visit.Visit) { v.Promise.Paused = past.Add(-visit.PatientTime) })
	w.quiet("due-quiet", past)
	w.atPage("due-page", past.Add(-time.Hour))
	w.held("left", visit.InReview, func(v *visit.Visit) { v.Holder = visit.Holder{ID: "ben-chen", Display: "Ben Chen, MD"} })
	ben, err := w.store.Person(w.Context(), "ben-chen")
	w.must(err)
	ben = ben.Activate(false, past)
	ben.Version++
	w.commit(clinic.Commit{Person: &ben})
	v := w.drawn("not-due", visit.Queued, nil)
	v.Wake = past
	w.commit(clinic.Commit{Visit: v})
	m := w.joined()
	m.Made = past.Add(-26 * time.Hour)
	m.Version++
	w.commit(clinic.Commit{Memberships: []clinic.Membership{{Membership: m, Due: past}}})
	w.booksUntil(time.Date(2025, 12, 20, 12, 0, 0, 0, time.UTC))
	e, err := ledger.Charged("january.p1", "lakeside", 40_00, 0, time.Date(2026, 1, 20, 12, 0, 0, 0, time.UTC))
	w.must(err)
	w.commit(clinic.Commit{Entries: []ledger.Entry{e}})
}

// booksUntil closes the month that a time is of, with a balance, and has the next be due.
func (w *world) booksUntil(at time.Time) {
	c := statement.FirstClosing("lakeside", at, time.UTC)
	b := statement.Balance{
		Practice: "lakeside", Before: c.Ends(time.UTC), Entries: 1, Accounts: map[ledger.Account]money.Cents{ledger.Stripe: 5_00, ledger.VisitFees: -5_00},
	}
	c = c.Closed(b)
	w.commit(clinic.Commit{Balance: &b, Closing: &clinic.Closing{Closing: c, Due: c.Due(time.UTC)}})
}

func checkDue(w *world) {
	january, err := w.store.BalanceAt(w.Context(), "lakeside", recordedAt)
	w.must(err)
	if january.Entries != 2 || january.Accounts[ledger.Stripe] != 45_00 {
		w.Errorf("January is closed with %+v", january)
	}
	w.status("due-late", visit.Queued)
	w.status("due-over", visit.Expired)
	w.status("due-hold", visit.Expired)
	w.status("due-silent", visit.Expired)
	w.status("due-page", visit.AwaitingPayment)
	w.status("not-due", visit.Queued)
	w.closed("due-quiet")
	w.status("left", visit.Queued)
	ben, err := w.store.Person(w.Context(), "ben-chen")
	w.must(err)
	if !ben.Inactive || !ben.Left.IsZero() {
		w.Errorf("the visits of %s are looked for since %v", ben.ID, ben.Left)
	}
	var caused []string
	for id, d := range w.outbox() {
		if by, _, _ := outbox.Origin(id); by != outbox.ByDeadline {
			w.Errorf("event %s is not deadline's", id)
		}
		caused = append(caused, d.Visit+" "+string(d.Kind)+" to "+string(d.To))
	}
	slices.Sort(caused)
	want := []string{
		" membership.look to charge", "due-hold payment.release to charge", "due-hold visit.ended to notify", "due-late visit.late to notify",
		"due-over payment.release to charge", "due-over visit.ended to notify", "due-page payment.look to charge",
		"due-silent payment.release to charge", "due-silent visit.ended to notify",
	}
	if d := cmp.Diff(want, caused); d != "" {
		w.Errorf("events (-want +got):\n%s", d)
	}
}

// stuckVisits is more than a page of the due index.
const stuckVisits = 110

// plantStuck is a shard of the due index in which so many visits that cannot be
// closed are due before one that can that a page holds none but them.
func plantStuck(w *world) {
	for _, id := range sameShard("quiet", refusedVisit, stuckVisits) {
		w.quiet(id, recordedAt.Add(-time.Hour))
	}
	w.quiet("quiet", recordedAt.Add(-time.Minute))
	page, cursor, err := w.store.DueVisits(w.Context(), shardOf("quiet"), w.now(), "", 100)
	w.must(err)
	if len(page) != 100 || cursor == "" || slices.Contains(page, "quiet") {
		w.Fatalf("the first page of the shard: %d visits, more %t, %v", len(page), cursor != "", page)
	}
}

func checkStuck(w *world) {
	w.closed("quiet")
	stuck := 0
	for _, id := range sameShard("quiet", refusedVisit, stuckVisits) {
		v, err := w.store.Visit(w.Context(), id)
		w.must(err)
		// Stepped back once, not once more by the invocation after.
		if v.Status == visit.Answered && v.Version == 2 && v.Wake.After(w.now()) {
			stuck++
		}
	}
	if stuck != stuckVisits {
		w.Errorf("%d of %d visits that cannot be closed have stepped back", stuck, stuckVisits)
	}
}

func plantSweep(w *world) {
	past := recordedAt.Add(-time.Minute)
	w.held("due-over", visit.Queued, func(v *visit.Visit) { v.Promise = visit.Promise{By: past, Ends: past, Told: true} })
	failed := w.capture("failed", "due-over")
	w.commit(clinic.Commit{Deliveries: []outbox.Delivery{failed.Failed(past.Add(-time.Hour), false, "unknown")}})
	later := w.capture("later", "due-over")
	w.commit(clinic.Commit{Deliveries: []outbox.Delivery{later.Failed(w.now().Add(time.Hour), false, "unknown")}})
	parked := w.capture("parked", "due-over")
	w.commit(clinic.Commit{Deliveries: []outbox.Delivery{parked.Park("card_declined")}})
	w.putRow("api.2603021650.empty", "", past)
	plantRecord(w)
}

func checkSweep(w *world) {
	w.delivery("api.2603021650.failed", "armed")
	w.delivery("api.2603021650.later", "waiting")
	w.delivery("api.2603021650.parked", "parked")
	w.untouched("api.2603021650.empty")
	w.status("due-over", visit.Queued) // what is due on visits is for deadline
	if n := len(w.outbox()); n != 3 {
		w.Errorf("%d events, want the 3 that were planted", n)
	}
	h, err := w.store.LogHead(w.Context(), "lakeside")
	w.must(err)
	if h.Tree.Size != 1 || !strings.Contains(h.Checkpoint, "visit.example.org/log/lakeside\n1\n") {
		w.Errorf("the log's head: %+v", h)
	}
}

func checkAccount(w *world) {
	a, err := w.store.Account(w.Context(), "lakeside", seed.Accounts[0])
	w.must(err)
	if !a.MayCharge() || !a.InOrder() {
		w.Errorf("the account stands as %+v", a)
	}
	w.delivery("registry.2603021650.charge-account", "done")
}

// plantUnconnected is a practice that has no account at Stripe.
func plantUnconnected(w *world) {
	p := practice.Practice{
		ID: "unconnected", Core: practice.Core{Name: "Unconnected Clinic", Zone: "UTC", Since: recordedAt.Add(-time.Hour), Configured: 1}, Version: 1,
	}
	w.must(w.store.Commit(w.Context(), clinic.Commit{Practice: &p, Config: true, Audit: []audit.Record{{
		ID: "unconnected", Practice: p.ID, At: recordedAt.Add(-time.Hour), Actor: clinic.System("test"), Action: "test.plant",
	}}}))
}

func checkOpened(w *world) {
	o, err := w.store.OpenedAccount(w.Context(), "unconnected")
	w.must(err)
	a, err := w.store.Account(w.Context(), "unconnected", o.Account)
	w.must(err)
	if a.MayCharge() || a.Submitted {
		w.Errorf("a new account stands as %+v", a)
	}
	w.delivery("registry.2603021650.account-of-unconnected", "done")
}
