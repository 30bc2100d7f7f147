package clinic

import (
	"bytes"
	"compress/flate"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/intake"
	"evisit/pkg/outbox"
	"evisit/pkg/phi"
	"evisit/pkg/visit"
)

// Where each sealed value belongs.
func answersPlace(v visit.Visit) Place { return Place{v.Practice, v.ID, "answers"} }
func divertPlace(v visit.Visit) Place  { return Place{v.Practice, v.ID, "divert"} }
func documentPlace(v visit.Visit, hash string) Place {
	return Place{v.Practice, v.ID, "document/" + hash}
}

func messagePlace(v visit.Visit, seq int) Place {
	return Place{v.Practice, v.ID, fmt.Sprintf("message/%d", seq)}
}
func contactPlace(p Patient) Place { return Place{p.Practice, p.ID, "contact"} }

// maxPlain bounds what a sealed value unpacks to.
const maxPlain = 8 << 20

// sealJSON packs v and seals it: JSON, deflated because forms repeat
// themselves, then encrypted.
func (cl *Clinic) sealJSON(ctx context.Context, at Place, v any) ([]byte, error) {
	plain, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encoding %s of %s: %w", at.Field, at.Record, err)
	}
	packed, err := deflate(plain)
	if err != nil {
		return nil, fmt.Errorf("packing %s of %s: %w", at.Field, at.Record, err)
	}
	return cl.Seal.Seal(ctx, at, packed)
}

// deflaters are kept for reuse: making one costs far more than using it.
var deflaters sync.Pool

func deflate(plain []byte) ([]byte, error) {
	var packed bytes.Buffer
	w, ok := deflaters.Get().(*flate.Writer)
	if ok {
		w.Reset(&packed)
	} else {
		var err error
		if w, err = flate.NewWriter(&packed, flate.DefaultCompression); err != nil {
			return nil, err
		}
	}
	defer deflaters.Put(w)
	if _, err := w.Write(plain); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return packed.Bytes(), nil
}

var inflaters = sync.Pool{New: func() any { return flate.NewReader(bytes.NewReader(nil)) }}

func inflate(packed []byte) ([]byte, error) {
	r := inflaters.Get()
	defer inflaters.Put(r)
	if err := r.(flate.Resetter).Reset(bytes.NewReader(packed), nil); err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(r.(io.Reader), maxPlain))
}

func (cl *Clinic) openJSON(ctx context.Context, at Place, sealed []byte, v any) error {
	packed, err := cl.Seal.Unseal(ctx, at, sealed)
	if err != nil {
		return fmt.Errorf("opening %s of %s: %w", at.Field, at.Record, err)
	}
	plain, err := inflate(packed)
	if err != nil {
		return fmt.Errorf("unpacking %s of %s: %w", at.Field, at.Record, err)
	}
	if err := json.Unmarshal(plain, v); err != nil {
		return fmt.Errorf("decoding %s of %s failed", at.Field, at.Record) // the cause may quote content
	}
	return nil
}

func hashText(s string) string { return hashBytes([]byte(s)) }

func hashBytes(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// hashJSON is the canonical hash of a record version: SHA-256 of its JSON,
// whose fields are in the order of its type.
func hashJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("clinic: %T cannot be JSON: %v", v, err)) // a programming error
	}
	return hashBytes(b)
}

func clip(s string, n int) string {
	if len(s) > n {
		return strings.ToValidUTF8(s[:n], "")
	}
	return s
}

func join(words []string) string { return strings.Join(words, ", ") }

type formKey struct{ name, version string }

// Form returns a stored form version. Versions never change, so each is read
// and compiled once in the life of the process.
func (cl *Clinic) Form(ctx context.Context, name, version string) (*intake.Form, error) {
	k := formKey{name, version}
	if f, ok := cl.forms.Load(k); ok {
		return f.(*intake.Form), nil
	}
	b, err := cl.Store.Form(ctx, name, version)
	if err != nil {
		return nil, err
	}
	f, err := intake.Load(b)
	if err != nil {
		return nil, fmt.Errorf("loading form %s %s: %w", name, version, err)
	}
	cl.forms.Store(k, f)
	return f, nil
}

type remembered struct {
	practice Practice
	until    time.Time
}

// practiceMemory is how long a practice's settings may be a moment old. Who
// may do what is never remembered, only what the practice offers.
const practiceMemory = 20 * time.Second

func (cl *Clinic) practice(ctx context.Context, id string) (Practice, error) {
	now := cl.now()
	if r, ok := cl.practices.Load(id); ok && now.Before(r.(remembered).until) {
		return r.(remembered).practice, nil
	}
	p, err := cl.Store.Practice(ctx, id)
	if err != nil {
		return Practice{}, err
	}
	if _, err := p.Location(); err != nil {
		return Practice{}, fmt.Errorf("reading practice %s: %w", id, err)
	}
	cl.practices.Store(id, remembered{p, now.Add(practiceMemory)})
	return p, nil
}

// draft returns the form a visit started with and its answers so far.
func (cl *Clinic) draft(ctx context.Context, l loaded) (*intake.Form, intake.Response, error) {
	f, err := cl.Form(ctx, l.visit.Form.Name, l.visit.Form.Version)
	if err != nil {
		return nil, intake.Response{}, err
	}
	r, err := cl.answers(ctx, l.visit, l.answers)
	return f, r, err
}

// answers opens what a patient answered. The last page is answered by
// submitting: it holds for as long as the visit stays submitted, and what was
// accepted is in the audit record.
func (cl *Clinic) answers(ctx context.Context, v visit.Visit, sealed []byte) (intake.Response, error) {
	var r intake.Response
	if sealed != nil {
		if err := cl.openJSON(ctx, answersPlace(v), sealed, &r); err != nil {
			return r, err
		}
	}
	if !v.Times.Submitted.IsZero() {
		r = r.Merge(intake.Acceptance())
	}
	return r, nil
}

func (cl *Clinic) contact(ctx context.Context, patient string) (identity.Contact, error) {
	p, err := cl.Store.Patient(ctx, patient)
	if err != nil {
		return identity.Contact{}, err
	}
	var c identity.Contact
	return c, cl.openJSON(ctx, contactPlace(p), p.Contact, &c)
}

// A Diversion is why a visit was stopped and what the patient was shown.
type Diversion struct {
	Rules       []intake.Fired     `json:"rules"`
	Disposition intake.Disposition `json:"disposition"`
	Form        string             `json:"form"` // canonical
	FormHash    string             `json:"form_hash"`
	Answers     string             `json:"answers_hash"`
	At          time.Time          `json:"at"`
	Message     phi.Text           `json:"message"`
	Language    string             `json:"language"`
	Phone       string             `json:"phone"`
}

// divert ends v: the answers and the record of what was shown are kept, a hold
// is let go, the practice is told.
func (cl *Clinic) divert(ctx context.Context, v visit.Visit, f *intake.Form, res intake.Result, now time.Time) (decision, *Diversion, error) {
	next, err := v.Divert(string(res.Disposition), now)
	if err != nil {
		return decision{}, nil, err
	}
	p, err := cl.practice(ctx, v.Practice)
	if err != nil {
		return decision{}, nil, err
	}
	d := &Diversion{
		Rules: res.Fired, Disposition: res.Disposition, Form: f.Canonical(), FormHash: f.Hash(),
		Answers: hashJSON(res.Response), At: now, Language: "en", Phone: p.Phone,
		Message: phi.Text(shown(res)),
	}
	answers, err := cl.sealJSON(ctx, answersPlace(v), res.Response)
	if err != nil {
		return decision{}, nil, err
	}
	record, err := cl.sealJSON(ctx, divertPlace(v), d)
	if err != nil {
		return decision{}, nil, err
	}
	es := cl.letGo(v, next, now)
	es = append(es, cl.event(outbox.Diverted, outbox.Notify, next, now))
	return decision{visit: next, commit: Commit{Answers: answers, Diverted: record, Events: es}}, d, nil
}

// diversion reads why v was stopped and what was shown.
func (cl *Clinic) diversion(ctx context.Context, v visit.Visit) (*Diversion, error) {
	record, err := cl.Store.Divert(ctx, v.ID)
	if err != nil {
		return nil, err
	}
	d := &Diversion{}
	return d, cl.openJSON(ctx, divertPlace(v), record, d)
}

// shown joins the messages of the rules that decided.
func shown(res intake.Result) string {
	var ms []string
	for _, r := range res.Fired {
		if string(r.Severity) == string(res.Disposition) {
			ms = append(ms, r.Message)
		}
	}
	return strings.Join(ms, "\n")
}

// refusal is how a diversion is told to someone who asked for a price.
func (d *Diversion) refusal() error {
	return fault.New(fault.Conflict, "diverted", d.Message.Reveal()+" You will not be charged. Practice phone: "+d.Phone)
}

// errAltered reports an object that is not what its hash says.
var errAltered = errors.New("the stored object is not the one whose hash was committed")
