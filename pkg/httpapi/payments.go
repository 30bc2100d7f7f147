package httpapi

import (
	"strconv"
	"time"

	"evisit/pkg/clinic/request"
	"evisit/pkg/fault"
	"evisit/pkg/ledger"
	"evisit/pkg/visit"
)

var listPayments = Endpoint{
	Method: "GET", Path: "/me/payments", ID: "listPayments", Group: "Memberships",
	For: "List what you paid in a year",
	Text: "What was paid to your practice for visits and memberships on the days of a year in its zone, what came back, and what stays paid, oldest first: for a tax " +
		"return or a health account. It has no word of why. Visits that are in no list of the patient's are left out. For the patient, and who acts for them.",
	Who: Known, Query: []Param{{"patient", "", "A patient's id; else your own."}, {"year", "", "The year, as 2026; else the one that runs."}},
	Out: paymentsReply{}, OutText: "The year's payments; the list has no pages.",
	Refuses: []Refusal{{Code: "denied"}, {Code: "no_patient"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		year, err := yearOf(r.URL.Query().Get("year"))
		if err != nil {
			return Reply{}, err
		}
		s, err := a.Request.Payments(r.Context(), r.Caller, r.URL.Query().Get("patient"), year)
		return Reply{Body: showPayments(s)}, err
	},
}

// yearOf reads a year; 0 if none is given.
func yearOf(text string) (int, error) {
	year, err := strconv.Atoi(text)
	if text != "" && (err != nil || len(text) != len("2026")) {
		return 0, fault.New(fault.Invalid, "invalid_request", "some parameters need to be put right", fault.Problem{
			Where: "year", Code: "year", Text: "write the year as 2026",
		})
	}
	return year, nil
}

// What was paid to a practice for a patient in a year.
type paymentsReply struct {
	Year int `json:"year" schema:"min=2000"`
	// Oldest first.
	Payments []paidReply `json:"payments"`
	// What stays paid.
	Total int64 `json:"total_cents"`
}

// One thing that was paid, or came back.
type paidReply struct {
	At   time.Time   `json:"at"`
	Kind ledger.Kind `json:"kind"`
	// What it paid for; absent: a membership.
	Visit string `json:"visit,omitempty"`
	// Of the visit, as people are told.
	Request string `json:"request_number,omitempty"`
	// Of the receipt, or of the membership's invoice.
	Number string `json:"number"`
	// Negative if it came back.
	Amount int64 `json:"amount_cents"`
}

func showPayments(s request.Statement) paymentsReply {
	out := paymentsReply{s.Year, []paidReply{}, int64(s.Total)}
	for _, p := range s.Paid {
		shown := paidReply{At: p.At, Kind: p.Kind, Visit: p.Visit, Number: p.Number, Amount: int64(p.Amount)}
		if p.Visit != "" {
			shown.Request = visit.Visit{ID: p.Visit}.Number()
		}
		out.Payments = append(out.Payments, shown)
	}
	return out
}
