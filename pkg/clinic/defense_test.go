package clinic_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"evisit/infra/local/seed"
	"evisit/infra/local/stripesim"
	"evisit/pkg/billing"
	"evisit/pkg/clinic/office"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/outbox"
	"evisit/pkg/work"
)

// decidesOn has someone decide about the latest dispute of a visit, as they were shown it
// just before.
func (w *world) decidesOn(who, id string, what billing.Decision) error {
	w.Helper()
	d, err := w.office.Dispute(w.ctx, w.as(who), id)
	if err != nil {
		return err
	}
	said := office.DisputeAnswer{Payment: d.Payment.ID, Decision: what}
	if what == billing.Answering {
		said.Shown = d.Evidence.Hash()
	}
	_, err = w.office.DecideDispute(w.ctx, w.as(who), id, said)
	return err
}

// defends has Ada answer the bank.
func (w *world) defends(id string) {
	w.Helper()
	w.does("answer the bank", func() error { return w.decidesOn(ada, id, billing.Answering) })
}

// contestedFor is an answered visit whose charge is disputed, or asked about, and known here.
func (w *world) contestedFor(do string) string {
	w.Helper()
	id := w.chargedFor()
	w.bank(do, id)
	w.settle()
	return id
}

// bankTold is the evidence that Stripe has of the latest dispute of a visit, by field.
func (w *world) bankTold(id string) map[string]string {
	w.Helper()
	ds := w.latest(id).disputes
	r, err := http.NewRequestWithContext(w.ctx, http.MethodGet, w.simURL+"/v1/disputes/"+ds[len(ds)-1].ID, nil)
	if err != nil {
		w.Fatalf("%v", err)
	}
	r.Header.Set("Authorization", "Bearer "+stripeKey)
	r.Header.Set("Stripe-Account", seed.Accounts[0])
	own := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := own.Do(r)
	if err != nil {
		w.Fatalf("%v", err)
	}
	defer func() { _ = res.Body.Close() }()
	var d struct {
		Evidence map[string]any `json:"evidence"`
	}
	if err := json.NewDecoder(res.Body).Decode(&d); err != nil {
		w.Fatalf("%v", err)
	}
	all := map[string]string{}
	for name, v := range d.Evidence {
		if text, _ := v.(string); text != "" {
			all[name] = text
		}
	}
	return all
}

// What the practice is shown is submitted, once, however many press and however often; it
// says when what was accepted, sent, answered and read, and nothing of the request itself.
func TestAnswer_SubmittedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.contestedFor(stripesim.HandDispute)
	shown, err := w.office.Dispute(w.ctx, w.as(ada), id)
	if err != nil || !shown.CanAnswer || !shown.CanAccept {
		t.Fatalf("%+v, %v", shown, err)
	}
	said := office.DisputeAnswer{Payment: shown.Payment.ID, Decision: billing.Answering, Shown: shown.Evidence.Hash()}
	press := func() error { _, err := w.office.DecideDispute(w.ctx, w.as(ada), id, said); return err }
	for _, err := range atOnce(press, press, press) {
		if err != nil {
			t.Errorf("a press was told %v", err)
		}
	}
	w.opened(work.Dispute, id) // until it is sent
	w.settle()
	if err := press(); err != nil {
		t.Errorf("pressed again: %v", err)
	}
	w.settle()
	p := w.latest(id)
	if d := p.disputes[0]; d.Status != "under_review" || d.Submissions != 1 || !p.payment.Dispute.Answered {
		t.Errorf("at Stripe %+v, here %+v", d, p.payment.Dispute)
	}
	if items := w.open(work.Dispute); len(items) != 0 {
		t.Errorf("still open: %+v", items)
	}
	want := map[string]string{
		"product_description": shown.Evidence.Product, "service_date": shown.Evidence.Service, "access_activity_log": shown.Evidence.Activity,
		"refund_policy_disclosure": shown.Evidence.Policy, "uncategorized_text": shown.Evidence.Text,
	}
	told, all := w.bankTold(id), ""
	for name, text := range want {
		if told[name] != text || text == "" {
			t.Errorf("%s: the bank is told %q, shown was %q", name, told[name], text)
		}
		all += text + "\n"
	}
	v := w.visit(id)
	for _, fact := range []string{
		"Fee of $40.00 and consent text, version ", "Request sent: ", "Answered: ", v.Number(), v.Receipt(v.Payment), "Charged: $40.00",
	} {
		if !strings.Contains(all, fact) {
			t.Errorf("it does not say %q:\n%s", fact, all)
		}
	}
	for _, word := range []string{"rinary", "uti", "cystitis", "Jane", "Smith", "N30", v.Form.Name} {
		if strings.Contains(all, word) {
			t.Errorf("it says %q:\n%s", word, all)
		}
	}
	again, err := w.office.Dispute(w.ctx, w.as(ada), id)
	if err != nil || again.Evidence != shown.Evidence || again.CanAnswer || again.CanAccept || again.Payment.Dispute.Overtaken() || again.By.ID != ada {
		t.Errorf("shown afterwards: %+v, %v", again, err)
	}
	w.proven(id)
	w.handled()
}

// An inquiry is answered, and so is the dispute that it becomes.
func TestAnswer_InquiryAndThenTheDispute(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.contestedFor(stripesim.HandInquire)
	w.refused(w.decidesOn(ada, id, billing.Accepting), "inquiry_not_accepted")
	w.defends(id)
	w.settle()
	w.bank(stripesim.HandEscalate, id)
	w.settle()
	w.opened(work.Dispute, id)
	w.defends(id)
	w.settle()
	if d := w.latest(id).disputes[0]; d.Status != "under_review" || d.Submissions != 2 {
		t.Errorf("at Stripe: %+v", d)
	}
	w.proven(id)
	w.handled()
}

// Evidence that was chosen here after the bank was answered by hand is not told as what the bank has.
func TestAnswer_AfterOneByHand(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.contestedFor(stripesim.HandDispute)
	w.defends(id) // carried later
	w.bank(stripesim.HandRespond, id)
	w.settle()
	d, err := w.office.Dispute(w.ctx, w.as(ada), id)
	if err != nil || !d.Payment.Dispute.Overtaken() || d.By.ID != ada {
		t.Errorf("%+v, %v", d, err)
	}
	if told := w.bankTold(id); told["uncategorized_text"] != "Answered by hand." {
		t.Errorf("the bank is told %v", told)
	}
	w.proven(id)
	w.handled()
}

// An accepted dispute is lost, at once, and nobody was late.
func TestAccept_IsLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.contestedFor(stripesim.HandDispute)
	for range 2 {
		w.does("accept", func() error { return w.decidesOn(ada, id, billing.Accepting) })
		w.settle()
	}
	w.states(id, billing.ChargedBack)
	w.waits(16 * aDay)
	if items := append(w.open(work.Dispute), w.open(work.DisputeMissed)...); len(items) != 0 {
		t.Errorf("still open: %+v", items)
	}
	w.refused(w.decidesOn(ada, id, billing.Answering), "dispute_decided")
	w.proven(id)
	w.handled()
}

// What cannot be decided on is refused in words, and nothing is sent.
func TestDecideDispute_Refused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		decide func(w *world, id string) error
		code   string
	}{
		"NotDisputed": {func(w *world, _ string) error { return w.decidesOn(ada, w.chargedFor(), billing.Answering) }, "not_disputed"},
		"AnotherVisitsPayment": {func(w *world, id string) error {
			other := w.chargedFor()
			_, err := w.office.DecideDispute(w.ctx, w.as(ada), other, office.DisputeAnswer{Payment: w.latest(id).payment.ID, Decision: billing.Accepting})
			return err
		}, "not_disputed"},
		"OtherEvidence": {func(w *world, id string) error {
			shown, err := w.office.Dispute(w.ctx, w.as(ada), id)
			if err != nil {
				return err
			}
			w.acknowledges(jane, id) // which the evidence says
			_, err = w.office.DecideDispute(w.ctx, w.as(ada), id, office.DisputeAnswer{Payment: shown.Payment.ID, Decision: billing.Answering, Shown: shown.Evidence.Hash()})
			return err
		}, "evidence_changed"},
		"PastDue": {func(w *world, id string) error {
			w.pass(16 * aDay)
			return w.decidesOn(ada, id, billing.Answering)
		}, "dispute_past_due"},
		"Lost": {func(w *world, id string) error {
			w.bank(stripesim.HandLose, id)
			w.settle()
			return w.decidesOn(ada, id, billing.Answering)
		}, "no_dispute"},
		"AnsweredAtStripe": {func(w *world, id string) error {
			w.bank(stripesim.HandRespond, id)
			w.settle()
			return w.decidesOn(ada, id, billing.Accepting)
		}, "no_dispute"},
		"AcceptedAfterTheAnswer": {func(w *world, id string) error {
			w.defends(id)
			return w.decidesOn(ada, id, billing.Accepting)
		}, "dispute_decided"},
		"Staff":                   {func(w *world, id string) error { return w.decidesOn(sam, id, billing.Answering) }, "denied"},
		"Clinician":               {func(w *world, id string) error { return w.decidesOn(ana, id, billing.Answering) }, "denied"},
		"Patient":                 {func(w *world, id string) error { return w.decidesOn(jane, id, billing.Answering) }, "denied"},
		"AnotherPracticesManager": {func(w *world, id string) error { return w.decidesOn("ruth-vance", id, billing.Answering) }, "not_found"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.contestedFor(stripesim.HandDispute)
			w.refused(test.decide(w, id), test.code)
		})
	}
}

// An event alone submits nothing: charge reads again that somebody decided, and that the
// bank still waits.
func TestAnswer_EventIsAHint(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		before      func(w *world, id string)
		submissions int
	}{
		"NobodyDecided":         {func(*world, string) {}, 0},
		"AnsweredByHandBetween": {func(w *world, id string) { w.defends(id); w.bank(stripesim.HandRespond, id) }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.contestedFor(stripesim.HandDispute)
			test.before(w, id)
			for _, k := range []outbox.Kind{outbox.AnswerDispute, outbox.AcceptDispute} {
				w.hint(outbox.ByAPI, k, id)
			}
			w.settle()
			if d := w.latest(id).disputes[0]; d.Submissions != test.submissions || d.Status == "lost" {
				t.Errorf("at Stripe: %+v", d)
			}
			w.proven(id)
			w.handled()
		})
	}
}

// Who looked at a dispute and who answered the bank is in the trail.
func TestDispute_IsAudited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.contestedFor(stripesim.HandDispute)
	w.refused(w.decidesOn(ana, id, billing.Answering), "denied")
	w.defends(id)
	w.settle()
	rs, err := w.tape.Trail(w.ctx, id, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	for _, r := range rs {
		seen[r.Action+string(r.Outcome)] = r.Actor.ID
	}
	for action, who := range map[string]string{
		"dispute.read": ada, "dispute.answer:answer": ada, "payment.disputed": "system:charge", "payment.dispute_answered": "system:charge",
		"dispute.readrefused": ana,
	} {
		if seen[action] != who {
			t.Errorf("%s by %q, want %q", action, seen[action], who)
		}
	}
	if got := identity.PurposeOf(identity.Admin, "dispute.answer:answer"); got != identity.Payment {
		t.Errorf("it was for %s", got)
	}
}

// Evidence that is not what was decided on is not sent: it is somebody's work.
func TestAnswer_AlteredEvidenceIsNotSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.contestedFor(stripesim.HandDispute)
	w.defends(id)
	w.rows(func(i item) {
		if strings.HasPrefix(attr(i, "sk"), "EVIDENCE#") {
			i["d"] = str(strings.Replace(attr(i, "d"), "$40.00", "$04.00", 1))
			w.putRow(i)
		}
	})
	w.settle()
	if d := w.latest(id).disputes[0]; d.Submissions != 0 {
		t.Errorf("at Stripe: %+v", d)
	}
	w.handled(outbox.AnswerDispute)
	if _, err := w.office.Dispute(w.ctx, w.as(ada), id); err == nil || errors.Is(err, fault.NotFound) {
		t.Errorf("it is shown: %v", err)
	}
}
