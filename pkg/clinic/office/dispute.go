package office

import (
	"context"
	"slices"
	"time"

	"evisit/pkg/audit"
	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/clinic/books"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/outbox"
	"evisit/pkg/practice"
	"evisit/pkg/record"
	"evisit/pkg/visit"
)

// A Dispute is a disputed payment, and what the practice can submit about it or has.
type Dispute struct {
	Visit   visit.Visit
	Payment billing.Payment
	// Evidence is what was chosen to be submitted, whether or not that had an effect (billing.Dispute.Overtaken);
	// before that, what the record says.
	Evidence billing.Evidence
	// By is who decided about the dispute in its present stage; zero of one that nobody decided on here.
	By audit.Actor
	// CanAnswer says that Evidence can be submitted now, and CanAccept that the dispute can
	// be given up.
	CanAnswer, CanAccept bool
}

var errNotDisputed = fault.New(fault.NotFound, "not_disputed", "no payment of this visit is, or was, disputed")

// Dispute returns the dispute of a visit's payments that awaits an answer, else the latest,
// with its evidence, and records that the caller read it. Errors: those of LoadVisit;
// fault.NotFound if there was no dispute.
func (o *Office) Dispute(ctx context.Context, c clinic.Caller, id string) (Dispute, error) {
	c, v, err := o.Kernel.LoadVisit(ctx, c, identity.ReadDispute, id)
	if err != nil {
		return Dispute{}, err
	}
	m, err := books.Load(ctx, o.Store, v)
	if err != nil {
		return Dispute{}, err
	}
	p, found := disputed(m.Payments)
	if !found {
		return Dispute{}, errNotDisputed
	}
	out := Dispute{Visit: v, Payment: p}
	if out.Evidence, err = o.evidence(ctx, v, p); err != nil {
		return Dispute{}, err
	}
	if out.By, err = o.decider(ctx, v, p); err != nil {
		return Dispute{}, err
	}
	now := o.Kernel.Time()
	open := p.Dispute.Answerable(now) && p.Dispute.Decision == billing.Undecided
	out.CanAnswer, out.CanAccept = open, open && !p.Dispute.Inquiry()
	return out, o.recordLook(ctx, c, identity.ReadDispute, v)
}

// decider finds in the trail of v who decided about the dispute of p.
func (o *Office) decider(ctx context.Context, v visit.Visit, p billing.Payment) (audit.Actor, error) {
	if p.Dispute.Decision == billing.Undecided {
		return audit.Actor{}, nil
	}
	trail, err := o.Kernel.Store.Trail(ctx, v.ID, p.Dispute.Decided)
	at := slices.IndexFunc(trail, func(r audit.Record) bool { return r.Resource == p.ID && r.Action == decided(p.Dispute.Decision) })
	if err != nil || at < 0 {
		return audit.Actor{}, err
	}
	return trail[at].Actor, nil
}

// decided names in the trail that a dispute was decided on.
func decided(d billing.Decision) string { return string(identity.AnswerDispute) + ":" + string(d) }

// disputed returns the payment whose dispute awaits an answer, else the one disputed last.
func disputed(ps []billing.Payment) (billing.Payment, bool) {
	ps = slices.DeleteFunc(slices.Clone(ps), func(p billing.Payment) bool { return p.Dispute.ID == "" })
	if len(ps) == 0 {
		return billing.Payment{}, false
	}
	return slices.MaxFunc(ps, func(a, b billing.Payment) int {
		if waits := a.Dispute.AwaitsAnswer(); waits != b.Dispute.AwaitsAnswer() {
			if waits {
				return 1
			}
			return -1
		}
		return a.Dispute.Opened.Compare(b.Dispute.Opened)
	}), true
}

// evidence returns what was submitted about p's dispute, or, before that is decided, what
// the record of v says.
func (o *Office) evidence(ctx context.Context, v visit.Visit, p billing.Payment) (billing.Evidence, error) {
	if p.Dispute.Decision == billing.Answering {
		return o.Store.Evidence(ctx, p)
	}
	of, err := o.Kernel.Practice(ctx, v.Practice)
	if err != nil {
		return billing.Evidence{}, err
	}
	trail, err := o.Kernel.Store.Trail(ctx, v.ID, time.Time{})
	if err != nil {
		return billing.Evidence{}, err
	}
	return evidenceOf(v, p, of, trail), nil
}

func evidenceOf(v visit.Visit, p billing.Payment, of practice.Practice, trail []audit.Record) billing.Evidence {
	return record.EvidenceOf(v.WithReads(clinic.ReadMarks(trail)...), p, of.Name, of.Local, trail)
}

// errOtherEvidence refuses to submit what the caller was not shown.
var errOtherEvidence = fault.New(fault.Conflict, "evidence_changed", "the record has more to say than what you were shown; reload it, and send it again")

// A DisputeAnswer is what a caller decides about the dispute of a payment. Shown is the
// Hash of the evidence that the caller was shown; empty to accept the dispute.
type DisputeAnswer struct {
	Payment  string
	Decision billing.Decision
	Shown    string
}

// DecideDispute has the evidence about a disputed payment submitted to the bank, or the
// dispute accepted, once: the same asked again succeeds, and of two at once one is carried
// out. Function charge carries it to Stripe. Errors: those of LoadVisit; fault.NotFound for
// a payment of another visit; fault.Conflict if the dispute cannot be decided on so, or
// the evidence is not what was shown.
func (o *Office) DecideDispute(ctx context.Context, c clinic.Caller, id string, a DisputeAnswer) (billing.Payment, error) {
	return clinic.Retry(func() (billing.Payment, error) { return o.decide(ctx, c, id, a) })
}

func (o *Office) decide(ctx context.Context, c clinic.Caller, id string, a DisputeAnswer) (billing.Payment, error) {
	c, v, err := o.Kernel.LoadVisit(ctx, c, identity.AnswerDispute, id)
	if err != nil {
		return billing.Payment{}, err
	}
	m, err := books.Load(ctx, o.Store, v)
	if err != nil {
		return billing.Payment{}, err
	}
	at := slices.IndexFunc(m.Payments, func(p billing.Payment) bool { return p.ID == a.Payment })
	if at < 0 {
		return billing.Payment{}, errNotDisputed
	}
	p, now := m.Payments[at], o.Kernel.Time()
	next, err := p.Decide(a.Decision, a.Shown, now)
	if err != nil || next.Version == p.Version {
		return next, err
	}
	commit := clinic.Commit{At: now, Payments: []billing.Payment{next}}
	kind := outbox.AcceptDispute
	if a.Decision == billing.Answering {
		kind = outbox.AnswerDispute
		said, err := o.evidence(ctx, v, p)
		if err != nil {
			return billing.Payment{}, err
		}
		if said.Hash() != a.Shown {
			return billing.Payment{}, errOtherEvidence
		}
		if err := said.Check(); err != nil {
			return billing.Payment{}, err
		}
		commit.Evidence = []clinic.Evidence{{Payment: next, Evidence: said}}
	}
	e := o.Kernel.Event(kind, outbox.Charge, v, now)
	e.Payment = p.ID
	commit.Events = []outbox.Event{e}
	r := o.Kernel.Record(c.Actor(v.Patient), decided(a.Decision), v, now)
	r.Resource = p.ID
	commit.Audit = []audit.Record{r}
	return next, o.Kernel.Store.Commit(ctx, commit)
}
