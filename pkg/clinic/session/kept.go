package session

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/vault"
)

const (
	// maxKept bounds a kept form, encoded; sealed, a row has at most 400 KB.
	maxKept = 256 << 10
	// maxForms bounds the forms kept for one subject.
	maxForms = 20
)

// An Area is the function that takes a form and keeps it, and what the partition keys of its
// rows begin with. Management has an area of its own, because what patients and those who
// answer write to each other is not for the function that has the practice's settings.
type Area string

// The areas.
const (
	Visits     Area = ""          // of function api
	Management Area = "registry." // of function registry
)

// A Form is a form that was posted to Path with a session that had ended, or what was
// typed on the page at Path and not sent.
type Form struct {
	ID     string `json:"-"`
	Area   Area   `json:"-"`
	Path   string
	Values url.Values
	At     time.Time
}

// Keep keeps a form that was posted with the session under cookie, which Use has
// refused, for the subject of that session and for a day. A form that is posted
// to the same path again replaces the first. Keep reports false, and keeps
// nothing, if the session is unknown or its holder signed out, and if the form or
// the number of forms is too large.
func (k *Keeper) Keep(ctx context.Context, cookie string, f Form) (bool, error) {
	s, err := k.load(ctx, cookie)
	if err != nil || s.Ended || len(f.Values.Encode()) > maxKept {
		return false, err
	}
	now := k.Kernel.Time()
	if !now.Before(s.Ends.Add(clinic.KeptLife)) {
		return false, nil
	}
	f.At = now
	holder, id := f.Area.holder(s.Proof), hashOf(f.Path)[:16]
	rows, err := k.Kernel.Store.KeptForms(ctx, holder)
	if err != nil {
		return false, err
	}
	others := 0
	for _, row := range rows {
		if row.ID != id && !isUnsent(row) && k.isKept(row) {
			others++
		}
	}
	if others >= maxForms {
		return false, nil
	}
	sealed, err := k.Sealer.Seal(ctx, formPlace(holder, id), f)
	if err != nil {
		return false, err
	}
	row := clinic.KeptForm{Holder: holder, ID: id, Sealed: sealed, Ends: now.Add(clinic.KeptLife)}
	return true, k.Kernel.Store.Commit(ctx, clinic.Commit{Kept: &row})
}

// Forms returns the forms that Keep kept in an area for the holder of a proof, and for
// nobody else.
func (k *Keeper) Forms(ctx context.Context, a Area, p clinic.Proof) ([]Form, error) {
	holder := a.holder(p)
	rows, err := k.Kernel.Store.KeptForms(ctx, holder)
	if err != nil {
		return nil, err
	}
	var forms []Form
	for _, row := range rows {
		if isUnsent(row) || !k.isKept(row) {
			continue
		}
		f := Form{ID: row.ID, Area: a}
		if err := k.Sealer.Unseal(ctx, formPlace(holder, row.ID), row.Sealed, &f); err != nil {
			return nil, fmt.Errorf("form kept for %s: %w", holder, err)
		}
		forms = append(forms, f)
	}
	return forms, nil
}

// Form returns one of the forms that are kept in an area for the holder of a proof, or an
// error of kind fault.NotFound.
func (k *Keeper) Form(ctx context.Context, a Area, p clinic.Proof, id string) (Form, error) {
	forms, err := k.Forms(ctx, a, p)
	for _, f := range forms {
		if f.ID == id {
			return f, nil
		}
	}
	if err == nil {
		err = fault.New(fault.NotFound, "not_found", "there is nothing of yours kept here, or no longer")
	}
	return Form{}, err
}

// Drop ends the keeping of a form: it was sent, or its sender does not want it.
func (k *Keeper) Drop(ctx context.Context, a Area, p clinic.Proof, id string) error {
	row := clinic.KeptForm{Holder: a.holder(p), ID: id, Ends: k.Kernel.Time()}
	return k.Kernel.Store.Commit(ctx, clinic.Commit{Kept: &row})
}

func (k *Keeper) isKept(row clinic.KeptForm) bool {
	return len(row.Sealed) > 0 && k.Kernel.Time().Before(row.Ends)
}

func holderOf(p clinic.Proof) string { return hashOf(p.Issuer, p.Subject) }

// holder is for whom a keeps what the holder of a proof posted.
func (a Area) holder(p clinic.Proof) string { return string(a) + holderOf(p) }

// formPlace binds a form to whom it is kept for.
func formPlace(holder, id string) vault.Place {
	return vault.Place{Record: "kept/" + holder, Field: id}
}
