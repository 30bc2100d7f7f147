package clinic_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"evisit/infra/local/stripesim"
	"evisit/pkg/billing"
	"evisit/pkg/clinic/request"
	"evisit/pkg/ledger"
	"evisit/pkg/money"
	"evisit/pkg/practice"
	"evisit/pkg/visit"
	"evisit/pkg/work"
)

// hand does an act at Stripe's own pages and returns the id of what it made or
// changed.
func (w *world) hand(do, id string) string {
	w.Helper()
	w.byHand = true
	out, err := w.sim.Hand(w.ctx, stripesim.Act{Do: do, ID: id})
	if err != nil {
		w.Fatalf("%s of %s: %v", do, id, err)
	}
	made, _ := out.(map[string]any)["id"].(string)
	return made
}

// day lets a day pass, with all that runs meanwhile.
func (w *world) day() {
	w.Helper()
	w.pass(24*time.Hour + time.Minute)
	w.minute()
	w.settle()
}

// open lists the practice's open work of a kind.
func (w *world) open(k work.Kind) []work.Item {
	w.Helper()
	return slices.DeleteFunc(w.work("lakeside"), func(i work.Item) bool { return i.Kind != k })
}

// opened checks that a practice has one open item of a kind, about a visit.
func (w *world) opened(k work.Kind, id string) {
	w.Helper()
	if items := w.open(k); len(items) != 1 || items[0].Visit != id {
		w.Errorf("open items of %s: %+v", k, items)
	}
}

const (
	janesMail = "jane-smith@patients.example"
	inbox     = "desk@lakeside.example"
)

// say counts the letters to an address whose subject or text has those words.
func (w *world) say(to, words string) int {
	w.Helper()
	return len(slices.DeleteFunc(w.letters(to), func(l letter) bool { return !strings.Contains(l.Subject+"\n"+l.Text, words) }))
}

// wrote checks how many letters to an address have a subject or text with those
// words.
func (w *world) wrote(to, words string, want int) {
	w.Helper()
	if got := w.say(to, words); got != want {
		w.Errorf("%d letters to %s say %q, want %d", got, to, words, want)
	}
}

// endings are the ways in which a request ends without an answer.
var endings = map[string]func(w *world, id string){
	"Cancelled": func(w *world, id string) { w.cancels(id) },
	"Declined": func(w *world, id string) {
		w.does("decline", func() error {
			_, err := w.desk.TurnAway(w.ctx, w.as(ana), id, visit.Declined, "not_suitable", "Please call us.")
			return err
		})
	},
	"Diverted": func(w *world, id string) {
		w.does("reply", func() error {
			_, _, err := w.request.Reply(w.ctx, w.as(jane), id, request.Message{Text: "I am confused.", Answers: page(said{"uti-confused": true})})
			return err
		})
	},
	"Expired": func(w *world, id string) {
		w.pass(49 * time.Hour)
		w.minute()
	},
}

// A card that was charged by hand at Stripe for a request that ends without an
// answer is refunded, whenever Stripe's word comes; the patient is told that, and
// never that nothing is charged after it is known; and the practice has it in its
// work.
func TestReverse_CapturedByHand(t *testing.T) {
	t.Parallel()
	for name, end := range endings {
		for when, heard := range map[string]func(w *world){
			"KnownBefore":  func(w *world) { w.settle() },
			"ReportedThen": func(*world) {},
			"WebhookLost":  func(w *world) { w.loses() },
		} {
			t.Run(name+"/"+when, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				id := w.taken()
				w.hand(stripesim.HandCapture, w.latest(id).payment.Intent)
				heard(w)
				end(w, id)
				if when == "ReportedThen" {
					w.pass(time.Minute)
				}
				w.settle()
				w.states(id, billing.FullyRefunded)
				w.proven(id)
				w.handled()
				if b := ledger.Balances(w.latest(id).entries); b[ledger.Stripe] != -feeOf40 || b[ledger.Holds] != 0 { // Stripe keeps its fee
					t.Errorf("books: %v", b)
				}
				w.opened(work.PaymentReversed, id)
				if w.say(janesMail, "refunded in full") == 0 {
					t.Error("Jane was not told that she was charged and is refunded")
				}
				if when == "KnownBefore" {
					w.wrote(janesMail, "you will not be charged", 0)
				} else {
					w.wrote(inbox, "A payment without an answer is refunded", 1)
				}
			})
		}
	}
}

// The ledger follows a refund that fails: the practice has it in its work until the
// money is refunded after all, and the patient is told. A day is enough to find it
// if the webhook was lost.
func TestRefund_FailsLater(t *testing.T) {
	t.Parallel()
	for name, lost := range map[string]bool{"WebhookArrives": false, "WebhookLost": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.submitted()
			w.pays(id, stripesim.CardRefundFails)
			w.settle()
			intent := w.latest(id).payment.Intent
			w.hand(stripesim.HandCapture, intent)
			w.settle()
			w.cancels(id)
			w.settle()
			w.states(id, billing.FullyRefunded)
			w.pass(3*24*time.Hour + time.Minute)
			if lost {
				w.loses()
				w.minute()
				w.day()
			}
			w.settle()
			w.states(id, billing.Captured)
			w.proven(id)
			w.opened(work.RefundFailed, id)
			w.wrote(janesMail, "refund did not go through", 1)
			w.wrote(inbox, "A refund failed", 1)
			p := w.latest(id)
			if b := ledger.Balances(p.entries); b[ledger.Stripe] != 40_00-feeOf40 || p.payment.Why != billing.RefundFailed || len(p.entries) != 4 {
				t.Errorf("%+v; books: %v of %d entries", p.payment, b, len(p.entries))
			}
			w.refund(intent, 15_00)
			w.settle()
			w.opened(work.RefundFailed, id)
			w.refund(intent, 25_00)
			w.settle()
			w.states(id, billing.FullyRefunded)
			w.proven(id)
			if items := w.open(work.RefundFailed); len(items) != 0 {
				t.Errorf("still open: %+v", items)
			}
			w.handled()
		})
	}
}

// What changes at Stripe after a payment is final is found within a day, whatever
// webhooks were lost.
func TestAccount_LookFindsLostWebhooks(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		act   func(w *world, id string)
		state billing.State
		check func(w *world, id string)
	}{
		"Refund": {func(w *world, id string) { w.refund(w.latest(id).payment.Intent, 40_00) }, billing.FullyRefunded, func(*world, string) {}},
		"PartialRefund": {func(w *world, id string) { w.refund(w.latest(id).payment.Intent, 10_00) }, billing.Captured, func(w *world, id string) {
			if got := w.latest(id).payment.Refunded; got != 10_00 {
				w.Errorf("refunded %s", got)
			}
		}},
		"Warning": {func(w *world, id string) { w.hand(stripesim.HandWarn, w.latest(id).payment.Intent) }, billing.Captured, func(w *world, id string) {
			w.opened(work.FraudWarned, id)
			w.wrote(inbox, "A warning of fraud", 1)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.answered()
			w.settle()
			w.day()
			test.act(w, id)
			w.loses()
			w.day()
			w.states(id, test.state)
			w.proven(id)
			test.check(w, id)
			w.day() // found again, it changes nothing
			test.check(w, id)
			w.handled()
		})
	}
}

// A warning of fraud is somebody's work until the fee is refunded.
func TestWarning_EndsWithTheRefund(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.answered()
	intent := w.latest(id).payment.Intent
	w.hand(stripesim.HandWarn, intent)
	w.settle()
	w.opened(work.FraudWarned, id)
	w.refund(intent, 40_00)
	w.settle()
	if items := w.open(work.FraudWarned); len(items) != 0 {
		t.Errorf("still open: %+v", items)
	}
	w.proven(id)
	w.handled()
}

// A page that its request no longer wants is closed at Stripe, so that nobody pays
// it.
func TestPage_ClosedWhenNotWanted(t *testing.T) {
	t.Parallel()
	for name, card := range map[string]string{"Untouched": "", "AfterADecline": stripesim.CardDeclined} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.submitted()
			session := w.session(id)
			if card != "" {
				w.pays(id, card)
			}
			w.cancels(id)
			w.settle()
			if _, err := w.try(session, stripesim.CardSuccess); err == nil {
				t.Error("the page of a cancelled request was paid")
			}
			w.states(id, billing.Abandoned)
			w.proven(id)
			w.balanced()
			w.handled()
			if n := w.truth().OpenSessions; n != 0 {
				t.Errorf("%d pages are open", n)
			}
		})
	}
}

// owed is an answered visit whose hold could not be captured.
func (w *world) owed() string {
	w.Helper()
	id := w.submitted()
	w.pays(id, stripesim.CardCaptureFails)
	w.settle()
	w.takes(ana, id)
	w.answers(id)
	w.settle()
	w.states(id, billing.Failed)
	return id
}

// link opens a pay link.
func (w *world) link(id string) string {
	w.Helper()
	var page string
	w.does("pay link", func() error {
		s, err := w.request.Pay(w.ctx, w.as(jane), id)
		page = s.Page
		return err
	})
	if page == "" {
		w.Fatalf("no page: %+v", w.latest(id).payment)
	}
	return page
}

// A pay link whose webhooks are all lost is looked at when its page ends: paid, it
// is booked and the receipt sent; unpaid, a new one can be opened.
func TestPayLink_WebhookLost(t *testing.T) {
	t.Parallel()
	t.Run("Paid", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		id := w.owed()
		w.opened(work.PaymentFailed, id)
		w.wrote(inbox, "A fee was not collected", 1)
		w.link(id)
		w.pays(id, stripesim.CardSuccess)
		w.loses()
		w.pass(2*time.Hour + 3*time.Minute)
		w.loses()
		w.minute()
		w.settle()
		w.states(id, billing.Failed, billing.Captured)
		w.proven(id)
		w.wrote(janesMail, "Your receipt", 1)
		if items := w.open(work.PaymentFailed); len(items) != 0 || w.visit(id).Owed {
			t.Errorf("owed %t; still open: %+v", w.visit(id).Owed, items)
		}
		w.handled()
	})
	t.Run("Unpaid", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		id := w.owed()
		first := w.link(id)
		w.pass(2*time.Hour + time.Minute)
		w.loses()
		_, err := w.request.Pay(w.ctx, w.as(jane), id)
		w.refused(err, "payment_pending")
		w.pass(2 * time.Minute)
		w.loses()
		w.minute()
		w.settle()
		w.states(id, billing.Failed, billing.Abandoned)
		if second := w.link(id); second == first {
			t.Error("the new link is the old one")
		}
		w.pays(id, stripesim.CardSuccess)
		w.settle()
		w.states(id, billing.Failed, billing.Abandoned, billing.Captured)
		w.proven(id)
		w.balanced()
		w.handled()
	})
}

// A definite failure of Stripe on a pay link does not last: the next try has a key
// of its own.
func TestPayLink_StripeFailsOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.owed()
	if _, err := w.sim.AddFault(stripesim.Fault{
		Do: stripesim.Answer, Status: http.StatusInternalServerError, Method: http.MethodPost, Path: "/v1/checkout/sessions", Times: 1,
	}); err != nil {
		t.Fatal(err)
	}
	_, err := w.request.Pay(w.ctx, w.as(jane), id)
	w.refused(err, "payment_page_unavailable")
	page := w.link(id)
	if again := w.link(id); again != page {
		t.Error("asked again, it is another page")
	}
	w.pays(id, stripesim.CardSuccess)
	w.settle()
	w.states(id, billing.Failed, billing.Captured)
	w.proven(id)
	w.handled()
}

// A pay link that is paid from a bank account is neither owed nor collected until
// the bank has answered.
func TestPayLink_Bank(t *testing.T) {
	t.Parallel()
	for name, lost := range map[string]bool{"WebhooksArrive": false, "WebhooksLost": true} {
		for method, want := range map[string]billing.State{stripesim.BankPays: billing.Captured, stripesim.BankFails: billing.Failed} {
			t.Run(name+"/"+string(want), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				id := w.owed()
				w.link(id)
				w.pays(id, method)
				if lost {
					w.loses()
					w.pass(2*time.Hour + 3*time.Minute)
					w.minute()
				}
				w.settle()
				w.states(id, billing.Failed, billing.Processing)
				_, err := w.request.Pay(w.ctx, w.as(jane), id)
				w.refused(err, "nothing_to_pay")
				for range 5 {
					w.pass(24 * time.Hour)
					if lost {
						w.loses()
					}
					w.minute()
				}
				w.settle()
				w.states(id, billing.Failed, want)
				w.proven(id)
				if owed := w.visit(id).Owed; owed != (want == billing.Failed) {
					t.Errorf("owed: %t", owed)
				}
				if want == billing.Failed {
					w.wrote(janesMail, "did not go through", 2)
					w.link(id)
				}
				w.handled()
			})
		}
	}
}

// A second page with the same reference, paid too, is a payment of its own. No
// visit wants it: it is refunded and the practice is told, within a day even if
// the webhook was lost.
func TestStray_GivenBack(t *testing.T) {
	t.Parallel()
	for name, lost := range map[string]bool{"WebhookArrives": false, "WebhookLost": true} {
		for when, captured := range map[string]bool{"Held": false, "Captured": true} {
			t.Run(name+"/"+when, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				id := w.submitted()
				second := w.hand(stripesim.HandSession, w.session(id))
				w.pays(id, stripesim.CardSuccess)
				w.settle()
				p, err := w.try(second, stripesim.CardSuccess)
				if err != nil {
					t.Fatal(err)
				}
				if captured {
					w.hand(stripesim.HandCapture, p.Intent)
				}
				if lost {
					w.loses()
					w.day()
				}
				w.settle()
				want := billing.Released
				if captured {
					want = billing.FullyRefunded
				}
				w.states(id, want, billing.Held)
				w.stands(id, visit.Queued)
				w.opened(work.StrayPayment, id)
				w.wrote(inbox, "A payment that was not asked for", 1)
				w.takes(ana, id)
				w.answers(id)
				w.settle()
				w.states(id, want, billing.Captured)
				w.proven(id)
				w.balanced()
				w.handled()
			})
		}
	}
}

// The expiry of somebody else's page with our reference ends nothing of ours.
func TestStray_PageExpires(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.submitted()
	second := w.hand(stripesim.HandSession, w.session(id))
	w.hand(stripesim.HandExpire, second)
	w.settle()
	w.stands(id, visit.AwaitingPayment)
	w.pays(id, stripesim.CardSuccess)
	w.settle()
	w.stands(id, visit.Queued)
	w.handled()
}

// Events of the other mode are ignored; those of another API version are used.
func TestStripeEvent_OfOtherModeAndVersion(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.queued()
	intent := w.latest(id).payment.Intent
	w.hand(stripesim.HandOtherMode, intent)
	w.settle()
	w.hand(stripesim.HandCapture, intent)
	w.loses()
	w.hand(stripesim.HandOtherVersion, intent)
	w.settle()
	w.states(id, billing.Captured)
	w.handled()
	if todo := w.work("lakeside"); len(todo) != 1 || todo[0].Kind != work.PaymentEarly {
		t.Errorf("work: %+v", todo)
	}
}

// A decline of a capture keeps its code, whatever is lost between the capture, the
// release of the hold and the commit.
func TestCapture_DeclineKeepsItsCode(t *testing.T) {
	t.Parallel()
	part := partOf(t, 1)
	for _, e := range []effect{captures, releases, observes, commits} {
		for _, l := range losses {
			for nth := 1; nth <= 4; nth++ {
				if !part.takes() {
					continue
				}
				t.Run(fmt.Sprintf("%s/%d/%s", e, nth, l), func(t *testing.T) {
					t.Parallel()
					w := newWorld(t)
					id := w.submitted()
					w.pays(id, stripesim.CardCaptureFails)
					w.settle()
					w.takes(ana, id)
					w.answers(id)
					w.trouble.order(e, nth, l)
					w.settle()
					w.trouble.heal()
					w.settle()
					w.states(id, billing.Failed)
					if p := w.latest(id).payment; p.Why != "do_not_honor" {
						t.Errorf("it failed for %q", p.Why)
					}
					w.proven(id)
					w.handled()
				})
			}
		}
	}
}

// A late request is the practice's work until it is answered or ends; an expired
// one stays its work. The practice has a letter of each, and of each new request.
func TestWork_LateAndExpired(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(w *world, id string){
		"Answered":  func(w *world, id string) { w.takes(ana, id); w.answers(id) },
		"Cancelled": func(w *world, id string) { w.cancels(id) },
		"Expired":   func(w *world, _ string) { w.pass(24 * time.Hour); w.minute() },
		"HoldLost": func(w *world, id string) {
			w.hand(stripesim.HandCancel, w.latest(id).payment.Intent)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.queued()
			w.wrote(inbox, "A new request", 1)
			w.pass(24*time.Hour + time.Minute)
			w.minute()
			w.opened(work.VisitLate, id)
			w.wrote(inbox, "A request is late", 1)
			end(w, id)
			w.settle()
			if items := w.open(work.VisitLate); len(items) != 0 {
				t.Errorf("still open: %+v", items)
			}
			over := name == "Expired" || name == "HoldLost"
			if over {
				w.opened(work.VisitExpired, id)
			}
			w.wrote(inbox, "A request has expired", map[bool]int{true: 1}[over])
			w.proven(id)
			w.handled()
		})
	}
}

// A price that no card can pay is refused where it is posted.
func TestRegister_PriceThatCannotBePaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, cents := range []int{1, 49, -1} {
		p, err := w.tape.Practice(w.ctx, "lakeside")
		if err != nil {
			t.Fatal(err)
		}
		p.Prices = billing.PriceList{"uti-women": 40_00, "admin-request": money.Cents(cents)}
		w.refused(w.registrar.AddPractice(w.ctx, p, nil), "invalid_request")
	}
	w.practice(func(p *practice.Practice) { p.Prices = billing.PriceList{"uti-women": 50, "admin-request": 0} })
	if o := w.prices(jane, w.draft()); o.Quote.Amount != 50 {
		t.Errorf("quoted %s", o.Quote.Amount)
	}
}

// A card that is charged at Stripe before the answer is somebody's work, once, until the money is refunded.
func TestCapture_ByHandBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.queued()
	p := w.latest(id).payment
	w.hand(stripesim.HandCapture, p.Intent)
	w.settle()
	w.stands(id, visit.Queued)
	if all := w.open(work.PaymentEarly); len(all) != 1 || all[0].Visit != id || all[0].Payment != p.ID {
		t.Fatalf("open: %+v", all)
	}
	w.hand(stripesim.HandRefund, p.Intent)
	w.settle()
	if all := w.open(work.PaymentEarly); len(all) != 0 {
		t.Errorf("after the refund: %+v", all)
	}
	w.balanced()
}
