package office

import (
	"context"
	"errors"
	"time"

	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
)

// AccountPages makes the pages at Stripe on which the owner of a connected account gives
// its details.
type AccountPages interface {
	// NewAccountPage returns the address of a page, which works once, and until when it can
	// be opened. From the page Stripe leads to done, or to again if it cannot be opened any
	// more. A definite no is a *clinic.Refusal.
	NewAccountPage(ctx context.Context, account, done, again string) (url string, ends time.Time, err error)
}

// An AccountPage is where an administrator gives what Stripe asks for of the practice.
type AccountPage struct {
	URL  string
	Ends time.Time
}

// Where Stripe's page leads: to what is missing still, and to another page.
const (
	accountDone  = "/manage/settings#payments"
	accountAgain = "/desk/account"
)

// AccountPage makes a page at Stripe about the account of the caller's practice, which has
// one already. Each call makes another page.
//
// Errors: fault.Conflict if the practice has no account (no_account) or Stripe makes no
// page for it (account_page_refused); fault.Busy if that is not known.
func (o *Office) AccountPage(ctx context.Context, c clinic.Caller) (AccountPage, error) {
	c, err := o.Kernel.Identify(ctx, c)
	if err != nil {
		return AccountPage{}, err
	}
	about := clinic.Subject{Practice: c.Person.Practice}
	if err := o.Kernel.Allow(ctx, c, identity.ConnectAccount, identity.Resource{Practice: about.Practice, Whole: true}, about); err != nil {
		return AccountPage{}, err
	}
	p, err := o.Kernel.Store.Practice(ctx, about.Practice) // not as remembered: its account may be a second old
	if err != nil {
		return AccountPage{}, err
	}
	if p.Account == "" {
		return AccountPage{}, fault.New(fault.Conflict, "no_account", "the practice has no account at Stripe yet; connect one at its settings")
	}
	url, ends, err := o.Accounts.NewAccountPage(ctx, p.Account, o.Pages+accountDone, o.Pages+accountAgain)
	refused, definite := errors.AsType[*clinic.Refusal](err)
	switch {
	case definite && !refused.Temporary:
		return AccountPage{}, fault.Hide(fault.Conflict, "account_page_refused",
			"Stripe makes no page for the practice's account; sign in at Stripe itself, or ask who runs the system", err)
	case err != nil:
		return AccountPage{}, fault.Hide(fault.Busy, "account_page_unavailable", "Stripe's page cannot be opened just now; try again in a minute", err)
	}
	about.Resource = p.Account
	return AccountPage{url, ends}, o.Kernel.RecordLook(ctx, c, identity.ConnectAccount, about)
}
