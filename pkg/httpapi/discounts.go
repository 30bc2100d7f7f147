package httpapi

import (
	"time"

	"evisit/pkg/clinic/registrar"
	"evisit/pkg/identity"
)

// What is taken off the practice's prices for a patient.
type discountInput struct {
	// Of the posted price: 100 waives it, less is a sliding scale.
	Percent int `json:"percent" validate:"required"`
	// Why: `hardship` (the patient cannot pay the price), `uninsured`, `amends` (the practice makes up for something) or
	// `courtesy` (they work at the practice, or are family of who does).
	Reason identity.Relief `json:"reason" validate:"required,max=40"`
	// The first day in the practice's zone, as 2026-03-02; left out: at once.
	First string `json:"first,omitempty" validate:"max=10,date" schema:"format=date"`
	// The last day, within a year of the first.
	Last string `json:"last" validate:"required,max=10,date" schema:"format=date"`
}

// What is taken off the practice's prices for the patient, and why.
type discountReply struct {
	Percent int             `json:"percent" schema:"min=1 max=100"`
	Reason  identity.Relief `json:"reason" schema:"enum=hardship|uninsured|amends|courtesy"`
	From    time.Time       `json:"from"`
	// It is over then.
	Until time.Time `json:"until"`
	// The person who gave it.
	By string    `json:"given_by"`
	At time.Time `json:"given_at"`
}

func showDiscount(d identity.Discount) *discountReply {
	if d.Percent == 0 {
		return nil
	}
	return &discountReply{d.Percent, d.Reason, d.From, d.Until, d.By, d.At}
}

var giveDiscount = Endpoint{
	Method: "POST", Path: "/patients/{patient}/discount", ID: "giveDiscount", Group: "Patients",
	For: "Give a patient a discount",
	Text: "Takes a part of your prices off for one patient, or waives them, with a reason and for a time. It takes the place of the " +
		"discount that the patient has. It holds for what is priced from its first day on: the quote says so; a quote that was given " +
		"before stands until it expires. The prices by kind of clinician are discounted alike. Amounts are rounded down to the cent; " +
		"less than 50 cents cannot be charged to a card, and is waived. For staff and administrators.",
	By: ByRegistry, Who: Known, IfMatch: true, In: discountInput{},
	Out: patientReply{}, OutText: "The patient.",
	Refuses: []Refusal{{Code: "denied"}, {Code: "merged"}, {Code: "stale"}, {Code: "changed"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		in := r.In.(*discountInput)
		return a.replyPatient(a.Registrar.GiveDiscount(r.Context(), r.Caller, r.PathValue("patient"), registrar.Discounting{
			Percent: in.Percent, Reason: in.Reason, First: civilDay(in.First), Last: civilDay(in.Last),
		}))
	},
}

var endDiscount = Endpoint{
	Method: "POST", Path: "/patients/{patient}/discount/end", ID: "endDiscount", Group: "Patients",
	For: "Take a discount back",
	Text: "Ends the discount that a patient has, or that is to begin. A quote that was given before stands until it expires. Repeating it " +
		"succeeds. For staff and administrators.",
	By: ByRegistry, Who: Known, IfMatch: true,
	Out: patientReply{}, OutText: "The patient.",
	Refuses: []Refusal{{Code: "denied"}, {Code: "merged"}, {Code: "stale"}, {Code: "changed"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		return a.replyPatient(a.Registrar.EndDiscount(r.Context(), r.Caller, r.PathValue("patient")))
	},
}
