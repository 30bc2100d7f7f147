package chart

import (
	"context"
	"encoding/json"

	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
)

// ReadChart returns a visit's whole chart to a caller who may read it, with when
// the patient's side read each message, and records the read first. Colleagues' notes
// are in it for people who work at the practice, and for nobody else.
func (k *Keeper) ReadChart(ctx context.Context, c clinic.Caller, id string) (clinic.Caller, Chart, error) {
	c, v, err := k.Kernel.LoadVisit(ctx, c, identity.ReadChart, id)
	if err != nil {
		return c, Chart{}, err
	}
	out, err := k.Chart(ctx, v)
	if err != nil {
		return c, Chart{}, err
	}
	if out.Contact, err = k.Contact(ctx, v.Patient); err != nil {
		return c, Chart{}, err
	}
	if c.Person.Works() {
		if out.Notes, err = k.notes(ctx, out.Visit, out.sealedNotes); err != nil {
			return c, Chart{}, err
		}
	}
	if out.Visit.Private() {
		out.Contact.Phone = "" // somebody else may answer it
	}
	if out.Visit, err = k.Kernel.WithReads(ctx, out.Visit); err != nil {
		return c, Chart{}, err
	}
	if out.Visit, err = k.Kernel.RecordRead(ctx, c, out.Visit, "chart"); err != nil {
		return c, Chart{}, err
	}
	for n := range out.Messages {
		out.Messages[n].ReadAt = out.Visit.ReadAt(out.Messages[n].Seq)
	}
	return c, out, nil
}

// ReadDocuments returns the encounter document, and the addendum once the visit
// is closed, to a caller who may read them, and records the read first.
func (k *Keeper) ReadDocuments(ctx context.Context, c clinic.Caller, id string) (doc, addendum json.RawMessage, err error) {
	c, v, err := k.Kernel.LoadVisit(ctx, c, identity.ReadChart, id)
	if err != nil {
		return nil, nil, err
	}
	if v.Document == "" {
		return nil, nil, fault.New(fault.NotFound, "no_document", "this visit has no document; one is written when it is answered")
	}
	if doc, addendum, err = k.Documents(ctx, v); err != nil {
		return nil, nil, err
	}
	if _, err = k.Kernel.RecordRead(ctx, c, v, "document"); err != nil {
		return nil, nil, err
	}
	return doc, addendum, nil
}
