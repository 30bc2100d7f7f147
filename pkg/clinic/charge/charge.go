// Package charge moves money: it has the only Stripe key that fetches, captures,
// releases and refunds. An event is a hint: charge fetches the payment from Stripe,
// reads again whether the visit wants what the event asks for, and acts on those
// two. It decrypts no content. What a payment's state means is package billing.
package charge

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"evisit/pkg/audit"
	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/membership"
	"evisit/pkg/money"
	"evisit/pkg/outbox"
	"evisit/pkg/visit"
	"evisit/pkg/work"
)

// Cards moves money at Stripe. Every call names the connected account that owns
// the object. An error that is a *clinic.Refusal is definite: the effect did not
// happen. After any other error the outcome is unknown, and the call is repeated
// with the same key.
type Cards interface {
	// Observe fetches a payment by its intent, by its session while it has no
	// intent, or by a warning of fraud. It also returns the reference in the
	// object's metadata, which is empty if this system did not make the object.
	Observe(ctx context.Context, account, object string) (ref string, o billing.Observation, err error)
	// Capture collects amount of a hold, of which the platform takes a part; 0: nothing.
	Capture(ctx context.Context, account, intent string, amount, platform money.Cents, key string) error
	Release(ctx context.Context, account, intent, key string) error
	// ChargeCard holds c's amount on its card without the patient, or collects it. The
	// intent that it returns may have been refused by the card; a *clinic.Refusal says that
	// there is none.
	ChargeCard(ctx context.Context, c CardCharge, key string) (intent string, err error)
	// FindCardCharge returns the intent that ChargeCard made for c; empty: none.
	FindCardCharge(ctx context.Context, c CardCharge) (intent string, err error)
	Refund(ctx context.Context, r Refund, key string) error
	// SubmitEvidence sends evidence about a dispute to the cardholder's bank, and
	// AcceptDispute gives the dispute up.
	SubmitEvidence(ctx context.Context, account, dispute string, e billing.Evidence, key string) error
	AcceptDispute(ctx context.Context, account, dispute, key string) error
	// Expire closes a page that was not paid.
	Expire(ctx context.Context, account, session, key string) error
	// Account fetches how a connected account stands. One that the platform has no access
	// to is Disconnected, and no error.
	Account(ctx context.Context, account string) (billing.AccountState, error)
	// OpenAccount makes a connected account for a practice, whose owner has to give its
	// details at Stripe.
	OpenAccount(ctx context.Context, practice, key string) (account string, err error)
	// FindAccount returns the account that OpenAccount made for a practice since a time;
	// empty: none.
	FindAccount(ctx context.Context, practice string, since time.Time) (account string, err error)
	// Changes lists changes that Stripe reported since a time and that can concern
	// payments which are final or not known here, the latest first, from after a
	// cursor on. The returned cursor is empty at the end.
	Changes(ctx context.Context, account string, since time.Time, after string) ([]Change, string, error)
}

// A Change is an object at Stripe that has changed.
type Change struct {
	Object string // as Observe takes it
	// Ref is the object's reference, where Stripe's report shows it: the object is
	// an intent that was held or collected. It is a hint.
	Ref string
}

// A Refund is money of a captured intent that goes back to who paid it.
type Refund struct {
	Account, Intent string
	Amount          money.Cents // 0: what is left
	// Platform has the platform give back its part of it too. Stripe refuses that of a charge of
	// which the platform took nothing.
	Platform bool
}

// refundOf is a refund of so much of p, or of what is left, with what the platform has of it.
func refundOf(p billing.Payment, amount money.Cents) Refund {
	return Refund{Account: p.Account, Intent: p.Intent, Amount: amount, Platform: p.PlatformFee > 0}
}

// A CardCharge is a payment by the card that an intent was paid with.
type CardCharge struct {
	Account string
	Ref     string // our payment id, kept in Stripe's metadata
	Card    string // the intent
	Amount  money.Cents
	AtOnce  bool // it is collected, not held
	// Platform is what the platform takes of what is collected; 0: nothing.
	Platform money.Cents
}

// Reads are what a Room reads besides the kernel.
type Reads interface {
	Books

	Payment(ctx context.Context, id string) (billing.Payment, error)
	// Evidence returns what is to be submitted about the dispute of p. What is not as it
	// was decided on is an error.
	Evidence(ctx context.Context, p billing.Payment) (billing.Evidence, error)
	Visit(ctx context.Context, id string) (visit.Visit, error)
	// PracticeOf returns the practice that owns a connected account.
	PracticeOf(ctx context.Context, account string) (string, error)
	WorkItem(ctx context.Context, practice, id string) (work.Item, error)
	Membership(ctx context.Context, id string) (membership.Membership, error)
	// Payout returns a payout of an account that was made at a time.
	Payout(ctx context.Context, practice, account, id string, made time.Time) (billing.Payout, error)
	// Included returns the memberships that a patient pays for, the first one first, and the visits
	// that were used of them, in one read.
	Included(ctx context.Context, payer string) ([]membership.Membership, []membership.Count, error)
	// Bills returns the bills of some invoices of a membership; those that are not stored are left
	// out.
	Bills(ctx context.Context, membership string, invoices []string) ([]membership.Bill, error)
}

// A Room is what the function charge has. Its fields must be set before use; it
// is safe for concurrent use.
type Room struct {
	Kernel        *clinic.Kernel
	Store         Reads
	Cards         Cards
	Subscriptions Subscriptions
	Balance       Balance
}

// attempts bounds how often a commit is decided again because someone else
// changed the payment or the visit between the read and the commit.
const attempts = 6

// Handle acts on one event and stores the outcome.
func (m *Room) Handle(ctx context.Context, d outbox.Delivery) error {
	return m.Kernel.Deliver(ctx, d, m.owner, m.Act)
}

// owner returns the practice that a Stripe event concerns. A Stripe event names
// an account, not a practice; if no practice has that account, or the event cannot
// be decoded, owner returns "".
func (m *Room) owner(ctx context.Context, d outbox.Delivery) string {
	if d.Account == "" {
		return ""
	}
	id, err := m.Store.PracticeOf(ctx, d.Account)
	if err != nil && !errors.Is(err, fault.NotFound) {
		m.Kernel.Log.WarnContext(ctx, "the practice of a parked event's account cannot be read", "event", d.ID, "err", err)
	}
	return id
}

// Act acts on one event. It may be called any number of times for the same
// event. After an error the event is tried again. While the platform has no access to
// the account, the event waits, and Stripe is not asked again.
func (m *Room) Act(ctx context.Context, d outbox.Delivery) error {
	if d.Note == clinic.AccountLost {
		if err := m.awaitAccount(ctx, d); err != nil {
			return err
		}
	}
	err := m.act(ctx, d)
	if lost(err) {
		return m.loseAccount(ctx, d, err)
	}
	return err
}

func (m *Room) act(ctx context.Context, d outbox.Delivery) error {
	switch d.Kind {
	case outbox.StripeReported:
		return m.receive(ctx, d)
	case outbox.CheckPayment:
		return m.checkPayment(ctx, d)
	case outbox.CheckAccount:
		return m.checkAccount(ctx, d)
	case outbox.AskAccount:
		return m.askAccount(ctx, d)
	case outbox.OpenAccount:
		return m.openAccount(ctx, d)
	case outbox.CompareAccount:
		return m.compareAccount(ctx, d)
	case outbox.Capture:
		return m.capture(ctx, d)
	case outbox.Release:
		return m.release(ctx, d)
	case outbox.RenewHold:
		return m.renew(ctx, d)
	case outbox.Refund:
		return m.refund(ctx, d)
	case outbox.AnswerDispute:
		return m.carry(ctx, d, billing.Answering)
	case outbox.AcceptDispute:
		return m.carry(ctx, d, billing.Accepting)
	case outbox.GiveBackVisit:
		return m.giveBackVisit(ctx, d)
	case outbox.CheckMembership:
		return m.checkMembership(ctx, d)
	case outbox.CarryMembership:
		return m.carryMembership(ctx, d)
	case outbox.Received, outbox.Asked, outbox.Replied, outbox.Answered, outbox.Ended, outbox.Late,
		outbox.Charged, outbox.ChargeFailed, outbox.Diverted, outbox.CheckoutAbandoned,
		outbox.Reversed, outbox.RefundFailed, outbox.Refunded, outbox.FraudWarned, outbox.StrayFound,
		outbox.DisputeOpened, outbox.DisputeDue, outbox.DisputeMissed, outbox.DisputeEnded, outbox.AccountLost, outbox.AccountDisabled, outbox.Invited, outbox.ContactChanged,
		outbox.MemberJoined, outbox.MemberRenewed, outbox.MemberUnpaid, outbox.MemberRenewal, outbox.MemberEnded,
		outbox.MemberCancelled, outbox.MemberResumed:
	}
	return fmt.Errorf("event %s of kind %s is not for charge", d.ID, d.Kind)
}

// errForeign marks an event whose account does not own the payment it names.
var errForeign = &clinic.Refusal{Code: "foreign_account", Final: true}

// missing is Stripe's code for an object that the account does not have.
const missing = "resource_missing"

// receive settles the payment that a Stripe event is about.
func (m *Room) receive(ctx context.Context, d outbox.Delivery) error {
	if d.Object == d.Account {
		return m.followReported(ctx, d)
	}
	return m.look(ctx, d.Account, d.Object)
}

// look settles the payment that an object at Stripe belongs to.
func (m *Room) look(ctx context.Context, account, object string) error {
	ref, o, err := m.Cards.Observe(ctx, account, object)
	if refused, ok := errors.AsType[*clinic.Refusal](err); ok && refused.Code == missing {
		return &clinic.Refusal{Code: missing, Final: true} // the account has no such object
	}
	if err != nil {
		return err
	}
	if ref == "" {
		if known, err := m.lookPayout(ctx, account, object); known || err != nil {
			return err
		}
		return m.lookMembership(ctx, account, object)
	}
	p, err := m.Store.Payment(ctx, ref)
	switch {
	case errors.Is(err, fault.NotFound):
		return nil // an object of another system on the same account
	case err != nil:
		return err
	case p.Account != account:
		return errForeign
	case p.Owns(o):
		return m.settle(ctx, p, o)
	}
	return m.settleStray(ctx, p, o)
}

// settleStray records what was paid with the reference of p and is not p's: it
// becomes a payment of its own, which no visit wants. A page that was not paid
// concerns nobody.
func (m *Room) settleStray(ctx context.Context, p billing.Payment, o billing.Observation) error {
	if o.Intent == "" {
		return nil
	}
	stray, err := m.Store.Payment(ctx, p.StrayID(o.Intent))
	if errors.Is(err, fault.NotFound) {
		stray, err = p.Stray(o, m.Kernel.Time()), nil
	}
	if err != nil {
		return err
	}
	return m.settle(ctx, stray, o)
}

// checkPayment asks Stripe how a payment stands for which no webhook came, and
// again later if that changes nothing and nobody else asks.
func (m *Room) checkPayment(ctx context.Context, d outbox.Delivery) error {
	p, err := m.Store.Payment(ctx, d.Payment)
	if err != nil {
		return err
	}
	o, err := m.observe(ctx, p)
	if err != nil {
		return err
	}
	now := m.Kernel.Time()
	settled, _, err := p.Settle(o, now)
	if err != nil {
		return err
	}
	if !onlyIntent(p, settled) {
		if err := m.settle(ctx, p, o); err != nil || !p.Dispute.Open() { // settle put the next look
			return err
		}
		p = settled
	}
	c := clinic.Commit{At: now}
	v, err := m.Store.Visit(ctx, p.Visit)
	if err != nil {
		return err
	}
	m.lookLater(&c, v, p)
	if len(c.Events) == 0 {
		return nil
	}
	c.Events[0].ID = m.following(d)
	return m.putOnce(ctx, c)
}

// onlyIntent reports whether settled differs from p in its intent at most. An intent alone,
// of a card that was declined, moves the visit nowhere.
func onlyIntent(p, settled billing.Payment) bool {
	p.Intent, p.Version = settled.Intent, settled.Version
	return p == settled
}

// following is the id of the event that follows d. It is made of d's, so that d,
// delivered again, puts the same event.
func (m *Room) following(d outbox.Delivery) string {
	return outbox.NewID(m.Kernel.Writer, d.At, fmt.Sprintf("next-%.8x", sha256.Sum256([]byte(d.ID))))
}

// putOnce commits c, unless the event in it was put before.
func (m *Room) putOnce(ctx context.Context, c clinic.Commit) error {
	err := m.Kernel.Store.Commit(ctx, c)
	if errors.Is(err, clinic.ErrExists) {
		return nil
	}
	return err
}

// observe fetches a payment from Stripe: by its page, which also says whether it
// can still be paid, or by its intent if it has no page of ours.
func (m *Room) observe(ctx context.Context, p billing.Payment) (billing.Observation, error) {
	object := p.Session
	if object == "" || p.Intent != "" && p.State != billing.Opened {
		object = p.Intent
	}
	_, o, err := m.Cards.Observe(ctx, p.Account, object)
	return o, err
}

// lookLater adds the event that asks Stripe about p again, unless p is final or
// its visit's deadline asks.
func (m *Room) lookLater(c *clinic.Commit, v visit.Visit, p billing.Payment) {
	at := p.NextLook(c.At)
	if at.IsZero() || v.Status == visit.AwaitingPayment && v.Payment == p.ID {
		return
	}
	e := m.Kernel.Event(outbox.CheckPayment, outbox.Charge, v, c.At)
	e.Payment, e.Later = p.ID, at
	c.Events = append(c.Events, e)
}

// captureAttempts is how often a capture is tried that Stripe refuses for a
// reason that may pass; after that the fee is to be paid by link.
const captureAttempts = 4

// capture captures the fee of an answered visit, as the visit's row has it; Stripe
// releases what is left of the hold. It reads again whether the visit is answered and
// wants this payment: an event alone captures nothing. What was captured above the fee
// before the answer, by hand, is refunded. Where the hold has ended, the card is charged
// without the patient, if they agreed, or the fee is owed.
func (m *Room) capture(ctx context.Context, d outbox.Delivery) error {
	p, v, err := m.paymentAndVisit(ctx, d)
	switch {
	case err != nil:
		return err
	case p.CardOf != "" && p.State == billing.Opened:
		return m.chargeCard(ctx, d, p, v)
	case v.MayCapture(p.ID) && p.State == billing.Lapsed:
		return m.collectLapsed(ctx, p, v)
	}
	if v.MayCapture(p.ID) && p.Excess(v.Keeps(p.ID)) > 0 {
		return m.refundExcess(ctx, p, v)
	}
	if p.State != billing.Held || !v.MayCapture(p.ID) {
		return nil
	}
	if p.Why == "" {
		refused, err := splitRefusal(m.Cards.Capture(ctx, p.Account, p.Intent, v.Fee(), billing.PlatformPart(v.Fee(), p.Platform), d.Key()))
		if err != nil {
			return err
		}
		o, err := m.observe(ctx, p)
		if err != nil {
			return err
		}
		if refused == nil || o.Status != "requires_capture" {
			return m.settle(ctx, p, o)
		}
		if refused.Temporary || !refused.Final && d.Attempt < captureAttempts-1 {
			return refused
		}
		if p, err = m.recordRefusal(ctx, p, v, refused.Code); err != nil {
			return err
		}
	}
	return m.giveBack(ctx, p, m.Cards.Release(ctx, p.Account, p.Intent, d.Key()+"-release"))
}

// recordRefusal stores why the capture failed before the hold is released, so that
// the reason is not lost whatever happens in between.
func (m *Room) recordRefusal(ctx context.Context, p billing.Payment, v visit.Visit, why string) (billing.Payment, error) {
	p = p.CaptureRefused(why)
	now := m.Kernel.Time()
	return p, m.Kernel.Store.Commit(ctx, clinic.Commit{
		Payments: []billing.Payment{p}, At: now,
		Audit: []audit.Record{m.Kernel.Record(clinic.System("charge"), "payment.refused", v, now)},
	})
}

// paymentAndVisit reads the payment that an event names, and its visit.
func (m *Room) paymentAndVisit(ctx context.Context, d outbox.Delivery) (billing.Payment, visit.Visit, error) {
	p, err := m.Store.Payment(ctx, d.Payment)
	if err != nil {
		return p, visit.Visit{}, err
	}
	v, err := m.Store.Visit(ctx, p.Visit)
	return p, v, err
}

// release ends a payment that its visit does not want: an open page is expired, a
// hold released, a charge refunded. Of a charge that the visit wants, what is above its
// fee is refunded.
func (m *Room) release(ctx context.Context, d outbox.Delivery) error {
	p, v, err := m.paymentAndVisit(ctx, d)
	if err != nil {
		return err
	}
	switch {
	case v.WantsPayment(p.ID) && p.Excess(v.Keeps(p.ID)) > 0:
		return m.refundExcess(ctx, p, v)
	case v.WantsPayment(p.ID):
	case p.State == billing.Opened && p.Session != "":
		return m.giveBack(ctx, p, m.Cards.Expire(ctx, p.Account, p.Session, d.Key()+"-expire"))
	case p.State == billing.Held:
		return m.giveBack(ctx, p, m.Cards.Release(ctx, p.Account, p.Intent, d.Key()))
	case p.MustRefund():
		return m.giveBack(ctx, p, m.Cards.Refund(ctx, refundOf(p, 0), d.Key()+"-refund"))
	case p.State == billing.Processing:
		return m.checkPayment(ctx, d)
	}
	return nil // a later hold or charge is given back when Stripe reports it
}

// refundExcess refunds what p collected above the fee that v keeps, as Stripe says now. The
// key is of the payment and what was refunded of it before, so that of two events that find
// the same excess one refunds it.
func (m *Room) refundExcess(ctx context.Context, p billing.Payment, v visit.Visit) error {
	o, err := m.observe(ctx, p)
	if err != nil {
		return err
	}
	seen, _, err := p.Settle(o, m.Kernel.Time())
	if err != nil {
		return err
	}
	excess := seen.Excess(v.Keeps(p.ID))
	if excess == 0 || seen.Refunded != p.Refunded { // it was refunded by hand meanwhile, or a part: what is left has an event of its own
		return m.settle(ctx, p, o)
	}
	return m.giveBack(ctx, p, m.Cards.Refund(ctx, refundOf(seen, excess), fmt.Sprintf("%s-excess-%d", p.ID, p.Refunded)))
}

// giveBack settles p after a call that gives money back, or that ends what the practice
// has to do about a dispute, was answered with err. After a refusal Stripe's own state
// decides whether there is still something to do.
func (m *Room) giveBack(ctx context.Context, p billing.Payment, err error) error {
	refused, err := splitRefusal(err)
	if err != nil {
		return err
	}
	o, err := m.observe(ctx, p)
	if err != nil {
		return err
	}
	settled, _, err := p.Settle(o, m.Kernel.Time())
	if err != nil {
		return err
	}
	if refused != nil && settled.State == p.State && settled.Refunded == p.Refunded && settled.Dispute == p.Dispute {
		return refused
	}
	return m.settle(ctx, p, o)
}

// splitRefusal returns a definite refusal as the first result, and an error that
// leaves the outcome unknown as the second.
func splitRefusal(err error) (*clinic.Refusal, error) {
	if refused, ok := errors.AsType[*clinic.Refusal](err); ok {
		return refused, nil
	}
	return nil, err
}

// settle brings a payment, its ledger entries and its visit to the state
// observed at Stripe, in one commit; none if the payment is in that state.
func (m *Room) settle(ctx context.Context, p billing.Payment, o billing.Observation) error {
	for n := 1; ; n++ {
		var err error
		if p.Newer(o) { // o was observed before p was read, or a refund failed
			warned := o.Warned
			if o, err = m.observe(ctx, p); err != nil {
				return err
			}
			o.Warned = warned
		}
		err = m.settleOnce(ctx, p, o)
		if !errors.Is(err, clinic.ErrChanged) || n == attempts {
			return err
		}
		if p, err = m.again(ctx, p); err != nil {
			return err
		}
	}
}

// again reads p again, which may have been stored for the first time meanwhile.
func (m *Room) again(ctx context.Context, p billing.Payment) (billing.Payment, error) {
	next, err := m.Store.Payment(ctx, p.ID)
	if errors.Is(err, fault.NotFound) && p.Version == 0 {
		return p, nil
	}
	return next, err
}

func (m *Room) settleOnce(ctx context.Context, p billing.Payment, o billing.Observation) error {
	now := m.Kernel.Time()
	next, entries, err := p.Settle(o, now)
	if err != nil {
		return impossible{err}
	}
	c := clinic.Commit{At: now, Entries: entries}
	switch {
	case next.Version == 0: // a stray that was only tried
	case next.Version != p.Version:
		c.Payments = []billing.Payment{next}
		err = m.applyToVisit(ctx, &c, p, next)
	}
	if err == nil && o.Warned {
		err = m.warn(ctx, &c, next)
	}
	if err != nil || len(c.Payments)+len(c.Work) == 0 {
		return err
	}
	return m.Kernel.Store.Commit(ctx, c)
}
