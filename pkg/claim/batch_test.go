package claim_test

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"evisit/pkg/claim"
	"evisit/pkg/fault"
	"evisit/pkg/money"
	"evisit/pkg/phi"
	"evisit/pkg/x12/p837"
	"evisit/pkg/x12/x12test"
)

// written is the file of b, read again.
func written(t testing.TB, b claim.Batch) (all []*p837.Claim, r *p837.Reader) {
	t.Helper()
	var file strings.Builder
	if err := b.Write(&file); err != nil {
		t.Fatal(err)
	}
	r = p837.NewReader(strings.NewReader(file.String()))
	for {
		c, err := r.Claim()
		if errors.Is(err, io.EOF) {
			return all, r
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
}

// A file of an original, a child's claim and a void reads as it was built, with the same sums.
func TestBuild_ReadsBackWithTheSameSums(t *testing.T) {
	t.Parallel()
	m := maker{t}
	child := m.ready()
	child.Number, child.ID = "EV-2026-000124", "c2"
	child.Diagnoses, child.Lines[0].Pointers = []phi.Text{"B029", "N3000"}, []int{2, 1}
	child.Lines[0].Charge, child.Lines[0].From, child.Lines[0].Until = 45_75, day(15), day(17)
	void := m.again(m.paid().Void(at(44, 8)))
	void.Number, void.ID = "EV-2026-000125", "c3"
	p := parcel(m.ready(), child, void)
	dependent(&p.Submissions[1].Parties)
	p.Submissions[1].Parties.Patient.Last = "Muñoz-O’Neill"
	p.Submissions[2].Parties.Clinician.NPI = p.Submissions[2].Parties.Practice.NPI
	b, next, err := p.Build(sender, "Clearinghouse", numbers(7), book(t), at(44, 9))
	if err != nil {
		t.Fatal(err)
	}
	got, r := written(t, b)
	if d := x12test.Diff(b.Claims, got); d != "" {
		t.Error(d)
	}
	i, g := r.Envelope()
	if i.Control != 7 || g.Control != 107 || !i.Test || i.Sender.ID != "EVISITSUBMIT" || i.Receiver.ID != "CLEARINGHOUSE" || r.Batch().Reference != reference(7) {
		t.Errorf("%+v, %+v, %+v", i, g, r.Batch())
	}
	if at := r.Batch().At; at.Format("2006-01-02 15:04") != "2026-02-13 09:00" {
		t.Errorf("built at %s", at)
	}
	var sum, charged money.Cents
	for n, c := range got {
		sum += c.Charge
		charged += next[n].Charge()
		if c.ID != next[n].Control(len(next[n].Attempts)) || c.Charge != next[n].Charge() {
			t.Errorf("claim %s of %s", c.ID, c.Charge)
		}
	}
	if len(got) != 3 || sum != 105_75 || sum != charged || sum != b.Charge() {
		t.Errorf("%d claims of %s and %s", len(got), sum, charged)
	}
	if c := got[0]; c.Patient != nil || c.Subscriber.MemberID != "MEM123456" || c.Subscriber.Last != "SMITH" || c.Rendering.Name != "RIVERA" || c.Frequency != p837.Original || c.Lines[0].Control != "EV-2026-000123-1" {
		t.Errorf("%+v", c)
	}
	if c := got[1]; c.Patient == nil || c.Patient.Relationship != "19" || c.Patient.Last != "MUNOZ-O'NEILL" || c.Subscriber.First != "JOHN" || !slices.Equal(c.Diagnoses, []phi.Text{"B029", "N3000"}) {
		t.Errorf("%+v", c)
	}
	if c := got[2]; c.Frequency != p837.Void || c.PayerControl != "PAYERCTRL001" || c.ID != "EV-2026-000125.2" || c.Rendering != (p837.Provider{}) {
		t.Errorf("%+v", c)
	}
	for _, c := range next {
		f := c.Attempts[len(c.Attempts)-1].File
		if c.State != claim.Batched || f.Interchange != 7 || f.Group != 107 || f.Set != "0001" || f.Reference != reference(7) {
			t.Errorf("%s in %+v", c.State, f)
		}
	}
}

// A claim whose patient moved away since its review is held, and the file is written without it.
func TestBuild_HoldsWhatCannotBeSent(t *testing.T) {
	t.Parallel()
	m := maker{t}
	second := m.ready()
	second.Number = "EV-2026-000124"
	p := parcel(m.ready(), second)
	p.Submissions[0].Parties.Patient.Home.Street = ""
	b, next, err := p.Build(sender, "Clearinghouse", numbers(1), book(t), at(29, 9))
	if err != nil || len(b.Claims) != 1 || next[0].State != claim.Held || next[1].State != claim.Batched {
		t.Fatalf("%v: %s, %s", err, next[0].State, next[1].State)
	}
	if got, _ := written(t, b); len(got) != 1 || got[0].ID != "EV-2026-000124" {
		t.Errorf("%d claims", len(got))
	}
	p.Submissions = p.Submissions[:1]
	_, next, err = p.Build(sender, "Clearinghouse", numbers(2), book(t), at(29, 9))
	refused(t, err, "nothing_to_send")
	if len(next) != 1 || next[0].State != claim.Held {
		t.Error("what holds it is not told")
	}
}

func TestBuild_Refuses(t *testing.T) {
	t.Parallel()
	m := maker{t}
	type build struct {
		parcel  claim.Parcel
		sender  claim.Sender
		name    string
		numbers claim.Numbers
	}
	for _, c := range []struct {
		name   string
		change func(*build)
		code   string
		where  string
	}{
		{"no claim", func(b *build) { b.parcel.Submissions = nil }, "nothing_to_send", ""},
		{"embargoed", func(b *build) { b.parcel.Submissions[0].Claim = m.coded() }, "claim_state", ""},
		{"in a file", func(b *build) { b.parcel.Submissions[0].Claim = m.batched(m.ready(), 1) }, "claim_state", ""},
		{"twice", func(b *build) { b.parcel.Submissions = slices.Repeat(b.parcel.Submissions, 2) }, "other_parcel", ""},
		{"another practice's", func(b *build) { b.parcel.Practice = "riverside" }, "other_parcel", ""},
		{"another receiver's", func(b *build) { b.parcel.Receiver = "MEDICARE" }, "other_parcel", ""},
		{"no reference", func(b *build) { b.numbers.Reference = "" }, "batch_not_writable", "reference"},
		{"number 0", func(b *build) { b.numbers.Interchange = 0 }, "batch_not_writable", "interchange"},
		{"number of 10 digits", func(b *build) { b.numbers.Group = 1_000_000_000 }, "batch_not_writable", "group"},
		{"receiver of 16 characters", func(b *build) { b.parcel.Receiver = strings.Repeat("R", 16) }, "batch_not_writable", "receiver/id"},
		{"submitter of 16 characters", func(b *build) { b.sender.Submitter.ID = strings.Repeat("S", 16) }, "batch_not_writable", "submitter/id"},
		{"receiver's name", func(b *build) { b.name = "A*B" }, "batch_not_writable", "receiver/name"},
		{"phone", func(b *build) { b.sender.Contact.Phone = "1" }, "batch_not_writable", "contact/phone"},
	} {
		b := build{parcel(m.ready()), sender, "Clearinghouse", numbers(1)}
		c.change(&b)
		_, _, err := b.parcel.Build(b.sender, b.name, b.numbers, book(t), at(29, 9))
		wrong := refused(t, err, c.code)
		if c.where != "" && !slices.ContainsFunc(wrong, func(p fault.Problem) bool { return p.Where == c.where }) {
			t.Errorf("%s: %v", c.name, wrong)
		}
	}
	b := build{parcel(m.ready()), sender, "Clearinghouse", numbers(1)}
	b.parcel.Receiver, b.numbers.Interchange, b.numbers.Group = strings.Repeat("R", 15), 999_999_999, 999_999_999
	b.parcel.Submissions[0].Parties.Coverages[0].Payer.Address = b.parcel.Receiver
	if _, _, err := b.parcel.Build(b.sender, b.name, b.numbers, book(t), at(29, 9)); err != nil {
		t.Errorf("the longest and highest: %v", err)
	}
}

func TestSort_ByPracticeAndReceiver(t *testing.T) {
	t.Parallel()
	m := maker{t}
	one := func(practice, receiver, number string, c claim.Claim) claim.Submission {
		c.Practice, c.Number = practice, number
		s := claim.Submission{Claim: c, Parties: parties()}
		s.Parties.Coverages[0].Payer.Address = receiver
		return s
	}
	got := claim.Sort([]claim.Submission{
		one("b", "R1", "4", m.ready()), one("a", "R2", "3", m.ready()), one("a", "R1", "2", m.ready()), one("a", "R1", "1", m.ready()),
		one("a", "R1", "0", m.coded()), one("a", "", "5", m.ready()),
	})
	var names []string
	for _, p := range got {
		name := p.Practice + " " + p.Receiver
		for _, s := range p.Submissions {
			name += " " + s.Claim.Number
		}
		names = append(names, name)
	}
	if want := []string{"a R1 1 2", "a R2 3", "b R1 4"}; !slices.Equal(names, want) {
		t.Errorf("%q", names)
	}
	var many []claim.Submission
	ready := m.ready()
	for i := range p837.MaxClaims + 1 {
		many = append(many, one("a", "R1", fmt.Sprintf("%05d", i), ready))
	}
	if got := claim.Sort(many); len(got) != 2 || len(got[0].Submissions) != p837.MaxClaims || len(got[1].Submissions) != 1 {
		t.Errorf("%d files", len(got))
	}
}

// A claim that X12 cannot carry is named when the file is written.
func TestBatch_WriteNamesTheClaim(t *testing.T) {
	t.Parallel()
	b, _, err := parcel(maker{t}.ready()).Build(sender, "Clearinghouse", numbers(1), book(t), at(29, 9))
	if err != nil {
		t.Fatal(err)
	}
	b.Claims[0].Place = ""
	if err := b.Write(io.Discard); err == nil || !strings.Contains(err.Error(), "claim EV-2026-000123") {
		t.Error(err)
	}
	b.Claims = nil
	if err := b.Write(io.Discard); err == nil {
		t.Error("a file without a claim is written")
	}
	b.Head.Reference = ""
	if err := b.Write(io.Discard); !errors.Is(err, fault.Invalid) {
		t.Error(err)
	}
}
