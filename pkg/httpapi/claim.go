package httpapi

import "evisit/pkg/identity"

var recordClaim = Endpoint{
	Method: "POST", Path: "/visits/{id}/claim", ID: "recordClaim", Group: "Practice",
	For: "Record that the health plan was billed",
	Text: "Ends the work of kind `plan.bill` of a visit whose patient paid the share of a health plan's member: somebody sent the claim by hand, or decided that none is. " +
		"Repeating it succeeds and changes nothing. For staff and admins.",
	Who: Known, Does: identity.BillPlan,
	In:  claimRequest{},
	Out: workItemReply{}, OutText: "The item of work, ended.",
	Refuses: []Refusal{
		{Code: "denied"},
		{Code: "nothing_to_bill"},
		{Code: "done_otherwise"},
		{Code: "changed"},
	},
	Serve: func(a *API, r *Request) (Reply, error) {
		done, err := a.Office.RecordClaim(r.Context(), r.Caller, r.PathValue("id"), r.In.(*claimRequest).Reference)
		return Reply{Body: showWork(done.Work)}, err
	},
}

type claimRequest struct {
	// The claim's number, as the payer or the clearinghouse gave it; if none was sent, why. Letters,
	// digits, spaces and - . / # only, and nothing about the patient.
	Reference string `json:"reference" validate:"required,max=40"`
}
