package clinic_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/clinic/charge"
	"evisit/pkg/clinic/notify"
	"evisit/pkg/clinic/request"
	"evisit/pkg/fault"
	"evisit/pkg/membership"
	"evisit/pkg/money"
	"evisit/pkg/reconcile"
	"evisit/pkg/vault"
)

// An effect is something that a function does outside of itself, or that is
// done to bring it an event.
type effect string

const (
	commits    effect = "Store.Commit"
	opens      effect = "Checkout.NewPage"
	captures   effect = "Cards.Capture"
	releases   effect = "Cards.Release"
	recharges  effect = "Cards.ChargeCard"
	finds      effect = "Cards.FindCardCharge"
	refunds    effect = "Cards.Refund"
	expires    effect = "Cards.Expire"
	submits    effect = "Cards.SubmitEvidence"
	accepts    effect = "Cards.AcceptDispute"
	lists      effect = "Cards.Changes"
	asks       effect = "Cards.Account"
	connects   effect = "Cards.OpenAccount"
	reprices   effect = "Subscriptions.Reprice"
	observes   effect = "Cards.Observe"
	compares   effect = "Balance.Transactions"
	puts       effect = "Objects.Put"
	sends      effect = "Mail.Send"
	deliveries effect = "stream delivery"
	webhooks   effect = "webhook"
)

var effects = []effect{commits, opens, captures, releases, refunds, expires, lists, asks, observes, puts, sends, deliveries, webhooks}

// byCard are the effects of a payment by a card without the patient, and how many calls of
// each are lost in turn. They are no part of effects, for the same reason as decided.
var byCard = map[effect]int{commits: 6, recharges: 1, finds: 1, observes: 2, releases: 1, deliveries: 4}

// decided are the effects that a practice's decision about a dispute has. They are no part
// of effects, of which the seeds of TestMoney_AnyOrderOfActs draw.
var decided = []effect{submits, accepts}

// A loss is what becomes of one call of an effect.
type loss string

const (
	nothing      loss = ""
	callLost     loss = "the call is lost"   // of a delivery: the stream gives it up
	answerLost   loss = "the answer is lost" // of a delivery: it comes twice
	killedBefore loss = "the process is killed before the call"
	killedAfter  loss = "the process is killed after the call"
	comesLate    loss = "the call comes late" // when trouble.arrive has it arrive
)

var losses = []loss{callLost, answerLost, killedBefore, killedAfter}

// trouble loses calls as ordered. The zero trouble loses none.
type trouble struct {
	mu    sync.Mutex
	calls map[effect]int
	lose  map[effect]map[int]loss // by the number of the call, from 1
	lies  []lie
	// refusals are Stripe's next answers to captures.
	refusals []error
	// noRefund is Stripe's answer to refunds of a part, for as long as it is set.
	noRefund error
	// keys are the idempotency keys that captures were asked under.
	keys []string
	// late are the calls that come late.
	late []func() error
	// made are the keys under which Stripe made refunds of a part.
	made []string
	// refuseCommit and refusePut fail a commit, and an object's put, for as long
	// as they are set.
	refuseCommit func(clinic.Commit) error
	refusePut    func(key string) error
}

// A lie is told instead of what Stripe says.
type lie func(o billing.Observation) billing.Observation

// order forgets the calls so far, and loses the nth from now.
func (t *trouble) order(e effect, nth int, l loss) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.calls, t.lose = nil, map[effect]map[int]loss{e: {nth: l}}
}

// next loses the next call of e besides what is ordered already.
func (t *trouble) next(e effect, l loss) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.lose == nil {
		t.lose = map[effect]map[int]loss{}
	}
	if t.lose[e] == nil {
		t.lose[e] = map[int]loss{}
	}
	t.lose[e][t.calls[e]+1] = l
}

// heal orders no more trouble.
func (t *trouble) heal() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lose, t.lies, t.refuseCommit, t.refusePut = nil, nil, nil, nil
}

// lied has Stripe's next answer about a payment changed.
func (t *trouble) lied(l lie) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lies = append(t.lies, l)
}

func (t *trouble) called(e effect) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.calls[e]
}

func (t *trouble) fate(e effect) loss {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.calls == nil {
		t.calls = map[effect]int{}
	}
	t.calls[e]++
	return t.lose[e][t.calls[e]]
}

var (
	errLost   = errors.New("connection reset by test")
	errKilled = errors.New("killed")
)

func (e effect) lost() error {
	if e == commits {
		return fault.Hide(fault.Busy, "try_again", "repeat the same request", errLost)
	}
	return errLost
}

func (t *trouble) around(e effect, do func() error) error {
	l := t.fate(e)
	switch l {
	case callLost:
		return e.lost()
	case killedBefore:
		panic(errKilled)
	case comesLate:
		t.mu.Lock()
		defer t.mu.Unlock()
		t.late = append(t.late, do)
		return e.lost()
	case nothing, answerLost, killedAfter:
	}
	if err := do(); err != nil {
		return err
	}
	switch l {
	case killedAfter:
		panic(errKilled)
	case answerLost:
		return e.lost()
	case nothing, callLost, killedBefore, comesLate:
	}
	return nil
}

// arrive has the calls that come late arrive, in an order of draw's.
func (t *trouble) arrive(draw *rand.Rand) {
	t.mu.Lock()
	all := t.late
	t.late = nil
	t.mu.Unlock()
	for _, n := range draw.Perm(len(all)) {
		_ = all[n]() // nobody waits for the answer any more
	}
}

// alive runs a process, which trouble may kill.
func (w *world) alive(run func() error) (err error) {
	defer func() {
		switch dead := recover(); dead {
		case nil:
		case errKilled:
			err = errKilled
		default:
			panic(dead)
		}
	}()
	return run()
}

// refused is why a commit fails although the table answers; nil if it does not.
func (t *trouble) refused(c clinic.Commit) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.refuseCommit == nil {
		return nil
	}
	return t.refuseCommit(c)
}

// refuse has the next capture refused.
func (t *trouble) refuse(why error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.refusals = append(t.refusals, why)
}

func (t *trouble) refusal(key string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.keys = append(t.keys, key)
	if len(t.refusals) == 0 {
		return nil
	}
	why := t.refusals[0]
	t.refusals = t.refusals[1:]
	return why
}

// asked returns the keys of captures since it was last called.
func (t *trouble) asked() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	keys := t.keys
	t.keys = nil
	return keys
}

// refundsNot is why Stripe refunds no part of a charge; nil if it does.
func (t *trouble) refundsNot() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.noRefund
}

// refunded notes that Stripe made the refund asked for under key.
func (t *trouble) refunded(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !slices.Contains(t.made, key) {
		t.made = append(t.made, key)
	}
}

// refundsOf is how many refunds Stripe made for the event with that id.
func (t *trouble) refundsOf(event string) (n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, key := range t.made {
		if strings.HasPrefix(key, event+"-") {
			n++
		}
	}
	return n
}

type brokenCheckout struct {
	request.Checkout
	trouble *trouble
}

func (b brokenCheckout) NewPage(ctx context.Context, p request.PageRequest) (session, url string, err error) {
	err = b.trouble.around(opens, func() error {
		var err error
		session, url, err = b.Checkout.NewPage(ctx, p)
		return err
	})
	return session, url, err
}

func (b brokenCheckout) NewMembershipPage(ctx context.Context, p request.MembershipPage) (customer, session, url string, err error) {
	err = b.trouble.around(opens, func() error {
		var err error
		customer, session, url, err = b.Checkout.NewMembershipPage(ctx, p)
		return err
	})
	return customer, session, url, err
}

type brokenSubscriptions struct {
	charge.Subscriptions
	trouble *trouble
}

func (b brokenSubscriptions) Subscribed(ctx context.Context, account, object string) (s charge.Subscribed, err error) {
	err = b.trouble.around(observes, func() error {
		var err error
		s, err = b.Subscriptions.Subscribed(ctx, account, object)
		return err
	})
	return s, err
}

func (b brokenSubscriptions) Carry(ctx context.Context, account, subscription string, ask membership.Ask, turn int, key string) error {
	ctx = context.WithoutCancel(ctx) // it may arrive late
	return b.trouble.around(releases, func() error { return b.Subscriptions.Carry(ctx, account, subscription, ask, turn, key) })
}

func (b brokenSubscriptions) Reprice(ctx context.Context, account, subscription string, yearly money.Cents, key string) error {
	return b.trouble.around(reprices, func() error { return b.Subscriptions.Reprice(ctx, account, subscription, yearly, key) })
}

type brokenBalance struct {
	charge.Balance
	trouble *trouble
}

func (b brokenBalance) Payout(ctx context.Context, account, object string) (s billing.PayoutState, known bool, err error) {
	if !strings.HasPrefix(object, "po_") {
		return s, false, nil
	}
	err = b.trouble.around(observes, func() error {
		var err error
		s, known, err = b.Balance.Payout(ctx, account, object)
		return err
	})
	return s, known, err
}

func (b brokenBalance) Transactions(ctx context.Context, account string, w reconcile.Window, limit int) (ts []reconcile.Transaction, all bool, err error) {
	err = b.trouble.around(compares, func() error {
		var err error
		ts, all, err = b.Balance.Transactions(ctx, account, w, limit)
		return err
	})
	return ts, all, err
}

func (b brokenBalance) TransactionsOf(ctx context.Context, account, object string) (ts []reconcile.Transaction, err error) {
	err = b.trouble.around(compares, func() error {
		var err error
		ts, err = b.Balance.TransactionsOf(ctx, account, object)
		return err
	})
	return ts, err
}

type brokenCards struct {
	charge.Cards
	trouble *trouble
}

func (b brokenCards) Observe(ctx context.Context, account, object string) (ref string, o billing.Observation, err error) {
	err = b.trouble.around(observes, func() error {
		var err error
		ref, o, err = b.Cards.Observe(ctx, account, object)
		return err
	})
	b.trouble.mu.Lock()
	defer b.trouble.mu.Unlock()
	if len(b.trouble.lies) > 0 && err == nil {
		o = b.trouble.lies[0](o)
		b.trouble.lies = slices.Delete(b.trouble.lies, 0, 1)
	}
	return ref, o, err
}

func (b brokenCards) OpenAccount(ctx context.Context, practice, key string) (account string, err error) {
	err = b.trouble.around(connects, func() error {
		var err error
		account, err = b.Cards.OpenAccount(ctx, practice, key)
		return err
	})
	return account, err
}

func (b brokenCards) Account(ctx context.Context, account string) (s billing.AccountState, err error) {
	err = b.trouble.around(asks, func() error {
		var err error
		s, err = b.Cards.Account(ctx, account)
		return err
	})
	return s, err
}

func (b brokenCards) Capture(ctx context.Context, account, intent string, amount, platform money.Cents, key string) error {
	if err := b.trouble.refusal(key); err != nil {
		return err
	}
	return b.trouble.around(captures, func() error { return b.Cards.Capture(ctx, account, intent, amount, platform, key) })
}

func (b brokenCards) Release(ctx context.Context, account, intent, key string) error {
	return b.trouble.around(releases, func() error { return b.Cards.Release(ctx, account, intent, key) })
}

func (b brokenCards) ChargeCard(ctx context.Context, c charge.CardCharge, key string) (intent string, err error) {
	err = b.trouble.around(recharges, func() error {
		var err error
		intent, err = b.Cards.ChargeCard(ctx, c, key)
		return err
	})
	return intent, err
}

func (b brokenCards) FindCardCharge(ctx context.Context, c charge.CardCharge) (intent string, err error) {
	err = b.trouble.around(finds, func() error {
		var err error
		intent, err = b.Cards.FindCardCharge(ctx, c)
		return err
	})
	return intent, err
}

func (b brokenCards) Refund(ctx context.Context, r charge.Refund, key string) error {
	if r.Amount == 0 { // all that is left
		return b.trouble.around(refunds, func() error { return b.Cards.Refund(ctx, r, key) })
	}
	if err := b.trouble.refundsNot(); err != nil {
		return err
	}
	return b.trouble.around(refunds, func() error {
		err := b.Cards.Refund(ctx, r, key)
		if err == nil {
			b.trouble.refunded(key)
		}
		return err
	})
}

func (b brokenCards) SubmitEvidence(ctx context.Context, account, dispute string, e billing.Evidence, key string) error {
	return b.trouble.around(submits, func() error { return b.Cards.SubmitEvidence(ctx, account, dispute, e, key) })
}

func (b brokenCards) AcceptDispute(ctx context.Context, account, dispute, key string) error {
	return b.trouble.around(accepts, func() error { return b.Cards.AcceptDispute(ctx, account, dispute, key) })
}

func (b brokenCards) Expire(ctx context.Context, account, session, key string) error {
	return b.trouble.around(expires, func() error { return b.Cards.Expire(ctx, account, session, key) })
}

func (b brokenCards) Changes(ctx context.Context, account string, since time.Time, after string) (out []charge.Change, next string, err error) {
	err = b.trouble.around(lists, func() error {
		var err error
		out, next, err = b.Cards.Changes(ctx, account, since, after)
		return err
	})
	return out, next, err
}

type brokenObjects struct {
	vault.Objects
	trouble *trouble
}

func (b brokenObjects) Put(ctx context.Context, key string, data []byte) error {
	return b.trouble.around(puts, func() error {
		b.trouble.mu.Lock()
		refuse := b.trouble.refusePut
		b.trouble.mu.Unlock()
		if refuse != nil {
			if err := refuse(key); err != nil {
				return err
			}
		}
		return b.Objects.Put(ctx, key, data)
	})
}

type brokenMail struct {
	notify.Mail
	trouble *trouble
}

func (b brokenMail) Send(ctx context.Context, l notify.Letter) error {
	return b.trouble.around(sends, func() error { return b.Mail.Send(ctx, l) })
}
