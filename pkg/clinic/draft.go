package clinic

import (
	"context"
	"slices"
	"strings"
	"time"

	"evisit/pkg/audit"
	"evisit/pkg/billing"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/intake"
	"evisit/pkg/outbox"
	"evisit/pkg/visit"
)

// Start opens a draft on form for patient, who may be the caller (empty) or
// someone they act for. An empty version is the one the practice offers.
func (cl *Clinic) Start(ctx context.Context, c Caller, form, version, patient string) (visit.Visit, error) {
	now := cl.now()
	c, err := cl.known(ctx, c)
	if err != nil {
		return visit.Visit{}, err
	}
	if patient == "" {
		patient = c.Person.Patient
	}
	if err := identity.Allow(c.Person, identity.StartVisit, identity.Resource{Practice: c.Person.Practice, Patient: patient}, now); err != nil {
		return visit.Visit{}, err
	}
	f, err := cl.offered(ctx, c.Person.Practice, form, version)
	if err != nil {
		return visit.Visit{}, err
	}
	if err := cl.eligible(ctx, f, c.Person.Practice, patient, now); err != nil {
		return visit.Visit{}, err
	}
	v := visit.Start(cl.NewID(), c.Person.Practice, patient, c.Person.ID,
		visit.Form{Name: f.Name(), Version: f.Version(), Class: f.BillingClass()}, now)
	m := Commit{Visit: &v}
	m.Audit = append(m.Audit, cl.trail(c.actor(patient), string(identity.StartVisit), v, now))
	if err := cl.commit(ctx, c, v.ID, m); err != nil {
		return cl.seenBefore(ctx, c, err)
	}
	return v, nil
}

func (cl *Clinic) offered(ctx context.Context, practice, form, version string) (*intake.Form, error) {
	p, err := cl.practice(ctx, practice)
	if err != nil {
		return nil, err
	}
	current, ok := p.Forms[form]
	if !ok || version != "" && version != current {
		return nil, fault.New(fault.Invalid, "unknown_form", "this practice offers no such form or version; see /forms for those it does",
			fault.Problem{Where: "/form", Code: "unknown", Text: "name an offered form and leave the version out, or give the offered one"})
	}
	f, err := cl.Form(ctx, form, current)
	if err != nil {
		return nil, err
	}
	if why := whyNot(f); why != "" {
		return nil, fault.New(fault.Conflict, "not_offered", "this form cannot be started: "+why)
	}
	return f, nil
}

func (cl *Clinic) eligible(ctx context.Context, f *intake.Form, practice, patient string, now time.Time) error {
	p, err := cl.practice(ctx, practice)
	if err != nil {
		return err
	}
	zone, err := p.Location()
	if err != nil {
		return err
	}
	contact, err := cl.contact(ctx, patient)
	if err != nil {
		return err
	}
	if ps := f.Eligible(contact.Birth, now, zone, contact.Sex); len(ps) > 0 {
		return fault.New(fault.Conflict, "not_eligible", "this form is not meant for this patient; please call the practice", ps...)
	}
	return nil
}

// A Saved draft is what a page save left behind.
type Saved struct {
	Visit     visit.Visit
	Missing   []fault.Problem // still to be answered
	Diversion *Diversion      // the patient must be shown this and stops here
}

// SavePage merges one page of answers into a draft and checks them all. Wrong
// answers are refused and nothing is kept; missing ones are listed. A red flag
// ends the draft, whatever else is wrong (forms README, semantics 3 and 4).
// A version other than 0 must be the draft's.
func (cl *Clinic) SavePage(ctx context.Context, c Caller, id string, version int, page intake.Response) (Saved, error) {
	var out Saved
	v, err := cl.changeChart(ctx, c, identity.FillVisit, id, func(l loaded) (decision, error) {
		v, now := l.visit, l.now
		out = Saved{}
		if v.Status == visit.Diverted {
			return cl.divertedBefore(ctx, l, page)
		}
		if version != 0 && version != v.Version {
			return decision{}, stale()
		}
		f, answers, err := cl.draft(ctx, l)
		if err != nil {
			return decision{}, err
		}
		res, err := check(f, answers.Merge(page))
		if err != nil {
			return decision{}, err
		}
		if res.Diverts() {
			var d decision
			d, out.Diversion, err = cl.divert(ctx, v, f, res, now)
			return d, err
		}
		out = Saved{Missing: res.Missing()}
		if wrong := res.Wrong(); len(wrong) > 0 {
			return decision{}, wrongAnswers(wrong)
		}
		next, err := v.Saved(stateOf(res.Response))
		if err != nil {
			return decision{}, err
		}
		sealed, err := cl.sealJSON(ctx, answersPlace(v), res.Response)
		return decision{visit: next, commit: Commit{Answers: sealed}}, err
	})
	if err == nil && v.Status == visit.Diverted && out.Diversion == nil {
		out.Diversion, err = cl.diversion(ctx, v)
	}
	out.Visit = v
	return out, err
}

// divertedBefore finds that the page which ended a draft is sent again: what was
// shown is shown again. Any other page is refused.
func (cl *Clinic) divertedBefore(ctx context.Context, l loaded, page intake.Response) (decision, error) {
	f, answers, err := cl.draft(ctx, l)
	if err != nil {
		return decision{}, err
	}
	res, err := check(f, answers.Merge(page))
	if err != nil {
		return decision{}, err
	}
	if !sameAnswers(res.Response, answers) {
		_, err = l.visit.Saved("")
	}
	return decision{visit: l.visit}, err
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

func stale() error {
	return fault.New(fault.Stale, "stale", "someone else changed this since you read it; reload it and make your change again")
}

func wrongAnswers(ps []fault.Problem) error {
	return fault.New(fault.Invalid, "answers_wrong", "some answers need to be put right", ps...)
}

// check evaluates answers for a visit, where, unlike for a bare check, a file
// must really have been uploaded.
func check(f *intake.Form, r intake.Response) (intake.Result, error) {
	if err := f.Accepts(r.Questionnaire); err != nil {
		return intake.Result{}, err
	}
	r.Questionnaire, r.Status = f.Canonical(), ""
	res := f.Check(r)
	for _, it := range f.Items() {
		if it.Type == intake.Upload && len(res.Response.Answers(it.LinkID)) > 0 {
			res.Problems = append(res.Problems, fault.Problem{Where: it.LinkID, Code: "attachment", Text: "files cannot be sent yet; leave this out"})
		}
	}
	return res, nil
}

func stateOf(r intake.Response) string {
	if vs := r.Answers("location-state"); len(vs) > 0 {
		return vs[0].Text()
	}
	return ""
}

// choice is the code chosen for an item; empty if none.
func choice(r intake.Response, linkID string) string {
	if vs := r.Answers(linkID); len(vs) > 0 {
		return vs[0].Coding().Code
	}
	return ""
}

// An Offer is a quote with everything the patient accepts along with it.
type Offer struct {
	Visit   visit.Visit
	Quote   billing.Quote
	Terms   visit.Terms
	Consent Consent
	Readers string
}

// Quote prices a draft whose protocol is complete.
func (cl *Clinic) Quote(ctx context.Context, c Caller, id string) (Offer, error) {
	var o Offer
	var out *Diversion
	v, err := cl.changeChart(ctx, c, identity.FillVisit, id, func(l loaded) (decision, error) {
		c, v, now := l.caller, l.visit, l.now
		out = nil
		p, err := cl.practice(ctx, v.Practice)
		if err != nil {
			return decision{}, err
		}
		if v.Status != visit.Draft {
			_, err := v.Priced(billing.Quote{})
			return decision{}, err
		}
		f, answers, err := cl.draft(ctx, l)
		if err != nil {
			return decision{}, err
		}
		res, err := check(f, answers)
		if err != nil {
			return decision{}, err
		}
		if res.Diverts() {
			var d decision
			d, out, err = cl.divert(ctx, v, f, res, now)
			return d, err
		}
		if ps := res.BeforePrice(); len(ps) > 0 {
			return decision{}, fault.New(fault.Invalid, "answers_incomplete", "some questions still need an answer", ps...)
		}
		if err := cl.sendable(c, v, p, res.Response); err != nil {
			return decision{}, err
		}
		o = Offer{Terms: p.Terms, Consent: p.Consent, Readers: p.Readers}
		route := billing.Route(choice(res.Response, "payment-route"))
		class := billing.ClassFor(f.BillingClass(), choice(res.Response, "adm-type"))
		if q := v.Quote; q.ID != "" && now.Before(q.ExpiresAt) {
			return decision{visit: v}, nil // the same answers have the same price
		}
		q, err := billing.Price(cl.NewID(), f.Name(), class, p.Prices, route, now)
		if err != nil {
			return decision{}, err
		}
		next, err := v.Priced(q)
		return decision{visit: next}, err
	})
	if err == nil && out != nil {
		return Offer{}, out.refusal()
	}
	o.Visit, o.Quote = v, v.Quote
	return o, err
}

// sendable refuses what no clinician of the practice could take, and answers
// given under another identity than the token's (guidelines G5, G24).
func (cl *Clinic) sendable(c Caller, v visit.Visit, p Practice, r intake.Response) error {
	if state := stateOf(r); v.Pool == identity.ClinicalPool && !slices.Contains(p.States, state) {
		return fault.New(fault.Conflict, "state_not_served", "no clinician of this practice is licensed where the patient is now; please call the practice",
			fault.Problem{Where: "location-state", Code: "option", Text: "this practice serves " + join(p.States)})
	}
	by := r.Answers("completed-by")
	self := len(by) > 0 && by[0].Coding().Code == "self"
	if len(by) > 0 && self != (c.Person.Patient == v.Patient) {
		want := "you act for this patient, so answer parent or caregiver here"
		if !self {
			want = "you signed in as the patient, so answer self; others sign in with their own account"
		}
		return fault.New(fault.Invalid, "identity_mismatch", "the form names someone else than who is signed in",
			fault.Problem{Where: "completed-by", Code: "consistency", Text: want})
	}
	return nil
}

// A Submission is the acceptance of a quote and the consent.
type Submission struct {
	Quote    string
	Consent  string // version; empty accepts the practice's current one
	Language string
}

// A Sent visit is queued, or waits for its page at Stripe to be paid.
type Sent struct {
	Visit visit.Visit
	Page  string // where to pay; empty when nothing is to be paid
}

// Submit sends a draft under an accepted quote and consent. Sent again, it
// finds the same visit and the same payment page.
func (cl *Clinic) Submit(ctx context.Context, c Caller, id string, s Submission) (Sent, error) {
	var out *Diversion
	page := ""
	v, err := cl.changeChart(ctx, c, identity.FillVisit, id, func(l loaded) (decision, error) {
		c, v, now := l.caller, l.visit, l.now
		out, page = nil, ""
		p, err := cl.practice(ctx, v.Practice)
		if err != nil {
			return decision{}, err
		}
		if v.Status == visit.Draft && s.Consent != "" && s.Consent != p.Consent.Version {
			return decision{}, fault.New(fault.Conflict, "consent_replaced", "the consent text has changed; read the new one and accept it")
		}
		next, err := v.Submit(s.Quote, v.Quote.Page(), p.Terms, now)
		if err != nil || next.Version == v.Version {
			return decision{visit: v}, err
		}
		f, answers, err := cl.draft(ctx, l)
		if err != nil {
			return decision{}, err
		}
		res, err := check(f, answers.Merge(intake.Acceptance()))
		if err != nil {
			return decision{}, err
		}
		if res.Diverts() {
			var d decision
			d, out, err = cl.divert(ctx, v, f, res, now)
			return d, err
		}
		if len(res.Problems) > 0 {
			return decision{}, fault.New(fault.Invalid, "answers_incomplete", "some questions still need an answer", res.Problems...)
		}
		if err := cl.sendable(c, v, p, res.Response); err != nil {
			return decision{}, err
		}
		d, err := cl.submission(ctx, c, v, next, p, s, now)
		if len(d.commit.Payments) > 0 {
			page = d.commit.Payments[0].URL
		}
		return d, err
	})
	switch {
	case err != nil:
		return Sent{}, err
	case out != nil:
		return Sent{}, out.refusal()
	case v.Status != visit.AwaitingPayment:
		return Sent{Visit: v}, nil
	case page != "":
		return Sent{v, page}, nil
	}
	return cl.pageOf(ctx, v) // sent before
}

// submission is everything that submitting makes true. The payment page is
// made first, under the quote's id: asked for again it is the same page, and
// one that nobody was shown is never paid.
func (cl *Clinic) submission(ctx context.Context, c Caller, v, next visit.Visit, p Practice, s Submission, now time.Time) (decision, error) {
	var m Commit
	if next.Status == visit.Queued {
		m.Events = append(m.Events, cl.event(outbox.Received, outbox.Notify, next, now))
	} else {
		pay, err := cl.openPage(ctx, billing.Payment{
			ID: next.Payment, Visit: v.ID, Practice: v.Practice, Account: p.Account,
			Amount: v.Quote.Amount, SessionEnds: v.Quote.PageEnds(),
		}, now)
		if err != nil {
			return cl.repaged(v, err)
		}
		m.Payments = append(m.Payments, pay)
	}
	rec := cl.trail(c.actor(v.Patient), string(identity.FillVisit)+":"+string(next.Status), next, now)
	rec.Accepted = &audit.Acceptance{
		Quote: v.Quote.ID, Amount: int64(v.Quote.Amount), Consent: p.Consent.Version, ConsentHash: hashText(p.Consent.Text),
		Language: s.Language, UserAgent: clip(c.UserAgent, 120),
	}
	m.Audit = append(m.Audit, rec)
	return decision{visit: next, commit: m}, nil
}

// repaged remembers that Stripe refused to make a quote's page, so that the
// same request, sent again, asks for it under another name.
func (cl *Clinic) repaged(v visit.Visit, why error) (decision, error) {
	if refused, _ := definite(why); refused == nil {
		return decision{}, why
	}
	q := v.Quote
	q.Refused++
	next, err := v.Priced(q)
	return decision{visit: next, refusal: why}, err
}

func (cl *Clinic) event(k outbox.Kind, to outbox.Consumer, v visit.Visit, now time.Time) outbox.Event {
	return outbox.Event{
		ID: cl.NewID(), Kind: k, To: to, Practice: v.Practice, Patient: v.Patient, Visit: v.ID, Payment: v.Payment,
		Until: v.Promise.By, At: now,
	}
}

// Cancel withdraws a request any time before its answer; a hold is let go.
func (cl *Clinic) Cancel(ctx context.Context, c Caller, id string) (visit.Visit, error) {
	return cl.change(ctx, c, identity.FillVisit, id, func(l loaded) (decision, error) {
		v, now := l.visit, l.now
		next, err := v.Cancel(now)
		if err != nil {
			return decision{}, err
		}
		return decision{visit: next, commit: Commit{Events: cl.letGo(v, next, now)}}, nil
	})
}

// letGo lists the events of a visit that ended without an answer: its hold is
// released, and whoever waited is told.
func (cl *Clinic) letGo(was, v visit.Visit, now time.Time) []outbox.Event {
	var es []outbox.Event
	if was.Payment != "" {
		es = append(es, cl.event(outbox.Release, outbox.Charge, v, now))
	}
	if was.Status.Open() {
		es = append(es, cl.event(outbox.Ended, outbox.Notify, v, now))
	}
	return es
}
