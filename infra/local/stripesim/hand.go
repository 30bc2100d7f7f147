package stripesim

import (
	"bytes"
	"context"
	"database/sql"
	_ "embed" // the page
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"slices"
)

// What a person can do by hand at Stripe, or Stripe by itself.
const (
	HandCapture    = "capture"     // captures the hold of an intent
	HandCancel     = "cancel"      // cancels an intent, and so releases its hold
	HandRefund     = "refund"      // refunds Amount of an intent, or all that is left
	HandFailRefund = "fail_refund" // a refund fails, although it had succeeded
	HandBankPays   = "bank_pays"   // a bank payment in progress succeeds
	HandBankFails  = "bank_fails"  // a bank payment in progress fails
	HandWarn       = "warn"        // the issuer of an intent's card warns of fraud
	HandSession    = "session"     // makes another session like a session: the same reference, amount and capture
	HandExpire     = "expire"      // expires an open session
	HandDisconnect = "disconnect"  // the owner of an account takes the platform's access away
	HandConnect    = "connect"     // and gives it back

	// HandRenewalsCancel and HandRenewalsUnpaid are what an account's settings do with a
	// subscription whose renewal failed at every attempt; they cancel it at first.
	HandRenewalsCancel = "renewals_cancel"
	HandRenewalsUnpaid = "renewals_unpaid"
	HandUnsubscribe    = "unsubscribe"  // cancels a subscription at once
	HandStopRenewal    = "stop_renewal" // has a subscription end with its period
	HandRenew          = "renew"        // has it go on after all

	// HandOtherMode sends an event of live mode about an intent of live mode.
	HandOtherMode = "other_mode"
	// HandOtherVersion sends an event about an intent in a later version of the API,
	// whose shape is another.
	HandOtherVersion = "other_version"
)

// An Act is one thing done by hand at Stripe. ID is of the object that Do is about: an
// intent, a refund, a session, a payout, a dispute or an account.
type Act struct {
	Do     string `json:"do"`
	ID     string `json:"id"`
	Amount int64  `json:"amount,omitempty"`
	Reason string `json:"reason,omitempty"` // of a dispute; if empty, fraudulent
}

// acts are what each act does to the object of a kind.
var acts = map[string]struct {
	kind string
	do   func(*tx, context.Context, Act) (any, error)
}{
	HandCapture:      {kindIntent, (*tx).handCapture},
	HandCancel:       {kindIntent, (*tx).handCancel},
	HandRefund:       {kindIntent, (*tx).handRefund},
	HandBankPays:     {kindIntent, (*tx).handBank},
	HandBankFails:    {kindIntent, (*tx).handBank},
	HandWarn:         {kindIntent, (*tx).handWarn},
	HandOtherMode:    {kindIntent, (*tx).handForeignEvent},
	HandOtherVersion: {kindIntent, (*tx).handForeignEvent},
	HandFailRefund:   {kindRefund, (*tx).handFailRefund},
	HandSession:      {kindSession, (*tx).handSession},
	HandExpire:       {kindSession, (*tx).handExpire},
	HandDisconnect:   {kindAccount, (*tx).handConnection},
	HandConnect:      {kindAccount, (*tx).handConnection},
	HandAdjust:       {kindAccount, (*tx).handAdjust},
	HandPayOut:       {kindAccount, (*tx).handPayOut},
	HandDisable:      {kindAccount, (*tx).handEnabled},
	HandEnable:       {kindAccount, (*tx).handEnabled},
	HandFailPayout:   {kindPayout, (*tx).handFailPayout},
	HandDispute:      {kindIntent, (*tx).handDispute},
	HandInquire:      {kindIntent, (*tx).handDispute},
	HandEscalate:     {kindDispute, (*tx).handOnDispute},
	HandCloseInquiry: {kindDispute, (*tx).handOnDispute},
	HandRespond:      {kindDispute, (*tx).handOnDispute},
	HandAccept:       {kindDispute, (*tx).handOnDispute},
	HandWin:          {kindDispute, (*tx).handOnDispute},
	HandLose:         {kindDispute, (*tx).handOnDispute},

	HandRenewalsCancel: {kindAccount, (*tx).handRenewals},
	HandRenewalsUnpaid: {kindAccount, (*tx).handRenewals},
	HandUnsubscribe:    {kindSubscription, (*tx).handUnsubscribe},
	HandStopRenewal:    {kindSubscription, (*tx).handRenewal},
	HandRenew:          {kindSubscription, (*tx).handRenewal},
}

// Hand does an act and returns the object that it made or changed.
func (s *Sim) Hand(ctx context.Context, a Act) (any, error) {
	act, ok := acts[a.Do]
	if !ok {
		return nil, invalid("", "do", "there is no act "+a.Do)
	}
	if err := s.expireDue(ctx); err != nil {
		return nil, err
	}
	var out map[string]any
	err := s.update(ctx, "", origin{}, func(ctx context.Context, t *tx) error {
		err := t.sql.QueryRowContext(ctx, `SELECT account FROM objects WHERE id = ? AND kind = ?`, a.ID, act.kind).Scan(&t.account)
		if errors.Is(err, sql.ErrNoRows) {
			return missing(act.kind, a.ID, "id")
		}
		if err != nil {
			return fmt.Errorf("looking up %s: %w", a.ID, err)
		}
		made, err := act.do(t, ctx, a)
		if err != nil {
			return err
		}
		out, err = t.render(made)
		return err
	})
	return out, err
}

func (t *tx) handIntent(ctx context.Context, a Act) (*intent, error) {
	pi := new(intent)
	return pi, t.get(ctx, kindIntent, a.ID, "id", pi)
}

func (t *tx) handCapture(ctx context.Context, a Act) (any, error) {
	return captureIntent(ctx, t, a.call("amount_to_capture"))
}

func (t *tx) handCancel(ctx context.Context, a Act) (any, error) {
	return cancelIntent(ctx, t, a.call(""))
}

// call is a request for a's object, with a's amount, if any, as the named parameter.
func (a Act) call(amount string) *call {
	c := &call{id: a.ID, params: map[string]any{}}
	if amount != "" && a.Amount != 0 {
		c.params[amount] = a.Amount
	}
	return c
}

func (t *tx) handRefund(ctx context.Context, a Act) (any, error) {
	c := a.call("amount")
	c.params["payment_intent"] = a.ID
	return createRefund(ctx, t, c)
}

func (t *tx) handFailRefund(ctx context.Context, a Act) (any, error) {
	r := new(refund)
	if err := t.get(ctx, kindRefund, a.ID, "id", r); err != nil {
		return nil, err
	}
	return r, t.failRefund(ctx, r)
}

func (t *tx) handBank(ctx context.Context, a Act) (any, error) {
	pi, err := t.handIntent(ctx, a)
	if err != nil {
		return nil, err
	}
	if pi.Status != intentProcessing {
		return nil, t.unexpectedState(pi, "answered by its bank")
	}
	ch := new(charge)
	if err := t.get(ctx, kindCharge, *pi.LatestCharge, "", ch); err != nil {
		return nil, err
	}
	return pi, t.bankAnswers(ctx, pi, ch, a.Do == HandBankPays)
}

func (t *tx) handWarn(ctx context.Context, a Act) (any, error) {
	pi, err := t.handIntent(ctx, a)
	if err != nil {
		return nil, err
	}
	ch := new(charge)
	if pi.LatestCharge == nil {
		return nil, t.unexpectedState(pi, "warned of")
	}
	if err := t.get(ctx, kindCharge, *pi.LatestCharge, "", ch); err != nil {
		return nil, err
	}
	return ch, t.warn(ctx, ch)
}

func (t *tx) handSession(ctx context.Context, a Act) (any, error) {
	s := new(session)
	if err := t.get(ctx, kindSession, a.ID, "id", s); err != nil {
		return nil, err
	}
	s.ID, s.Created, s.ExpiresAt = newID("cs_test"), t.now.Unix(), t.now.Add(sessionLongest).Unix()
	s.Subscription, s.Invoice, s.Sim.Subscription, s.Sim.FirstIntent = nil, nil, "", ""
	s.PaymentIntent, s.CustomerDetails, s.PaymentStatus, s.Status = nil, nil, "unpaid", sessionOpen
	return s, t.put(ctx, s, s.due())
}

func (t *tx) handExpire(ctx context.Context, a Act) (any, error) {
	return expireSession(ctx, t, a.call(""))
}

func (t *tx) handConnection(ctx context.Context, a Act) (any, error) {
	if err := t.setConnected(ctx, a.Do == HandConnect); err != nil {
		return nil, err
	}
	out := new(account)
	return out, t.get(ctx, kindAccount, a.ID, "id", out)
}

// handForeignEvent sends an event that the system must not use: of the other mode,
// or in a shape of another version.
func (t *tx) handForeignEvent(ctx context.Context, a Act) (any, error) {
	pi, err := t.handIntent(ctx, a)
	if err != nil {
		return nil, err
	}
	shown, err := t.render(pi)
	if err != nil {
		return nil, err
	}
	e := event{Type: "payment_intent.succeeded", APIVersion: apiVersion}
	if a.Do == HandOtherMode {
		e.Livemode, shown["livemode"], shown["id"] = true, true, newID("pi")
	} else {
		e.APIVersion = "2025-03-31.basil"
		shown["amount"] = map[string]any{"value": pi.Amount, "currency": pi.Currency}
	}
	return pi, t.store(ctx, e, shown)
}

//go:embed hand.html
var handHTML string

var handTemplate = template.Must(template.New("hand").Funcs(inPages).Parse(handHTML))

// A handRow is one object on the page of acts, and what can be done to it.
type handRow struct {
	ID, Account, Status, Ref string
	Amount                   int64
	Acts                     []string
}

// serveHand registers the page of acts, and the address that acts are posted to as
// JSON or by the page's buttons.
func (s *Sim) serveHand() {
	s.mux.HandleFunc("GET /sim/hand", s.showHand)
	s.mux.HandleFunc("POST /sim/hand", s.postHand)
}

func (s *Sim) showHand(w http.ResponseWriter, r *http.Request) {
	rows, err := s.handRows(r.Context())
	var out bytes.Buffer
	if err == nil {
		err = handTemplate.Execute(&out, rows)
	}
	if err != nil {
		s.pageError(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = out.WriteTo(w)
}

func (s *Sim) postHand(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Content-Type") == "application/x-www-form-urlencoded" {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		if _, err := s.Hand(r.Context(), Act{Do: r.PostFormValue("do"), ID: r.PostFormValue("id")}); err != nil {
			s.pageError(w, r, err)
			return
		}
		http.Redirect(w, r, "/sim/hand", http.StatusSeeOther)
		return
	}
	var a Act
	if err := readJSON(w, r, &a); err != nil {
		s.control(w, r, nil, err)
		return
	}
	out, err := s.Hand(r.Context(), a)
	s.control(w, r, out, err)
}

// handRows lists accounts, sessions, intents, refunds, payouts and disputes, the newest
// first.
func (s *Sim) handRows(ctx context.Context) ([]handRow, error) {
	if err := s.expireDue(ctx); err != nil {
		return nil, err
	}
	var out []handRow
	err := s.update(ctx, Platform, origin{}, func(ctx context.Context, t *tx) error {
		accounts, err := t.bodies(ctx, `SELECT id FROM objects WHERE kind = ? ORDER BY seq`, kindAccount)
		for _, a := range accounts {
			if t.account = a; err == nil && a != Platform {
				var rows []handRow
				rows, err = t.handRowsOfAccount(ctx)
				out = append(out, rows...)
			}
		}
		return err
	})
	return out, err
}

func (t *tx) handRowsOfAccount(ctx context.Context) ([]handRow, error) {
	var a account
	err := t.get(ctx, kindAccount, t.account, "", &a)
	top := handRow{ID: t.account, Account: t.account, Status: "connected", Acts: actsOnAccount(&a)}
	if a.Sim.Disconnected {
		top.Status, top.Acts = "disconnected", []string{HandConnect}
	}
	sessions, err2 := all[session](ctx, t, kindSession)
	intents, err3 := all[intent](ctx, t, kindIntent)
	refunds, err4 := all[refund](ctx, t, kindRefund)
	var rows []handRow
	for _, s := range sessions {
		row := handRow{s.ID, t.account, s.Status, s.Metadata["ref"], s.AmountTotal, []string{HandSession}}
		if s.Status == sessionOpen {
			row.Acts = append(row.Acts, HandExpire)
		}
		rows = append(rows, row)
	}
	for _, pi := range intents {
		rows = append(rows, handRow{pi.ID, t.account, pi.Status, pi.Metadata["ref"], pi.Amount, actsOn(pi)})
	}
	for _, r := range refunds {
		if r.BalanceTransaction != nil && r.Status != refundFailed {
			rows = append(rows, handRow{r.ID, t.account, r.Status, r.PaymentIntent, r.Amount, []string{HandFailRefund}})
		}
	}
	moved, err5 := t.handRowsOfMoney(ctx)
	rows = append(rows, moved...)
	top.Acts = append(top.Acts, a.renewalAct())
	subs, err6 := t.subscriptionRows(ctx)
	rows = append(rows, subs...)
	slices.Reverse(rows)
	return append([]handRow{top}, rows...), errors.Join(err, err2, err3, err4, err5, err6)
}

// actsOn are what can be done to an intent.
func actsOn(pi *intent) []string {
	switch pi.Status {
	case intentNeedsCapture:
		return []string{HandCapture, HandCancel, HandOtherMode, HandOtherVersion}
	case intentProcessing:
		return []string{HandBankPays, HandBankFails}
	case intentSucceeded:
		return []string{HandRefund, HandWarn, HandInquire, HandDispute, HandOtherMode, HandOtherVersion}
	}
	return nil
}
