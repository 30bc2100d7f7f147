package httpapi

import (
	"net/url"

	"evisit/pkg/clinic/request"
	"evisit/pkg/httpapi/archive"
	"evisit/pkg/record"
)

// What patients, and who acts for them, have of all that is stored of them.

var listAccess = Endpoint{
	Method: "GET", Path: "/me/access", ID: "listAccess", Group: "Visits: content",
	For: "List who did and saw what of a patient's data",
	Text: "Everyone who changed or read the data of yourself, or with `patient` of someone you act for, or was refused, across all visits, " +
		"newest first and in words. What the patient looks up where their own visits stand is in the practice's log alone, and so are the lists " +
		"from which its people work. Visits that are in no list of the patient's are left out. The call is recorded.",
	Who: Known, Paged: true,
	Query: []Param{{"patient", "", "A patient's id; else your own."}},
	Out:   accessList{}, OutText: "A page.",
	Refuses: []Refusal{{Code: "denied"}, {Code: "no_patient"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		all, next, err := a.Request.AccessList(r.Context(), r.Caller, r.URL.Query().Get("patient"), r.After, r.Limit)
		out := accessList{[]accessReply{}, showCursor(r.list, next)}
		to := record.Reader{ID: r.Caller.Person.ID, Patient: r.Caller.Person.Patient}
		for _, one := range all {
			out.Records = append(out.Records, showAccess(one, to))
		}
		return Reply{Body: out}, err
	},
}

// A page of who did and saw what.
type accessList struct {
	// Newest first.
	Records []accessReply `json:"records"`
	// The `cursor` of the next page; absent on the last.
	Next string `json:"next,omitempty" schema:"min=1"`
}

// One thing that somebody did with a patient's data, saw of them, or was refused.
type accessReply struct {
	actReply
	// The visit that it is about; absent of the patient's data as a whole.
	Visit string `json:"visit,omitempty"`
	// Who, and what they did or, if it was refused, tried to do: `Ana Rivera, MD, clinician: took the request`.
	Words string `json:"words"`
}

func showAccess(one request.Access, to record.Reader) accessReply {
	act := record.ActOf(one.Record, to)
	words := act.Who
	if act.Role != "" {
		words += ", " + act.Role
	}
	if act.Refused {
		words += ": tried to " + act.What
	} else {
		words += ": " + act.What
	}
	return accessReply{showAct(one.Record), one.Record.Visit, words}
}

var getRecord = Endpoint{
	Method: "GET", Path: "/me/record", ID: "getRecord", Group: "Visits: content",
	For: "Download the whole record",
	Text: "Everything that is stored of yourself, or with `patient` of someone you act for, as a zip file: `index.html` to begin with, and for each " +
		"visit a page, the same as JSON, the encounter document and its addendum as their hashes prove them, payments, and who saw or changed it; health plans are in the first part. A " +
		"long record comes in parts, of at most `limit` visits and never more than twenty: while there are more, the reply has a `Link` to the next, and so has the part's index. What " +
		"colleagues wrote to each other on handing a visit over is not in it; the index says why. The call is recorded, and every message in the part counts as read.",
	Who: Known, Paged: true, Linked: true,
	Query: []Param{{"patient", "", "A patient's id; else your own."}},
	Out:   "", Type: "application/zip", OutText: "A part of the record.",
	Refuses: []Refusal{{Code: "denied"}, {Code: "no_patient"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		patient := r.URL.Query().Get("patient")
		page := func(cursor string) string {
			q := url.Values{"cursor": {showCursor(r.list, cursor)}}
			if patient != "" {
				q.Set("patient", patient)
			}
			return "/me/record?" + q.Encode()
		}
		part, err := archive.Make(r.Context(), a.Request, r.Caller, request.Place{Patient: patient, Cursor: r.After, Limit: r.Limit}, func(cursor string) string {
			return a.Request.Pages + page(cursor)
		})
		next := ""
		if part.Next != "" {
			next = page(part.Next)
		}
		return Reply{Body: part.Zip, Next: next}, err
	},
}
