package clinic

import (
	"context"
	"maps"
	"slices"

	"evisit/pkg/billing"
	"evisit/pkg/fault"
	"evisit/pkg/intake"
	"evisit/pkg/money"
)

// An Offering is a form a practice uses, and what it asks for it.
type Offering struct {
	Form   *intake.Form
	Price  money.Cents // zero: free
	WhyNot string      // why it cannot be started; empty: it can
}

// Forms lists the forms of the caller's practice by name.
func (cl *Clinic) Forms(ctx context.Context, c Caller) ([]Offering, error) {
	p, err := cl.practice(ctx, c.Person.Practice)
	if err != nil {
		return nil, err
	}
	var all []Offering
	for _, name := range slices.Sorted(maps.Keys(p.Forms)) {
		f, err := cl.Form(ctx, name, p.Forms[name])
		if err != nil {
			return nil, err
		}
		o := Offering{Form: f, Price: p.Prices[name], WhyNot: whyNot(f)}
		if billing.Uncharged(f.BillingClass()) {
			o.Price = 0
		}
		all = append(all, o)
	}
	return all, nil
}

// whyNot says why a form cannot be started; it can always be checked.
func whyNot(f *intake.Form) string {
	switch {
	case f.BillingClass() == "none":
		return "it is the part that every form begins with"
	case f.RequiresPhotos():
		return "it needs photos, which cannot be sent yet; please call the practice"
	}
	return ""
}

// FormFor returns a form that the caller's practice uses or used; an empty
// version is the one it uses now.
func (cl *Clinic) FormFor(ctx context.Context, c Caller, name, version string) (*intake.Form, error) {
	p, err := cl.practice(ctx, c.Person.Practice)
	if err != nil {
		return nil, err
	}
	current, ok := p.Forms[name]
	if !ok {
		return nil, fault.New(fault.NotFound, "unknown_form", "this practice has no such form; see /forms for those it has")
	}
	if version == "" {
		version = current
	}
	return cl.Form(ctx, name, version)
}
