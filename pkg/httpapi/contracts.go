package httpapi

import (
	"time"

	"evisit/pkg/billing"
	"evisit/pkg/clinic/author"
	"evisit/pkg/coverage"
	"evisit/pkg/money"
)

// What a payer allows your practice for one procedure, and what of it the payer's members pay.
type contractInput struct {
	// The id of one of the payers that are listed; not part A of Medicare. Of part B enter what its fee schedule allows, and 20 as the percentage.
	Payer string `json:"payer" validate:"required,max=40"`
	// The procedure's code: CPT, such as 99421, or HCPCS, such as G2010.
	Code string `json:"code" validate:"required,max=5"`
	// The first day of service in the practice's zone, as 2026-01-01.
	From string `json:"from" validate:"required,max=10,date" schema:"format=date"`
	// The last; left out: none is known.
	Until string `json:"until,omitempty" validate:"max=10,date" schema:"format=date"`
	// Cents: the allowed amount, which payer and patient pay together.
	Rate money.Cents `json:"rate" validate:"required"`
	// Cents: what the patient pays of it, if that is a fixed amount. Give this or `percent`.
	Copay money.Cents `json:"copay,omitempty"`
	// What the patient pays of it, if that is a part: 1 to 100.
	Percent int `json:"percent,omitempty"`
	// The share is asked for once the payer has said what it is: nothing is held before the answer.
	Later bool `json:"later,omitempty"`
}

func (in contractInput) domain() billing.Contract {
	return billing.Contract{
		Payer: in.Payer, Code: in.Code, From: civilDay(in.From), Until: civilDay(in.Until), Rate: in.Rate, Copay: in.Copay, Percent: in.Percent, Later: in.Later,
	}
}

// What a payer allows a practice for one procedure, as it was entered.
type contractReply struct {
	// Made of payer, code and first day.
	ID    string `json:"id"`
	Payer string `json:"payer"`
	Code  string `json:"code"`
	From  string `json:"from" schema:"format=date"`
	Until string `json:"until,omitempty" schema:"format=date"`
	// Cents.
	Rate    money.Cents `json:"rate" schema:"min=1"`
	Copay   money.Cents `json:"copay,omitempty" schema:"min=0"`
	Percent int         `json:"percent,omitempty" schema:"min=0 max=100"`
	// The share is asked for once the payer has said what it is.
	Later bool `json:"later,omitempty"`
	// Cents: what a member of the payer is expected to pay. A percentage is rounded down to the cent.
	Share money.Cents `json:"share" schema:"min=0"`
	// How the share comes about.
	Why string `json:"why"`
	// Who entered it.
	By string    `json:"entered_by"`
	At time.Time `json:"entered_at"`
	// Since when it counts no more; absent: it counts.
	Removed *time.Time `json:"removed_at,omitempty"`
	// For If-Match.
	Version int `json:"version" schema:"min=1"`
}

func showContract(c billing.Contract) contractReply {
	return contractReply{
		ID: c.ID(), Payer: c.Payer, Code: c.Code, From: c.From.String(), Until: c.Until.String(), Rate: c.Rate, Copay: c.Copay, Percent: c.Percent, Later: c.Later,
		Share: c.Share(), Why: c.Explain(), By: c.By, At: c.At, Removed: when(c.Removed), Version: c.Version,
	}
}

func replyContract(c billing.Contract, err error) (Reply, error) {
	if err != nil {
		return Reply{}, err
	}
	return Reply{Body: showContract(c), ETag: etag(c.Version)}, nil
}

// What a practice entered of its agreements with payers.
type contractsReply struct {
	Contracts []listedContract `json:"contracts" schema:"max=500"`
}

// One of the contracts.
type listedContract struct {
	contractReply
	PayerName string `json:"payer_name"`
	// Whether it is the one that holds today for its payer and code: of several, the one that began last.
	Holds bool `json:"holds_today"`
}

func showContracts(l author.Contracts) contractsReply {
	out := contractsReply{[]listedContract{}}
	for _, c := range l.Entered {
		out.Contracts = append(out.Contracts, listedContract{showContract(c), coverage.ByID(l.Payers, c.Payer).Name, l.Holds(c)})
	}
	return out
}

var listContracts = Endpoint{
	Method: "GET", Path: "/settings/contracts", ID: "listContracts", Group: "Settings",
	For:  "List your practice's contracts with payers",
	Text: "By payer, code and first day, without those that were removed. For administrators.",
	By:   ByRegistry, Who: Known,
	Out: contractsReply{}, OutText: "All of them; the list has no pages.",
	Refuses: []Refusal{{Code: "denied"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		l, err := a.Author.Contracts(r.Context(), r.Caller)
		return Reply{Body: showContracts(l)}, err
	},
}

var enterContract = Endpoint{
	Method: "POST", Path: "/settings/contracts", ID: "enterContract", Group: "Settings",
	For: "Enter a contract with a payer",
	Text: "One for each procedure. One of the same payer, code and first day is replaced; what says the same already is unchanged. Of several that count on " +
		"a day of service, the one that began last holds. For administrators.",
	By: ByRegistry, Who: Known, IfMatch: true, In: contractInput{},
	Out: contractReply{}, OutText: "The contract.",
	Refuses: []Refusal{{Code: "denied"}, {Code: "contracts_full"}, {Code: "stale"}, {Code: "changed"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		return replyContract(a.Author.EnterContract(r.Context(), r.Caller, r.In.(*contractInput).domain()))
	},
}

var removeContract = Endpoint{
	Method: "POST", Path: "/settings/contracts/{contract}/remove", ID: "removeContract", Group: "Settings",
	For:  "Remove a contract with a payer",
	Text: "It counts no more from now on. Repeating it succeeds and changes nothing. For administrators.",
	By:   ByRegistry, Who: Known, IfMatch: true,
	Out: contractReply{}, OutText: "The contract.",
	Refuses: []Refusal{{Code: "denied"}, {Code: "stale"}, {Code: "changed"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		return replyContract(a.Author.RemoveContract(r.Context(), r.Caller, r.PathValue("contract")))
	},
}
