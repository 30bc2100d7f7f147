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
	ChargesEnabled   bool              `json:"charges_enabled"`
	Country          string            `json:"country"`
	Created          int64             `json:"created"`
	DefaultCurrency  string            `json:"default_currency"`
	DetailsSubmitted bool              `json:"details_submitted"`
	Metadata         map[string]string `json:"metadata"`
	PayoutsEnabled   bool              `json:"payouts_enabled"`
	Type             string            `json:"type"`
}

func (a *account) kindAndID() (kind, id string) { return kindAccount, a.ID }

// AddAccount adds a connected account. Adding an account again changes nothing.
func (s *Sim) AddAccount(ctx context.Context, id string) error {
	return s.update(ctx, id, origin{}, func(ctx context.Context, t *tx) error {
		known, err := t.knows(ctx, id)
		if err != nil || known {
			return err
		}
		return t.put(ctx, &account{
			ID: id, Object: kindAccount, ChargesEnabled: true, Country: "US", Created: t.now.Unix(), DefaultCurrency: "usd",
			DetailsSubmitted: true, Metadata: map[string]string{}, PayoutsEnabled: true, Type: "standard",
		}, 0)
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

func noAccess(id string) error {
	return &failure{
		Status: http.StatusForbidden, Type: invalidRequest, Code: "account_invalid",
		Message: "this key has no access to account '" + id + "', or there is no such account",
	}
}
