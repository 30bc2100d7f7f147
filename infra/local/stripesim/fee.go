package stripesim

import (
	"context"
	"math"
)

const (
	kindFee       = "application_fee"
	kindFeeRefund = "fee_refund"

	// applicationID is the platform's, as its connected accounts see it.
	applicationID = "ca_simulated"
)

// A fee is what the platform earns of a connected account's charge. It is an object of
// the platform's account.
type fee struct {
	ID                 string  `json:"id"`
	Object             string  `json:"object"`
	Account            string  `json:"account"`
	Amount             int64   `json:"amount"`
	AmountRefunded     int64   `json:"amount_refunded"`
	Application        string  `json:"application"`
	BalanceTransaction string  `json:"balance_transaction"`
	Charge             string  `json:"charge"`
	Created            int64   `json:"created"`
	Currency           string  `json:"currency"`
	Livemode           bool    `json:"livemode"`
	Originating        *string `json:"originating_transaction"`
	Refunded           bool    `json:"refunded"`
	Refunds            feeList `json:"refunds"`
}

type feeList struct {
	Object  string      `json:"object"`
	Data    []feeRefund `json:"data"`
	HasMore bool        `json:"has_more"`
	URL     string      `json:"url"`
}

// A feeRefund is a part of a fee that the platform gave back.
type feeRefund struct {
	ID                 string            `json:"id"`
	Object             string            `json:"object"`
	Amount             int64             `json:"amount"`
	BalanceTransaction string            `json:"balance_transaction"`
	Created            int64             `json:"created"`
	Currency           string            `json:"currency"`
	Fee                string            `json:"fee"`
	Metadata           map[string]string `json:"metadata"`
}

func (f *fee) kindAndID() (kind, id string) { return kindFee, f.ID }

func (r *feeRefund) kindAndID() (kind, id string) { return kindFeeRefund, r.ID }

// onPlatform runs f in the platform's account.
func (t *tx) onPlatform(f func() error) error {
	was := t.account
	t.account = Platform
	defer func() { t.account = was }()
	return f()
}

// application is the platform's id, for the objects of a connected account.
func (t *tx) application() *string {
	if t.account == Platform {
		return nil
	}
	id := applicationID
	return &id
}

// checkApplicationFee refuses a platform's fee that cannot be: a negative one, or one of
// the platform's own charge. What is more than the charge is not refused; at the capture
// it is cut to what is captured.
func (t *tx) checkApplicationFee(param string, amount *int64) error {
	switch {
	case amount == nil:
		return nil
	case *amount < 0:
		return invalid("parameter_invalid_integer", param, param+" must not be negative")
	case t.account == Platform:
		return invalid("", param, "an application fee can be taken of a connected account's charge only: name the account")
	}
	return nil
}

// checkPercent refuses a percentage of a subscription's invoices that cannot be the platform's.
func (t *tx) checkPercent(p *subscriptionDataParams) error {
	const param = "subscription_data[application_fee_percent]"
	switch {
	case p == nil || p.PlatformPercent == nil:
		return nil
	case *p.PlatformPercent < 0 || *p.PlatformPercent > 100 || math.Abs(hundredths(*p.PlatformPercent)-*p.PlatformPercent*100) > 0.001:
		return invalid("", param, param+" must be from 0 to 100, with at most two decimal places")
	case t.account == Platform:
		return invalid("", param, "an application fee can be taken of a connected account's charge only: name the account")
	}
	return nil
}

// hundredths is a percentage in whole hundredths of a percent.
func hundredths(percent float64) float64 { return math.Round(percent * 100) }

// platformFee is the platform's part of an invoice of the subscription, rounded to the nearest cent;
// nil if it has none.
func (s *subscription) platformFee(due int64) *int64 {
	if s.PlatformPercent == nil {
		return nil
	}
	part := (due*int64(hundredths(*s.PlatformPercent)) + 50_00) / 100_00
	return &part
}

// bookCharge records that amount of a charge was captured, with Stripe's fee on that
// amount and the fee that the platform asked for, which is at most that amount. The
// movement is of the whole hold, as captureCharge says.
func (t *tx) bookCharge(ctx context.Context, ch *charge, amount int64) (string, error) {
	terms, err := t.terms(ctx)
	if err != nil {
		return "", err
	}
	x := &transaction{Type: movedCharge, Category: movedCharge, Source: ch.ID, Amount: ch.Amount}
	if cents := terms.fee(amount); cents > 0 {
		x.FeeDetails = append(x.FeeDetails, feeDetail{Amount: cents, Currency: ch.Currency, Description: "Stripe processing fees", Type: "stripe_fee"})
	}
	if ch.PlatformFee != nil {
		if earned := min(*ch.PlatformFee, amount); earned > 0 {
			x.FeeDetails = append(x.FeeDetails, t.applicationFee(earned, ch.Currency))
			if err := t.earn(ctx, ch, earned); err != nil {
				return "", err
			}
		}
	}
	err = t.bookWith(ctx, x)
	return x.ID, err
}

func (t *tx) applicationFee(amount int64, currency string) feeDetail {
	return feeDetail{Amount: amount, Application: t.application(), Currency: currency, Description: "evisit application fee", Type: movedFee}
}

// earn records the platform's fee of a charge.
func (t *tx) earn(ctx context.Context, ch *charge, amount int64) error {
	id := newID("fee")
	f := &fee{
		ID: id, Object: kindFee, Account: t.account, Amount: amount, Application: applicationID, Charge: ch.ID,
		Created: t.now.Unix(), Currency: ch.Currency,
		Refunds: feeList{Object: "list", Data: []feeRefund{}, URL: "/v1/application_fees/" + id + "/refunds"},
	}
	ch.ApplicationFee = &f.ID
	return t.onPlatform(func() error {
		x := &transaction{Type: movedFee, Category: "platform_earning", Source: f.ID, Amount: amount}
		if err := t.bookWith(ctx, x); err != nil {
			return err
		}
		f.BalanceTransaction = x.ID
		return t.change(ctx, "application_fee.created", f, 0)
	})
}

// returnFee gives the account the part of the platform's fee that belongs to a refund of
// amount: all that is left of the fee if all is refunded, else in proportion to what was
// captured, rounded to the nearest cent.
func (t *tx) returnFee(ctx context.Context, ch *charge, amount int64) (back int64, err error) {
	if ch.ApplicationFee == nil {
		return 0, invalid("", "refund_application_fee", "charge "+ch.ID+" has no application fee to refund")
	}
	err = t.onPlatform(func() error {
		f := new(fee)
		if err := t.get(ctx, kindFee, *ch.ApplicationFee, "", f); err != nil {
			return err
		}
		left := f.Amount - f.AmountRefunded
		if back = left; ch.AmountRefunded+amount < ch.Amount {
			back = min(left, (f.Amount*amount+ch.AmountCaptured/2)/ch.AmountCaptured)
		}
		if back == 0 {
			return nil
		}
		return t.refundFee(ctx, f, back)
	})
	return back, err
}

func (t *tx) refundFee(ctx context.Context, f *fee, amount int64) error {
	r := feeRefund{
		ID: newID("fr"), Object: kindFeeRefund, Amount: amount, Created: t.now.Unix(), Currency: f.Currency, Fee: f.ID, Metadata: map[string]string{},
	}
	x := &transaction{Type: movedFeeRefund, Category: "platform_earning_refund", Source: r.ID, Amount: -amount}
	if err := t.bookWith(ctx, x); err != nil {
		return err
	}
	r.BalanceTransaction = x.ID
	if err := t.put(ctx, &r, 0); err != nil {
		return err
	}
	f.AmountRefunded += amount
	f.Refunded = f.AmountRefunded == f.Amount
	f.Refunds.Data = append([]feeRefund{r}, f.Refunds.Data...)
	return t.change(ctx, "application_fee.refunded", f, 0)
}

// getFee serves GET /v1/application_fees/{id}.
func getFee(ctx context.Context, t *tx, c *call) (any, error) {
	f := new(fee)
	return f, t.get(ctx, kindFee, c.id, "id", f)
}

// listFees serves GET /v1/application_fees.
func listFees(ctx context.Context, t *tx, c *call) (any, error) {
	return t.list(ctx, c, kindFee, "charge")
}
