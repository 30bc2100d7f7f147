package clinic_test

import (
	"evisit/infra/local/stripesim"
	"evisit/pkg/billing"
	"evisit/pkg/clinic/office"
	"evisit/pkg/ledger"
	"evisit/pkg/money"
	"evisit/pkg/work"
)

// refundsSome has people of the practice refund, now and then, a part of a charge or all of
// it: one who presses twice, two who were shown the same, or one while somebody else refunds
// it at Stripe's dashboard, where it may fail.
func (r *run) refundsSome() {
	r.Helper()
	if r.hands == nil || len(r.ids) == 0 || r.hands.IntN(4) > 0 {
		return
	}
	pick := func(n int) int { return r.hands.IntN(n) }
	id := r.ids[pick(len(r.ids))]
	ps := r.payments(r.visit(id))
	if len(ps) == 0 {
		return
	}
	p := ps[pick(len(ps))].payment
	if p.Collected == 0 && pick(4) > 0 {
		return
	}
	amount := []money.Cents{1, 10_00, 25_00, p.Left(), p.Left() + 1}[pick(5)]
	asked := office.RefundRequest{Payment: p.ID, Amount: amount, Left: p.Left(), Reason: billing.RefundReasons[pick(len(billing.RefundReasons))]}
	who := []string{ada, sam}[pick(2)]
	r.asksRefund(who, id, asked)
	switch pick(4) {
	case 0:
		r.asksRefund(who, id, asked)
	case 1:
		r.asksRefund(map[string]string{ada: sam, sam: ada}[who], id, asked)
	case 2:
		out, err := r.sim.Hand(r.ctx, stripesim.Act{Do: stripesim.HandRefund, ID: p.Intent, Amount: []int64{5_00, int64(amount)}[pick(2)]})
		if made, _ := out.(map[string]any)["id"].(string); err == nil && pick(3) == 0 {
			_, _ = r.sim.Hand(r.ctx, stripesim.Act{Do: stripesim.HandFailRefund, ID: made})
		}
	}
}

// asksRefund has a person ask for a refund, which may be refused. Of a press whose answer is lost, or
// whose process is killed, the payment tells whether it was taken.
func (r *run) asksRefund(who, id string, asked office.RefundRequest) {
	r.Helper()
	r.may(func() error { _, err := r.office.Refund(r.ctx, r.as(who), id, asked); return err })
	p, err := r.tape.Payment(r.ctx, asked.Payment)
	if err != nil {
		r.Fatalf("payment %s: %v", asked.Payment, err)
	}
	if a := p.Asked; a.By == who && a.Amount == asked.Amount && a.Reason == asked.Reason {
		r.presses = append(r.presses, p)
	}
}

// refundedOnce checks that each press about a payment refunded at most once what was asked,
// at Stripe and in the books, and that one which refunded nothing became somebody's work.
func (r *run) refundedOnce(p paid) {
	r.Helper()
	type asked struct {
		by     string
		reason billing.RefundReason
		amount money.Cents
	}
	may, pressed := map[asked]int{}, map[string]bool{}
	for _, at := range r.presses {
		if a := at.Asked; at.ID == p.payment.ID && !pressed[a.ID] {
			pressed[a.ID] = true
			may[asked{a.By, a.Reason, a.Amount}]++
		}
	}
	for id := range pressed {
		if n := r.trouble.refundsOf(id); n > 1 {
			r.Errorf("payment %s: the refund %s was made %d times", p.payment.ID, id, n)
		}
	}
	for _, e := range p.entries {
		a := asked{e.By, billing.RefundReason(e.Reason), e.Amount()}
		if may[a]--; e.Kind == ledger.Refund && e.By != "" && may[a] < 0 {
			r.Errorf("payment %s: nobody asked for %+v", p.payment.ID, e)
		}
	}
	switch p.payment.Asked.Stage {
	case billing.RefundAsked:
		r.Errorf("payment %s: in the end a refund is under way: %+v", p.payment.ID, p.payment.Asked)
	case billing.RefundUndone:
		kind := work.RefundUnmade
		if p.payment.Asked.Why == billing.RefundFailed {
			kind = work.RefundFailed
		}
		if _, err := r.tape.WorkItem(r.ctx, p.payment.Practice, work.ID(kind, p.payment.ID)); err != nil {
			r.Errorf("payment %s: the refund %+v is nobody's work: %v", p.payment.ID, p.payment.Asked, err)
		}
	case billing.RefundMade:
	}
}
