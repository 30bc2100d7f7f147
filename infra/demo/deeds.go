package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// A deed is something that happens on a day. It returns what is printed of it.
type deed func(*month, context.Context) string

// script is what happens on each day; the days after it pass.
var script = [][]deed{
	{
		charged("back", "tom-okafor", "back-pain", backPain, "ana-rivera", strain),
		charged("eye", "jane-smith", "pink-eye", redEye, "ben-chen", viralEye),
	},
	{joins("jane-smith")},
	{included("jane-smith", "uti-women", urinary, "ana-rivera", cystitis), forMother("cold")},
	{discounted("tom-okafor", 50, "uninsured"), charged("half", "tom-okafor", "pink-eye", redEye, "ben-chen", viralEye)},
	{paidOut(200_00)},
	{refundedByHand("back", 12_50, "late")},
	{},
	{included("jane-smith", "back-pain", backPain, "ana-rivera", strain), declined("tom-okafor", "back-pain", backPain, "ben-chen")},
	{paysByLink("link", "tom-okafor", "respiratory", cold, "ana-rivera", commonCol)},
	{joins("tom-okafor")},
	{disputed("link", "product_not_received"), disputed("cold", "fraudulent")},
	{evidenceSent("link"), paidOut(0)},
	{refundedAtStripe("half")},
	{(*month).payoutRefused},
	{discounted("rosa-diaz", 100, "hardship"), forMother("waived")},
	{},
	{decided("link", "win"), decided("cold", "lose")},
	{leaves("tom-okafor")},
	{paidOut(0)},
	{freeVisit("tom-okafor")},
	{included("jane-smith", "respiratory", cold, "ben-chen", commonCol)},
}

// sent is a visit that waits for its answer, and is paid if it costs something.
func (m *month) sent(ctx context.Context, who, form string, a answers) *care {
	v := m.requests(ctx, m.who(who), form, a)
	if v.page != "" {
		v.pays(ctx)
	}
	v.becomes(ctx, "queued", "")
	v.isWritten(ctx, "Your request was received")
	return v
}

func (m *month) answered(ctx context.Context, v *care, by string, c conclusion) {
	v.taken(ctx, m.who(by))
	v.answeredBy(ctx, m.who(by), c)
	if v.page != "" {
		v.settles(ctx, "captured", "")
		v.isWritten(ctx, "Your receipt")
	}
	v.acknowledged(ctx)
}

// line is what is printed of a visit: who, what, and what became of the money.
func (m *month) line(ctx context.Context, v *care, what string) string {
	var b books
	m.do(func() (err error) {
		b, err = v.money(ctx)
		return err
	})
	became := "nothing charged"
	if len(b.Payments) > 0 {
		became = b.String()
	}
	return fmt.Sprintf("%-14s %-72s %s", v.patient.Name, v.form.Title+what, became)
}

// charged is a visit paid by card, which is called name later.
func charged(name, who, form string, a func() answers, by string, c conclusion) deed {
	return func(m *month, ctx context.Context) string {
		v := m.sent(ctx, who, form, a())
		m.check(v.page != "", "%s was not charged for %s", who, form)
		m.answered(ctx, v, by, c)
		m.past[name] = v
		return m.line(ctx, v, "")
	}
}

// included is a visit that a membership includes.
func included(who, form string, a func() answers, by string, c conclusion) deed {
	return func(m *month, ctx context.Context) string {
		v := m.sent(ctx, who, form, a().with(answers{"payment-route": "membership"}))
		m.check(v.page == "", "%s was charged for %s, which is included", who, form)
		m.answered(ctx, v, by, c)
		return m.line(ctx, v, ", included in the membership")
	}
}

// forMother is a visit of Rosa Diaz, sent by her daughter, and free if the practice waives the fee.
func forMother(name string) deed {
	return func(m *month, ctx context.Context) string {
		v := m.starts(ctx, m.who("elena-diaz"), "respiratory", "rosa-diaz")
		v.fills(ctx, common().with(cold()).with(answers{
			"completed-by": "caregiver", "proxy-name": "Elena Diaz", "proxy-relationship": "child", "proxy-authority": true,
		}))
		v.prices(ctx)
		v.sends(ctx)
		what := ", waived"
		if v.page != "" {
			v.paysWith(ctx, bankAsksCard, "")
			what = ""
		}
		v.becomes(ctx, "queued", "")
		m.answered(ctx, v, "ana-rivera", commonCol)
		m.past[name] = v
		return m.line(ctx, v, what)
	}
}

func freeVisit(who string) deed {
	return func(m *month, ctx context.Context) string {
		v := m.sent(ctx, who, "medication-refill", refill())
		m.answered(ctx, v, "ana-rivera", concludes("Refilled for ninety days.", "I10", "Essential hypertension", "Keep taking one a day.", "Dizziness or fainting: call us."))
		return m.line(ctx, v, ", never charged")
	}
}

func declined(who, form string, a func() answers, by string) deed {
	return func(m *month, ctx context.Context) string {
		v := m.requests(ctx, m.who(who), form, a())
		v.turnedAway(ctx, m.who(by), "decline", "declines it", "not_suitable", "This has come back three times this year; please book a longer visit.")
		return m.line(ctx, v, ", declined by the clinician")
	}
}

// paysByLink is a visit whose capture fails, and that is paid by a link.
func paysByLink(name, who, form string, a func() answers, by string, c conclusion) deed {
	return func(m *month, ctx context.Context) string {
		v := m.requests(ctx, m.who(who), form, a())
		v.paysWith(ctx, holdOnlyCard, "")
		v.becomes(ctx, "queued", "")
		v.taken(ctx, m.who(by))
		v.answeredBy(ctx, m.who(by), c)
		v.settles(ctx, "failed", "")
		v.isWritten(ctx, "Your payment did not go through")
		m.do(func() error {
			var out view
			err := v.patient.post(ctx, v.path("checkout"), nil, &out)
			v.page = out.Checkout
			return err
		})
		v.pays(ctx)
		v.settles(ctx, "captured", "")
		v.acknowledged(ctx)
		m.past[name] = v
		return m.line(ctx, v, ", the card failed, paid by link")
	}
}

// A yearly is the part of somebody's membership that is needed here.
type yearly struct {
	Sold *struct {
		Offer string `json:"offer"`
		Terms int    `json:"terms"`
		Price int64  `json:"price"`
	} `json:"sold"`
	Mine *struct {
		ID    string `json:"id"`
		State string `json:"state"`
		Page  string `json:"page"`
	} `json:"mine"`
	Leaving *struct {
		Refund int64 `json:"refund_cents"`
	} `json:"leaving"`
	Invoices []struct {
		Paid     int64 `json:"paid"`
		Refunded int64 `json:"refunded"`
	} `json:"invoices"`
}

// is waits until somebody's membership is as is says.
func (m *month) is(ctx context.Context, p *person, what string, is func(yearly) bool) (y yearly) {
	m.do(func() error {
		return m.until(ctx, "the membership of "+p.Name+" to be "+what, func(ctx context.Context) (bool, error) {
			y = yearly{}
			err := p.get(ctx, "/me/membership", &y)
			return is(y), err
		})
	})
	return y
}

func joins(who string) deed {
	return func(m *month, ctx context.Context) string {
		p := m.who(who)
		y := m.is(ctx, p, "sold", func(y yearly) bool { return y.Sold != nil })
		if m.err != nil {
			return ""
		}
		m.do(func() error {
			in := map[string]any{"offer": y.Sold.Offer, "terms": y.Sold.Terms, "medicare": "no"}
			return p.post(ctx, "/me/membership", in, &y.Mine)
		})
		m.do(func() error {
			status, _, next, err := m.submitForm(ctx, y.Mine.Page, url.Values{"card": {goodCard}})
			if err == nil && next == "" {
				err = fmt.Errorf("paying for a membership: answered %d and stayed", status)
			}
			return err
		})
		m.is(ctx, p, "paid", func(y yearly) bool { return y.Mine != nil && y.Mine.State == "active" })
		return fmt.Sprintf("%-14s %-72s %s charged", p.Name, "joins the yearly membership", dollars(y.Sold.Price))
	}
}

// leaves ends a membership at once, for what its terms promise back.
func leaves(who string) deed {
	return func(m *month, ctx context.Context) string {
		p := m.who(who)
		y := m.is(ctx, p, "one that can be left", func(y yearly) bool { return y.Leaving != nil })
		if m.err != nil {
			return ""
		}
		back := y.Leaving.Refund
		m.do(func() error {
			return p.post(ctx, "/me/membership/leave", map[string]any{"membership": y.Mine.ID, "refund_cents": back}, nil)
		})
		m.is(ctx, p, "refunded", func(y yearly) bool { return len(y.Invoices) > 0 && y.Invoices[0].Refunded == back })
		return fmt.Sprintf("%-14s %-72s %s refunded", p.Name, "leaves the membership at once", dollars(back))
	}
}

func discounted(patient string, percent int, reason string) deed {
	return func(m *month, ctx context.Context) string {
		ada, last := m.who("ada-brooks"), m.lastDay().Format(time.DateOnly)
		m.do(func() error {
			return ada.post(ctx, "/patients/"+patient+"/discount", map[string]any{"percent": percent, "reason": reason, "last": last}, nil)
		})
		return fmt.Sprintf("%-14s takes %d%% off for %s: %s", ada.Name, percent, m.who(patient).Name, reason)
	}
}

func refundedByHand(name string, cents int64, reason string) deed {
	return func(m *month, ctx context.Context) string {
		v, ada := m.past[name], m.who("ada-brooks")
		var found struct {
			Payments []struct {
				Payment string `json:"payment"`
				Left    int64  `json:"left_cents"`
			} `json:"payments"`
		}
		m.do(func() error { return ada.get(ctx, v.path("refund"), &found) })
		m.check(len(found.Payments) == 1, "visit %s has %d payments to refund", v.id, len(found.Payments))
		m.do(func() error {
			p := found.Payments[0]
			return ada.post(ctx, v.path("refund"), map[string]any{"payment": p.Payment, "left_cents": p.Left, "amount_cents": cents, "reason": reason}, nil)
		})
		m.refunded(ctx, v, cents)
		return fmt.Sprintf("%-14s refunds %s of %s: %s", ada.Name, dollars(cents), v.patient.Name, reason)
	}
}

func (m *month) refunded(ctx context.Context, v *care, cents int64) {
	m.do(func() error {
		return m.until(ctx, dollars(cents)+" of visit "+v.id+" to be refunded", func(ctx context.Context) (bool, error) {
			b, err := v.money(ctx)
			return len(b.Payments) > 0 && b.Payments[len(b.Payments)-1].Refunded == cents, err
		})
	})
}

// refundedAtStripe is a refund in Stripe's dashboard whose webhooks are lost: it is found by the
// daily look.
func refundedAtStripe(name string) deed {
	return func(m *month, ctx context.Context) string {
		v := m.past[name]
		m.do(func() error { return m.fault(ctx, map[string]any{"do": "webhook_drop"}) })
		m.do(func() error { return v.byHand(ctx, "refund") })
		m.do(func() error { return m.advance(ctx, 25*time.Hour) })
		m.do(func() error { return m.healFaults(ctx) })
		v.settles(ctx, "refunded", "")
		return fmt.Sprintf("%-14s refunds %s in full by hand, and every webhook of it is lost", "At Stripe,", v.patient.Name)
	}
}

// hand does something by hand at Stripe, and decodes what that made or changed.
func (m *month) hand(ctx context.Context, in map[string]any, out any) {
	m.do(func() error {
		return m.json(ctx, call{method: http.MethodPost, url: m.stripe + "/sim/hand"}, in, out)
	})
}

// intent is Stripe's id of a visit's latest payment.
func (m *month) intent(ctx context.Context, v *care) (id string) {
	m.do(func() error {
		b, err := v.money(ctx)
		if err == nil && len(b.Payments) == 0 {
			err = errors.New("visit " + v.id + " has no payment")
		}
		if err == nil {
			last := b.Payments[len(b.Payments)-1]
			id, m.account = last.Intent, last.Account
		}
		return err
	})
	return id
}

func disputed(name, reason string) deed {
	return func(m *month, ctx context.Context) string {
		v := m.past[name]
		m.hand(ctx, map[string]any{"do": "dispute", "id": m.intent(ctx, v), "reason": reason}, nil)
		v.settles(ctx, "disputed", "")
		return fmt.Sprintf("%-14s disputes the charge: %s", v.patient.Name, strings.ReplaceAll(reason, "_", " "))
	}
}

func evidenceSent(name string) deed {
	return func(m *month, ctx context.Context) string {
		v, ada := m.past[name], m.who("ada-brooks")
		var d struct {
			Payment string `json:"payment"`
			Shown   string `json:"shown"`
			Dispute struct {
				Answered bool `json:"answered"`
			} `json:"dispute"`
		}
		m.do(func() error { return ada.get(ctx, v.path("dispute"), &d) })
		m.do(func() error {
			return ada.post(ctx, v.path("dispute/answer"), map[string]any{"payment": d.Payment, "shown": d.Shown}, nil)
		})
		m.do(func() error {
			return m.until(ctx, "the evidence to be with the bank", func(ctx context.Context) (bool, error) {
				err := ada.get(ctx, v.path("dispute"), &d)
				return d.Dispute.Answered, err
			})
		})
		return fmt.Sprintf("%-14s sends the bank what the record says of it", ada.Name)
	}
}

// decided is the bank's word on a dispute.
func decided(name, how string) deed {
	return func(m *month, ctx context.Context) string {
		v := m.past[name]
		var d struct {
			Dispute struct {
				ID string `json:"id"`
			} `json:"dispute"`
		}
		m.do(func() error { return m.who("ada-brooks").get(ctx, v.path("dispute"), &d) })
		m.hand(ctx, map[string]any{"do": how, "id": d.Dispute.ID}, nil)
		state, said := "captured", "for the practice"
		if how == "lose" {
			state, said = "charged_back", "for the cardholder"
		}
		v.settles(ctx, state, "")
		return fmt.Sprintf("%-14s decides the dispute of %s %s", "The bank", v.patient.Name, said)
	}
}

// A payout is one to the practice's bank.
type payout struct {
	ID     string `json:"id"`
	Status string `json:"status"`
	Amount int64  `json:"amount_cents"`
}

func (m *month) payouts(ctx context.Context) ([]payout, error) {
	var all struct {
		Payouts []payout `json:"payouts"`
	}
	err := m.who("ada-brooks").get(ctx, "/practice/payouts", &all)
	return all.Payouts, err
}

// paidOut is so much on its way to the bank, or all that is available at Stripe.
func paidOut(cents int64) deed {
	return func(m *month, ctx context.Context) string {
		m.intent(ctx, m.past["back"])
		var made payout
		m.hand(ctx, map[string]any{"do": "pay_out", "id": m.account, "amount": cents}, &made)
		return m.paysOut(ctx, made)
	}
}

func (m *month) paysOut(ctx context.Context, made payout) string {
	var known payout
	m.do(func() error {
		return m.until(ctx, "the payout to be in the books", func(ctx context.Context) (bool, error) {
			all, err := m.payouts(ctx)
			for _, p := range all {
				if p.ID == made.ID {
					known = p
				}
			}
			return known.ID != "", err
		})
	})
	return fmt.Sprintf("%-14s pays %s out to the practice's bank", "Stripe", dollars(known.Amount))
}

// payoutRefused is the bank's word on the last payout; who sees to it says so.
func (m *month) payoutRefused(ctx context.Context) string {
	var refused payout
	m.do(func() error {
		all, err := m.payouts(ctx)
		if err == nil && len(all) == 0 {
			err = errors.New("nothing was paid out")
		}
		if err == nil {
			refused = all[0]
		}
		return err
	})
	m.hand(ctx, map[string]any{"do": "fail_payout", "id": refused.ID}, nil)
	m.do(func() error {
		return m.until(ctx, "the payout to be work", func(ctx context.Context) (bool, error) {
			item, err := m.who("ada-brooks").work(ctx, "payout.failed", "")
			return item.ID != "", err
		})
	})
	return fmt.Sprintf("%-14s refuses the payout of %s: work for the practice", "Its bank", dollars(refused.Amount))
}
