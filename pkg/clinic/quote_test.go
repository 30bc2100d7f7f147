package clinic_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/billing"
	"evisit/pkg/clinic/request"
	"evisit/pkg/practice"
	"evisit/pkg/visit"
)

// forRosa answers all of admin-request as Elena does for Rosa.
var forRosa = with(records, said{
	"completed-by": []string{"caregiver"}, "proxy-name": "Elena Diaz", "proxy-relationship": []string{"other"}, "proxy-authority": true,
})

// ownOf has Rosa say that she fills in the form herself, and price it anew.
func (w *world) ownOf(id string) string {
	w.Helper()
	w.saves(rosa, id, with(records, said{"proxy-name": nil, "proxy-relationship": nil, "proxy-authority": nil}))
	w.prices(rosa, id)
	return id
}

func TestSubmit_Refused(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, code string
		change     func(w *world, id string) request.Submission
	}{
		{"NoQuote", "no_quote", func(w *world, id string) request.Submission {
			old := w.prices(jane, id).Quote.ID
			w.saves(jane, id, said{"uti-onset": nil})
			return request.Submission{Quote: old}
		}},
		{"QuoteReplaced", "quote_replaced", func(w *world, id string) request.Submission {
			old := w.prices(jane, id).Quote.ID
			w.saves(jane, id, said{"uti-onset": 3})
			w.prices(jane, id)
			return request.Submission{Quote: old}
		}},
		{"QuoteExpired", "quote_expired", func(w *world, id string) request.Submission {
			old := w.prices(jane, id).Quote.ID
			w.pass(time.Hour)
			return request.Submission{Quote: old}
		}},
		{"ConsentReplaced", "consent_replaced", func(w *world, id string) request.Submission {
			quote := w.prices(jane, id).Quote.ID
			w.practice(func(p *practice.Practice) { p.Consent.Version = "2026-02" })
			return request.Submission{Quote: quote, Consent: "2026-01"}
		}},
		{"StateNotServed", "state_not_served", func(w *world, id string) request.Submission {
			quote := w.prices(jane, id).Quote.ID
			w.practice(func(p *practice.Practice) { p.States = []string{"WA"} })
			return request.Submission{Quote: quote}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.draft()
			s := test.change(w, id)
			_, err := w.request.Submit(w.ctx, w.as(jane), id, s)
			w.refused(err, test.code)
			w.stands(id, visit.Draft)
			if o := w.truth(); o.OpenSessions != 0 {
				t.Error("a page was opened")
			}
		})
	}
}

func TestSubmit_AgainAfterConsentReplaced(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.draft()
	s := request.Submission{Quote: w.prices(jane, id).Quote.ID, Consent: "2026-01"}
	sent, err := w.request.Submit(w.ctx, w.as(jane), id, s)
	if err != nil {
		t.Fatal(err)
	}
	w.practice(func(p *practice.Practice) { p.Consent.Version = "2026-02" })
	again, err := w.request.Submit(w.ctx, w.as(jane), id, s)
	if err != nil || again.Page != sent.Page {
		t.Errorf("sent again: %+v, %v", again, err)
	}
}

func TestQuote_Refused(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, code string
		answers    said
	}{
		{"Unanswered", "answers_incomplete", said{"uti-onset": nil}},
		{"StateNotServed", "state_not_served", said{"location-state": []string{"NY"}}},
		{"AnotherPerson", "identity_mismatch", said{
			"completed-by": []string{"caregiver"}, "proxy-name": "Someone", "proxy-relationship": []string{"other"}, "proxy-authority": true,
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.draft()
			if s := w.saves(jane, id, test.answers); !cmp.Equal(s.Visit.Quote, billing.Quote{}) {
				t.Errorf("saved, it has the quote %+v", s.Visit.Quote)
			}
			_, err := w.request.Quote(w.ctx, w.as(jane), id)
			w.refused(err, test.code)
		})
	}
	t.Run("NoPostedPrice", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		id := w.draft()
		w.practice(func(p *practice.Practice) { p.Prices = nil })
		_, err := w.request.Quote(w.ctx, w.as(jane), id)
		w.refused(err, "no_price")
	})
}

// The save that leaves nothing missing prices the draft, and every save does so
// anew: the payment page is made under the quote's id.
func TestSavePage_Prices(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.starts(jane, "uti-women", "")
	if s := w.saves(jane, id, aboutYou); !cmp.Equal(s.Visit.Quote, billing.Quote{}) || len(s.Missing) == 0 {
		t.Errorf("half filled in, it has the quote %+v", s.Visit.Quote)
	}
	first := w.saves(jane, id, urinary).Visit
	if q := first.Quote; q.ID == "" || q.Amount != 40_00 || !q.ExpiresAt.Equal(w.now().Add(billing.QuoteLife)) || first.Version != 3 {
		t.Errorf("filled in, version %d has the quote %+v", first.Version, q)
	}
	if v := w.prices(jane, id).Visit; v.Version != first.Version || !cmp.Equal(v.Quote, first.Quote) {
		t.Errorf("asked for, the quote is %+v of version %d", v.Quote, v.Version)
	}
	second := w.saves(jane, id, said{"uti-onset": 3}).Visit
	if second.Quote.ID == "" || second.Quote.ID == first.Quote.ID || second.Quote.Amount != first.Quote.Amount {
		t.Errorf("with other answers, the quote is %+v after %+v", second.Quote, first.Quote)
	}
	if sent := w.submits(jane, id, second.Quote.ID); sent.Page == "" {
		t.Errorf("sent under the save's own quote: %+v", sent.Visit)
	}
}

// Nobody is shown a price that runs out while they read.
func TestQuote_NewAtHalfOfItsHour(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.draft()
	first := w.visit(id)
	w.pass(billing.QuoteLife / 2)
	if o := w.prices(jane, id); !cmp.Equal(o.Quote, first.Quote) || o.Visit.Version != first.Version {
		t.Errorf("with half an hour left the quote is %+v, and was %+v", o.Quote, first.Quote)
	}
	w.pass(time.Millisecond)
	o := w.prices(jane, id)
	if o.Quote.ID == first.Quote.ID || !o.Quote.ExpiresAt.Equal(w.now().Add(billing.QuoteLife)) {
		t.Errorf("with less left the quote is %+v", o.Quote)
	}
	if o.Consent.Text == "" || o.Readers == "" || o.Terms.Answer == 0 {
		t.Errorf("offered without what is accepted: %+v", o)
	}
	_, err := w.request.Submit(w.ctx, w.as(jane), id, request.Submission{Quote: first.Quote.ID})
	w.refused(err, "quote_replaced")
}

// A request for the price that is sent again has all that is accepted with it.
func TestQuote_RepeatedIsWhole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.draft()
	w.pass(billing.QuoteLife)
	c := w.once(jane, "key", id)
	for range 2 {
		o, err := w.request.Quote(w.ctx, c, id)
		if err != nil || !o.Quote.Fresh(w.now()) || o.Consent.Text == "" || o.Readers == "" {
			t.Errorf("offered %+v, %v", o, err)
		}
		w.pass(billing.QuoteLife / 2)
	}
	if o, err := w.request.Quote(w.ctx, c, id); err != nil || o.Quote.ID != w.visit(id).Quote.ID || o.Consent.Text == "" {
		t.Errorf("after its half hour the same request is offered %+v, %v", o, err)
	}
}
