package p837_test

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"evisit/pkg/civil"
	"evisit/pkg/fault"
	"evisit/pkg/phi"
	"evisit/pkg/x12"
	"evisit/pkg/x12/p837"
	"evisit/pkg/x12/x12test"
)

var (
	batch = p837.Batch{
		Reference: "EV2601290001", At: x12test.At,
		Submitter: p837.Organization{Name: "LAKESIDE FAMILY MEDICINE", ID: "EVISITSUBMIT"},
		Contact:   p837.Contact{Name: "BILLING OFFICE", Phone: "5035550100"},
		Receiver:  p837.Organization{Name: "CLEARINGHOUSE", ID: "CLEARINGHOUSE"},
	}
	home = p837.Home{Street: "22 OAK AVE", City: "PORTLAND", State: "OR", ZIP: "97205"}
)

// original is the claim of Jane Smith for one service.
func original() *p837.Claim {
	return &p837.Claim{
		Billing: p837.Billing{
			Provider: p837.Provider{Name: "LAKESIDE FAMILY MEDICINE", NPI: "1234567893", Taxonomy: "207Q00000X"},
			Address:  p837.Address{Street: "100 MAIN ST", City: "PORTLAND", State: "OR", ZIP: "972051234"},
			TaxID:    "123456789",
		},
		Subscriber: p837.Subscriber{
			Person:   p837.Person{Last: "SMITH", First: "JANE", Address: home, Birth: "19850412", Gender: "F"},
			MemberID: "MEM123456", Order: "P", Group: "GRP001", Filing: "CI",
		},
		Payer: p837.Organization{Name: "EXAMPLE HEALTH PLAN", ID: "EXPLAN01"},
		ID:    "EV-2026-000123", Charge: 30_00, Place: "11", Frequency: p837.Original, Reference: "CH20260129001",
		Signed: true, Assignment: "A", Benefits: "Y", Release: "Y",
		Diagnoses: []phi.Text{"N3000"},
		Rendering: p837.Provider{Name: "RIVERA", First: "ANA", NPI: "1679576722", Taxonomy: "207Q00000X"},
		Lines:     []p837.Line{{Code: "99421", Charge: 30_00, Units: 1, Pointers: []int{1}, From: x12test.Day(20260114), To: x12test.Day(20260114), Control: "EV-2026-000123-1"}},
	}
}

// child replaces a claim for the subscriber's child, with everything that a claim
// may have.
func child() *p837.Claim {
	c := original()
	c.Patient = &p837.Dependent{Relationship: "19", Person: p837.Person{
		Last: "SMITH", First: "TOM", Middle: "B", Suffix: "JR", Address: p837.Home{Street: "22 OAK AVE", Unit: "APT 3", City: "PORTLAND", State: "OR", ZIP: "972050000"},
		Birth: "20150601", Gender: "M",
	}}
	c.Subscriber.Person = p837.Person{Last: "SMITH", First: "JANE", Middle: "Q", Suffix: "III"}
	c.Subscriber.Group, c.Subscriber.Plan = "", "GOLD"
	c.ID, c.Frequency, c.PayerControl, c.Reference = "EV-2026-000124", p837.Replacement, "PAYERCTRL001", ""
	c.Signed, c.Assignment, c.Benefits, c.Release = false, "C", "W", "I"
	c.Rendering = p837.Provider{}
	c.Diagnoses = diagnoses(12)
	c.Lines = []p837.Line{
		{Code: "99422", Modifiers: []string{"25", "GP", "GO", "GN"}, Charge: 45_75, Units: 1, Pointers: []int{12, 1, 2, 3}, From: x12test.Day(20260110), To: x12test.Day(20260114), Control: "1"},
		{Code: "96127", Charge: 0, Units: 2, Pointers: []int{2}, From: x12test.Day(20260114), To: x12test.Day(20260114), Control: "2"},
	}
	c.Charge = 45_75
	return c
}

func diagnoses(n int) (all []phi.Text) {
	for i := range n {
		all = append(all, phi.Text(fmt.Sprintf("N30%02d", i)))
	}
	return all
}

// write is the file of the claims, a batch each.
func write(t testing.TB, b p837.Batch, claims ...*p837.Claim) string {
	t.Helper()
	var file strings.Builder
	w := p837.NewWriter(&file, x12test.Interchange, x12test.Group)
	if err := w.Begin(b); err != nil {
		t.Fatal(err)
	}
	for _, c := range claims {
		if err := w.Claim(c); err != nil {
			t.Fatal(err, p837.Check(c))
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return file.String()
}

func readAll(src io.Reader) error {
	_, err := claims(src)
	return err
}

func read(file string) ([]*p837.Claim, error) { return claims(strings.NewReader(file)) }

func claims(src io.Reader) (all []*p837.Claim, err error) {
	r := p837.NewReader(src)
	for {
		c, err := r.Claim()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		all = append(all, c)
	}
}

func report() p837.Batch {
	b := batch
	b.Report = true
	return b
}

// What is written is the golden file, and reads as it was. original.x12 was put
// together by hand.
func TestWriter_Golden(t *testing.T) {
	t.Parallel()
	void := original()
	void.Frequency, void.PayerControl = p837.Void, "PAYERCTRL001"
	second := original()
	second.ID, second.Billing.TaxID = "EV-2026-000125", "987654321"
	for name, c := range map[string]struct {
		batch  p837.Batch
		claims []*p837.Claim
	}{
		"original.x12":  {batch, []*p837.Claim{original()}},
		"dependent.x12": {batch, []*p837.Claim{child()}},
		"void.x12":      {batch, []*p837.Claim{void}},
		"report.x12":    {report(), []*p837.Claim{original(), child(), second}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := write(t, c.batch, c.claims...)
			x12test.Golden(t, name, file)
			got, err := read(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := x12test.Diff(c.claims, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestReader_BatchesAndEnvelopes(t *testing.T) {
	t.Parallel()
	var file strings.Builder
	w := p837.NewWriter(&file, x12test.Interchange, x12test.Group)
	for i, b := range []p837.Batch{batch, report()} {
		c := original()
		c.ID = fmt.Sprint(i)
		if err := errors.Join(w.Begin(b), w.Claim(c)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r := p837.NewReader(strings.NewReader(strings.ReplaceAll(file.String(), "~", "~\r\n") + file.String()))
	for i := range 4 {
		c, err := r.Claim()
		if err != nil || c.ID != fmt.Sprint(i%2) || r.Batch().Report != (i%2 == 1) {
			t.Fatalf("claim %d: %v, %v", i, c, err)
		}
		i, g := r.Envelope()
		want := x12test.Group
		want.Kind, want.Version = "HC", p837.Version
		if diff := x12test.Diff([]any{x12test.Interchange, want}, []any{i, g}); diff != "" {
			t.Error(diff)
		}
	}
	if _, err := r.Claim(); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v", err)
	}
}

func TestCheck_NamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	lines := func(n int) (all []p837.Line) {
		for i := range n {
			l := original().Lines[0]
			l.Control = fmt.Sprint(i)
			all = append(all, l)
		}
		return all
	}
	for _, c := range []struct {
		name   string
		change func(*p837.Claim)
		want   string // where: code
	}{
		{"13 diagnoses", func(c *p837.Claim) { c.Diagnoses = diagnoses(13) }, "diagnoses: too_many"},
		{"no diagnosis", func(c *p837.Claim) { c.Diagnoses = nil }, "diagnoses: missing, lines/1/pointers: range"},
		{"a diagnosis with a point", func(c *p837.Claim) { c.Diagnoses[0] = "N30.00" }, "diagnoses: code"},
		{"a diagnosis twice", func(c *p837.Claim) { c.Diagnoses = []phi.Text{"N3000", "N3000"} }, "diagnoses: twice"},
		{"100 lines", func(c *p837.Claim) { c.Lines, c.Charge = lines(100), 3000_00 }, "lines: too_many"},
		{"51 lines", func(c *p837.Claim) { c.Lines, c.Charge = lines(51), 1530_00 }, "lines: too_many"},
		{"no lines", func(c *p837.Claim) { c.Lines, c.Charge = nil, 0 }, "lines: missing"},
		{"a line's number twice", func(c *p837.Claim) { c.Lines, c.Charge = append(lines(1), lines(1)...), 60_00 }, "lines/2/control: twice"},
		{"a cent too many", func(c *p837.Claim) { c.Charge++ }, "charge: unbalanced"},
		{"negative", func(c *p837.Claim) { c.Charge, c.Lines[0].Charge = -1, -1 }, "charge: amount, lines/1/charge: amount"},
		{"11 digits", func(c *p837.Claim) { c.Charge, c.Lines[0].Charge = 10_000_000_000, 10_000_000_000 }, "charge: amount, lines/1/charge: amount"},
		{"no street", func(c *p837.Claim) { c.Subscriber.Address.Street = "" }, "subscriber/address/street: missing"},
		{
			"no address", func(c *p837.Claim) { c.Subscriber.Address = p837.Home{} },
			"subscriber/address/street: missing, subscriber/address/city: missing, subscriber/address/state: code, subscriber/address/zip: digits",
		},
		{"no birth", func(c *p837.Claim) { c.Subscriber.Birth = "" }, "subscriber/birth: date"},
		{"no gender", func(c *p837.Claim) { c.Subscriber.Gender = "" }, "subscriber/gender: unknown_code"},
		{"two genders", func(c *p837.Claim) { c.Subscriber.Gender = "F M" }, "subscriber/gender: unknown_code"},
		{"separators in a name", func(c *p837.Claim) { c.Subscriber.Last = "SM~TH" }, "subscriber/last: character"},
		{"accent", func(c *p837.Claim) { c.Subscriber.First = "JOSÉ" }, "subscriber/first: character"},
		{"no name", func(c *p837.Claim) { c.Subscriber.Last = "" }, "subscriber/last: missing"},
		{"a long name", func(c *p837.Claim) { c.Subscriber.Last = phi.Text(strings.Repeat("A", 61)) }, "subscriber/last: too_long"},
		{"no member number", func(c *p837.Claim) { c.Subscriber.MemberID = "" }, "subscriber/member_id: missing"},
		{"group and plan", func(c *p837.Claim) { c.Subscriber.Plan = "GOLD" }, "subscriber/plan: not_both"},
		{"subscriber's address beside a child", func(c *p837.Claim) { *c = *child(); c.Subscriber.Address = home }, "subscriber: not_patient"},
		{"relationship", func(c *p837.Claim) { *c = *child(); c.Patient.Relationship = "18" }, "patient/relationship: unknown_code"},
		{"child's birth", func(c *p837.Claim) { *c = *child(); c.Patient.Birth = "20150631" }, "patient/birth: date"},
		{"post box", func(c *p837.Claim) { c.Billing.Address.Street = "P.O. Box 5" }, "billing/address/street: post_box"},
		{"ZIP of five", func(c *p837.Claim) { c.Billing.Address.ZIP = "97205" }, "billing/address/zip: digits"},
		{"tax number", func(c *p837.Claim) { c.Billing.TaxID = "12-3456789" }, "billing/tax_id: digits"},
		{"check digit", func(c *p837.Claim) { c.Billing.NPI = "1234567890" }, "billing/npi: npi"},
		{"letters in an NPI", func(c *p837.Claim) { c.Rendering.NPI = "12345678A3" }, "rendering/npi: npi"},
		{"same provider", func(c *p837.Claim) { c.Rendering.NPI = c.Billing.NPI }, "rendering: same_provider"},
		{"taxonomy", func(c *p837.Claim) { c.Rendering.Taxonomy = "207Q" }, "rendering/taxonomy: code"},
		{"payer's number", func(c *p837.Claim) { c.Payer.ID = "" }, "payer/id: missing"},
		{"no number", func(c *p837.Claim) { c.ID = "" }, "id: missing"},
		{"number of 21", func(c *p837.Claim) { c.ID = strings.Repeat("A", 21) }, "id: too_long"},
		{"void of nothing", func(c *p837.Claim) { c.Frequency = p837.Void }, "payer_control: missing"},
		{"original of something", func(c *p837.Claim) { c.PayerControl = "X" }, "payer_control: not_original"},
		{"frequency", func(c *p837.Claim) { c.Frequency, c.PayerControl = "6", "X" }, "frequency: unknown_code"},
		{"place", func(c *p837.Claim) { c.Place = "2" }, "place: digits"},
		{"pointer beyond", func(c *p837.Claim) { c.Lines[0].Pointers = []int{2} }, "lines/1/pointers: range"},
		{"pointer twice", func(c *p837.Claim) { c.Lines[0].Pointers = []int{1, 1} }, "lines/1/pointers: range"},
		{"five pointers", func(c *p837.Claim) { c.Diagnoses, c.Lines[0].Pointers = diagnoses(5), []int{1, 2, 3, 4, 5} }, "lines/1/pointers: count"},
		{"code", func(c *p837.Claim) { c.Lines[0].Code = "9942" }, "lines/1/code: code"},
		{"five modifiers", func(c *p837.Claim) { c.Lines[0].Modifiers = strings.Fields("25 25 25 25 25") }, "lines/1/modifiers: too_many"},
		{"days reversed", func(c *p837.Claim) { c.Lines[0].To = x12test.Day(20260113) }, "lines/1/from: date"},
		{"no day", func(c *p837.Claim) { c.Lines[0].From, c.Lines[0].To = civil.Day{}, civil.Day{} }, "lines/1/from: date"},
		{"no units", func(c *p837.Claim) { c.Lines[0].Units = 0 }, "lines/1/units: range"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			claim := original()
			c.change(claim)
			var got []string
			for _, p := range p837.Check(claim) {
				got = append(got, p.Where+": "+p.Code)
				if p.Text == "" {
					t.Errorf("%s has no text", p.Where)
				}
			}
			if strings.Join(got, ", ") != c.want {
				t.Errorf("got %s, want %s", strings.Join(got, ", "), c.want)
			}
			refused(t, claim)
		})
	}
}

// refused fails unless writing the claim is refused, and the file beside it stays
// what it would be.
func refused(t *testing.T, c *p837.Claim) {
	t.Helper()
	var file strings.Builder
	w := p837.NewWriter(&file, x12test.Interchange, x12test.Group)
	if err := errors.Join(w.Begin(batch), w.Claim(original())); err != nil {
		t.Fatal(err)
	}
	err := w.Claim(c)
	f, public := fault.Public(err)
	if !public || !errors.Is(err, fault.Invalid) || len(f.Problems) == 0 {
		t.Errorf("error %v", err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if file.String() != write(t, batch, original()) {
		t.Error("the refused claim changed the file")
	}
}

func TestCheck_Bounds(t *testing.T) {
	t.Parallel()
	free := original()
	free.Charge, free.Lines[0].Charge = 0, 0
	dear := original()
	dear.Charge, dear.Lines[0].Charge = x12.MaxAmount, x12.MaxAmount
	many := original()
	many.Lines, many.Charge = nil, 0
	for i := range p837.MaxLines {
		l := original().Lines[0]
		l.Control = fmt.Sprint(i)
		many.Lines = append(many.Lines, l)
		many.Charge += l.Charge
	}
	for name, c := range map[string]*p837.Claim{"0": free, "10 digits": dear, "50 lines": many, "12 diagnoses": child()} {
		if got, err := read(write(t, batch, c)); err != nil || x12test.Diff(got, []*p837.Claim{c}) != "" {
			t.Errorf("%s: %v, %s", name, err, x12test.Diff(got, []*p837.Claim{c}))
		}
	}
}

func TestCheckBatch_NamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*p837.Batch){
		"reference: missing":     func(b *p837.Batch) { b.Reference = "" },
		"reference: too_long":    func(b *p837.Batch) { b.Reference = strings.Repeat("A", 51) },
		"at: date":               func(b *p837.Batch) { b.At = time.Time{} },
		"submitter/id: missing":  func(b *p837.Batch) { b.Submitter.ID = "A" },
		"receiver/name: missing": func(b *p837.Batch) { b.Receiver.Name = "" },
		"contact/phone: digits":  func(b *p837.Batch) { b.Contact.Phone = "503-555-0100" },
	} {
		b := batch
		change(&b)
		problems := p837.CheckBatch(b)
		if len(problems) != 1 || problems[0].Where+": "+problems[0].Code != name {
			t.Errorf("%s: got %v", name, problems)
		}
		if err := p837.NewWriter(io.Discard, x12test.Interchange, x12test.Group).Begin(b); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestWriter_Refuses(t *testing.T) {
	t.Parallel()
	code := func(err error) string {
		f, _ := fault.Public(err)
		if f == nil {
			return fmt.Sprint(err)
		}
		return f.Code
	}
	w := p837.NewWriter(io.Discard, x12test.Interchange, x12test.Group)
	if got := code(w.Close()); got != "no_claims" {
		t.Errorf("closing an empty file: %s", got)
	}
	if got := code(w.Claim(original())); got != "no_batch" {
		t.Errorf("a claim without a batch: %s", got)
	}
	if err := errors.Join(w.Begin(batch), w.Claim(original())); err != nil {
		t.Fatal(err)
	}
	if got := code(w.Claim(original())); got != "claim_twice" {
		t.Errorf("a claim twice: %s", got)
	}
	c := original()
	for i := 1; i < p837.MaxClaims; i++ {
		c.ID = fmt.Sprint(i)
		if err := w.Claim(c); err != nil {
			t.Fatal(err)
		}
	}
	c.ID = "more"
	if got := code(w.Claim(c)); got != "batch_full" {
		t.Errorf("claim 5001: %s", got)
	}
	if err := errors.Join(w.Begin(batch), w.Claim(c), w.Close()); err != nil {
		t.Errorf("the next batch: %v", err)
	}
}

func TestFit_WritesWhatCanBeWritten(t *testing.T) {
	t.Parallel()
	c := original()
	c.Subscriber.Last, c.Subscriber.First, c.Subscriber.Middle = "Muñoz–Łukasz", "José 🙂", " q "
	c.Subscriber.Address.Street, c.Subscriber.Address.ZIP = "22  Oak* Ave:", "97205-0001"
	c.Payer.Name, c.Diagnoses[0] = "Straße & Søn’s “Plan”", "n30.00"
	got, changed := p837.Fit(c)
	want := original()
	want.Subscriber.Last, want.Subscriber.First, want.Subscriber.Middle = "MUNOZ-LUKASZ", "JOSE", "Q"
	want.Subscriber.Address.Street, want.Subscriber.Address.ZIP = "22 OAK AVE", "972050001"
	want.Payer.Name = `STRASSE & SON'S "PLAN"`
	if diff := x12test.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if want := []string{"subscriber/last", "subscriber/first", "subscriber/address/street", "payer/name"}; !slices.Equal(changed, want) {
		t.Errorf("said to be changed: %q", changed)
	}
	if c.Diagnoses[0] != "n30.00" || c.Subscriber.Middle != " q " {
		t.Error("the claim itself was changed")
	}
	if problems := p837.Check(got); len(problems) > 0 {
		t.Error(problems)
	}
}

// A letter that has no Latin form is not guessed at.
func TestFit_LeavesOtherScriptsToCheck(t *testing.T) {
	t.Parallel()
	for _, name := range []phi.Text{"Иванов", "李", "🙂", "~"} {
		c := original()
		c.Subscriber.Last = name
		fitted, _ := p837.Fit(c)
		if problems := p837.Check(fitted); len(problems) != 1 || problems[0].Where != "subscriber/last" {
			t.Errorf("%q: %v", name.Reveal(), problems)
		}
	}
}

func TestFit_SubscriberWhoIsNotThePatient(t *testing.T) {
	t.Parallel()
	c := child()
	c.Subscriber.Address, c.Subscriber.Birth, c.Subscriber.Gender = home, "19850412", "F"
	c.Patient.First = "Zoë"
	got, changed := p837.Fit(c)
	want := child()
	want.Patient.First = "ZOE"
	if diff := x12test.Diff(want, got); diff != "" || !slices.Equal(changed, []string{"patient/first"}) {
		t.Errorf("changed %q %s", changed, diff)
	}
}

// What is not as Writer writes it is an error.
func TestReader_Errors(t *testing.T) {
	t.Parallel()
	x12test.Refuses(t, write(t, batch, child()), readAll, []x12test.Spoil{
		{"another kind of group", "GS*HC", "GS*HP", "(ST)"},
		{"another version", "ST*837*0001*005010X222A1", "ST*837*0001*005010X223A2", "(ST)"},
		{"purpose", "*CH~", "*31~", "(BHT), element 6"},
		{"time", "*20260129*0930*CH", "*20260129*0990*CH", "(BHT), element 4"},
		{"no contact", "PER*IC", "PEX*IC", "here must be PER*IC"},
		{"level's number", "HL*2*1", "HL*3*1", "here must be HL*2*1*22"},
		{"level's parent", "HL*3*2", "HL*3*1", "here must be HL*3*2*23"},
		{"no claim below", "HL*1**20*1", "HL*1**20*0", "a billing provider must have a claim"},
		{"self beside a child", "SBR*P*", "SBR*P*18", "(SBR), element 2"},
		{"identifier's kind", "*MI*", "*II*", "(NM1), element 8"},
		{"person without a first name", "NM1*85*2", "NM1*85*1", "(NM1), element 2"},
		{"amount", "CLM*EV-2026-000124*45.75", "CLM*EV-2026-000124*45.7.5", "(CLM), element 2"},
		{"list of diagnoses", "ABK:N3000", "ABF:N3000", "(HI), element 1"},
		{"13 diagnoses", "ABF:N3011", "ABF:N3011*ABF:N3012", "at most 12 diagnoses"},
		{"a segment unknown here", "LX*1~", "NTE*ADD*SECRET~LX*1~", "here must be LX*1"},
		{"line's number", "LX*2", "LX*3", "here must be LX*2"},
		{"units", "UN*2", "MJ*2", "in units UN"},
		{"pointer", "**12:1:2:3", "**12:A", "(SV1), element 7"},
		{"span", "20260110-20260114", "20260110-20260199", "(DTP), element 3"},
	})
}

func TestReader_TruncatedAnywhere(t *testing.T) {
	t.Parallel()
	x12test.RefusesCut(t, write(t, batch, original(), child()), readAll)
}

// Whatever prints a claim, names and diagnoses stay hidden.
func TestClaim_PrintsNoHealthText(t *testing.T) {
	t.Parallel()
	c := child()
	printed := fmt.Sprintf("%v %+v %#v %v", *c, *c, c.Subscriber, *c.Patient)
	for _, secret := range []string{"SMITH", "TOM", "N3000", "MEM123456", "22 OAK", "20150601"} {
		if strings.Contains(printed, secret) {
			t.Errorf("%s is printed", secret)
		}
	}
}
