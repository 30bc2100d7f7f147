package request

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/intake"
	"evisit/pkg/money"
	"evisit/pkg/practice"
	"evisit/pkg/visit"
)

// An Offering is a form that a practice uses, and what a request on it costs.
type Offering struct {
	Form  *intake.Form
	Price money.Cents // zero: free
	// Lower are the prices below Price of an answer by clinicians of some kinds.
	Lower billing.KindPrices
	// FreeFor are the answers to KindItem that make a request free although the form
	// has a price.
	FreeFor []intake.Option
	// Unpriced is set if the practice posted no price: nothing but what is FreeFor can
	// be sent.
	Unpriced bool
	// Unpaid is set if patients cannot pay the practice now: nothing but what is free, or
	// FreeFor, can be sent.
	Unpaid bool

	practice practice.Practice
	now      time.Time
}

// kindItem is the question of an administrative form for the kind of request, which
// decides whether it is charged for.
const kindItem = "adm-type"

func (m *Room) offering(p practice.Practice, f *intake.Form, payable bool) Offering {
	o := Offering{Form: f, practice: p, now: m.Kernel.Time()}
	class := f.BillingClass()
	price, err := billing.Posted(f.Name(), class, p.Prices)
	o.Price, o.Unpriced, o.Unpaid = price, err != nil, !payable
	o.Lower = p.KindPrices[f.Name()].Below(price)
	if kinds, ok := f.Item(kindItem); ok && (price > 0 || o.Unpriced) {
		for _, k := range kinds.Options {
			if slices.Contains(billing.FreeRequests(class), k.Code) {
				o.FreeFor = append(o.FreeFor, k)
			}
		}
	}
	return o
}

// Refusal says why nobody can start a request on the form, in words for a patient and
// with the practice's phone number; nil if somebody can. Every form can be checked.
func (o Offering) Refusal() error {
	if err := closed(o.practice); err != nil {
		return err
	}
	switch {
	case o.Form.BillingClass() == "none":
		return fault.New(fault.Conflict, "not_offered", "This is the part that every form begins with."+call(o.practice))
	case o.Form.RequiresPhotos():
		return fault.New(fault.Conflict, "not_offered", "This form needs photos, which cannot be sent yet."+call(o.practice))
	case o.practice.Consent.Version == "":
		return fault.New(fault.Conflict, "not_offered", "The practice does not take online requests yet."+call(o.practice))
	case o.byPhone() != "":
		return fault.New(fault.Conflict, "topic_by_phone", "This practice answers questions about "+o.byPhone()+" by phone only."+call(o.practice))
	case o.Unpriced && len(o.FreeFor) == 0:
		return fault.New(fault.Conflict, "no_price", "The practice has not set a price for this request yet."+call(o.practice))
	case o.Unpaid && o.Price > 0 && len(o.FreeFor) == 0:
		return noPayments(o.practice)
	case visit.Form{Class: o.Form.BillingClass()}.Pool() == identity.ClinicalPool && len(o.practice.States) == 0:
		return fault.New(fault.Conflict, "state_not_served", "No clinician of this practice may answer online requests now."+call(o.practice))
	}
	return nil
}

// byPhone is the sensitive topic of the form, in words, that the practice takes by phone
// alone; empty if there is none.
func (o Offering) byPhone() string {
	for _, topic := range o.Form.Topics() {
		if slices.Contains(o.practice.Topics, topic) {
			return intake.TopicWords(topic)
		}
	}
	return ""
}

// RefusalFor says why a request on the form cannot be started for a patient, as Refusal
// does; nil if it can.
func (o Offering) RefusalFor(who identity.Patient) error {
	if err := o.Refusal(); err != nil {
		return err
	}
	if err := barred(o.practice, who, visit.Form{Class: o.Form.BillingClass()}.Pool(), o.now); err != nil {
		return err
	}
	zone, err := o.practice.Location()
	if err != nil {
		return err
	}
	ps := o.Form.Eligible(who.Contact.Birth, o.now, zone, who.Contact.Sex)
	if len(ps) == 0 {
		return nil
	}
	var why []string
	for _, p := range ps {
		why = append(why, p.Text)
	}
	return fault.New(fault.Conflict, "not_eligible", strings.Join(why, " ")+call(o.practice), ps...)
}

// WhyNot returns the words of the refusal to start a request on the form for who, nil
// for nobody in particular; empty if it can be started.
func (o Offering) WhyNot(who *identity.Patient) (string, error) {
	var err error
	if who == nil {
		err = o.Refusal()
	} else {
		err = o.RefusalFor(*who)
	}
	if refused, ok := fault.Public(err); ok {
		return refused.Text, nil
	}
	return "", err
}

// closed refuses a request that begins, or asks for its price, at a practice that is
// suspended.
func closed(p practice.Practice) error {
	if p.Suspended.IsZero() {
		return nil
	}
	return fault.New(fault.Conflict, "practice_suspended", "This practice begins no online requests now."+call(p))
}

// noPayments refuses what is to be paid at a practice that patients cannot pay.
func noPayments(p practice.Practice) error {
	return fault.New(fault.Conflict, "no_payments", "The practice cannot take payments now, so a request that costs something cannot be sent."+call(p))
}

// checkPayable refuses an amount that patients cannot pay p now.
func (m *Room) checkPayable(ctx context.Context, p practice.Practice, amount money.Cents) error {
	if amount == 0 {
		return nil
	}
	payable, err := m.Kernel.MayCharge(ctx, p)
	if err == nil && !payable {
		err = noPayments(p)
	}
	return err
}

// barred says why a patient may not send p, which is not closed, a request for a pool's
// people; nil if the patient may. Guideline G14 bars a suspended patient from clinical
// requests: what is left is how a bill is settled and a record asked for. A record that is
// of no patient of the practice is barred from all, and so is a minor where the practice
// takes no requests for minors. Guideline G23, where the practice asks
// for it, is for clinical requests too.
func barred(p practice.Practice, who identity.Patient, pool identity.Pool, now time.Time) error {
	if err := p.TakesFor(who.Contact.Birth, now); err != nil {
		return err
	}
	clinical := pool == identity.ClinicalPool
	s := who.Standing
	if s.State == identity.Suspended && (clinical || s.Reason.Foreign()) {
		return fault.New(fault.Conflict, "patient_suspended", "Online requests of this patient are suspended: "+s.Reason.Words()+"."+call(p))
	}
	if !clinical || p.Established == 0 || who.EstablishedAt(now, p.Established) {
		return nil
	}
	why := "last saw this patient longer ago."
	if who.Seen.IsZero() {
		why = "has not noted when it last saw this patient."
	}
	return fault.New(fault.Conflict, "not_established", fmt.Sprintf("This practice answers online those whom it has seen in person in the last %d months, and %s", p.Established, why)+call(p))
}

// call ends the words with which a request is refused before it is started.
func call(p practice.Practice) string { return " Please call the practice: " + p.Phone }

// Forms lists the forms of the caller's practice by name.
func (m *Room) Forms(ctx context.Context, c clinic.Caller) ([]Offering, error) {
	p, err := m.Practice(ctx, c)
	if err != nil {
		return nil, err
	}
	var all []Offering
	for _, name := range slices.Sorted(maps.Keys(p.Forms)) {
		o, _, err := m.find(ctx, p, name)
		if err != nil {
			return nil, err
		}
		all = append(all, o)
	}
	return all, nil
}

// FormsFor lists the forms of the caller's practice by name, with the patient
// that Offering.RefusalFor decides on: the caller if patient is empty, or
// someone the caller acts for.
func (m *Room) FormsFor(ctx context.Context, c clinic.Caller, patient string) ([]Offering, identity.Patient, error) {
	c, patient, err := m.forPatient(ctx, c, identity.StartVisit, patient)
	if err != nil {
		return nil, identity.Patient{}, err
	}
	who, err := m.Charts.Patient(ctx, patient)
	if err != nil {
		return nil, identity.Patient{}, err
	}
	all, err := m.Forms(ctx, c)
	return all, who, err
}

// find returns what p offers under a form's name; it reports false if p offers none.
func (m *Room) find(ctx context.Context, p practice.Practice, form string) (Offering, bool, error) {
	version, ok := p.Forms[form]
	if !ok {
		return Offering{}, false, nil
	}
	f, err := m.Kernel.Form(ctx, p.ID, form, version)
	if err != nil {
		return Offering{}, false, err
	}
	payable, err := m.Kernel.MayCharge(ctx, p)
	return m.offering(p, f, payable), true, err
}

// startable returns the form of o, unless a request on it cannot be started for a
// patient.
func (m *Room) startable(ctx context.Context, o Offering, patient string) (*intake.Form, error) {
	who, err := m.Charts.Patient(ctx, patient)
	if err != nil {
		return nil, err
	}
	return o.Form, o.RefusalFor(who)
}
