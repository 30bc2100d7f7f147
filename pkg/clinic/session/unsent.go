package session

import (
	"context"
	"fmt"
	"strings"
	"time"

	"evisit/pkg/clinic"
	"evisit/pkg/fault"
)

const (
	// UnsentLife is how long a text is kept that was typed and not sent.
	UnsentLife = 30 * 24 * time.Hour
	// maxUnsent bounds the pages of which a text is kept for one subject.
	maxUnsent = 100
	// unsentMark begins the ID of a row that holds such a text.
	unsentMark = "unsent-"
)

// KeepUnsent keeps what the holder of a proof typed on the page at f.Path and did not
// send, for UnsentLife. It replaces what was kept of the page before; without Values it
// ends the keeping. An error of kind fault.TooLarge says that it was not kept: the text or
// the number of texts is too large.
func (k *Keeper) KeepUnsent(ctx context.Context, p clinic.Proof, f Form) error {
	now, holder := k.Kernel.Time(), holderOf(p)
	row := clinic.KeptForm{Holder: holder, ID: unsentID(f.Path), Ends: now}
	if len(f.Values) == 0 {
		return k.Kernel.Store.Commit(ctx, clinic.Commit{Kept: &row})
	}
	if len(f.Values.Encode()) > maxKept {
		return fault.New(fault.TooLarge, "too_large", fmt.Sprintf("at most %d KiB of what is not sent can be kept; please write less", maxKept>>10))
	}
	rows, err := k.Kernel.Store.KeptForms(ctx, holder)
	if err != nil {
		return err
	}
	others := 0
	for _, r := range rows {
		if r.ID != row.ID && isUnsent(r) && k.isKept(r) {
			others++
		}
	}
	if others >= maxUnsent {
		return fault.New(fault.TooLarge, "too_large", fmt.Sprintf("texts of %d pages wait for you to send them; send some, or throw them away, before you leave this one", maxUnsent))
	}
	f.At, row.Ends = now, now.Add(UnsentLife)
	if row.Sealed, err = k.Sealer.Seal(ctx, formPlace(holder, row.ID), f); err != nil {
		return err
	}
	return k.Kernel.Store.Commit(ctx, clinic.Commit{Kept: &row})
}

// UnsentOf names what KeepUnsent keeps of the page at path for the holder of a proof,
// for Caller.Kept.
func UnsentOf(p clinic.Proof, path string) *clinic.KeptForm {
	return &clinic.KeptForm{Holder: holderOf(p), ID: unsentID(path)}
}

// Unsent returns what KeepUnsent kept in row; the zero Form if that is nothing.
func (k *Keeper) Unsent(ctx context.Context, row clinic.KeptForm) (Form, error) {
	var f Form
	if !k.isKept(row) {
		return f, nil
	}
	if err := k.Sealer.Unseal(ctx, formPlace(row.Holder, row.ID), row.Sealed, &f); err != nil {
		return Form{}, fmt.Errorf("text kept for %s: %w", row.Holder, err)
	}
	return f, nil
}

func unsentID(path string) string { return unsentMark + hashOf(path)[:16] }

func isUnsent(row clinic.KeptForm) bool { return strings.HasPrefix(row.ID, unsentMark) }
