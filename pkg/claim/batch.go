package claim

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"time"

	"evisit/pkg/coding/icd"
	"evisit/pkg/fault"
	"evisit/pkg/money"
	"evisit/pkg/x12"
	"evisit/pkg/x12/p837"
)

// A Submission is a claim and whom it names.
type Submission struct {
	Claim   Claim
	Parties Parties
}

// receiver is the electronic address that the claim goes to; empty if there is none.
func (s Submission) receiver() string { return s.Parties.billed(s.Claim.Coverage).Payer.Address }

// A Parcel is the claims of a practice that go into one file, to one receiver.
type Parcel struct {
	Practice, Receiver string // Receiver is coverage.Payer.Address
	Submissions        []Submission
}

// Sort returns the ready ones of claims as they go into files: one for each practice and receiver,
// or more where a file would hold more than 5,000, in the order of the claims' numbers.
func Sort(all []Submission) []Parcel {
	ready := slices.DeleteFunc(slices.Clone(all), func(s Submission) bool { return s.Claim.State != Ready || s.receiver() == "" })
	slices.SortStableFunc(ready, func(a, b Submission) int {
		return cmp.Or(cmp.Compare(a.Claim.Practice, b.Claim.Practice), cmp.Compare(a.receiver(), b.receiver()), cmp.Compare(a.Claim.Number, b.Claim.Number))
	})
	var parcels []Parcel
	for _, s := range ready {
		n := len(parcels) - 1
		if n < 0 || parcels[n].Practice != s.Claim.Practice || parcels[n].Receiver != s.receiver() || len(parcels[n].Submissions) == p837.MaxClaims {
			parcels = append(parcels, Parcel{Practice: s.Claim.Practice, Receiver: s.receiver()})
			n++
		}
		parcels[n].Submissions = append(parcels[n].Submissions, s)
	}
	return parcels
}

// A Sender is who sends files, as receivers know it.
type Sender struct {
	Submitter p837.Organization
	Contact   p837.Contact
	Test      bool // files are tests, and nothing in them is acted upon
}

// Numbers are those of one file. They come from a counter that gives none twice, whatever
// fails: a file with numbers that were used before is refused.
type Numbers struct {
	Interchange int    // ISA13, 1 to 999999999
	Group       int    // GS06, likewise
	Reference   string // BHT03
}

// firstSet is ST02 of the one transaction in a file, which x12.Writer numbers.
const firstSet = "0001"

// A Batch is one file: an interchange with one group and one transaction.
type Batch struct {
	Interchange x12.Interchange
	Group       x12.Group
	Head        p837.Batch
	Claims      []*p837.Claim
}

// Charge is what the claims of b bill together.
func (b Batch) Charge() (sum money.Cents) {
	for _, c := range b.Claims {
		sum += c.Charge
	}
	return sum
}

// Write writes the file.
func (b Batch) Write(dst io.Writer) error {
	w := p837.NewWriter(dst, b.Interchange, b.Group)
	if err := w.Begin(b.Head); err != nil {
		return err
	}
	for _, c := range b.Claims {
		if err := w.Claim(c); err != nil {
			return fmt.Errorf("claim %s of batch %s: %w", c.ID, b.Head.Reference, err)
		}
	}
	return w.Close()
}

// Build returns the file of a parcel, built at now, and its claims as they then stand, in the
// parcel's order: batched, or held if the parties have changed so that a claim cannot be sent, and
// is then not in the file. name is the receiver's.
//
// It refuses with fault.Invalid what cannot head a file (batch_not_writable), and with
// fault.Conflict a claim that is not ready (claim_state), is in the parcel twice or belongs into
// another (other_parcel), and a parcel of which nothing can be sent (nothing_to_send).
func (p Parcel) Build(s Sender, name string, n Numbers, book icd.Book, now time.Time) (Batch, []Claim, error) {
	if len(p.Submissions) == 0 {
		return Batch{}, nil, errNothingToSend
	}
	b := newBatch(s, p837.Organization{Name: name, ID: p.Receiver}, n, now.In(p.Submissions[0].Parties.Zone))
	if err := b.check(); err != nil {
		return Batch{}, nil, err
	}
	file := File{Interchange: n.Interchange, Group: n.Group, Set: firstSet, Reference: n.Reference, At: now}
	var next []Claim
	seen := map[string]bool{}
	for _, sub := range p.Submissions {
		c := sub.Claim
		switch {
		case c.State != Ready:
			return Batch{}, nil, c.refuse("put it into a file")
		case seen[c.Number] || c.Practice != p.Practice || sub.receiver() != p.Receiver:
			return Batch{}, nil, fault.New(fault.Conflict, "other_parcel", "claim "+c.Number+" is in this batch already, or belongs into another one")
		}
		seen[c.Number] = true
		c, err := c.Review(sub.Parties, book, now)
		if err != nil {
			return Batch{}, nil, err
		}
		if c.State == Ready {
			form := c.form(c.current()+1, sub.Parties)
			b.Claims = append(b.Claims, form)
			c = c.intoFile(file, form, now)
		}
		next = append(next, c)
	}
	if len(b.Claims) == 0 {
		return Batch{}, next, errNothingToSend
	}
	return b, next, nil
}

var errNothingToSend = fault.New(fault.Conflict, "nothing_to_send", "no claim of this batch can be sent; each says what holds it")

func newBatch(s Sender, receiver p837.Organization, n Numbers, at time.Time) Batch {
	return Batch{
		Interchange: x12.Interchange{
			Sender: x12.Address{Qualifier: "ZZ", ID: s.Submitter.ID}, Receiver: x12.Address{Qualifier: "ZZ", ID: receiver.ID},
			At: at, Control: n.Interchange, Test: s.Test,
		},
		Group: x12.Group{Sender: s.Submitter.ID, Receiver: receiver.ID, At: at, Control: n.Group},
		Head:  p837.Batch{Reference: n.Reference, At: at, Submitter: s.Submitter, Contact: s.Contact, Receiver: receiver},
	}
}

// check refuses what the head of a file cannot have.
func (b Batch) check() error {
	all := x12.Checks{Problems: p837.CheckBatch(b.Head)}
	for where, id := range map[string]string{"submitter/id": b.Head.Submitter.ID, "receiver/id": b.Head.Receiver.ID} {
		all.Must(len(id) <= maxAddress, where, "too_long", fmt.Sprintf("An electronic address has 2 to %d characters.", maxAddress))
	}
	for where, n := range map[string]int{"interchange": b.Interchange.Control, "group": b.Group.Control} {
		all.Must(1 <= n && n <= maxControl, where, "range", fmt.Sprintf("A control number is from 1 to %d.", maxControl))
	}
	if len(all.Problems) == 0 {
		return nil
	}
	slices.SortFunc(all.Problems, func(x, y fault.Problem) int { return cmp.Compare(x.Where, y.Where) })
	return fault.New(fault.Invalid, "batch_not_writable", "This batch cannot be written.", all.Problems...)
}

// Limits of the envelope (X12.5 §3): ISA06 and ISA08, ISA13.
const (
	maxAddress = 15
	maxControl = 999_999_999
)
