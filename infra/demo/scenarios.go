package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// A scenario is the story of one visit.
type scenario struct {
	title string
	play  func(context.Context, *scene)
}

// scenarios are played in order on one system. When a scenario moves the clock far, the
// visits of all earlier scenarios have ended.
var scenarios = []scenario{
	{"A urinary-symptom visit: asked back, answered, charged, read", askedBack},
	{"Chest pain: diverted before any price", chestPain},
	{"A declined card, and a good one on the same page", declinedThenGood},
	{"An abandoned Checkout: back to draft, answers kept, resumed", abandoned},
	{"Cancelled while the payment page is open: nobody can pay it any more", cancelledPageCloses},
	{"Charged by hand at Stripe, and then cancelled: refunded, and told", capturedByHand},
	{"Sent twice: one visit, one hold", sentTwice},
	{"The same complaint twice: warned of, and sent only if that is meant", sameComplaint},
	{"Two clinicians take one visit at once", takenTwice},
	{"The capture fails after the answer: a pay link, paid", captureFails},
	{"Declined by the clinician", declinedByClinician},
	{"Redirected to care in person", redirected},
	{"A medication refill: free, straight to the queue", freeRefill},
	{"A records request: answered by staff, never by a clinician", recordsRequest},
	{"A daughter for her mother, with a card whose bank asks", forHerMother},
	{"Stripe's word comes late, twice and out of order", webhookTrouble},
	{"The answer to a capture is lost, and the next capture itself", captureTrouble},
	{"Another practice sees nothing", foreignPractice},
	{"A pay link whose webhook is lost", linkWebhookLost},
	{"A refund that fails days later", refundFails},
	{"A suicidal patient: whom to call now, and a clinician who must call within the hour", suicidal},
	{"Access taken away: an old request repeated under its Idempotency-Key shows nothing", accessRevoked},
	{"A clinician loses her access in the middle of a visit, which a colleague answers", holderLeaves},
	{"The stream gives up a capture", captureGivenUpByStream},
	{"The practice's account is disconnected: a capture waits, and is made when it is connected again", captureWaits},
	{"A capture that is given up, and resumed by one press", captureResumed},
	{"Nobody answers: told late, then expired and released", nobodyAnswers},
}

var (
	cystitis  = concludes("This fits a simple bladder infection. A prescription is at your pharmacy.", "N30.00", "Acute cystitis without hematuria", "Take the antibiotic twice a day for five days; drink water.", "Fever, back pain or vomiting: be seen the same day.")
	viralEye  = concludes("This looks like a viral conjunctivitis.", "B30.9", "Viral conjunctivitis, unspecified", "Cool compresses; wash your hands often.", "Pain, light hurting, or worse sight: be seen today.")
	strain    = concludes("This fits a strained back.", "S39.012A", "Strain of muscle of lower back", "Stay active; ibuprofen with food if you need it.", "Numbness, weakness, or trouble with bladder or bowel: go to an emergency room.")
	commonCol = concludes("This is most likely a common cold.", "J06.9", "Acute upper respiratory infection, unspecified", "Rest, fluids, saline rinse.", "Short of breath, or worse after a week: be seen.")
)

func askedBack(ctx context.Context, s *scene) {
	jane, ana := s.who("jane-smith"), s.who("ana-rivera")
	v := s.requests(ctx, jane, "uti-women", urinary())
	v.pays(ctx)
	v.queues(ctx)
	v.taken(ctx, ana)
	s.do(func() error {
		return ana.post(ctx, v.path("ask"), map[string]string{"text": "Have you ever reacted to a sulfa medicine?"}, nil)
	})
	v.says(ctx, ana.Name, "asks back; the promise's clock stands still")
	v.isWritten(ctx, "A question about your request")
	s.do(func() error {
		return jane.post(ctx, v.path("messages"), map[string]string{"text": "No, never. I took one two years ago without trouble."}, nil)
	})
	v.says(ctx, jane.Name, "replies")
	incomplete := cystitis
	incomplete.Plan.Warnings = ""
	s.refused(ctx, ana.Name, "answers without warning signs", "answer_incomplete", func() error {
		return ana.post(ctx, v.path("answer"), incomplete, nil)
	})
	v.answeredBy(ctx, ana, cystitis)
	v.settles(ctx, "captured", "the card is charged, now that the answer is given")
	v.acknowledged(ctx)
	var doc struct {
		Document json.RawMessage `json:"document"`
		Addendum json.RawMessage `json:"addendum"`
	}
	s.do(func() error { return jane.read(ctx, v.id, "document", &doc) })
	s.check(len(doc.Document) > 0 && len(doc.Addendum) > 0, "visit %s has no document or no addendum", v.id)
	v.says(ctx, jane.Name, "fetches the document and what closing added to it")
}

func chestPain(ctx context.Context, s *scene) {
	tom := s.who("tom-okafor")
	v := s.starts(ctx, tom, "respiratory", "")
	stopped := v.answers(ctx, common().with(cold()).with(answers{"resp-chest": true}))
	s.check(stopped != nil, "chest pain did not divert")
	if s.err != nil {
		return
	}
	s.check(stopped.Disposition == "emergency" && strings.Contains(stopped.Message, "911") && !stopped.Charged, "chest pain was told %+v", *stopped)
	v.says(ctx, tom.Name, "says his chest hurts, and is shown what to do: call 911")
	s.refused(ctx, tom.Name, "asks for a price", "wrong_status", func() error { return tom.post(ctx, v.path("quote"), nil, nil) })
	s.do(func() error { return tom.post(ctx, v.path("acknowledge"), nil, nil) })
	v.says(ctx, tom.Name, "confirms that he saw it")
	ana := s.who("ana-rivera")
	item := v.finds(ctx, ana, "visit.diverted")
	s.ends(ctx, ana, item)
	v.says(ctx, ana.Name, "has it in her work, calls him, and ends the item")
}

func declinedThenGood(ctx context.Context, s *scene) {
	v := s.requests(ctx, s.who("jane-smith"), "pink-eye", redEye())
	v.isDeclined(ctx)
	v.pays(ctx)
	v.queues(ctx)
	v.answered(ctx, s.who("ben-chen"), viralEye)
}

func abandoned(ctx context.Context, s *scene) {
	tom := s.who("tom-okafor")
	v := s.requests(ctx, tom, "back-pain", backPain())
	s.do(func() error { return s.advance(ctx, 2*time.Hour) })
	v.becomes(ctx, "draft", "two hours pass; the page closes unpaid, the answers are kept")
	v.isWritten(ctx, "Your request was not sent")
	s.check(v.price != "", "no price to replace")
	s.refused(ctx, tom.Name, "sends it at the old price", "no_quote", func() error {
		return tom.post(ctx, v.path("submit"), v.submission(), nil)
	})
	v.prices(ctx)
	v.sends(ctx)
	v.pays(ctx)
	v.queues(ctx)
	v.answered(ctx, s.who("ana-rivera"), strain)
}

func cancelledPageCloses(ctx context.Context, s *scene) {
	jane := s.who("jane-smith")
	v := s.requests(ctx, jane, "mental-health-phq9-gad7", mood())
	s.do(func() error { return jane.post(ctx, v.path("cancel"), nil, nil) })
	v.says(ctx, jane.Name, "cancels in one window, the payment page still open in another")
	v.settles(ctx, "abandoned", "nobody wants the page any more; it is closed at Stripe")
}

func capturedByHand(ctx context.Context, s *scene) {
	jane, ada := s.who("jane-smith"), s.who("ada-brooks")
	v := s.requests(ctx, jane, "pink-eye", redEye())
	v.pays(ctx)
	v.queues(ctx)
	s.do(func() error { return v.byHand(ctx, "capture") })
	v.settles(ctx, "captured", "somebody at the practice charges the card by hand at Stripe")
	s.do(func() error { return jane.post(ctx, v.path("cancel"), nil, nil) })
	v.says(ctx, jane.Name, "cancels before she is answered")
	v.settles(ctx, "refunded", "the charge is refunded in full, and she is told")
	item := v.finds(ctx, ada, "payment.reversed")
	s.ends(ctx, ada, item)
	v.says(ctx, ada.Name, "finds out who charged it, and ends the item")
}

func linkWebhookLost(ctx context.Context, s *scene) {
	jane, ben := s.who("jane-smith"), s.who("ben-chen")
	v := s.requests(ctx, jane, "pink-eye", redEye())
	v.paysWith(ctx, holdOnlyCard, "pays with a card that can be held but not charged")
	v.queues(ctx)
	v.taken(ctx, ben)
	v.answeredBy(ctx, ben, viralEye)
	v.settles(ctx, "failed", "the bank refuses the charge; the answer stands")
	v.isWritten(ctx, "Your payment did not go through")
	s.do(func() error {
		var out view
		err := jane.post(ctx, v.path("checkout"), nil, &out)
		v.page = out.Checkout
		return err
	})
	s.do(func() error { return s.fault(ctx, map[string]any{"do": "webhook_drop"}) })
	v.pays(ctx)
	v.says(ctx, "Stripe", "charges the card, and every webhook about it is lost")
	s.do(func() error { return s.advance(ctx, 2*time.Hour+3*time.Minute) })
	v.settles(ctx, "captured", "the page's time is over; Stripe is asked, and the fee is booked")
	s.do(func() error { return s.healFaults(ctx) })
	v.acknowledged(ctx)
}

func refundFails(ctx context.Context, s *scene) {
	ada := s.who("ada-brooks")
	v := s.requests(ctx, s.who("tom-okafor"), "back-pain", backPain())
	v.paysWith(ctx, refundFailsCard, "pays with a card whose refunds fail later")
	v.queues(ctx)
	v.answered(ctx, s.who("ana-rivera"), strain)
	s.do(func() error { return v.byHand(ctx, "refund") })
	v.settles(ctx, "refunded", "the practice refunds the fee at Stripe")
	s.do(func() error { return s.advance(ctx, 3*24*time.Hour+time.Minute) })
	v.settles(ctx, "captured", "three days later the refund fails; the books have the money again")
	item := v.finds(ctx, ada, "payment.unrefunded")
	s.ends(ctx, ada, item)
	v.says(ctx, ada.Name, "has it in her work, returns the money by cheque, and ends the item")
}

func suicidal(ctx context.Context, s *scene) {
	jane, ana := s.who("jane-smith"), s.who("ana-rivera")
	v := s.starts(ctx, jane, "mental-health-phq9-gad7", "")
	stopped := v.answers(ctx, common().with(mood()).with(answers{"phq9-9": severalDays, "mh-plan": true}))
	s.check(stopped != nil, "thoughts of suicide did not divert")
	if s.err != nil {
		return
	}
	s.check(stopped.Disposition == "emergency" && strings.Contains(stopped.Message, "988") && strings.Contains(stopped.Message, "A clinician will call you") && !stopped.Charged,
		"thoughts of suicide were told %+v", *stopped)
	v.says(ctx, jane.Name, "says she thinks of suicide; she is told to call 988 now, and that a clinician will call her today")
	s.refused(ctx, jane.Name, "asks for a price", "wrong_status", func() error { return jane.post(ctx, v.path("quote"), nil, nil) })
	item := v.finds(ctx, ana, "visit.diverted")
	s.check(item.Due.Sub(item.Made) == time.Hour && item.Note == "emergency", "the promised call is %+v", item)
	v.isWritten(ctx, "A request was diverted")
	var chart struct {
		Answers json.RawMessage `json:"answers"`
	}
	s.do(func() error { return ana.read(ctx, v.id, "chart", &chart) })
	s.check(strings.Contains(string(chart.Answers), "503 555 0177"), "the chart of visit %s does not have the number to call", v.id)
	v.says(ctx, ana.Name, "has it at the top of her work, due within the hour, and finds the number to call in the chart")
	s.ends(ctx, ana, item)
	s.do(func() error { return jane.post(ctx, v.path("acknowledge"), nil, nil) })
	v.says(ctx, ana.Name, "calls her, and ends the item")
}

func sameComplaint(ctx context.Context, s *scene) {
	jane := s.who("jane-smith")
	first := s.requests(ctx, jane, "pink-eye", redEye())
	first.pays(ctx)
	first.queues(ctx)
	second := s.starts(ctx, jane, "pink-eye", "")
	second.fills(ctx, common().with(redEye()))
	second.prices(ctx)
	s.refused(ctx, jane.Name, "sends the same complaint again", "already_underway", func() error {
		return jane.post(ctx, second.path("submit"), second.submission(), nil)
	})
	second.beside = first.id
	second.says(ctx, jane.Name, "confirms that it is about something else")
	second.sends(ctx)
	second.pays(ctx)
	second.queues(ctx)
	for _, v := range []*care{first, second} {
		v.answered(ctx, s.who("ben-chen"), viralEye)
	}
}

func accessRevoked(ctx context.Context, s *scene) {
	elena, rosa := s.who("elena-diaz"), s.who("rosa-diaz")
	v := s.starts(ctx, elena, "respiratory", rosa.ID)
	v.fills(ctx, common().with(cold()).with(answers{
		"completed-by": "caregiver", "proxy-name": "Elena Diaz", "proxy-relationship": "child", "proxy-authority": true,
	}))
	v.prices(ctx)
	key := s.nextKey()
	s.do(func() error {
		var out view
		err := elena.postKeyed(ctx, key, v.path("submit"), v.submission(), &out)
		v.page = out.Checkout
		return err
	})
	v.says(ctx, elena.Name, "accepts fee and consent for her mother, and sends it under an Idempotency-Key")
	s.access(ctx, elena, rosa.ID, false)
	v.patient = rosa
	v.says(ctx, rosa.Name, "takes back her daughter's access")
	s.refused(ctx, elena.Name, "repeats the request under its key", "not_found", func() error {
		return elena.postKeyed(ctx, key, v.path("submit"), v.submission(), nil)
	})
	s.refused(ctx, elena.Name, "asks for the chart", "not_found", func() error { return elena.get(ctx, v.path("chart"), nil) })
	s.do(func() error { return rosa.post(ctx, v.path("cancel"), nil, nil) })
	v.settles(ctx, "abandoned", "her mother cancels; nobody can pay the page any more")
	s.access(ctx, elena, rosa.ID, true)
}

func holderLeaves(ctx context.Context, s *scene) {
	ana, ben, tom := s.who("ana-rivera"), s.who("ben-chen"), s.who("tom-okafor")
	v := s.requests(ctx, tom, "back-pain", backPain())
	v.pays(ctx)
	v.queues(ctx)
	v.taken(ctx, ben)
	note := map[string]any{"to": ana.ID, "text": "He is my neighbor."}
	s.do(func() error { return ben.post(ctx, v.path("hand-over"), note, nil) })
	v.says(ctx, ben.Name, "hands it over to a colleague, with a note for her alone")
	s.access(ctx, ana, "", false)
	v.says(ctx, ana.Name, "loses her access before she answers")
	s.refused(ctx, ana.Name, "answers", "unknown_person", func() error { return ana.post(ctx, v.path("answer"), strain, nil) })
	s.do(func() error {
		return s.json(ctx, call{method: http.MethodPost, url: s.base + "/dev/sweep"}, nil, nil)
	})
	v.becomes(ctx, "queued", "within a minute the visit is back in the queue; the promised time stands")
	returned := (&care{scene: s}).finds(ctx, ben, "visits.returned")
	s.ends(ctx, ben, returned)
	v.taken(ctx, ben)
	v.answeredBy(ctx, ben, strain)
	v.isWritten(ctx, "Your request was answered")
	v.settles(ctx, "captured", "the card is charged")
	v.acknowledged(ctx)
	var chart struct {
		Notes json.RawMessage `json:"notes"`
	}
	s.do(func() error { return tom.read(ctx, v.id, "chart", &chart) })
	s.check(chart.Notes == nil, "the patient is shown the note of visit %s", v.id)
	s.access(ctx, ana, "", true)
}

func captureGivenUpByStream(ctx context.Context, s *scene) {
	ben := s.who("ben-chen")
	v := s.requests(ctx, s.who("tom-okafor"), "back-pain", backPain())
	v.pays(ctx)
	v.queues(ctx)
	v.taken(ctx, ben)
	s.do(func() error {
		return s.json(ctx, call{method: http.MethodPost, url: s.base + "/dev/stream"}, map[string]any{"lose": "payment.capture"}, nil)
	})
	v.answeredBy(ctx, ben, strain)
	v.isWritten(ctx, "Your request was answered")
	v.settles(ctx, "held", "the stream gives up the record that asks to charge the card; nobody noticed")
	s.do(func() error { return s.advance(ctx, 31*time.Minute) })
	v.settlesInTime(ctx, "captured", "a sweep finds it within the half hour, and the card is charged")
	v.acknowledged(ctx)
}

func captureWaits(ctx context.Context, s *scene) {
	hana, omar, ruth := s.who("hana-kim"), s.who("omar-haddad"), s.who("ruth-vance")
	v := s.requests(ctx, hana, "back-pain", backPain().with(answers{"location-state": "WA"}))
	v.pays(ctx)
	v.queues(ctx)
	v.taken(ctx, omar)
	var account string
	s.do(func() error {
		b, err := v.money(ctx)
		if err == nil && len(b.Payments) == 0 {
			err = errors.New("visit " + v.id + " has no payment")
		}
		if err != nil {
			return err
		}
		account = b.Payments[0].Account
		return s.atStripe(ctx, "disconnect", account)
	})
	v.says(ctx, "Stripe", "somebody disconnects the practice's account by mistake")
	v.answeredBy(ctx, omar, strain)
	lost := func(ctx context.Context) (todo, error) { return ruth.work(ctx, "account.lost", "") }
	s.do(func() error {
		return s.until(ctx, "the account's item", func(ctx context.Context) (bool, error) {
			item, err := lost(ctx)
			return item.ID != "", err
		})
	})
	for range 5 {
		s.do(func() error { return s.advance(ctx, 6*time.Hour) })
	}
	s.do(func() error {
		parked, err := ruth.work(ctx, "event.parked", v.id)
		if err == nil && parked.ID != "" {
			err = fmt.Errorf("what waits for the account was given up: %+v", parked)
		}
		return err
	})
	v.settles(ctx, "held", "a day later the fee still waits for the account, and "+ruth.Name+" has one thing to do")
	s.do(func() error { return s.atStripe(ctx, "connect", account) })
	v.says(ctx, ruth.Name, "connects the account again, and presses nothing")
	s.do(func() error {
		return s.until(ctx, "the fee to be collected", func(ctx context.Context) (bool, error) {
			b, err := v.money(ctx)
			if err != nil || b.last() == "captured" {
				return err == nil, err
			}
			return false, s.advance(ctx, 30*time.Minute)
		})
	})
	v.says(ctx, "evisit", "within two hours the card is charged, once")
	s.do(func() error {
		return s.until(ctx, "the account's item to end", func(ctx context.Context) (bool, error) {
			item, err := lost(ctx)
			if err != nil || item.ID == "" {
				return err == nil, err
			}
			return false, s.advance(ctx, time.Hour)
		})
	})
	v.acknowledged(ctx)
}

func captureResumed(ctx context.Context, s *scene) {
	hana, omar, ruth, ada := s.who("hana-kim"), s.who("omar-haddad"), s.who("ruth-vance"), s.who("ada-brooks")
	v := s.starts(ctx, hana, "back-pain", "")
	v.fills(ctx, common().with(backPain()).with(answers{"location-state": "WA"}))
	v.prices(ctx)
	v.sends(ctx)
	v.pays(ctx)
	v.queues(ctx)
	v.taken(ctx, omar)
	s.do(func() error {
		return s.fault(ctx, map[string]any{"do": "lose_call", "method": "POST", "path": "/v1/payment_intents/*/capture"})
	})
	v.says(ctx, "Stripe", "takes no capture for a day")
	v.answeredBy(ctx, omar, strain)
	var item todo
	s.do(func() error {
		return s.within(ctx, 5*patience, "the capture to be given up", func(ctx context.Context) (_ bool, err error) {
			if item, err = ruth.work(ctx, "event.parked", v.id); err != nil || item.ID != "" {
				return err == nil, err
			}
			return false, s.advance(ctx, 2*time.Hour)
		})
	})
	s.check(strings.Contains(item.Task, "Collect the fee") && strings.Contains(item.Reason, "could not be reached") && item.Note == "no_answer",
		"the item does not say what was given up, and why: %+v", item)
	v.says(ctx, ruth.Name, "has it in her work after a day of tries: %s; %s", item.Task, item.Reason)
	press := "/practice/work/" + item.ID + "/resume"
	s.refused(ctx, ada.Name, "of another practice presses", "not_found", func() error { return ada.post(ctx, press, nil, nil) })
	s.do(func() error { return s.healFaults(ctx) })
	for range 2 { // the second changes nothing
		s.do(func() error { return ruth.post(ctx, press, nil, nil) })
	}
	v.says(ctx, ruth.Name, "presses when Stripe takes captures again, twice")
	v.settlesInTime(ctx, "captured", "the card is charged, once")
	v.acknowledged(ctx)
}

// sentTwice makes every request twice at the same time.
func sentTwice(ctx context.Context, s *scene) {
	jane := s.who("jane-smith")
	v := &care{scene: s, patient: jane}
	s.do(func() error {
		var err error
		v.form, err = jane.form(ctx, "uti-women")
		return err
	})
	key := s.nextKey()
	begun := s.twice(func() (view, error) {
		var out view
		return out, jane.postKeyed(ctx, key, "/visits", map[string]string{"form": "uti-women"}, &out)
	})
	s.check(begun[0].ID == begun[1].ID, "one Idempotency-Key started visits %s and %s", begun[0].ID, begun[1].ID)
	v.id = begun[0].ID
	v.says(ctx, jane.Name, "starts twice at once under one Idempotency-Key: one visit")
	v.fills(ctx, common().with(urinary()))
	v.prices(ctx)
	for _, key := range []string{s.nextKey(), ""} {
		sent := s.twice(func() (view, error) {
			var out view
			return out, jane.postKeyed(ctx, key, v.path("submit"), v.submission(), &out)
		})
		s.check(sent[0].Checkout != "" && sent[0].Checkout == sent[1].Checkout, "two submissions led to pages %q and %q", sent[0].Checkout, sent[1].Checkout)
		s.check(v.page == "" || v.page == sent[0].Checkout, "a later submission led to another page")
		v.page = sent[0].Checkout
	}
	v.says(ctx, jane.Name, "submits four times, two at once, with a key and without: one payment page")
	v.pays(ctx)
	v.queues(ctx)
	v.answered(ctx, s.who("ana-rivera"), cystitis)
}

// twice runs act twice at the same time.
func (s *scene) twice(act func() (view, error)) [2]view {
	var out [2]view
	if s.err != nil {
		return out
	}
	var errs [2]error
	var both sync.WaitGroup
	for i := range out {
		both.Go(func() { out[i], errs[i] = act() })
	}
	both.Wait()
	s.err = errors.Join(errs[:]...)
	return out
}

func takenTwice(ctx context.Context, s *scene) {
	tom := s.who("tom-okafor")
	v := s.requests(ctx, tom, "back-pain", backPain())
	v.pays(ctx)
	v.queues(ctx)
	if s.err != nil {
		return
	}
	rivals := []*person{s.who("ana-rivera"), s.who("ben-chen")}
	errs := make([]error, len(rivals))
	var all sync.WaitGroup
	keys := []string{s.nextKey(), s.nextKey()}
	for i, p := range rivals {
		all.Go(func() { errs[i] = p.postKeyed(ctx, keys[i], v.path("take"), nil, nil) })
	}
	all.Wait()
	winner, loser := 0, 1
	if errs[0] != nil {
		winner, loser = 1, 0
	}
	s.do(func() error { return errs[winner] })
	v.says(ctx, rivals[winner].Name, "takes it")
	s.refused(ctx, rivals[loser].Name, "takes it at the same moment", "already_taken", func() error { return errs[loser] })
	told, _ := errors.AsType[*refusal](errs[loser])
	s.check(told != nil && strings.Contains(told.Detail, rivals[winner].Name), "the loser was not told who won")
	v.answered(ctx, rivals[winner], strain)
}

func captureFails(ctx context.Context, s *scene) {
	jane, ben, ada := s.who("jane-smith"), s.who("ben-chen"), s.who("ada-brooks")
	v := s.requests(ctx, jane, "pink-eye", redEye())
	v.paysWith(ctx, holdOnlyCard, "pays with a card that can be held but not charged")
	v.queues(ctx)
	v.taken(ctx, ben)
	v.answeredBy(ctx, ben, viralEye)
	v.settles(ctx, "failed", "the bank refuses the charge; the answer stands, the hold is released")
	v.isWritten(ctx, "Your payment did not go through")
	v.finds(ctx, ada, "payment.failed")
	v.says(ctx, ada.Name, "has the fee that was not collected in her work")
	s.do(func() error {
		var out view
		err := jane.post(ctx, v.path("checkout"), nil, &out)
		v.page = out.Checkout
		return err
	})
	v.says(ctx, jane.Name, "follows the pay link")
	v.pays(ctx)
	v.settles(ctx, "captured", "the fee is collected, and nobody has to look after it")
	v.acknowledged(ctx)
}

func declinedByClinician(ctx context.Context, s *scene) {
	v := s.requests(ctx, s.who("tom-okafor"), "back-pain", backPain())
	v.turnedAway(ctx, s.who("ben-chen"), "decline", "declines it, and says why", "not_suitable",
		"This has come back three times this year; please book a longer visit.")
}

func redirected(ctx context.Context, s *scene) {
	v := s.requests(ctx, s.who("jane-smith"), "uti-women", urinary())
	v.turnedAway(ctx, s.who("ana-rivera"), "redirect", "redirects it to care in person", "needs_exam",
		"You should be examined today; we hold a place at 15:00.")
}

func (v *care) turnedAway(ctx context.Context, by *person, how, what, reason, text string) {
	v.pays(ctx)
	v.queues(ctx)
	v.taken(ctx, by)
	v.do(func() error {
		return by.post(ctx, v.path(how), map[string]string{"reason": reason, "text": text}, nil)
	})
	v.says(ctx, by.Name, "%s", what)
	v.settles(ctx, "released", "the hold is released; nothing is charged")
}

func freeRefill(ctx context.Context, s *scene) {
	tom, ana := s.who("tom-okafor"), s.who("ana-rivera")
	v := s.requests(ctx, tom, "medication-refill", refill())
	s.check(v.page == "", "a free request led to a payment page")
	v.becomes(ctx, "queued", "nothing to pay: straight to the queue")
	v.taken(ctx, ana)
	v.answeredBy(ctx, ana, concludes("Refilled for ninety days.", "I10", "Essential hypertension", "Keep taking one a day.", "Dizziness or fainting: call us."))
	v.acknowledged(ctx)
}

func recordsRequest(ctx context.Context, s *scene) {
	tom, ana, sam := s.who("tom-okafor"), s.who("ana-rivera"), s.who("sam-lee")
	v := s.requests(ctx, tom, "admin-request", records())
	v.pays(ctx)
	v.queues(ctx)
	s.refused(ctx, ana.Name, "tries to take it", "not_found", func() error { return ana.post(ctx, v.path("take"), nil, nil) })
	v.answered(ctx, sam, conclusion{
		Reply: "Your records are in your portal.", NoDiagnosis: "An administrative request.", Minutes: 4,
		Plan: plan{Do: "Download them within 30 days.", Warnings: "None for this request; call us with any symptom.", FollowUp: "as needed"},
	})
}

func forHerMother(ctx context.Context, s *scene) {
	elena := s.who("elena-diaz")
	v := s.starts(ctx, elena, "respiratory", "rosa-diaz")
	v.fills(ctx, common().with(cold()).with(answers{
		"completed-by": "caregiver", "proxy-name": "Elena Diaz", "proxy-relationship": "child", "proxy-authority": true,
	}))
	v.prices(ctx)
	v.sends(ctx)
	v.paysWith(ctx, bankAsksCard, "pays; her bank asks her to confirm, and she does")
	v.queues(ctx)
	v.answered(ctx, s.who("ana-rivera"), commonCol)
}

func webhookTrouble(ctx context.Context, s *scene) {
	v := s.requests(ctx, s.who("jane-smith"), "uti-women", urinary())
	for _, f := range []map[string]any{
		{"do": "webhook_double"}, {"do": "webhook_delay", "delay_ms": 90_000}, {"do": "webhook_shuffle"},
	} {
		s.do(func() error { return s.fault(ctx, f) })
	}
	v.says(ctx, "Stripe", "will send every webhook twice, 90 seconds late, in any order")
	v.pays(ctx)
	s.do(func() error { return s.advance(ctx, 2*time.Minute) })
	v.queues(ctx)
	s.do(func() error { return s.healFaults(ctx) })
	v.answered(ctx, s.who("ben-chen"), cystitis)
}

func captureTrouble(ctx context.Context, s *scene) {
	for _, trouble := range []struct{ do, what string }{
		{"lose_answer", "charges the card, and its answer is lost, twice"},
		{"lose_call", "is asked to charge, and the call is lost, twice"},
	} {
		tom, ben := s.who("tom-okafor"), s.who("ben-chen")
		v := s.requests(ctx, tom, "back-pain", backPain())
		v.pays(ctx)
		v.queues(ctx)
		v.taken(ctx, ben)
		s.do(func() error {
			return s.fault(ctx, map[string]any{"do": trouble.do, "method": "POST", "path": "/v1/payment_intents/*/capture", "times": 2})
		})
		v.answeredBy(ctx, ben, strain)
		v.says(ctx, "Stripe", "%s", trouble.what)
		v.settlesInTime(ctx, "captured", "tried again under the same key: charged once")
		s.do(func() error { return s.noFaultsLeft(ctx) })
		v.acknowledged(ctx)
	}
}

// settlesInTime waits like settles, and moves the clock by a second between tries, for a
// payment that the system retries later.
func (v *care) settlesInTime(ctx context.Context, state, what string) {
	v.do(func() error {
		return v.until(ctx, "the payment of visit "+v.id+" to be "+state, func(ctx context.Context) (bool, error) {
			b, err := v.money(ctx)
			if err != nil || b.last() == state {
				return err == nil, err
			}
			return false, v.advance(ctx, time.Second)
		})
	})
	v.says(ctx, "evisit", "%s", what)
}

func foreignPractice(ctx context.Context, s *scene) {
	hana, omar, ana := s.who("hana-kim"), s.who("omar-haddad"), s.who("ana-rivera")
	v := s.starts(ctx, hana, "back-pain", "")
	v.fills(ctx, common().with(backPain()).with(answers{"location-state": "WA"}))
	v.prices(ctx)
	v.sends(ctx)
	v.pays(ctx)
	v.queues(ctx)
	for _, what := range []string{"chart", "ledger", "document", "audit"} {
		s.refused(ctx, ana.Name, "of another practice asks for its "+what, "not_found", func() error {
			return ana.get(ctx, v.path(what), nil)
		})
	}
	s.refused(ctx, ana.Name, "of another practice takes it", "not_found", func() error { return ana.post(ctx, v.path("take"), nil, nil) })
	v.answered(ctx, omar, strain)
}

func nobodyAnswers(ctx context.Context, s *scene) {
	jane := s.who("jane-smith")
	v := s.requests(ctx, jane, "respiratory", cold())
	v.pays(ctx)
	v.queues(ctx)
	var waiting view
	s.do(func() (err error) { waiting, err = v.seen(ctx); return err })
	s.do(func() error { return s.advance(ctx, 24*time.Hour+time.Minute) })
	s.do(func() error {
		return s.until(ctx, "the patient to be told", func(ctx context.Context) (bool, error) {
			seen, err := v.seen(ctx) // it is late by the clock alone; telling the patient changes it
			return seen.Promise != nil && seen.Promise.Late && seen.Version > waiting.Version, err
		})
	})
	v.says(ctx, "evisit", "a day passes; the patient is told it is late: wait, call, or cancel")
	s.do(func() error { return s.advance(ctx, 24*time.Hour) })
	v.becomes(ctx, "expired", "another day passes; the request is given up")
	v.settles(ctx, "released", "the hold is released; nothing is charged")
	ana := s.who("ana-rivera")
	item := v.finds(ctx, ana, "visit.expired")
	s.ends(ctx, ana, item)
	v.says(ctx, ana.Name, "has it in her work, calls the patient, and ends the item")
}
