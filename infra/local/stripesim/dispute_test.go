package stripesim_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/dispute"

	"evisit/infra/local/stripesim"
)

// act does an act and returns the id of the object that it made or changed.
func (b *bench) act(a stripesim.Act) string {
	b.Helper()
	out, err := b.sim.Hand(b.Context(), a)
	if err != nil {
		b.Fatalf("%+v: %v", a, err)
	}
	id, _ := out.(map[string]any)["id"].(string)
	return id
}

func (s shop) disputes() dispute.Client { return dispute.Client{B: s.backend(), Key: s.key} }

func (s shop) dispute(id string) *stripe.Dispute {
	s.Helper()
	d, err := s.disputes().Get(id, &stripe.DisputeParams{Params: s.params("")})
	if err != nil {
		s.Fatal(err)
	}
	return d
}

// respond sends evidence, or stages it if submit is false.
func (s shop) respond(id, text string, submit *bool, idempotencyKey string) (*stripe.Dispute, error) {
	return s.disputes().Update(id, &stripe.DisputeParams{
		Params: s.params(idempotencyKey), Evidence: &stripe.DisputeEvidenceParams{UncategorizedText: stripe.String(text)}, Submit: submit,
	})
}

const (
	made       = "charge.dispute.created"
	updated    = "charge.dispute.updated"
	withdrawn  = "charge.dispute.funds_withdrawn"
	reinstated = "charge.dispute.funds_reinstated"
	closed     = "charge.dispute.closed"
)

// A dispute takes its money and a fee when it opens. Won, the money comes back without
// the fee; lost, it does not.
func TestDispute_Life(t *testing.T) {
	t.Parallel()
	charged := movement{"charge", "charge", 4900, 172, 4728, "available"}
	taken := movement{"adjustment", "dispute", -4900, 1500, -6400, "available"}
	back := movement{"adjustment", "dispute_reversal", 4900, 0, 4900, "available"}
	for _, test := range []struct {
		name   string
		end    func(*bench, shop, string)
		status stripe.DisputeStatus
		events []string
		moved  []movement
	}{
		{"answered and won", func(b *bench, s shop, id string) {
			if _, err := s.respond(id, "The visit was answered.", nil, ""); err != nil {
				b.Fatal(err)
			}
			b.hand(stripesim.HandWin, id)
		}, "won", []string{updated, reinstated, closed}, []movement{charged, taken, back}},
		{"answered and lost", func(b *bench, _ shop, id string) {
			b.hand(stripesim.HandRespond, id)
			b.hand(stripesim.HandLose, id)
		}, "lost", []string{updated, closed}, []movement{charged, taken}},
		{"accepted", func(b *bench, s shop, id string) {
			if _, err := s.disputes().Close(id, &stripe.DisputeParams{Params: s.params("")}); err != nil {
				b.Fatal(err)
			}
		}, "lost", []string{closed}, []movement{charged, taken}},
		{"accepted by hand", func(b *bench, _ shop, id string) { b.hand(stripesim.HandAccept, id) }, "lost", []string{closed}, []movement{charged, taken}},
		{
			"withdrawn by the cardholder", func(b *bench, _ shop, id string) { b.hand(stripesim.HandWin, id) },
			"won",
			[]string{reinstated, closed},
			[]movement{charged, taken, back},
		},
		{"not answered", func(b *bench, _ shop, _ string) { b.advance(15 * day) }, "lost", []string{closed}, []movement{charged, taken}},
		{"answered and not decided", func(b *bench, _ shop, id string) {
			b.hand(stripesim.HandRespond, id)
			b.advance(80 * day)
		}, "under_review", []string{updated}, []movement{charged, taken}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			s := b.onTerms(lake, stripesim.Terms{BasisPoints: 290, FixedCents: 30, DisputeCents: 1500})
			pi := s.charged(4900, 0)
			id := b.act(stripesim.Act{Do: stripesim.HandDispute, ID: pi, Reason: "product_not_received"})
			b.wantEvents(made, withdrawn)
			d := s.dispute(id)
			wantDue := time.Date(2026, 3, 16, 23, 59, 59, 0, time.UTC).Unix()
			if d.Status != "needs_response" || d.Amount != 4900 || d.Reason != "product_not_received" || d.PaymentIntent.ID != pi ||
				d.EvidenceDetails.DueBy != wantDue || d.IsChargeRefundable || len(d.BalanceTransactions) != 1 {
				t.Errorf("opened: %+v %+v", d, d.EvidenceDetails)
			}
			if ch, err := s.charge(d.Charge.ID); err != nil || !ch.Disputed || ch.Refunded {
				t.Errorf("its charge: %+v, %v", ch, err)
			}
			if o := s.oracle(); o.Disputed.Cents != 4900 || len(o.Disputes) != 1 || o.Disputes[0].Withdrawn != 4900 || o.Disputes[0].Fee != 1500 || o.Disputes[0].DueBy != wantDue {
				t.Errorf("oracle: %+v", o)
			}
			test.end(b, s, id)
			b.wantEvents(test.events...)
			if d = s.dispute(id); d.Status != test.status || len(d.BalanceTransactions) != len(test.moved)-1 {
				t.Errorf("ended: %+v", d)
			}
			s.wantMovements(test.moved...)
			o := s.oracle()
			kept := int64(4900)
			if test.status == "won" {
				kept = 0
			}
			if o.Disputed.Cents != kept || o.BalanceCents != 4900-kept-o.FeeCents || o.FeeCents != 1672 {
				t.Errorf("oracle: %+v", o)
			}
		})
	}
}

// An inquiry moves no money. It can be answered, come to nothing, be ended by a refund,
// or become a dispute, which can be answered again.
func TestInquiry_Life(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		end    func(*bench, shop, string)
		status stripe.DisputeStatus
		events []string
		taken  int64
	}{
		{"answered, and closed after 120 days", func(b *bench, s shop, id string) {
			if d, err := s.respond(id, "Yes.", nil, ""); err != nil || d.Status != "warning_under_review" {
				b.Fatalf("answered: %+v, %v", d, err)
			}
			b.advance(120 * day)
		}, "warning_closed", []string{updated, closed}, 0},
		{"not answered, and closed after 120 days", func(b *bench, _ shop, _ string) { b.advance(120 * day) }, "warning_closed", []string{closed}, 0},
		{"answered late", func(b *bench, s shop, id string) {
			b.advance(20 * day)
			if d, err := s.respond(id, "Late.", nil, ""); err != nil || !d.EvidenceDetails.PastDue {
				b.Fatalf("answered: %+v, %v", d, err)
			}
		}, "warning_under_review", []string{updated}, 0},
		{"closed by hand", func(b *bench, _ shop, id string) { b.hand(stripesim.HandCloseInquiry, id) }, "warning_closed", []string{closed}, 0},
		{"escalated", func(b *bench, _ shop, id string) { b.hand(stripesim.HandEscalate, id) }, "needs_response", []string{updated, withdrawn}, 4900},
		{"answered, escalated and answered again", func(b *bench, _ shop, id string) {
			b.hand(stripesim.HandRespond, id)
			b.hand(stripesim.HandEscalate, id)
			b.hand(stripesim.HandRespond, id)
		}, "under_review", []string{updated, updated, withdrawn, updated}, 4900},
		{"refunded in part and escalated", func(b *bench, s shop, id string) {
			if _, err := s.refund(s.dispute(id).PaymentIntent.ID, 900); err != nil {
				b.Fatal(err)
			}
			b.hand(stripesim.HandEscalate, id)
		}, "needs_response", []string{"charge.refunded", updated, withdrawn}, 4000},
		{"refunded", func(b *bench, s shop, id string) {
			if _, err := s.refund(s.dispute(id).PaymentIntent.ID, 0); err != nil {
				b.Fatal(err)
			}
			if s.dispute(id).IsChargeRefundable {
				b.Error("the charge can be refunded again")
			}
		}, "warning_closed", []string{"charge.refunded", closed}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			s := b.shop(lake)
			id := b.act(stripesim.Act{Do: stripesim.HandInquire, ID: s.charged(4900, 0)})
			b.wantEvents(made)
			if d := s.dispute(id); d.Status != "warning_needs_response" || !d.IsChargeRefundable || len(d.BalanceTransactions) != 0 || d.EvidenceDetails.DueBy == 0 {
				t.Errorf("opened: %+v", d)
			}
			s.wantBalance(4900, 0)
			test.end(b, s, id)
			b.wantEvents(test.events...)
			if d := s.dispute(id); d.Status != test.status {
				t.Errorf("ended: %+v", d)
			}
			if o := s.oracle(); o.Disputed.Cents != test.taken || o.BalanceCents != 4900-o.Refunded.Cents-test.taken {
				t.Errorf("oracle: %+v", o)
			}
		})
	}
}

// Evidence is staged until it is submitted, and submitted once, also if the answer to
// the submission is lost.
func TestDispute_EvidenceOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.shop(lake)
	id := b.act(stripesim.Act{Do: stripesim.HandDispute, ID: s.charged(4900, 0)})
	d, err := s.respond(id, "A draft.", stripe.Bool(false), "")
	if err != nil || d.Status != "needs_response" || !d.EvidenceDetails.HasEvidence || d.EvidenceDetails.SubmissionCount != 0 {
		t.Fatalf("staged: %+v, %v", d, err)
	}
	b.fault(stripesim.Fault{Do: stripesim.LoseAnswer, Method: http.MethodPost, Path: "/v1/disputes/*", Times: 1})
	b.fault(stripesim.Fault{Do: stripesim.LoseCall, Method: http.MethodPost, Path: "/v1/disputes/*", Times: 1})
	for range 2 {
		_, err = s.respond(id, "The answer.", stripe.Bool(true), "evidence-1")
	}
	if err != nil {
		t.Fatal(err)
	}
	d = s.dispute(id)
	if d.Status != "under_review" || d.EvidenceDetails.SubmissionCount != 1 || d.Evidence.UncategorizedText != "The answer." || d.EvidenceDetails.PastDue {
		t.Errorf("submitted: %+v", d)
	}
	if e := refusal(t, second(s.respond(id, "More.", nil, ""))); e.HTTPStatusCode != http.StatusBadRequest || !strings.Contains(e.Msg, "under_review") {
		t.Errorf("submitted again: %v", e)
	}
	if e := refusal(t, second(s.disputes().Close(id, &stripe.DisputeParams{Params: s.params("")}))); e.HTTPStatusCode != http.StatusBadRequest {
		t.Errorf("accepted after the answer: %v", e)
	}
	if d = s.dispute(id); d.Evidence.UncategorizedText != "The answer." || d.EvidenceDetails.SubmissionCount != 1 {
		t.Errorf("after the refusals: %+v", d)
	}
}

func second[T any](_ T, err error) error { return err }

func TestDispute_Refuses(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.shop(lake)
	pi := s.charged(4900, 0)
	for name, a := range map[string]stripesim.Act{
		"more than the charge":  {Do: stripesim.HandDispute, ID: pi, Amount: 4901},
		"less than nothing":     {Do: stripesim.HandDispute, ID: pi, Amount: -1},
		"no reason of Stripe's": {Do: stripesim.HandInquire, ID: pi, Reason: "boredom"},
		"what is only held":     {Do: stripesim.HandDispute, ID: s.newHold(stripesim.CardSuccess)},
	} {
		if _, err := b.sim.Hand(t.Context(), a); err == nil {
			t.Errorf("%s was disputed", name)
		}
	}
	id := b.act(stripesim.Act{Do: stripesim.HandDispute, ID: pi, Amount: 1000})
	for name, a := range map[string]stripesim.Act{
		"a second dispute":      {Do: stripesim.HandDispute, ID: pi},
		"escalating a dispute":  {Do: stripesim.HandEscalate, ID: id},
		"closing as an inquiry": {Do: stripesim.HandCloseInquiry, ID: id},
	} {
		if _, err := b.sim.Hand(t.Context(), a); err == nil {
			t.Errorf("%s was possible", name)
		}
	}
	if e := refusal(t, second(s.refund(pi, 100))); e.Code != "charge_disputed" || e.HTTPStatusCode != http.StatusBadRequest {
		t.Errorf("refunding a disputed charge: %v", e)
	}
	long := stripe.String(strings.Repeat("é", 20_000))
	update := func(p *stripe.DisputeParams) error {
		p.Params = s.params("")
		return second(s.disputes().Update(id, p))
	}
	for name, test := range map[string]struct {
		params *stripe.DisputeParams
		code   stripe.ErrorCode
		param  string
	}{
		"evidence that is too long": {&stripe.DisputeParams{Evidence: &stripe.DisputeEvidenceParams{
			AccessActivityLog: long, CancellationPolicyDisclosure: long, CancellationRebuttal: long, DuplicateChargeExplanation: long,
			ProductDescription: long, RefundPolicyDisclosure: long, RefundRefusalExplanation: long, UncategorizedText: long,
		}}, "", "evidence"},
		"nothing submitted": {&stripe.DisputeParams{Submit: stripe.Bool(true)}, "parameter_missing", "evidence"},
		"a file": {&stripe.DisputeParams{Evidence: &stripe.DisputeEvidenceParams{
			ServiceDocumentation: stripe.String("file_1"),
		}}, "not_simulated", "evidence[service_documentation]"},
	} {
		if e := refusal(t, update(test.params)); e.Code != test.code || e.Param != test.param {
			t.Errorf("%s: code %q, param %q: %v", name, e.Code, e.Param, e)
		}
	}
	if d := s.dispute(id); d.Status != "needs_response" || d.EvidenceDetails.HasEvidence {
		t.Errorf("after the refusals: %+v", d)
	}
	if err := update(&stripe.DisputeParams{Metadata: map[string]string{"ref": "x"}}); err != nil || s.dispute(id).Status != "needs_response" {
		t.Errorf("metadata alone: %v", err)
	}
	b.advance(15 * day)
	if e := refusal(t, second(s.respond(id, "Late.", nil, ""))); !strings.Contains(e.Msg, "lost") {
		t.Errorf("answered late: %v", e)
	}
	if e := refusal(t, second(s.refund(pi, 100))); e.Code != "charge_disputed" {
		t.Errorf("refunding what was lost: %v", e)
	}
	if other := b.shop(hill); refusal(t, second(other.disputes().Get(id, &stripe.DisputeParams{Params: other.params("")}))).HTTPStatusCode != http.StatusNotFound {
		t.Error("another account sees the dispute")
	}
}

// Money of a dispute that was won is the account's to refund, and disputes are found by
// charge and by payment.
func TestDispute_WonThenRefunded(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.shop(lake)
	pi, other := s.charged(4900, 0), s.charged(4900, 0)
	id := b.act(stripesim.Act{Do: stripesim.HandDispute, ID: pi, Amount: 1000})
	b.act(stripesim.Act{Do: stripesim.HandDispute, ID: other})
	b.hand(stripesim.HandWin, id)
	if _, err := s.refund(pi, 0); err != nil {
		t.Errorf("refunding what was won: %v", err)
	}
	if o := s.oracle(); o.BalanceCents != 0 || o.Refunded.Cents != 4900 || o.Disputed.Cents != 4900 {
		t.Errorf("oracle: %+v", o)
	}
	d := s.dispute(id)
	for _, p := range []stripe.DisputeListParams{{PaymentIntent: stripe.String(pi)}, {Charge: stripe.String(d.Charge.ID)}} {
		p.ListParams = stripe.ListParams{Context: t.Context(), StripeAccount: stripe.String(lake)}
		list := s.disputes().List(&p)
		if !list.Next() || list.Dispute().ID != id || list.Next() {
			t.Errorf("listed: %+v, %v", list.Dispute(), list.Err())
		}
	}
}

// A dispute and its due date survive a restart.
func TestDispute_SurvivesRestart(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.stop()
	b.db = filepath.Join(t.TempDir(), "stripe.db")
	b.start()
	s := b.shop(lake)
	id := b.act(stripesim.Act{Do: stripesim.HandDispute, ID: s.charged(4900, 0)})
	b.stop()
	b.start()
	if d := s.dispute(id); d.Status != "needs_response" || len(d.BalanceTransactions) != 1 {
		t.Errorf("after the restart: %+v", d)
	}
	b.events()
	b.advance(15 * day)
	b.wantEvents(closed)
}
