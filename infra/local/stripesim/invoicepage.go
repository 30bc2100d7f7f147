package stripesim

import (
	"bytes"
	"context"
	"database/sql"
	_ "embed" // the page
	"errors"
	"fmt"
	"html/template"
	"net/http"
)

//go:embed invoice.html
var invoiceHTML string

var invoiceTemplate = template.Must(template.New("invoice").Funcs(inPages).Parse(invoiceHTML))

// An invoiceView is what the hosted page of an invoice shows.
type invoiceView struct {
	Invoice *invoice
	Open    bool // it can be paid here
	Cards   []card
	Message string
}

// isPayable reports whether the customer can pay the invoice on its page. The first invoice of a
// subscription is paid on the page of its session.
func (i *invoice) isPayable() bool {
	return i.Status == invoiceOpen && i.BillingReason != "subscription_create"
}

// serveInvoices registers the hosted pages of invoices (hosted_invoice_url), which work without
// JavaScript. A customer needs only the invoice's id, which cannot be guessed.
func (s *Sim) serveInvoices() {
	s.mux.HandleFunc("GET /invoice/{invoice}", func(w http.ResponseWriter, r *http.Request) { s.showInvoice(w, r, http.StatusOK, "") })
	s.mux.HandleFunc("POST /invoice/{invoice}", s.postInvoice)
}

// find has t go on in the account of the object with an id.
func (t *tx) find(ctx context.Context, kind, id, param string) error {
	err := t.sql.QueryRowContext(ctx, `SELECT account FROM objects WHERE id = ? AND kind = ?`, id, kind).Scan(&t.account)
	if errors.Is(err, sql.ErrNoRows) {
		return missing(kind, id, param)
	}
	if err != nil {
		return fmt.Errorf("looking up %s %s: %w", kind, id, err)
	}
	return nil
}

// withInvoice runs f on an invoice that has its number, of any account.
func (s *Sim) withInvoice(ctx context.Context, id string, f func(context.Context, *tx, *invoice) error) error {
	if err := s.expireDue(ctx); err != nil {
		return err
	}
	return s.update(ctx, "", origin{}, func(ctx context.Context, t *tx) error {
		if err := t.find(ctx, kindInvoice, id, "invoice"); err != nil {
			return err
		}
		inv := new(invoice)
		if err := t.get(ctx, kindInvoice, id, "invoice", inv); err != nil {
			return err
		}
		if inv.Status == invoiceDraft {
			return missing(kindInvoice, id, "invoice")
		}
		return f(ctx, t, inv)
	})
}

// PayInvoice tries a card on the hosted page of an invoice, and returns why it was declined; empty: it
// has paid. A card that asks for authentication is authenticated.
func (s *Sim) PayInvoice(ctx context.Context, id, cardNumber string) (declined string, err error) {
	err = s.withInvoice(ctx, id, func(ctx context.Context, t *tx, inv *invoice) error {
		c, ok := cardByNumber(cardNumber)
		switch {
		case !inv.isPayable():
			return invalid("", "invoice", "this invoice is "+inv.Status)
		case !ok || c.kind != "":
			return invalid("incorrect_number", "card", "this card number is not one of the simulator's")
		}
		if err := t.checkEnabled(ctx); err != nil {
			return err
		}
		pi, m := new(intent), t.newMethod(c, inv.CustomerEmail)
		if err := t.get(ctx, kindIntent, *inv.PaymentIntent, "", pi); err != nil {
			return err
		}
		if err := t.put(ctx, m, 0); err != nil {
			return err
		}
		pi.PaymentMethod, pi.LastPaymentError = &m.ID, nil
		pi.Sim.ByRequest = !inv.AutoAdvance || inv.NextPaymentAttempt != nil
		if c.decline != "" {
			declined = c.decline
			return t.decline(ctx, pi, m, c)
		}
		return t.chargeIntent(ctx, pi, m, nil)
	})
	return declined, err
}

func (s *Sim) showInvoice(w http.ResponseWriter, r *http.Request, status int, message string) {
	var out bytes.Buffer
	err := s.withInvoice(r.Context(), r.PathValue("invoice"), func(_ context.Context, _ *tx, inv *invoice) error {
		return invoiceTemplate.Execute(&out, invoiceView{inv, inv.isPayable(), offered([]string{"card"}), message})
	})
	if err != nil {
		s.pageError(w, r, err)
		return
	}
	writePage(w, status, &out)
}

func (s *Sim) postInvoice(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	declined, err := s.PayInvoice(r.Context(), r.PathValue("invoice"), r.PostFormValue("card"))
	var clientErr *failure
	switch {
	case errors.As(err, &clientErr) && clientErr.Status != http.StatusNotFound:
		s.showInvoice(w, r, clientErr.Status, clientErr.Message)
	case err != nil:
		s.pageError(w, r, err)
	case declined != "":
		s.showInvoice(w, r, http.StatusPaymentRequired, "the card was declined: "+declined)
	default:
		http.Redirect(w, r, "/invoice/"+r.PathValue("invoice"), http.StatusSeeOther)
	}
}
