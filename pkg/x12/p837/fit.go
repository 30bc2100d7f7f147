package p837

import (
	"slices"
	"strings"

	"evisit/pkg/phi"
	"evisit/pkg/x12"
)

// Fit returns the claim as X12 can carry it: names and addresses in capitals
// without accents, symbols and separators (x12.Fold), ZIP codes without a hyphen,
// diagnoses without a point, and a subscriber who is not the patient by name and
// number alone. changed names the fields that lost characters by it, but for
// hyphens and points. What Fit cannot mend, Check refuses. claim stays as it is.
func Fit(claim *Claim) (fitted *Claim, changed []string) {
	f := fit{}
	c := *claim
	f.provider("billing", &c.Billing.Provider)
	f.address("billing/address", &c.Billing.Address)
	f.provider("rendering", &c.Rendering)
	f.person("subscriber", &c.Subscriber.Person)
	f.text("subscriber/plan", &c.Subscriber.Plan)
	f.text("payer/name", &c.Payer.Name)
	if c.Patient != nil {
		patient := *c.Patient
		f.person("patient", &patient.Person)
		c.Patient = &patient
		s := &c.Subscriber
		s.Address, s.Birth, s.Gender = Home{}, "", ""
	}
	c.Diagnoses = slices.Clone(c.Diagnoses)
	for i, d := range c.Diagnoses {
		c.Diagnoses[i] = phi.Text(strings.ToUpper(strings.Replace(d.Reveal(), ".", "", 1)))
	}
	return &c, f.changed
}

type fit struct{ changed []string }

func (f *fit) text(where string, s *string) {
	folded, changed := x12.Fold(*s)
	if changed {
		f.changed = append(f.changed, where)
	}
	*s = folded
}

func (f *fit) health(where string, t *phi.Text) {
	s := t.Reveal()
	f.text(where, &s)
	*t = phi.Text(s)
}

func (f *fit) provider(where string, p *Provider) {
	f.text(where+"/name", &p.Name)
	f.text(where+"/first", &p.First)
}

func (f *fit) person(where string, p *Person) {
	f.health(where+"/last", &p.Last)
	f.health(where+"/first", &p.First)
	f.health(where+"/middle", &p.Middle)
	f.health(where+"/suffix", &p.Suffix)
	a := p.Address.reveal()
	f.address(where+"/address", &a)
	p.Address = home(a)
}

func (f *fit) address(where string, a *Address) {
	f.text(where+"/street", &a.Street)
	f.text(where+"/unit", &a.Unit)
	f.text(where+"/city", &a.City)
	f.text(where+"/state", &a.State)
	a.ZIP = strings.ReplaceAll(strings.TrimSpace(a.ZIP), "-", "")
}
