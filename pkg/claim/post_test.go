package claim_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"evisit/pkg/claim"
	"evisit/pkg/fault"
	"evisit/pkg/money"
	"evisit/pkg/x12/p835"
)

// The remittance of p835's golden file, posted to the claim that it is of: 5.70 of 30.00, 14.30
// written off by contract, 10.00 the patient's.
func TestPost_Sample(t *testing.T) {
	t.Parallel()
	m := maker{t}
	file, err := os.ReadFile("../x12/p835/testdata/sample.x12")
	if err != nil {
		t.Fatal(err)
	}
	r := p835.NewReader(strings.NewReader(string(file)))
	payment, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	said, err := r.Claim()
	if err != nil {
		t.Fatal(err)
	}
	o := outcome()
	o.Code = "99421"
	c := m.must(m.must(m.opened().Coded(o, 30_00, zone, answered)).Review(parties(), book(t), release))
	c = m.must(m.batched(c, 1).MarkSent(at(29, 10)))
	c, fresh, err := c.Post(payment, said, at(43, 8))
	if c = m.must(c, err); !fresh || c.State != claim.Paid || c.PayerControl != "PAYERCTRL001" {
		t.Fatalf("%s, %q", c.State, c.PayerControl)
	}
	p := c.Posted[0]
	if p.Amounts != (claim.Amounts{Charge: 30_00, Paid: 5_70, Contractual: 14_30, Patient: 10_00}) || p.Attempt != 1 || p.Denial {
		t.Errorf("%+v", p)
	}
	if want := []claim.Adjustment{{Line: 1, Cause: "CO", Reason: "45", Amount: 14_30}, {Line: 1, Cause: "PR", Reason: "3", Amount: 10_00}}; !slices.Equal(p.Adjustments, want) {
		t.Errorf("%+v", p.Adjustments)
	}
	if b := c.Books(); b != (claim.Books{Billed: 30_00, Paid: 5_70, Share: 10_00, WrittenOff: 14_30}) {
		t.Errorf("%+v", b)
	}
	if s := c.Settle(10_00); s != (claim.Settlement{Share: 10_00}) {
		t.Errorf("%+v", s)
	}
}

// A said is one claim of a payment, and what posting it is to come to: a state, or the codes of
// why it is suspended.
type said835 struct {
	trace string
	claim *p835.Claim
	want  string
	fresh bool
}

func TestPost_Sequences(t *testing.T) {
	t.Parallel()
	m := maker{t}
	otherAmount := pays(1, 6_70, 13_30, 10_00, 0)
	corrected := pays(1, 8_70, 11_30, 10_00, 0)
	nothing := pays(1, 0, 30_00, 0, 0)
	deductible := pays(1, 0, 14_30, 15_70, 0)
	foreign := denial(1)
	foreign.Status = p835.NotOurClaim
	later := denial(1)
	later.PayerControl = "PAYERCTRL002"
	for _, c := range []struct {
		name string
		from claim.Claim
		says []said835
	}{
		{"paid", m.accepted(), []said835{{"1", payment(1), "paid", true}}},
		{"before any acknowledgment", m.sent(), []said835{{"1", payment(1), "paid", true}}},
		{"of a file that nobody marked as sent", m.batched(m.ready(), 1), []said835{{"1", payment(1), "paid", true}}},
		{"of a claim that was turned back", m.each()["rejected"], []said835{{"1", payment(1), "paid", true}}},
		{"all is the patient's", m.accepted(), []said835{{"1", deductible, "paid", true}}},
		{"denied", m.accepted(), []said835{{"1", denial(1), "denied", true}}},
		{"not the payer's", m.accepted(), []said835{{"1", foreign, "denied", true}}},
		{"processed, and nothing allowed", m.accepted(), []said835{{"1", nothing, "denied", true}}},
		{"twice", m.accepted(), []said835{{"1", payment(1), "paid", true}, {"1", payment(1), "paid", false}}},
		{"the same payment says another amount", m.accepted(), []said835{{"1", payment(1), "paid", true}, {"1", otherAmount, "said_otherwise not_reversed", false}}},
		{"paid again", m.accepted(), []said835{{"1", payment(1), "paid", true}, {"2", payment(1), "not_reversed", false}}},
		{"reversed and corrected", m.accepted(), []said835{
			{"1", payment(1), "paid", true},
			{"2", reversal(payment(1)), "reversed", true},
			{"2", corrected, "paid", true},
			{"2", reversal(payment(1)), "paid", false},
			{"2", corrected, "paid", false},
			{"1", payment(1), "paid", false},
		}},
		{"corrected before it is reversed", m.accepted(), []said835{
			{"1", payment(1), "paid", true},
			{"2", corrected, "not_reversed", false},
			{"2", reversal(payment(1)), "reversed", true},
			{"2", corrected, "paid", true},
		}},
		{"reversed before it is paid", m.accepted(), []said835{
			{"2", reversal(payment(1)), "nothing_to_reverse", false},
			{"1", payment(1), "paid", true},
			{"2", reversal(payment(1)), "reversed", true},
			{"3", reversal(payment(1)), "nothing_to_reverse", false},
		}},
		{"other amounts reversed", m.accepted(), []said835{{"1", payment(1), "paid", true}, {"2", reversal(corrected), "nothing_to_reverse", false}}},
		{"paid after a denial", m.accepted(), []said835{{"1", denial(1), "denied", true}, {"2", payment(1), "paid", true}, {"3", reversal(denial(1)), "paid", true}}},
		{"a denial after it is paid", m.accepted(), []said835{{"1", payment(1), "paid", true}, {"2", later, "paid", true}, {"3", reversal(payment(1)), "denied", true}}},
		{"an appeal is denied", m.each()["appealed"], []said835{{"2", denial(1), "denied", true}}},
		{"an appeal is paid", m.each()["appealed"], []said835{{"2", payment(1), "paid", true}}},
		{"after it was closed", m.each()["closed"], []said835{{"EFT1", payment(1), "closed", false}, {"2", later, "closed", true}, {"3", reversal(payment(1)), "denied", true}}},
		{"a void", m.each()["voided"], []said835{{"3", payment(1), "voided", false}, {"EFT2", reversal(payment(1)), "voided", false}}},
		{"of no file", m.ready(), []said835{{"1", payment(1), "other_claim", false}}},
		{"of another attempt's number", m.accepted(), []said835{{"1", payment(2), "other_claim", false}}},
		{"what was to be sent again", m.each()["resending"], []said835{{"1", payment(1), "paid", true}}},
		{"reversed while it is being replaced", m.each()["replacing"], []said835{{"2", reversal(payment(1)), "held", true}, {"3", corrected, "held", true}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for i, s := range c.says {
				next, fresh, err := c.from.Post(remittance(s.trace), s.claim, at(50+i, 8))
				got := string(next.State)
				if err != nil {
					got = strings.Join(suspended(t, err), " ")
				}
				if got != s.want || fresh != s.fresh {
					t.Fatalf("%d: %s, fresh %t; want %s", i+1, got, fresh, s.want)
				}
				if changed := diff(c.from, next) != ""; changed != fresh || fresh != (next.Version > c.from.Version) {
					t.Errorf("%d: %s", i+1, diff(c.from, next))
				}
				if next.State.Unsent() != c.from.State.Unsent() && s.want != "paid" {
					t.Errorf("%d: %s became %s", i+1, c.from.State, next.State)
				}
				if next.State != claim.Rejected && !next.State.Unsent() && len(next.Problems) > 0 {
					t.Errorf("%d: %s with %v", i+1, next.State, next.Problems)
				}
				c.from = next
			}
		})
	}
}

// suspended are the codes of a remittance that was not posted.
func suspended(t testing.TB, err error) (codes []string) {
	t.Helper()
	f, ok := fault.Public(err)
	if !ok || f.Kind != fault.Conflict {
		t.Fatal(err)
	}
	if f.Code == "other_claim" {
		return []string{f.Code}
	}
	if f.Code != "remittance_suspended" || len(f.Problems) == 0 {
		t.Fatalf("%s, %v", f.Code, f.Problems)
	}
	for _, p := range f.Problems {
		codes = append(codes, p.Code)
	}
	return codes
}

// What does not fit posts nothing, and says by how much.
func TestPost_Suspends(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(*p835.Remittance, *p835.Claim)
		want   string // where code, joined by commas
		text   string
	}{
		{"currency", func(r *p835.Remittance, _ *p835.Claim) { r.Currency = "CAD" }, "currency currency", ""},
		{"another practice", func(r *p835.Remittance, _ *p835.Claim) { r.Payee.ID = "1679576722" }, "payee other_practice", ""},
		{"another tax number", func(r *p835.Remittance, _ *p835.Claim) { r.Payee = p835.Party{ID: "987654321", TaxID: "987654321"} }, "payee other_practice", ""},
		{"line", func(_ *p835.Remittance, p *p835.Claim) { p.Lines[0].Adjustments[0].Amount++ }, "line/1 unbalanced,claim unbalanced", "differs by -$0.01"},
		{"claim", func(_ *p835.Remittance, p *p835.Claim) { p.Paid++ }, "claim unbalanced", "differs by -$0.01"},
		{"share", func(_ *p835.Remittance, p *p835.Claim) { p.PatientShare = 9_00 }, "share unbalanced", "differs by $1.00"},
		{"another charge", func(_ *p835.Remittance, p *p835.Claim) { *p = *pays(1, 5_70, 13_30, 10_00, 0) }, "charge charge", "differs by $1.00"},
		{"above the charge", func(_ *p835.Remittance, p *p835.Claim) { *p = *pays(1, 25_00, -5_00, 10_00, 0) }, "paid above_charge", "paid $25.00"},
		{"payment below nothing", func(_ *p835.Remittance, p *p835.Claim) { *p = *pays(1, -1_00, 21_00, 10_00, 0) }, "paid above_charge", ""},
		{"share below nothing", func(_ *p835.Remittance, p *p835.Claim) { *p = *pays(1, 5_70, 25_30, -1_00, 0) }, "paid above_charge", ""},
		{"denied and paid", func(_ *p835.Remittance, p *p835.Claim) { p.Status = p835.Denied }, "status denied_and_paid", "pays $5.70"},
		{"predetermination", func(_ *p835.Remittance, p *p835.Claim) { p.Status = p835.Predetermination }, "status status", ""},
		{"no such status", func(_ *p835.Remittance, p *p835.Claim) { p.Status = "5" }, "status status", ""},
		{"reversal of nothing", func(_ *p835.Remittance, p *p835.Claim) { *p = *reversal(p) }, "status nothing_to_reverse", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r, p := remittance("1"), payment(1)
			c.change(r, p)
			before := maker{t}.accepted()
			next, _, err := before.Post(r, p, at(43, 8))
			suspended(t, err)
			f, _ := fault.Public(err)
			var got []string
			text := ""
			for _, p := range f.Problems {
				got = append(got, p.Where+" "+p.Code)
				text += p.Text
			}
			if strings.Join(got, ",") != c.want || !strings.Contains(text, c.text) || diff(before, next) != "" {
				t.Errorf("%v %q", got, text)
			}
		})
	}
}

// Who is paid is held against what the payer gives, and against nothing if it gives nothing.
func TestPost_Payee(t *testing.T) {
	t.Parallel()
	for _, payee := range []p835.Party{{}, {ID: "1234567893"}, {ID: "123456789", TaxID: "123456789"}, {ID: "PROV-7"}} {
		r := remittance("1")
		r.Payee = payee
		if _, _, err := (maker{t}.accepted()).Post(r, payment(1), at(43, 8)); err != nil {
			t.Errorf("%+v: %v", payee, err)
		}
	}
}

// A line is found by its number, else by its code, else by code and charge.
func TestPost_FindsTheLine(t *testing.T) {
	t.Parallel()
	m := maker{t}
	two := m.coded()
	second := two.Lines[0]
	second.Code, second.Charge = "96127", 5_00
	third := second
	third.Charge = 7_00
	two.Lines = append(slices.Clone(two.Lines), second, third)
	two = m.must(m.batched(m.must(two.Review(parties(), book(t), release)), 1).MarkSent(at(29, 10)))
	l := func(code string, charge money.Cents, control string) p835.Line {
		return p835.Line{Code: code, Charge: charge, Control: control, Adjustments: []p835.Adjustment{{Cause: p835.Contractual, Reason: "45", Amount: charge}}}
	}
	sentAs := l("99421", 30_00, "")
	sentAs.SentCode = "99422"
	for _, c := range []struct {
		name  string
		lines []p835.Line
		want  []int
	}{
		{"by number", []p835.Line{l("X", 7_00, control(1)+"-3"), l("X", 5_00, control(1)+"-2"), l("X", 30_00, control(1)+"-1")}, []int{3, 2, 1}},
		{"by code and charge", []p835.Line{l("99422", 30_00, ""), l("96127", 7_00, ""), l("96127", 5_00, "")}, []int{1, 3, 2}},
		{"paid as another code", []p835.Line{sentAs, l("96127", 12_00, "")}, []int{1, 0}},
	} {
		p := &p835.Claim{ID: control(1), Status: p835.Primary, Charge: 42_00, Lines: c.lines}
		got, _, err := two.Post(remittance("1"), p, at(43, 8))
		if err != nil {
			t.Fatal(c.name, suspended(t, err))
		}
		for i, a := range got.Posted[0].Adjustments {
			if a.Line != c.want[i] {
				t.Errorf("%s: adjustment %d is of line %d, want %d", c.name, i, a.Line, c.want[i])
			}
		}
	}
}
