package clinic

import (
	"context"
	"errors"
	"time"

	"evisit/pkg/audit"
	"evisit/pkg/billing"
	"evisit/pkg/coverage"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/ledger"
	"evisit/pkg/membership"
	"evisit/pkg/outbox"
	"evisit/pkg/practice"
	"evisit/pkg/protocol"
	"evisit/pkg/reconcile"
	"evisit/pkg/registry"
	"evisit/pkg/statement"
	"evisit/pkg/visit"
	"evisit/pkg/work"
)

// A Store has the reads of the kernel and Commit, the only write. A capability
// declares its further reads. Reads are consistent unless their comment says
// otherwise. A record that does not exist is an error of kind fault.NotFound.
type Store interface {
	// Load returns what q asks for in one read; a record that does not exist is
	// left zero.
	Load(ctx context.Context, q Query) (Rows, error)
	// Token returns the practices that know the holder of a token. Token, Person
	// and Grant may lag about a second behind the latest commit, and a
	// deactivation takes effect so much later.
	Token(ctx context.Context, p Proof) (Token, error)
	Person(ctx context.Context, id string) (identity.Person, error)
	// Grant returns the grant that lets person act for patient.
	Grant(ctx context.Context, patient, person string) (identity.Grant, error)
	// Patient returns a patient. It may lag about a second.
	Patient(ctx context.Context, id string) (Patient, error)
	// Account returns a practice's connected account as Stripe said last that it stands.
	Account(ctx context.Context, practice, account string) (billing.Account, error)
	// OpenedAccount returns the account that was made at Stripe for a practice.
	OpenedAccount(ctx context.Context, practice string) (OpenedAccount, error)
	// WorkItem returns one item, open or ended.
	WorkItem(ctx context.Context, practice, id string) (work.Item, error)
	// Request returns what was stored under an idempotency key. The row may
	// outlive its Ends.
	Request(ctx context.Context, key string) (Request, error)
	// Session returns the session whose cookie has that hash. The row may
	// outlive its Ends.
	Session(ctx context.Context, hash string) (Session, error)
	// KeptForms returns the forms kept for a holder. The rows may outlive their Ends.
	KeptForms(ctx context.Context, holder string) ([]KeptForm, error)
	Practice(ctx context.Context, id string) (practice.Practice, error)
	// Form returns the JSON of a form version that a practice has published.
	Form(ctx context.Context, practice, name, version string) ([]byte, error)
	// Trail returns the audit records of a visit since a time, of which the zero is the
	// beginning, in the order of the log. It may lag about a second.
	Trail(ctx context.Context, visit string, since time.Time) ([]audit.Record, error)

	// Commit stores c atomically: all of it or nothing. It fails with ErrChanged
	// if a guarded record is not at the version before, with ErrRepeated if the
	// request was committed before and its key has not expired, with ErrDone if
	// the event to consume is done, with ErrExists if a record that must be new
	// exists. An error of kind fault.Busy leaves the outcome unknown: the commit
	// may have happened. Committing the same value again is safe and writes
	// nothing twice; if the first one happened, the second returns the
	// error of a condition that the first made fail. For a request that is Refused it
	// writes nothing and fails with why.
	//
	// Every record that the log covers needs an audit record of its practice in
	// the same commit; Commit adds the hash of the stored row to that audit
	// record.
	Commit(ctx context.Context, c Commit) error
}

// A Query names what a step reads.
type Query struct {
	Visit   string
	Answers bool     // also the sealed answers
	Person  string   // also the person with this id; empty: none
	Kept    KeptForm // also the kept form with its Holder and ID; zero: none
	Latest  bool     // consistent; otherwise the read may lag about a second, at half the cost
}

// Rows is the result of a Query.
type Rows struct {
	Person  identity.Person
	Visit   visit.Visit
	Answers []byte   // sealed
	Kept    KeptForm // zero if there is none; it may outlive its Ends
}

// What a failed condition of a commit means.
var (
	ErrChanged  = fault.New(fault.Conflict, "changed", "this was changed by someone else in between; reload it and try again")
	ErrStale    = fault.New(fault.Stale, "stale", "this is no longer the version that you named; reload it and make your change again")
	ErrRepeated = fault.New(fault.Conflict, "request_seen", "this request was already carried out")
	ErrDone     = fault.New(fault.Conflict, "event_done", "this event was already handled")
	ErrExists   = fault.New(fault.Conflict, "exists", "this exists already")
)

// ErrUnreadable marks a row that is stored and cannot be read: it was damaged, or
// put under another's key, or a later version wrote it.
var ErrUnreadable = errors.New("a stored row cannot be read")

// A Damaged is a row that cannot be read, as what is to replace it names it. The
// write fails with ErrChanged if the row was written since. Mark is of the row's
// last write; empty if it has none.
type Damaged struct{ Mark string }

// A Commit is what one decision writes, in one transaction.
type Commit struct {
	// Guarded records: each must be stored at the version before its own, and
	// at version 1 must be new.
	Visit       *visit.Visit
	Underway    *visit.Underway
	Payments    []billing.Payment
	Standing    *billing.Account // of a connected account at Stripe
	Payout      *billing.Payout
	Progress    *reconcile.Progress // of the comparison of an account
	Closing     *Closing            // how far the books of a practice are closed
	Memberships []Membership
	Bills       []membership.Bill
	Counts      []Count
	Work        []work.Item
	Deliveries  []outbox.Delivery // after a failed try, or re-armed
	Log         *LogHead
	Sweep       *SweepState
	Practice    *practice.Practice // its Core
	Person      *identity.Person
	Grants      []identity.Grant
	Token       *Token
	Patients    []Patient
	Import      *registry.Import
	Invitation  *Invitation
	Coverages   []Coverage
	Payer       *coverage.Payer
	Contract    *billing.Contract
	Draft       *protocol.Draft
	Session     *Session

	// Records written with the visit and guarded by its version.
	Answers  []byte // sealed; they replace the ones before. Empty and not nil: those are removed, and their row stays empty
	Diverted []byte // sealed

	// Records that must be new.
	Messages []Message
	Notes    []Note
	Entries  []ledger.Entry
	Evidence []Evidence
	Outcome  *reconcile.Outcome // of a comparison
	Balance  *statement.Balance // at which a month of a practice's books was closed
	Events   []outbox.Event
	Request  *Request
	Audit    []audit.Record
	Config   bool // Practice's Config, as the version that its Core names
	Consent  bool // Practice's Consent, likewise
	// NextConsent is Practice's NextConsent, likewise.
	NextConsent bool
	Account     bool // that Practice's connected account is its own
	// Opened is the account that was made at Stripe for a practice.
	Opened  *OpenedAccount
	Forms   []Form
	MarkKey *MarkKey

	// Done is the event that this commit consumes; it must not be done yet.
	Done string
	At   time.Time // when it was decided; needed with Done

	// Written without a condition.
	Kept  *KeptForm
	Marks []Mark
}

// An OpenedAccount is the account that function charge made at Stripe for a practice. It is
// the practice's when its Core says so.
type OpenedAccount struct {
	Practice string `json:"practice"`
	Account  string `json:"account"`
}

// A Patient is as it is stored: the contact data are Sealed, and zero in the patient.
type Patient struct {
	identity.Patient
	Sealed []byte
}

// A Mark says that a patient may be the same person as others with the mark. It is a
// hint: the patient is read again before anything is said of them.
type Mark struct {
	Key     string // a registry.Pair
	Patient string
}

// A MarkKey is the secret with which a practice's marks are made, sealed.
type MarkKey struct {
	Practice string
	Sealed   []byte
}

// An Invitation is as it is stored: its address, and its code until it is accepted,
// are sealed.
type Invitation struct {
	registry.Invitation
	Sealed []byte
}

// A Coverage is as it is stored: the card is Sealed, and zero in the coverage.
type Coverage struct {
	coverage.Coverage
	Sealed []byte
}

// A Token lists, for the subject of an issuer, the person that each practice
// knows them as.
type Token struct {
	Proof       Proof
	Memberships []identity.Membership
	Version     int
}

// An Evidence is what is submitted to a bank about the dispute of Payment, in its present
// stage. It never changes.
type Evidence struct {
	Payment  billing.Payment
	Evidence billing.Evidence
}

// A Membership is stored with when it must next be looked at; the zero Due is never.
type Membership struct {
	membership.Membership
	Due time.Time
}

// A Count is the included visits that were used of a membership in one year, at a practice.
type Count struct {
	membership.Count
	Practice string
}

// A Form is a questionnaire version that a practice has published. It never
// changes.
type Form struct {
	Practice, Name, Version string
	JSON                    []byte
	// Approved is the medical director's approval; nil for a form that was registered by
	// the system.
	Approved *protocol.Approval
}

// A FormVersion is a published version of a form, without its text.
type FormVersion struct {
	Name, Version string
	At            time.Time // when it was published
	Approved      *protocol.Approval
}

// A Message is a sealed record.Message and its place in the visit.
type Message struct {
	Visit string
	Seq   int // 1 for the first
	Body  []byte
}

// A Note is a sealed record.Note and its place in the visit.
type Note struct {
	Visit string
	Seq   int // 1 for the first
	Body  []byte
}

// Content is everything of a visit that is sealed in rows.
type Content struct {
	Answers  []byte
	Diverted []byte
	Messages []Message // in the order they were sent
	Notes    []Note    // likewise
}

// A Request is stored for a request carried out under an idempotency key: the
// hash of its input, and the id of its result. Without either it keeps what was
// recorded in an hour from being recorded again.
type Request struct {
	Key, Input, Result string
	Ends               time.Time
}

// A Session is a person's sign-in to the pages, under an opaque cookie.
type Session struct {
	Hash    string // of the cookie's value, which is not kept
	Proof   Proof
	Seen    time.Time // when it was last used, as far as it was written
	Renew   time.Time // from when on the provider must be asked whether the sign-in holds
	Trying  time.Time // until when a request that asks the provider is waited for; zero: none asks
	Ends    time.Time // at the latest
	Refresh []byte    // the provider's refresh token, sealed; empty if there is none
	Name    []byte    // how the pages call the person, sealed; empty if that is unknown
	Contact []byte    // the addresses that the provider confirmed, sealed; empty if there is none
	// Practice is at which of the practices that know them the person is; empty: not
	// chosen among several, or the only one.
	Practice string
	Strong   bool // signed in with a second factor
	Ended    bool // signed out
	Version  int  // 0 of a session begun before sessions were renewed
}

// KeptLife is how long a form is kept that was posted with a session that had
// ended, and for how long after its end a session is known.
const KeptLife = 24 * time.Hour

// A KeptForm is a form, sealed, that was filled in and not sent: it was posted with a
// session that had ended, and waits for its sender to sign in again, or the one who
// filled it in left its page.
type KeptForm struct {
	Holder string // hash of the proof of whom it is kept for
	ID     string
	Sealed []byte // empty: sent, or not wanted
	Ends   time.Time
}

// A LogHead is the latest signed state of a practice's audit log.
type LogHead struct {
	Practice string `json:"practice"`
	audit.Head
	Version int      `json:"-"`
	Damaged *Damaged `json:"-"` // the row that this head replaces; nil if that can be read
}

// A SweepState is the progress of the function sweep.
type SweepState struct {
	Bucket  outbox.Bucket `json:"bucket"` // the last whose lost events were re-armed
	Hour    string        `json:"hour"`   // before which every log is signed
	Version int           `json:"-"`
	Damaged *Damaged      `json:"-"` // the row that this state replaces; nil if that can be read
}

// A Closing is how far a practice's books are closed, with when the next month is to be.
type Closing struct {
	statement.Closing

	Due time.Time
}
