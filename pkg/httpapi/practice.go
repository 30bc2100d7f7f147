package httpapi

import (
	"bytes"
	"cmp"
	"net/url"
	"slices"
	"time"

	"evisit/pkg/audit"
	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/clinic/books"
	"evisit/pkg/identity"
	"evisit/pkg/ledger"
	"evisit/pkg/outbox"
	"evisit/pkg/practice"
	"evisit/pkg/work"
)

var getLedger = Endpoint{
	Method: "GET", Path: "/visits/{id}/ledger", ID: "getLedger", Group: "Visits: content",
	For: "Read a visit's money",
	Text: "Every attempt to pay and every double entry it caused, with balances summed from them. For the patient's side, " +
		"staff and admins.",
	Who: Known, Does: identity.ReadMoney,
	Out: ledgerReply{}, OutText: "The ledger.",
	Refuses: []Refusal{{Code: "denied"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		v, m, err := a.Office.Money(r.Context(), r.Caller, r.PathValue("id"))
		return Reply{Body: showMoney(v.ID, m)}, err
	},
}

// A visit's money.
type ledgerReply struct {
	Visit    string         `json:"visit"`
	Payments []paymentReply `json:"payments"`
	// Oldest first for each payment.
	Entries []entryReply `json:"entries"`
	// Sums of the entries by account; they add up to zero.
	Balances map[ledger.Account]int64 `json:"balances"`
}

// One attempt to pay for a visit.
type paymentReply struct {
	ID string `json:"id"`
	// `opened`: the page may be paid. `held`: the card is held. `processing`: a bank
	// was asked for the fee, which takes days. `captured`: the fee is collected. Then
	// perhaps `refunded`, and `captured` again if the refund fails. `disputed`: a
	// dispute is open, and the cardholder's bank decides: then `captured` again, or
	// `charged_back` if all of the charge is lost.
	// `abandoned`: the page closed unpaid. `released`: the hold was released.
	// `lapsed`: the hold expired. `failed`: the card or the bank account could not be
	// charged.
	State billing.State `json:"state"`
	// The practice's connected account at Stripe, which owns every Stripe id here.
	Account string `json:"account"`
	Amount  int64  `json:"amount_cents" schema:"min=1"`
	// When the patient agreed that the card is held again, or charged for the answer, without
	// them, if its hold runs out before they are answered. Absent: they did not.
	Later *time.Time `json:"later_charge_agreed_at,omitempty"`
	// The payment whose card this one holds or charges so. Absent: it has a page of its own.
	CardOf string `json:"card_of,omitempty"`
	// What was ever held.
	Held      int64 `json:"held_cents" schema:"min=0"`
	Collected int64 `json:"collected_cents" schema:"min=0"`
	Refunded  int64 `json:"refunded_cents" schema:"min=0"`
	// What Stripe took of the charge and of its refunds, without disputes.
	StripeFee int64 `json:"stripe_fee_cents,omitempty" schema:"min=0"`
	// What the platform took of the charge, less what it gave back with refunds.
	PlatformFee int64         `json:"platform_fee_cents,omitempty" schema:"min=0"`
	Dispute     *disputeReply `json:"dispute,omitempty"`
	// What disputes have of the charge.
	Withdrawn int64 `json:"withdrawn_cents,omitempty" schema:"min=0"`
	// What Stripe took of the practice for disputes.
	DisputeFee int64 `json:"dispute_fee_cents,omitempty" schema:"min=0"`
	// Stripe's id.
	Session string `json:"checkout_session,omitempty"`
	// Stripe's id.
	Intent string `json:"payment_intent,omitempty"`
	// When the hold expires.
	CaptureBefore *time.Time `json:"capture_before,omitempty"`
	// Stripe's code for why it failed; `refund_failed` for a refund that did.
	Why string `json:"failure,omitempty"`
	// When the page was asked for.
	OpenedAt time.Time `json:"opened_at"`
	// When its state became final.
	EndedAt *time.Time `json:"ended_at,omitempty"`
}

// The latest dispute of a charge: the cardholder, or their bank, wants the money back, or
// only asks about it. Absent if there was none.
type disputeReply struct {
	// Stripe's id.
	ID string `json:"id"`
	// Stripe's word: `needs_response`, `under_review`, `won` or `lost`; of an inquiry,
	// which moves no money, `warning_needs_response`, `warning_under_review` or
	// `warning_closed`. Any other is of a dispute that is open.
	Status string `json:"status"`
	// Stripe's code for what the cardholder says.
	Reason string `json:"reason,omitempty"`
	// Contested; it may differ from what was charged.
	Amount int64     `json:"amount_cents" schema:"min=0"`
	Opened time.Time `json:"opened_at"`
	// Until when the bank takes an answer.
	Due *time.Time `json:"due_at,omitempty"`
	// Whether the bank was answered, for an inquiry and for a dispute apart.
	Answered bool `json:"answered"`
	// Whether the time to answer passed without an answer.
	Missed bool `json:"missed"`
}

func showDispute(d billing.Dispute) *disputeReply {
	if d.ID == "" {
		return nil
	}
	return &disputeReply{d.ID, d.Status, d.Reason, int64(d.Amount), d.Opened, when(d.Due), d.Answered, d.Missed}
}

// A double entry. Its postings sum to zero.
type entryReply struct {
	// Unique within the payment.
	ID string `json:"id"`
	// Which event of the payment's life it records.
	Kind    ledger.Kind `json:"kind"`
	Payment string      `json:"payment"`
	// When.
	At time.Time `json:"at"`
	// Who had it refunded, a person's id, and why; absent where nobody here asked for it.
	By       string         `json:"by,omitempty"`
	Reason   string         `json:"reason,omitempty"`
	Postings []postingReply `json:"postings" schema:"min=2"`
}

// One line of an entry.
type postingReply struct {
	// `holds`: card holds in force, and `holds_owed` their counterpart. `stripe`:
	// what Stripe owes the practice. `visit_fees`: fees earned. `refunds`: fees
	// refunded. `disputes`: fees that cardholders' banks took back. `dispute_fees`:
	// what Stripe takes for disputes. `stripe_fees`: what Stripe takes of charges and
	// refunds. `platform_fees`: what the platform takes of charges, less what it gave back
	// with refunds. `deferred_fees`: yearly fees paid and not earned yet. `membership_fees`:
	// yearly fees earned. `bank`: what Stripe paid out.
	Account ledger.Account `json:"account"`
	// A debit is positive, a credit negative.
	Amount int64 `json:"amount_cents" schema:"min=-10000000 max=10000000"`
}

func showMoney(visit string, m books.Money) ledgerReply {
	out := ledgerReply{visit, []paymentReply{}, []entryReply{}, map[ledger.Account]int64{}}
	for _, p := range m.Payments {
		out.Payments = append(out.Payments, showPayment(p))
	}
	for _, e := range m.Entries {
		out.Entries = append(out.Entries, showEntry(e))
	}
	for account, sum := range ledger.Balances(m.Entries) {
		out.Balances[account] = int64(sum)
	}
	return out
}

func showPayment(p billing.Payment) paymentReply {
	return paymentReply{
		ID: p.ID, State: p.State, Account: p.Account, Amount: int64(p.Amount), Held: int64(p.Held),
		Collected: int64(p.Collected), Refunded: int64(p.Refunded), StripeFee: int64(p.StripeFee), PlatformFee: int64(p.PlatformFee), Dispute: showDispute(p.Dispute), Withdrawn: int64(p.Withdrawn),
		DisputeFee: int64(p.DisputeFee), Session: p.Session, Intent: p.Intent,
		Later: when(p.Later.At), CardOf: p.CardOf, CaptureBefore: when(p.CaptureBefore), Why: p.Why, OpenedAt: p.OpenedAt, EndedAt: when(p.EndedAt),
	}
}

func when(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func showEntry(e ledger.Entry) entryReply {
	out := entryReply{ID: e.ID, Kind: e.Kind, Payment: e.Payment, At: e.At, By: e.By, Reason: e.Reason}
	for _, p := range e.Postings {
		out.Postings = append(out.Postings, postingReply{p.Account, int64(p.Amount)})
	}
	return out
}

var getTrail = Endpoint{
	Method: "GET", Path: "/visits/{id}/audit", ID: "getTrail", Group: "Visits: content",
	For: "List who did and saw what",
	Text: "Every change of the visit, every read, and every refusal of either, in order, for the patient's side and admins. What one " +
		"person is refused again within the hour is listed once, and so is reading where it stands; the patient's side doing so is in the practice's log.",
	Who: Known, Does: identity.ReadTrail, Linked: true,
	Query: []Param{{"after", "", "The position after which to go on, as the `Link` of the page before has it."}},
	Out:   trailReply{}, OutText: "The trail, or a page of one of more than a thousand records.",
	Refuses: []Refusal{{Code: "denied"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		v, rs, err := a.Office.Trail(r.Context(), r.Caller, r.PathValue("id"))
		if err != nil {
			return Reply{}, err
		}
		rs, next, err := cutTrail(rs, r.URL.Query().Get("after"))
		return Reply{Body: showTrail(rs), Next: nextPage("/visits/"+v.ID+"/audit", next)}, err
	},
}

// trailPage bounds the records of one page of a trail, each of some hundred bytes.
const trailPage = 1000

// cutTrail returns the page of a trail that begins after a position, and the
// position after which the next begins.
func cutTrail(rs []audit.Record, after string) (page []audit.Record, next string, err error) {
	if after != "" && (!audit.IsPosition(after) || len(rs) == 0 || after > rs[len(rs)-1].Position()) {
		return nil, "", badParameter("after", "position", "the position of a record of the trail, as the Link of a page has it, or nothing to begin")
	}
	first := slices.IndexFunc(rs, func(r audit.Record) bool { return r.Position() > after })
	if first < 0 {
		return nil, "", nil
	}
	if page = rs[first:]; len(page) <= trailPage {
		return page, "", nil
	}
	return page[:trailPage], page[trailPage-1].Position(), nil
}

type trailReply struct {
	// In order.
	Records []actReply `json:"records" schema:"max=1000"`
}

// Who did something, or saw it, and when.
type actReply struct {
	ID string `json:"id"`
	// When.
	At time.Time `json:"at"`
	// A person's id, or `system:` and a name.
	Actor string `json:"actor"`
	// A role, or `system`.
	Role string `json:"role"`
	// Name and credential, of those who work at the practice.
	Name string `json:"name,omitempty"`
	// The patient, where someone acted for them.
	OnBehalf string `json:"on_behalf_of,omitempty"`
	// What was done, such as `visit.take:in_review` or `chart.read:document`, or what
	// was refused, such as `chart.read`.
	Action string `json:"action"`
	// Whether it was done, or refused because the person may not.
	Outcome string `json:"outcome" schema:"enum=done|refused"`
	// Why it was refused: `inactive`, `other_practice`, `grant_ended`, `no_relation`, `minor`,
	// `role`, or the code of the refusal.
	Reason string `json:"reason,omitempty"`
	// What for: `individual` for the patient's side, else `treatment`, `payment` or
	// `operations`. It follows from role and action.
	Purpose identity.Purpose `json:"purpose" schema:"enum=individual|treatment|payment|operations"`
	// Of the visit, as the action left it or as it was shown.
	Version int `json:"version,omitempty" schema:"min=1"`
}

func showTrail(rs []audit.Record) trailReply {
	out := trailReply{[]actReply{}}
	for _, rec := range rs {
		out.Records = append(out.Records, showAct(rec))
	}
	return out
}

func showAct(r audit.Record) actReply {
	return actReply{
		r.ID, r.At, r.Actor.ID, r.Actor.Role, r.Actor.Name, r.Actor.OnBehalf, r.Action, string(cmp.Or(r.Outcome, "done")), r.Reason,
		identity.PurposeOf(identity.Role(r.Actor.Role), r.Action), r.Version,
	}
}

var getPractice = Endpoint{
	Method: "GET", Path: "/practice", ID: "getPractice", Group: "Practice",
	For:  "Read your practice",
	Text: "Its name, phone, promised time and current consent text.",
	Who:  Known,
	Out:  practiceReply{}, OutText: "The practice.",
	Serve: func(a *API, r *Request) (Reply, error) {
		p, err := a.Request.Practice(r.Context(), r.Caller)
		return Reply{Body: showPractice(p)}, err
	},
}

// What a practice says of itself.
type practiceReply struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Phone string `json:"phone"`
	// IANA name.
	Zone string `json:"time_zone"`
	// US states its clinicians are licensed in.
	States       []string     `json:"states"`
	AnswerWithin int          `json:"answer_within_minutes" schema:"min=0"`
	Readers      string       `json:"who_reads"`
	Consent      consentReply `json:"consent"`
}

func showPractice(p practice.Practice) practiceReply {
	return practiceReply{
		p.ID, p.Name, p.Phone, p.Zone, append([]string{}, p.States...), int(p.Terms.Answer.Minutes()), p.Readers, showConsent(p.Consent),
	}
}

var listWork = Endpoint{
	Method: "GET", Path: "/practice/work", ID: "listWork", Group: "Practice",
	For: "List what somebody must do",
	Text: "What waits for a person, the most urgent first: something that the system was to do and gave up (see `resumeWork`), money that " +
		"was not collected, not refunded, disputed, or paid beside, a request that is late, expired, ended by a red flag, or changed hands. Admins see all of it, others that of their pool, without that of one colleague.",
	Who: Known,
	Out: workReply{}, OutText: "What is open, of very much the most urgent 500; the list has no pages.",
	Refuses: []Refusal{{Code: "denied"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		items, err := a.Office.Work(r.Context(), r.Caller)
		out := workReply{[]workItemReply{}}
		for _, i := range items {
			out.Items = append(out.Items, showWork(i))
		}
		return Reply{Body: out}, err
	},
}

type workReply struct {
	Items []workItemReply `json:"items" schema:"max=500"`
}

// One thing that a person must do.
type workItemReply struct {
	ID string `json:"id"`
	// `event.parked`: something that the system was to do was given up. `payment.failed`: an answer's
	// fee was not collected. `visit.diverted`: a red flag ended a request.
	// `visit.late`: the promised time passed; it ends with the request.
	// `visit.expired`: a request expired, for the reason in `note`. `payment.reversed`: a payment that no
	// answer calls for is refunded; find out how it was made. `payment.early`: a card was charged at Stripe
	// before the answer; it ends when all of it is refunded. `payment.unrefunded`: a
	// refund came back, and the money is in the account at Stripe; return it another way; it ends when the money is
	// refunded. `refund.unmade`: a refund that one of you asked for was not made, for the reason in `note` (`less_left`:
	// less is left of the charge than was asked for, because something was refunded elsewhere meanwhile; `disputed`:
	// the cardholder's bank has the money; else Stripe's code); see what is left before more is returned; it ends when another one is made,
	// or all is refunded. `payment.warned`: the card's
	// issuer warns of fraud; it ends when the fee is refunded. `payment.stray`:
	// somebody paid a page that this system did not make, and the money is given
	// back. `payment.disputed`: a charge is disputed, or a bank asks about it (`note` is `inquiry`): answer
	// the bank by `due_at`; it ends when that is done or cannot be any more. `dispute.missed`: a bank was not
	// answered in time. `account.lost`: the account at Stripe cannot be reached; it ends when it
	// can. `account.disabled`: Stripe has disabled the account, for the reason of its own in `note`; it ends when
	// Stripe has what it asks for. `payout.failed`: the bank refused a payout (see `listPayouts`), for Stripe's reason
	// in `note`, and the money is at Stripe; it ends when a later payout has arrived. `books.differ`: the books and Stripe have not the same
	// of something, as `difference` says; it ends when a later comparison finds them the same. `visit.handed`: a colleague handed the owner a request; it ends with the request, or when that
	// changes hands again. `visit.taken_over`: a colleague took over the owner's request; the chart says why.
	// `visits.returned`: a colleague lost their access, and the requests that they had taken are in the queue
	// again. `patient.unverified`: somebody registered as a patient on the public page, who may have a record
	// already if `note` is `possible_double`; it ends when they are verified, merged or refused.
	// `coverage.unchecked`: a patient, or who acts for them, entered or changed a health plan; it ends when somebody
	// has compared it with the card. `membership.unpaid`: the payment for a year of a membership failed; see with the
	// patient that it can be paid; it ends when it is paid, or the membership ends. `membership.unrefunded`: what is owed of
	// a membership that ended was not refunded, for the reason in `note`; return it another way; it ends when it is refunded at Stripe.
	// `membership.disputed`: the bank of who paid for a membership wants the money back, or asks about it (`note` is `inquiry`):
	// answer it at Stripe by `due_at`; it ends when that was done, or it was decided. `membership.medicare`: Medicare covers what
	// a member's membership includes; see which visits were included since. `plan.bill`: a visit was answered whose patient pays the share of a health plan's
	// member; send the plan the claim; it ends with `recordClaim`.
	Kind work.Kind `json:"kind"`
	// Whose work it is.
	Pool identity.Pool `json:"pool"`
	// The person of that pool whose work it is; absent of everybody's there.
	Owner   string `json:"owner,omitempty"`
	Visit   string `json:"visit,omitempty"`
	Payment string `json:"payment,omitempty"`
	// Whom it is about where it is about no visit; of a membership, who pays for it.
	Patient string `json:"patient,omitempty"`
	// The membership that it is about: `getMember` shows the latest of `patient`, and what is open of it.
	Membership string `json:"membership,omitempty"`
	Event      string `json:"event,omitempty"`
	// Of `event.parked`: the event's kind; absent if the event cannot be decoded.
	EventKind string `json:"event_kind,omitempty"`
	// Of `event.parked`: what was to be done, in words.
	Task string `json:"task,omitempty"`
	// Of `event.parked`: why it was given up, in words.
	Reason string `json:"reason,omitempty"`
	// A stable code for why: Stripe's, the mail service's or the system's own.
	Note string `json:"note,omitempty"`
	// Of `plan.bill` that has ended: the claim's number or, if none was sent, why.
	Reference  string           `json:"reference,omitempty"`
	Difference *differenceReply `json:"difference,omitempty"`

	Made time.Time `json:"made_at"`
	Due  time.Time `json:"due_at"`
	// When it was dealt with; absent while it is open.
	Ended *time.Time `json:"ended_at,omitempty"`
	// Who dealt with it: a person's id, or a part of the system.
	EndedBy string `json:"ended_by,omitempty"`
}

func showWork(i work.Item) workItemReply {
	out := workItemReply{
		ID: i.ID, Kind: i.Kind, Pool: i.Pool, Owner: i.Owner, Visit: i.Visit, Payment: i.Payment, Patient: i.Patient, Membership: i.Membership, Event: i.Event, EventKind: i.EventKind, Note: i.Note, Reference: i.Reference,
		Made: i.Made, Due: i.Due, Ended: when(i.Ended), EndedBy: i.EndedBy,
	}
	if i.Kind == work.BooksDiffer {
		d := showDifference(i.Difference)
		out.Difference = &d
	}
	if i.Kind == work.EventParked {
		out.Task, out.Reason = outbox.Kind(i.EventKind).Task(), outbox.Reason(i.Note)
	}
	return out
}

var endWork = Endpoint{
	Method: "POST", Path: "/practice/work/{work}/end", ID: "endWork", Group: "Practice",
	For:  "Say that something is done",
	Text: "Ends an item of work on your word; what was given up is then not tried again. Repeating it succeeds and changes nothing.",
	Who:  Known,
	Out:  workItemReply{}, OutText: "The item, ended.",
	Refuses: []Refusal{{Code: "denied"}, {Code: "claim_unrecorded"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		i, err := a.Office.EndWork(r.Context(), r.Caller, r.PathValue("work"))
		return Reply{Body: showWork(i)}, err
	},
}

var resumeWork = Endpoint{
	Method: "POST", Path: "/practice/work/{work}/resume", ID: "resumeWork", Group: "Practice",
	For: "Have what was given up tried again",
	Text: "For an item of kind `event.parked`: the system tries again, as often as the first time, and the item ends. It does " +
		"only what is still wanted; what fails again comes back as another item. Repeating it succeeds and changes nothing. For admins.",
	Who: Known,
	Out: workItemReply{}, OutText: "The item, ended.",
	Refuses: []Refusal{{Code: "denied"}, {Code: "nothing_to_resume"}, {Code: "changed"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		i, err := a.Office.ResumeWork(r.Context(), r.Caller, r.PathValue("work"))
		return Reply{Body: showWork(i)}, err
	},
}

var exportLog = Endpoint{
	Method: "GET", Path: "/practice/log", ID: "exportLog", Group: "Practice",
	For: "Export the audit log",
	Text: "Every audit record of the practice up to the latest checkpoint, one a line. Each line, without its newline, is " +
		"one leaf of an RFC 6962 Merkle tree: hash them as SHA-256 of a zero byte and the line, and compare the root " +
		"with the checkpoint. It comes in pages: while there are more, the reply has a `Link` to the next. For admins.",
	Who: Known, Linked: true,
	Query: []Param{{"after", "", "The position after which to go on, as the `Link` of the page before has it."}},
	Out:   "", Type: "application/x-ndjson", OutText: "A page of leaves, in order.",
	Refuses: []Refusal{{Code: "denied"}, {Code: "no_checkpoint", When: "nothing is signed yet"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		leaves, next, err := a.Office.ExportLog(r.Context(), r.Caller, r.URL.Query().Get("after"))
		return Reply{Body: lines(leaves), Next: nextPage("/practice/log", next)}, err
	},
}

// lines ends each leaf, which is exactly the bytes that are hashed, with a
// newline.
func lines(leaves []clinic.Leaf) []byte {
	var b bytes.Buffer
	for _, l := range leaves {
		b.Write(l.Bytes)
		b.WriteByte('\n')
	}
	return b.Bytes()
}

var exportRows = Endpoint{
	Method: "GET", Path: "/practice/log/rows", ID: "exportRows", Group: "Practice",
	For: "Export the rows that the log covers",
	Text: "Every row that a record of the log says was stored, as it is stored now, one a line: `{\"row\":` its key, " +
		"`\"bytes\":` its canonical bytes in base64. What is sealed stays sealed. With the leaves and a checkpoint it is " +
		"all that an auditor needs to find a row that was changed, removed, put back or moved. It comes in pages, as the " +
		"log does. For admins.",
	Who: Known, Linked: true,
	Query: []Param{{"after", "", "The position after which to go on, as the `Link` of the page before has it."}},
	Out:   "", Type: "application/x-ndjson", OutText: "A page of rows.",
	Refuses: []Refusal{{Code: "denied"}, {Code: "no_checkpoint", When: "nothing is signed yet"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		rows, next, err := a.Office.ExportRows(r.Context(), r.Caller, r.URL.Query().Get("after"))
		if err != nil {
			return Reply{}, err
		}
		var b []byte
		for _, row := range rows {
			if b, err = row.Append(b); err != nil {
				return Reply{}, err
			}
		}
		return Reply{Body: b, Next: nextPage("/practice/log/rows", next)}, nil
	},
}

// nextPage is the address of the page of an export that begins after next; empty
// if there is none.
func nextPage(path, next string) string {
	if next == "" {
		return ""
	}
	return path + "?" + url.Values{"after": {next}}.Encode()
}

var getCheckpoint = Endpoint{
	Method: "GET", Path: "/practice/log/checkpoint", ID: "getCheckpoint", Group: "Practice",
	For: "Read the latest checkpoint",
	Text: "The signed state of the audit log, as a C2SP tlog-checkpoint: origin, size, root hash, signature. A new one is " +
		"signed within minutes of a new record. For admins.",
	Who: Known,
	Out: "", Type: typeText, OutText: "The checkpoint.",
	Refuses: []Refusal{{Code: "denied"}, {Code: "no_checkpoint", When: "nothing is signed yet"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		h, err := a.Office.Checkpoint(r.Context(), r.Caller)
		return Reply{Body: []byte(h.Checkpoint)}, err
	},
}

var getLogKey = Endpoint{
	Method: "GET", Path: "/practice/log/key", ID: "getLogKey", Group: "Practice",
	For: "Read the log's public key",
	Text: "The key that verifies the checkpoints, in the encoding of signed notes. Keep it: comparing it later tells " +
		"whether it was replaced. For admins.",
	Who: Known,
	Out: "", Type: typeText, OutText: "The verifier key and a newline.",
	Refuses: []Refusal{{Code: "denied"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		key, err := a.Office.LogVerifier(r.Context(), r.Caller)
		return Reply{Body: []byte(key + "\n")}, err
	},
}
