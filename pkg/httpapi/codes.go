package httpapi

// A Code is one way to be refused. Clients act on its name, so a name never
// changes its meaning.
type Code struct {
	Status     int
	Name, When string
}

// Codes are all there are, for the document. The endpoints say which of them
// each may refuse with.
var Codes = []Code{
	{400, "malformed_json", "the body is not one JSON object, has a member twice or is nested too deep; `detail` says which"},
	{400, "not_json", "the Content-Type is not JSON"},
	{400, "unknown_field", "a field that this request does not have; `problems` names it"},
	{400, "unreadable", "the body ended early; send it again"},
	{400, "wrong_type", "a field of the wrong JSON type; `problems` names it"},
	{400, "response-malformed", "answers that are not one JSON object, have a member twice or are nested deeper than any form; `detail` says which"},
	{400, "bad_signature", "a webhook not signed for this endpoint, or too old"},
	{400, "wrong_endpoint", "a webhook sent to the other of the two endpoints"},
	{401, "not_signed_in", "no token, or one that is not valid here or no longer"},
	{401, "unknown_person", "a good token of someone no practice here knows, or who was deactivated"},
	{403, "denied", "your role does not allow this, or the visit is not yours: a colleague has taken it, or nobody has; `detail` says which"},
	{403, "not_licensed", "you hold no current license for the state the patient is in"},
	{404, "not_found", "no such thing, or not yours to see: the two look alike on purpose"},
	{404, "no_route", "no such address"},
	{405, "wrong_method", "the address has other methods; `Allow` lists them"},
	{404, "unknown_form", "a form your practice does not have"},
	{404, "no_document", "the visit is not answered yet, so it has no document"},
	{404, "no_checkpoint", "the log has no signed checkpoint yet"},
	{409, "already_taken", "a colleague has taken this visit; `detail` names them"},
	{409, "changed", "someone else changed it at the same moment, again and again; reload and try again"},
	{409, "consent_replaced", "the consent text you accepted is no longer the current one"},
	{409, "diverted", "the answers raise a red flag: show `detail` to the patient; nothing is charged"},
	{409, "event_done", "the event was already handled"},
	{409, "exists", "a record of that id is there already"},
	{409, "idempotency_key_reused", "this Idempotency-Key was used for a different request"},
	{409, "message_limit", "one side has sent as many messages as an e-visit allows"},
	{409, "no_price", "the practice has posted no price for the form"},
	{409, "no_quote", "submitting answers that have no price yet"},
	{409, "not_eligible", "the form is not meant for a patient of this age or sex"},
	{409, "not_offered", "the form can be read and checked, but not started"},
	{409, "nothing_to_pay", "there is nothing to pay for this visit"},
	{409, "payment_page_refused", "Stripe refuses to make a payment page for the practice; repeating it does not help, call the practice"},
	{409, "payment_pending", "Stripe has yet to report whether the last payment page was paid; look again in some minutes"},
	{409, "quote_expired", "the quote is more than an hour old"},
	{409, "quote_replaced", "a newer quote was given since, for other answers or because little time was left of it"},
	{409, "request_seen", "this request was already carried out"},
	{409, "state_not_served", "no clinician of the practice is licensed where the patient is"},
	{409, "wrong_status", "the visit's status does not allow this step; `detail` says which it has"},
	{412, "stale", "If-Match names another version than the stored one"},
	{413, "too_large", "the body is over 512 KiB"},
	{413, "response-too-large", "the answers alone are too long"},
	{422, "answer_incomplete", "the clinician's answer lacks something; `problems` lists all of it"},
	{422, "answers_incomplete", "questions are still open; `problems` lists them by linkId"},
	{422, "answers_wrong", "answers need to be put right; `problems` lists all of them by linkId"},
	{422, "identity_mismatch", "the form names someone else than who is signed in"},
	{422, "invalid_request", "fields, parameters or headers break a rule; `problems` lists them"},
	{422, "message_length", "a message is blank, over 8,000 characters, or has the character U+0000"},
	{422, "other_form", "the answers name another form or version"},
	{422, "response-invalid", "the answers are JSON, but not a QuestionnaireResponse"},
	{422, "state_moved", "a correction may not move the patient to another state"},
	{422, "unknown_form", "a form or version, named in the body, that your practice does not offer"},
	{500, "internal", "a fault on our side; try again"},
	{503, "document_not_stored", "the record of the visit cannot be stored just now; nothing was sent"},
	{503, "payment_page_unavailable", "nothing was sent, because the payment page could not be made; repeat the same request"},
	{503, "try_again", "our records do not answer just now; repeat it"},
	{504, "internal", "we ran out of time, and whether the request took effect is unknown"},
}
