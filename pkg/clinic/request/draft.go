package request

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"evisit/pkg/audit"
	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/clinic/books"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/intake"
	"evisit/pkg/outbox"
	"evisit/pkg/phi"
	"evisit/pkg/practice"
	"evisit/pkg/record"
	"evisit/pkg/vault"
	"evisit/pkg/visit"
	"evisit/pkg/work"
)

// A Saved is the state of a draft after a page was saved or, if the save was
// refused, the state that it would have had.
type Saved struct {
	Visit      visit.Visit
	Form       *intake.Form
	Response   intake.Response
	Missing    []fault.Problem   // required questions without an answer
	Wrong      []fault.Problem   // answers that must be put right; kept only if the Save is AsTyped
	Unsendable []fault.Problem   // answers for which the practice refuses the request
	Diversion  *record.Diversion // the patient must be shown this and stops here
	Ending     *Ending           // the answers end the visit once they are confirmed; nil if they do not
}

// An Ending is what answers end a visit with as soon as the patient confirms them.
// It is shown to the patient, who may also change the answers.
type Ending struct {
	Disposition intake.Disposition
	Causes      []record.QA // the answers that count; none if the patient's age or sex does
	Message     phi.Text    // where to turn
	Phone       string      // the practice's
}

// A Save is a page of answers to be saved.
type Save struct {
	// Version, unless it is 0, must be the draft's.
	Version int
	Page    Page
	// Confirmed is the disposition of the Ending that the patient was shown, and
	// confirmed; empty if they were shown none. Answers that end the visit with
	// another disposition are shown back again.
	Confirmed intake.Disposition
	// AsTyped keeps wrong answers too, so that a person finds them as they left them.
	// The draft cannot be priced before they are put right.
	AsTyped bool
}

// A Page reads the answers of one page of a form.
type Page func(*intake.Form) (intake.Response, error)

// Answers is a Page that was read already.
func Answers(r intake.Response) Page {
	return func(*intake.Form) (intake.Response, error) { return r, nil }
}

var draftWithAnswers = func(id string) clinic.Query { return clinic.Query{Visit: id, Answers: true} }

// SavePage merges one page of answers into a draft and checks all of them. Wrong
// answers are refused and not stored, unless the save is AsTyped; missing ones are
// listed. A save after which nothing is missing also prices the draft, if it can be
// sent.
//
// A red flag ends the visit at any time before its answer, whatever else is wrong
// with the page (forms README, semantics 3 and 4): an emergency at once, any other
// as soon as it is confirmed. Of a visit that was sent nothing else is saved.
func (m *Room) SavePage(ctx context.Context, c clinic.Caller, id string, s Save) (Saved, error) {
	v, out, err := clinic.Step(ctx, m.Kernel, c, identity.FillVisit, draftWithAnswers(id),
		func(in clinic.Input) (clinic.Decision, Saved, error) { return m.savePage(ctx, in, s) })
	if err == nil && v.Status == visit.Diverted && out.Diversion == nil {
		out.Diversion, err = m.Charts.Diversion(ctx, v)
	}
	if err == nil {
		out.Visit = v
	}
	return out, err
}

func (m *Room) savePage(ctx context.Context, in clinic.Input, s Save) (d clinic.Decision, out Saved, err error) {
	v := in.Visit
	f, answers, err := m.Charts.FormAndAnswers(ctx, v, in.Answers)
	if err != nil {
		return d, out, err
	}
	more, err := s.Page(f)
	if err != nil {
		return d, out, err
	}
	p, err := m.Kernel.Practice(ctx, v.Practice)
	if err != nil {
		return d, out, err
	}
	out = Saved{Visit: v, Form: f, Response: answers.Merge(more)}
	res, other := check(f, out.Response)
	flagged := res.Diverts() && v.Status.BeforeAnswer()
	if flagged {
		out.Ending = endingOf(f, res, p)
	}
	switch {
	case v.Status == visit.Diverted && sameAnswers(res.Response, answers):
		return clinic.Decision{}, out, nil // the page that ended the visit was sent again: SavePage shows its diversion
	case flagged && ends(res, s.Confirmed):
		out.Ending = nil
		d, out.Diversion, err = m.divert(ctx, in, v, f, res, clinic.Commit{})
		return d, out, err
	case flagged && (v.Status != visit.Draft || other != nil):
		return d, out, unconfirmed(out.Ending)
	case other != nil:
		return d, out, other
	case v.Status == visit.Draft && s.Version != 0 && s.Version != v.Version:
		return d, out, clinic.ErrStale
	}
	out.Missing, out.Wrong = res.Missing(), res.Wrong()
	if len(out.Wrong) > 0 && v.Status == visit.Draft && !s.AsTyped {
		return d, out, cmp.Or(unconfirmed(out.Ending), wrongAnswers(out.Wrong))
	}
	out.Unsendable = unsendable(in.Caller, v, p, res.Response)
	d, err = m.keep(ctx, in, f, res, p)
	return d, out, err
}

// keep returns the decision that stores a draft's answers, with their price if they
// have one; why they have none is for Quote to tell.
func (m *Room) keep(ctx context.Context, in clinic.Input, f *intake.Form, res intake.Result, p practice.Practice) (d clinic.Decision, err error) {
	next, err := in.Visit.Saved(stateOf(res.Response))
	if err != nil {
		return d, err
	}
	percent, err := m.discount(ctx, in, p)
	if err != nil {
		return d, err
	}
	if q, err := m.priceFor(ctx, in, f, res, p, percent); err == nil {
		if next, err = next.Priced(q); err != nil {
			return d, err
		}
	}
	next, sealed, err := m.Charts.SealAnswers(ctx, next, res.Response)
	return clinic.Change(in.Visit, next, clinic.Commit{Answers: sealed}), err
}

// ends reports whether the answers of res end the visit now: confirmed is the
// disposition that the patient confirmed, which an emergency does not wait for.
func ends(res intake.Result, confirmed intake.Disposition) bool {
	return res.Diverts() && (!res.Confirm() || confirmed == res.Disposition)
}

func endingOf(f *intake.Form, res intake.Result, p practice.Practice) *Ending {
	e := &Ending{Disposition: res.Disposition, Message: record.Instructions(res), Phone: p.Phone}
	for _, qa := range record.InWords(f, res.Response) {
		if slices.Contains(res.Causes, qa.LinkID) {
			e.Causes = append(e.Causes, qa)
		}
	}
	return e
}

// unconfirmed refuses what cannot be done while e waits to be confirmed; it is nil
// if e is.
func unconfirmed(e *Ending) error {
	if e == nil {
		return nil
	}
	var ps []fault.Problem
	for _, qa := range e.Causes {
		ps = append(ps, fault.Problem{Where: qa.LinkID, Code: "diverts", Text: "this answer ends the online request; confirm it, or change it"})
	}
	return fault.New(fault.Conflict, "diversion_unconfirmed", "these answers end the online request as soon as they are confirmed as "+
		string(e.Disposition)+": "+e.Message.Reveal()+" Practice phone: "+e.Phone, ps...)
}

// price returns a new quote for answers that can be sent to p, or why they cannot:
// something is missing before the price, they end the request, or p does not take
// it. The quote's id is new though the price may not be, because the payment page is
// made under it: a page that was opened for other answers is never paid for these.
func (m *Room) price(in clinic.Input, f *intake.Form, res intake.Result, p practice.Practice) (billing.Quote, error) {
	if ps := res.BeforePrice(); len(ps) > 0 {
		return billing.Quote{}, fault.New(fault.Invalid, "answers_incomplete", "some questions still need an answer", ps...)
	}
	if res.Diverts() {
		return billing.Quote{}, unconfirmed(endingOf(f, res, p))
	}
	if err := checkSendable(in.Caller, in.Visit, p, res.Response); err != nil {
		return billing.Quote{}, err
	}
	q, err := billing.Price(m.Kernel.NewID(), f.Name(), classOf(f, res.Response), p.Prices, chosenRoute(f, res.Response), in.Now)
	return q.WithKinds(p.KindPrices[f.Name()]), err
}

func classOf(f *intake.Form, r intake.Response) string {
	return billing.ClassFor(f.BillingClass(), choice(r, kindItem))
}

// chosenRoute is how the patient said that they pay; empty if there is one way alone: who
// was not asked did not choose to keep the request from a health plan.
func chosenRoute(f *intake.Form, r intake.Response) billing.Route {
	if it, ok := f.Item(billing.RouteItem); !ok || !it.Asked() {
		return ""
	}
	return billing.Route(choice(r, billing.RouteItem))
}

// discount returns how much p takes off its prices for the patient of in, in percent; 0:
// nothing. A practice that never gave a discount has no patient read.
func (m *Room) discount(ctx context.Context, in clinic.Input, p practice.Practice) (int, error) {
	if !p.Discounts {
		return 0, nil
	}
	who, err := m.Charts.Patient(ctx, in.Visit.Patient)
	return who.Discount.PercentAt(in.Now), err
}

// divert ends v: it adds to c the answers, the record of what the patient was
// shown, the release of a hold, and a work item for the practice, which is due as soon
// as the form has the patient contacted.
func (m *Room) divert(ctx context.Context, in clinic.Input, v visit.Visit, f *intake.Form, res intake.Result, c clinic.Commit,
) (clinic.Decision, *record.Diversion, error) {
	why := visit.Reason(res.Disposition)
	if res.Private() {
		why = visit.Private
	}
	next, err := v.Divert(why, in.Now)
	if err != nil {
		return clinic.Decision{}, nil, err
	}
	p, err := m.Kernel.Practice(ctx, v.Practice)
	if err != nil {
		return clinic.Decision{}, nil, err
	}
	d := &record.Diversion{
		Rules: res.Fired, Disposition: res.Disposition, Form: f.Canonical(), FormHash: f.Hash(),
		Answers: vault.HashJSON(res.Response), At: in.Now, Language: "en", Phone: p.Phone, Message: record.Instructions(res),
	}
	if next, c.Answers, err = m.Charts.SealAnswers(ctx, next, res.Response); err != nil {
		return clinic.Decision{}, nil, err
	}
	if c.Diverted, err = m.Charts.SealDiversion(ctx, next, d); err != nil {
		return clinic.Decision{}, nil, err
	}
	c.Events = append(m.Kernel.EndingEvents(in.Visit, next, in.Now), m.Kernel.Event(outbox.Diverted, outbox.Notify, next, in.Now))
	c.Work = append(c.Work, toContact(v, res.Disposition, res.Contact(), in.Now))
	return clinic.Decision{Visit: &next, Commit: c, Urgent: true}, d, nil
}

// toContact returns the work item of a diversion: to see that the patient is cared
// for, or to contact them as the form has it.
func toContact(v visit.Visit, why intake.Disposition, to *intake.Contact, now time.Time) work.Item {
	item := work.New(work.Item{Kind: work.VisitDiverted, Practice: v.Practice, Pool: v.Pool, Visit: v.ID, Note: string(why)}, v.ID, now)
	if to != nil {
		item.Pool, item.Due = identity.Pool(to.Pool), now.Add(to.Within)
	}
	return item
}

// sameAnswers compares responses whose items may come in another order.
func sameAnswers(a, b intake.Response) bool {
	inOrder := func(r intake.Response) intake.Response {
		r.Items = slices.Clone(r.Items)
		slices.SortStableFunc(r.Items, func(x, y intake.Entry) int { return strings.Compare(x.LinkID, y.LinkID) })
		return r
	}
	return inOrder(a).Equal(inOrder(b))
}

func wrongAnswers(ps []fault.Problem) error {
	return fault.New(fault.Invalid, "answers_wrong", "some answers need to be put right", ps...)
}

// check evaluates answers for a visit. An answer to an upload question is a
// problem here, because files cannot be sent yet. Answers that name another form
// are refused, with the result all the same: a red flag that they raise is heard.
func check(f *intake.Form, r intake.Response) (intake.Result, error) {
	other := f.Accepts(r.Questionnaire)
	r.Questionnaire, r.Status = f.Canonical(), ""
	res := f.Check(r)
	for _, it := range f.Items() {
		if it.Type == intake.Upload && len(res.Response.Answers(it.LinkID)) > 0 {
			res.Problems = append(res.Problems, fault.Problem{Where: it.LinkID, Code: "attachment", Text: "files cannot be sent yet; leave this out"})
		}
	}
	return res, other
}

// stateOf returns the postal code of the state where the patient is; empty if it is not
// answered. Until forms offered a list of states it was a text.
func stateOf(r intake.Response) string {
	vs := r.Answers(intake.StateItem)
	switch {
	case len(vs) == 0:
		return ""
	case vs[0].Kind() == intake.StringValue:
		return vs[0].Text()
	default:
		return vs[0].Coding().Code
	}
}

// choice returns the code chosen for an item; empty if none.
func choice(r intake.Response, linkID string) string {
	if vs := r.Answers(linkID); len(vs) > 0 {
		return vs[0].Coding().Code
	}
	return ""
}

// An Offer is a quote and what the patient accepts with it. If the draft cannot
// be priced, an Offer has the visit and its form alone.
type Offer struct {
	Visit   visit.Visit
	Form    *intake.Form
	Quote   billing.Quote
	Terms   visit.Terms
	Consent practice.Consent
	// Language is the one of the consent's languages that the patient chose in the
	// form, or its main one.
	Language string
	Readers  string
	Stopped  *record.Diversion // why the visit ended instead; nil if it did not
}

// Quote offers the price of a draft whose protocol is complete: the one that it
// was saved with, or a new one if that is not fresh any more.
func (m *Room) Quote(ctx context.Context, c clinic.Caller, id string) (Offer, error) {
	q := draftWithAnswers(id)
	q.Latest = true // the quote of an earlier save is not offered
	v, o, err := clinic.Step(ctx, m.Kernel, c, identity.FillVisit, q,
		func(in clinic.Input) (clinic.Decision, Offer, error) { return m.quote(ctx, in) })
	if err == nil {
		err = m.stopped(ctx, v, o.Stopped)
	}
	if err != nil {
		return o, err
	}
	p, err := m.Kernel.Practice(ctx, v.Practice)
	o.Visit, o.Quote = v, v.Quote
	o.Terms, o.Consent, o.Readers = p.Terms, p.Consent, p.Readers
	if _, ok := p.Consent.In(o.Language); !ok || o.Language == "" {
		o.Language = p.Consent.Main()
	}
	return o, err
}

func (m *Room) quote(ctx context.Context, in clinic.Input) (d clinic.Decision, o Offer, err error) {
	v := in.Visit
	o.Visit = v
	if v.Status != visit.Draft {
		_, err := v.Priced(billing.Quote{})
		return d, o, err
	}
	f, answers, err := m.Charts.FormAndAnswers(ctx, v, in.Answers)
	o.Form = f
	if err != nil {
		return d, o, err
	}
	o.Language = choice(answers, languageItem)
	res, err := check(f, answers)
	if err != nil {
		return d, o, err
	}
	if ends(res, "") {
		d, o.Stopped, err = m.divert(ctx, in, v, f, res, clinic.Commit{})
		return d, o, err
	}
	p, err := m.Kernel.Practice(ctx, v.Practice)
	if err != nil {
		return d, o, err
	}
	who, err := m.Charts.Patient(ctx, v.Patient)
	if err != nil {
		return d, o, err
	}
	if err := cmp.Or(closed(p), barred(p, who, v.Pool, in.Now)); err != nil {
		return d, o, err
	}
	q, err := m.priceFor(ctx, in, f, res, p, who.Discount.PercentAt(in.Now))
	if err == nil {
		err = m.checkPayable(ctx, p, q.Amount)
	}
	if err != nil || v.Quote.Fresh(in.Now) && q.SameTerms(v.Quote) {
		return d, o, err // the same answers have the same price, unless a membership or a discount begins or ends
	}
	next, err := v.Priced(q)
	return clinic.Change(v, next, clinic.Commit{}), o, err
}

// stopped tells someone who asked for a price, or sent the visit, that v was
// diverted instead, by the request itself or, if d is nil, by the first of
// repeated ones. It returns nil if v was not diverted.
func (m *Room) stopped(ctx context.Context, v visit.Visit, d *record.Diversion) error {
	if v.Status != visit.Diverted {
		return nil
	}
	if d == nil {
		var err error
		if d, err = m.Charts.Diversion(ctx, v); err != nil {
			return err
		}
	}
	money := "You will not be charged."
	known, err := books.Load(ctx, m.Store, v)
	if err != nil {
		return err
	}
	if fate := billing.FateOf(known.Payments); fate != billing.NeverCharged {
		money = fate.Text()
	}
	return fault.New(fault.Conflict, "diverted", d.Message.Reveal()+" "+money+" Practice phone: "+d.Phone)
}

// checkSendable refuses a request that no clinician of the practice may take,
// and answers that name another person than the one who is signed in (guidelines
// G5, G24).
func checkSendable(c clinic.Caller, v visit.Visit, p practice.Practice, r intake.Response) error {
	return cmp.Or(checkState(v, p, r), checkKind(v, p, r), checkAuthor(c, v, r))
}

func checkState(v visit.Visit, p practice.Practice, r intake.Response) error {
	if v.Pool != identity.ClinicalPool || slices.Contains(p.States, stateOf(r)) {
		return nil
	}
	return fault.New(fault.Conflict, "state_not_served", "no clinician of this practice is licensed where the patient is now; please call the practice",
		fault.Problem{Where: intake.StateItem, Code: "not_served", Text: "this practice serves " + strings.Join(p.States, ", ") +
			" and cannot answer where the patient is now; please call it: " + p.Phone})
}

// checkKind refuses a kind of request that p does not take online (guideline G3).
func checkKind(v visit.Visit, p practice.Practice, r intake.Response) error {
	if !slices.Contains(p.Closed[v.Form.Name], choice(r, kindItem)) {
		return nil
	}
	return fault.New(fault.Conflict, "kind_not_taken", "this practice does not take this kind of request online; please call it: "+p.Phone,
		fault.Problem{Where: kindItem, Code: "not_taken", Text: "this practice does not take this online; please call it: " + p.Phone})
}

func checkAuthor(c clinic.Caller, v visit.Visit, r intake.Response) error {
	by := r.Answers("completed-by")
	self := len(by) > 0 && by[0].Coding().Code == "self"
	if len(by) == 0 || self == (c.Person.Patient == v.Patient) {
		return nil
	}
	want := "you act for this patient, so answer parent or caregiver here"
	if !self {
		want = "you signed in as the patient, so answer self; others sign in with their own account"
	}
	return fault.New(fault.Invalid, "identity_mismatch", "the form names someone else than who is signed in",
		fault.Problem{Where: "completed-by", Code: "consistency", Text: want})
}

// unsendable returns the answers given so far for which p refuses the request.
func unsendable(c clinic.Caller, v visit.Visit, p practice.Practice, r intake.Response) []fault.Problem {
	var all []fault.Problem
	for _, why := range []error{checkState(v, p, r), checkKind(v, p, r), checkAuthor(c, v, r)} {
		if refused, ok := fault.Public(why); ok && len(r.Answers(refused.Problems[0].Where)) > 0 {
			all = append(all, refused.Problems...)
		}
	}
	return all
}

// A Submission accepts a quote and a consent.
type Submission struct {
	Quote    string
	Consent  string // version; empty accepts the practice's current one
	Language string
	// Later is the version of the words to which the patient agreed about charging the card
	// later (billing.LaterText); empty: they did not agree.
	Later string
	// Beside is the visit on the same form that the patient knows to be underway; empty:
	// they know of none.
	Beside string
}

// A Sent is a submitted visit: queued, or waiting for payment at Page.
type Sent struct {
	Visit   visit.Visit
	Page    string            // where to pay; empty when nothing is to be paid
	Stopped *record.Diversion // why the visit ended instead; nil if it did not
}

// Submit submits a draft under an accepted quote and consent. Repeated, it
// returns the same visit and the same payment page.
func (m *Room) Submit(ctx context.Context, c clinic.Caller, id string, s Submission) (Sent, error) {
	v, sent, err := clinic.Step(ctx, m.Kernel, c, identity.FillVisit, draftWithAnswers(id),
		func(in clinic.Input) (clinic.Decision, Sent, error) { return m.submit(ctx, in, s) })
	if err == nil {
		err = m.stopped(ctx, v, sent.Stopped)
	}
	switch {
	case err != nil:
		return Sent{}, err
	case v.Status != visit.AwaitingPayment:
		return Sent{Visit: v}, nil
	case sent.Page != "":
		return Sent{Visit: v, Page: sent.Page}, nil
	}
	return m.pageOf(ctx, v) // sent before
}

func (m *Room) submit(ctx context.Context, in clinic.Input, s Submission) (d clinic.Decision, out Sent, err error) {
	v := in.Visit
	p, err := m.Kernel.Practice(ctx, v.Practice)
	if err != nil {
		return d, out, err
	}
	if v.Status != visit.Draft {
		if _, err = v.Submit(s.Quote, "", p.Terms, in.Now); err == nil {
			err = m.sentBefore(ctx, v, p, s)
		}
		return d, out, err
	}
	f, answers, err := m.Charts.FormAndAnswers(ctx, v, in.Answers)
	if err != nil {
		return d, out, err
	}
	res, err := check(f, answers.Merge(intake.Acceptance()))
	switch {
	case err != nil:
		return d, out, err
	case ends(res, ""):
		d, out.Stopped, err = m.divert(ctx, in, v, f, res, clinic.Commit{})
		return d, out, err
	case res.Diverts():
		return d, out, unconfirmed(endingOf(f, res, p))
	case s.Consent != "" && s.Consent != p.Consent.Version:
		return d, out, fault.New(fault.Conflict, "consent_replaced", "the consent text has changed; read the new one and accept it")
	}
	later, badLater := billing.AgreeLater(s.Later, in.Now)
	next, err := v.Submit(s.Quote, v.ID+"."+v.Quote.Page()+later.Suffix(), p.Terms, in.Now)
	switch {
	case err != nil:
		return d, out, err
	case badLater != nil:
		return d, out, badLater
	case len(res.Problems) > 0:
		return d, out, fault.New(fault.Invalid, "answers_incomplete", "some questions still need an answer", res.Problems...)
	}
	if _, ok := p.Consent.In(s.Language); !ok {
		return d, out, noConsentIn(p.Consent)
	}
	if err := cmp.Or(m.takesMinor(ctx, in, p), checkSendable(in.Caller, v, p, res.Response)); err != nil {
		return d, out, err
	}
	if billing.BilledToPlans(classOf(f, res.Response)) {
		if err := m.stillCharged(ctx, in, p, v.Quote); err != nil {
			return d, out, err
		}
	}
	var c clinic.Commit
	if v.Quote.Basis == billing.ByMember {
		count, q, err := m.useIncluded(ctx, in, f, res, p)
		if err != nil {
			return d, out, err
		}
		if count == nil {
			next, err := v.Priced(q)
			return clinic.Decision{Visit: &next, RefuseWith: errNotIncluded(q)}, out, err
		}
		c.Counts = append(c.Counts, *count)
	}
	if later.Words != "" {
		next = next.AgreeToCharge()
	}
	return m.submission(ctx, in, next, p, s, c)
}

// takesMinor refuses a request of a minor at p, if p takes none. Who signs in as an adult
// sends for an adult, so that their day of birth is not read.
func (m *Room) takesMinor(ctx context.Context, in clinic.Input, p practice.Practice) error {
	if by := in.Caller.Person; !p.Minors.Refused || by.Patient == in.Visit.Patient && !by.Minor {
		return nil
	}
	who, err := m.Charts.Patient(ctx, in.Visit.Patient)
	if err != nil {
		return err
	}
	return p.TakesFor(who.Contact.Birth, in.Now)
}

// sentBefore returns nil if v was submitted with s: the same request again, whose
// first reply was lost. What was accepted is in the audit record. In the second by
// which the trail may lag, it is the consent that p asks for now, and the language is
// not known: who presses twice is not told that something failed.
func (m *Room) sentBefore(ctx context.Context, v visit.Visit, p practice.Practice, s Submission) error {
	switch agreed := v.OutlivesHold(); {
	case v.Quote.Free() || agreed == (s.Later != ""):
	case agreed:
		return visit.DoneOtherwise("it was sent with the agreement that the card may be charged later")
	default:
		return visit.DoneOtherwise("it was sent without the agreement that the card may be charged later")
	}
	if s.Consent == "" && s.Language == "" {
		return nil
	}
	trail, err := m.Kernel.Store.Trail(ctx, v.ID, time.Time{})
	if err != nil {
		return err
	}
	did := audit.Acceptance{Consent: p.Consent.Version, Language: s.Language}
	for _, r := range trail {
		if r.Accepted != nil && r.Accepted.Quote == v.Quote.ID {
			did = *r.Accepted
		}
	}
	switch {
	case s.Consent != "" && s.Consent != did.Consent:
		return visit.DoneOtherwise("it was sent with version " + did.Consent + " of the consent text")
	case s.Language != "" && s.Language != did.Language:
		return visit.DoneOtherwise("it was sent in another language, " + cmp.Or(did.Language, "which was not named"))
	}
	return nil
}

// submission returns the decision that submits, and commits c with it. The payment page is made before
// the commit, under the payment's id: made again it is the same page, and a page
// that the patient never saw is never paid.
func (m *Room) submission(ctx context.Context, in clinic.Input, next visit.Visit, p practice.Practice, s Submission, c clinic.Commit) (clinic.Decision, Sent, error) {
	v := in.Visit
	var out Sent
	if err := in.Stale(); err != nil {
		return clinic.Decision{}, out, err
	}
	underway, beside, err := m.send(ctx, in, next, s.Beside)
	if err != nil {
		return clinic.Decision{}, out, err
	}
	c.Underway = underway
	if next.Status == visit.Queued {
		c.Events = append(c.Events, m.Kernel.Event(outbox.Received, outbox.Notify, next, in.Now))
	} else {
		if err := m.checkPayable(ctx, p, v.Quote.Amount); err != nil {
			return clinic.Decision{}, out, err
		}
		var later billing.LaterCharge
		if next.OutlivesHold() {
			later = billing.LaterCharge{Words: s.Later, At: in.Now}
		}
		pay, err := m.newPage(ctx, billing.Payment{
			ID: next.Payment, Visit: v.ID, Practice: v.Practice, Account: p.Account,
			Amount: v.Quote.Amount, Platform: p.PlatformFee, SessionEnds: v.Quote.PageEnds(), Later: later,
		}, in.Now)
		if err != nil {
			d, err := afterRefusedPage(v, err)
			return d, out, err
		}
		c.Payments, out.Page = append(c.Payments, pay), pay.URL
	}
	text, _ := p.Consent.In(s.Language)
	rec := m.Kernel.Record(in.Caller.Actor(v.Patient), string(identity.FillVisit)+":"+string(next.Status), next, in.Now)
	rec.Accepted = &audit.Acceptance{
		Quote: v.Quote.ID, Amount: int64(v.Quote.Amount), Consent: p.Consent.Version, ConsentHash: vault.Hash([]byte(text)),
		Language: s.Language, UserAgent: clip(in.Caller.UserAgent, 120), Beside: beside,
	}
	c.Audit = append(c.Audit, rec)
	return clinic.Decision{Visit: &next, Commit: c}, out, nil
}

// languageItem is the question of the common block for the patient's language.
const languageItem = "language"

// noConsentIn refuses an acceptance of c in a language in which nobody can have read it.
func noConsentIn(c practice.Consent) error {
	return fault.New(fault.Invalid, "consent_language", "the consent text is not there in this language",
		fault.Problem{Where: "/language", Code: "unknown", Text: "name the language in which it was read: " + strings.Join(c.Languages(), ", ")})
}

func clip(s string, n int) string {
	if len(s) > n {
		return strings.ToValidUTF8(s[:n], "")
	}
	return s
}

// afterRefusedPage counts in the quote that Stripe refused to make its page, so
// that the repeated request uses another key.
func afterRefusedPage(v visit.Visit, why error) (clinic.Decision, error) {
	if !refusedByStripe(why) {
		return clinic.Decision{}, why
	}
	q := v.Quote
	q.Refused++
	next, err := v.Priced(q)
	return clinic.Decision{Visit: &next, RefuseWith: why}, err
}
