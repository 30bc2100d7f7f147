package clinic

import (
	"context"
	"time"

	"evisit/pkg/audit"
	"evisit/pkg/billing"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/ledger"
	"evisit/pkg/outbox"
	"evisit/pkg/visit"
)

// A Store keeps the clinic's records. Reads are of the latest commit, except
// where they say otherwise. A record that is not there is an error of kind
// fault.NotFound.
type Store interface {
	// Person returns who issuer's subject is. It, and Patient, may be a moment
	// old, at most about a second: so much later a deactivation holds.
	Person(ctx context.Context, issuer, subject string) (identity.Person, error)
	Patient(ctx context.Context, id string) (Patient, error)
	Practice(ctx context.Context, id string) (Practice, error)
	// Practices lists the ids of all practices.
	Practices(ctx context.Context) ([]string, error)
	// Form returns a stored form version's JSON.
	Form(ctx context.Context, name, version string) ([]byte, error)

	Visit(ctx context.Context, id string) (visit.Visit, error)
	// Case returns a visit and its sealed answers, which are nil before the
	// first save, in one read.
	Case(ctx context.Context, id string) (visit.Visit, []byte, error)
	// Open returns what w wants in one read. What is not there is left zero.
	Open(ctx context.Context, w Want) (Opened, error)
	// Messages returns a visit's messages, at least as many as sent, in the order
	// they were sent.
	Messages(ctx context.Context, visit string, sent int) ([]Message, error)
	// Divert returns the sealed record of why a visit was diverted.
	Divert(ctx context.Context, visit string) ([]byte, error)
	// Queue lists a pool's open visits in the order they were queued, and Mine a
	// patient's, newest first, after cursor. They may lag a moment behind. The
	// returned cursor is empty at the end.
	Queue(ctx context.Context, practice string, pool identity.Pool, cursor string, limit int) ([]visit.Visit, string, error)
	Mine(ctx context.Context, patient, cursor string, limit int) ([]visit.Visit, string, error)

	Payment(ctx context.Context, id string) (billing.Payment, error)
	// Entries returns what the ledger holds of a payment, oldest first.
	Entries(ctx context.Context, payment string) ([]ledger.Entry, error)

	Delivery(ctx context.Context, event string) (outbox.Delivery, error)
	// Due lists visits and deliveries whose time has come, at most limit from each
	// part of the index. It may lag a moment behind.
	Due(ctx context.Context, now time.Time, limit int) (visits []string, deliveries []string, err error)
	// Parked lists the deliveries given up, of one practice.
	Parked(ctx context.Context, practice string) ([]outbox.Delivery, error)
	Request(ctx context.Context, key string) (Request, error)

	// Trail returns a practice's audit records of one day (UTC), sorted by time
	// and id; of one visit only, unless that is empty.
	Trail(ctx context.Context, practice string, day time.Time, visit string) ([]audit.Record, error)

	// LogHead returns the latest head of a practice's log; version 0 if none.
	LogHead(ctx context.Context, practice string) (LogHead, error)

	// Commit stores c atomically: all of it or nothing. It fails with
	// ErrChanged if a guarded record is not at the version before, with ErrSeen
	// if the request was committed before, with ErrDone if the delivery it
	// consumes was consumed, with ErrExists if a record that must be new is
	// there. An error of kind fault.Busy leaves the outcome unknown: the commit
	// may have happened. Committing the same value again is safe and writes
	// nothing twice; what happened before then reports the failure above that it
	// causes.
	Commit(ctx context.Context, c Commit) error
}

// A Want is what a step needs to decide on.
type Want struct {
	Visit   string
	Answers bool  // also the sealed answers
	Who     Proof // also the person it proves, unless it is empty
	Latest  bool  // as of the latest commit; else as of a moment ago, at half the cost
}

// Opened is what a Want was answered with.
type Opened struct {
	Person  identity.Person
	Visit   visit.Visit
	Answers []byte // sealed
}

// What a failed condition of a commit means.
var (
	ErrChanged = fault.New(fault.Conflict, "changed", "this was changed by someone else in between; reload it and try again")
	ErrSeen    = fault.New(fault.Conflict, "request_seen", "this request was already carried out")
	ErrDone    = fault.New(fault.Conflict, "event_done", "this event was already handled")
	ErrExists  = fault.New(fault.Conflict, "exists", "this exists already")
)

// A Commit is everything one decision makes true.
type Commit struct {
	// Guarded records: each must be stored at the version before its own, and
	// at version 1 must be new.
	Visit    *visit.Visit
	Payments []billing.Payment
	Tried    []outbox.Delivery // after a failed try, or re-armed
	Log      *LogHead

	// Records written with the visit and guarded by its version.
	Answers  []byte // sealed; they replace the ones before
	Diverted []byte // sealed

	// Records that must be new.
	Messages []Message
	Entries  []ledger.Entry
	Events   []outbox.Event
	Request  *Request
	Audit    []audit.Record

	// Done is the event that this commit consumes; it must not be done yet.
	Done string
	At   time.Time // when, for Done

	// Reference records, written whole by registration.
	Practice *Practice
	Person   *Registered
	Patient  *Patient
	Form     *StoredForm
}

// A Practice is a tenant, with what it has decided.
type Practice struct {
	ID      string            `json:"id"`
	Name    string            `json:"name"`
	Phone   string            `json:"phone"`   // given to diverted patients
	Inbox   string            `json:"inbox"`   // where the practice is told of work
	Account string            `json:"account"` // its Stripe connected account
	Since   time.Time         `json:"since"`   // when it was registered
	Zone    string            `json:"zone"`    // IANA name, for times shown to people
	States  []string          `json:"states"`  // where its clinicians are licensed
	Forms   map[string]string `json:"forms"`   // form name → version offered
	Prices  billing.PriceList `json:"prices"`
	Terms   visit.Terms       `json:"terms"`
	Consent Consent           `json:"consent"`
	Readers string            `json:"readers"` // who reads requests, for patients (guideline G2)
}

// A Consent is the text a patient accepts before a visit (eRisk; guideline
// G15). A new text is a new version.
type Consent struct {
	Version string `json:"version"`
	Text    string `json:"text"`
}

// A Patient is whom visits are about. Contact is a sealed identity.Contact.
type Patient struct {
	ID       string
	Practice string
	Contact  []byte
}

// Registered is a person and the token subject that proves to be them.
type Registered struct {
	Issuer, Subject string
	Person          identity.Person
}

// A StoredForm is an immutable questionnaire version.
type StoredForm struct {
	Name, Version string
	JSON          []byte
}

// A MessageKind says what a message is for.
type MessageKind string

const (
	Ask    MessageKind = "ask"    // the clinician needs to know more
	Info   MessageKind = "info"   // the patient replies or adds
	Reply  MessageKind = "answer" // the answer
	Notice MessageKind = "notice" // why the visit was declined or redirected
)

// A Message is one thing said in a visit. It never changes. Body is sealed.
type Message struct {
	Visit string      `json:"-"`
	Seq   int         `json:"seq"` // 1 for the first
	Kind  MessageKind `json:"kind"`
	From  string      `json:"from"`
	Name  string      `json:"name,omitempty"` // of a clinician, as displayed
	At    time.Time   `json:"at"`
	Body  []byte      `json:"-"`
}

// A Request is the memory of one carried out under an idempotency key.
type Request struct {
	Key, Input, Result string
	Ends               time.Time
}

// A LogHead is the latest signed state of a practice's audit log: all records
// up to Through, in order of time and id.
type LogHead struct {
	Practice   string         `json:"practice"`
	Tree       audit.Frontier `json:"tree"`
	Through    time.Time      `json:"through"`
	Checkpoint []byte         `json:"checkpoint"`
	Version    int            `json:"version"`
}
