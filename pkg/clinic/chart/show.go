package chart

import (
	"context"
	"encoding/json"

	"evisit/pkg/clinic"
	"evisit/pkg/fault"
)

// ReadChart returns a visit's whole chart to a caller who may read it, and
// records the read first.
func (k *Keeper) ReadChart(ctx context.Context, c clinic.Caller, id string) (clinic.Caller, Chart, error) {
	c, v, err := k.Kernel.RecordRead(ctx, c, id, "chart")
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
	return c, out, nil
}

// ReadDocuments returns the encounter document, and the addendum once the visit
// is closed, to a caller who may read them, and records the read first.
func (k *Keeper) ReadDocuments(ctx context.Context, c clinic.Caller, id string) (doc, addendum json.RawMessage, err error) {
	_, v, err := k.Kernel.RecordRead(ctx, c, id, "document")
	if err != nil {
		return nil, nil, err
	}
	if v.Document == "" {
		return nil, nil, fault.New(fault.NotFound, "no_document", "this visit has no document; one is written when it is answered")
	}
	return k.Documents(ctx, v)
}
