package stripesim

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
)

const (
	kindAccount = "account"

	// Platform is the id of the platform's own account, for which a request without
	// a Stripe-Account header acts.
	Platform = "acct_platform"
)

// An account is a merchant, whose objects no other account sees.
type account struct {
	ID               string            `json:"id"`
	Object           string            `json:"object"`
	BusinessType     *string           `json:"business_type"`
	Capabilities     capabilities      `json:"capabilities"`
	ChargesEnabled   bool              `json:"charges_enabled"`
	Country          string            `json:"country"`
	Created          int64             `json:"created"`
	DefaultCurrency  string            `json:"default_currency"`
	DetailsSubmitted bool              `json:"details_submitted"`
	Email            *string           `json:"email"`
	Metadata         map[string]string `json:"metadata"`
	PayoutsEnabled   bool              `json:"payouts_enabled"`
	Requirements     requirements      `json:"requirements"`
	Type             string            `json:"type"`
	Sim              accountSim        `json:"_sim"`
}

// An accountSim says whether the platform has lost its access to the account, what
// Stripe takes of its money, when it is paid out next (zero if by hand alone), and
// whether a subscription that cannot be collected is kept unpaid instead of canceled.
type accountSim struct {
	Disconnected bool  `json:"disconnected"`
	Terms        Terms `json:"terms"`
	NextPayout   int64 `json:"next_payout,omitempty"`
	KeepsUnpaid  bool  `json:"keeps_unpaid"`
}

func (a *account) kindAndID() (kind, id string) { return kindAccount, a.ID }

// due is the account's next daily payout.
func (a *account) due() int64 { return a.Sim.NextPayout }

// AddAccount adds a connected account. Adding an account again changes nothing.
func (s *Sim) AddAccount(ctx context.Context, id string) error {
	return s.update(ctx, id, origin{}, func(ctx context.Context, t *tx) error {
		known, err := t.knows(ctx, id)
		if err != nil || known {
			return err
		}
		a := t.newAccount(id)
		a.onboard(onboardFinish)
		return t.put(ctx, a, a.due())
	})
}

func (t *tx) knows(ctx context.Context, id string) (bool, error) {
	err := t.sql.QueryRowContext(ctx, `SELECT 1 FROM objects WHERE id = ? AND kind = ?`, id, kindAccount).Scan(new(int))
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("looking up account %s: %w", id, err)
	}
	return true, nil
}

// getAccount serves GET /v1/accounts/{account} and GET /v1/account. The
// platform sees every account; an account sees itself.
func getAccount(ctx context.Context, t *tx, c *call) (any, error) {
	id := c.id
	if id == "" {
		id = t.account
	}
	if id != t.account && t.account != Platform {
		return nil, noAccess(id)
	}
	owner := *t
	owner.account = id
	a := new(account)
	return a, owner.get(ctx, kindAccount, id, "account", a)
}

// listAccounts serves GET /v1/accounts, for the platform alone.
func listAccounts(ctx context.Context, t *tx, c *call) (any, error) {
	if t.account != Platform {
		return nil, invalid("", "", "only a platform has accounts")
	}
	return t.listWhere(ctx, c, kindAccount, func(a map[string]any) bool {
		sim, _ := a["_sim"].(map[string]any)
		return a["id"] != Platform && sim["disconnected"] != true
	})
}

func noAccess(id string) error {
	return &failure{
		Status: http.StatusForbidden, Type: invalidRequest, Code: "account_invalid",
		Message: "this key has no access to account '" + id + "', or there is no such account; access may have been revoked",
	}
}

// connected reports whether the platform may act for an account.
func (t *tx) connected(ctx context.Context, id string) (bool, error) {
	known, err := t.knows(ctx, id)
	if err != nil || !known {
		return false, err
	}
	owner := *t
	owner.account = id
	var a account
	err = owner.get(ctx, kindAccount, id, "", &a)
	return !a.Sim.Disconnected, err
}

// An application is the platform, as an account's owner sees it.
type application struct {
	ID     string `json:"id"`
	Object string `json:"object"`
	Name   string `json:"name"`
}

func (a *application) kindAndID() (kind, id string) { return a.Object, a.ID }

// setConnected gives the platform access to the account, or takes it, as the account's
// owner does. An account that is disconnected still has its objects.
func (t *tx) setConnected(ctx context.Context, yes bool) error {
	var a account
	if err := t.get(ctx, kindAccount, t.account, "account", &a); err != nil {
		return err
	}
	if t.account == Platform || a.Sim.Disconnected != yes {
		return invalid("", "account", "account "+t.account+" cannot be connected or disconnected so")
	}
	a.Sim.Disconnected = !yes
	if err := t.put(ctx, &a, a.due()); err != nil || yes {
		return err
	}
	return t.emit(ctx, "account.application.deauthorized", &application{ID: applicationID, Object: "application", Name: "evisit"})
}
