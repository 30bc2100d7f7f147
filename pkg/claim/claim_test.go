package claim_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"evisit/pkg/civil"
	"evisit/pkg/claim"
	"evisit/pkg/coding"
	"evisit/pkg/coding/icd"
	"evisit/pkg/coverage"
	"evisit/pkg/fault"
	"evisit/pkg/money"
	"evisit/pkg/phi"
	"evisit/pkg/x12/ack"
	"evisit/pkg/x12/p835"
	"evisit/pkg/x12/p837"
)

// The days of the sample in domain/claims-and-fhir.md: reviewed on January 14, 2026, released on
// January 29.
var (
	zone     = portland()
	answered = at(14, 16)
	release  = at(29, 0)
)

func portland() *time.Location {
	z, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		panic(err)
	}
	return z
}

// at is an hour of a day of January 2026 in Portland; days above 31 are of the months after.
func at(day, hour int) time.Time { return time.Date(2026, time.January, day, hour, 0, 0, 0, zone) }

func day(d int) civil.Day { return civil.Date(2026, time.January, d) }

var window = coding.Window{Opener: "v1", From: at(14, 15), Until: at(21, 15)}

func opening() claim.Opening {
	return claim.Opening{
		ID: "c1", Practice: "lakeside", Visit: "v1", Patient: "jane", Coverage: "cov1", Payer: "EXPLAN01", Number: "EV-2026-000123",
		UpTo: 10_00, Window: window, Zone: zone, Diagnoses: []phi.Text{"N30.00"},
	}
}

// outcome is 12 minutes of which everything is known.
func outcome() coding.Outcome {
	return coding.Outcome{
		Decision: coding.Billable, Code: "99422", Counted: 12*time.Minute + 30*time.Second, Window: window, Release: release, FileBy: day(14).AddDays(90),
		Line: coding.Line{Place: "11", Units: 1, From: day(14), Until: day(14)},
	}
}

func held() coverage.Held {
	return coverage.Held{
		Coverage: coverage.Coverage{ID: "cov1", Practice: "lakeside", Patient: "jane", Card: coverage.Card{
			Payer: "EXPLAN01", Member: "MEM123456", Group: "GRP001", Relation: coverage.Self, From: day(1), Priority: 1,
		}},
		Payer: coverage.Payer{ID: "EXPLAN01", Name: "Example Health Plan", Filing: "CI", Address: "CLEARINGHOUSE"},
	}
}

func parties() claim.Parties {
	return claim.Parties{
		Practice: p837.Billing{
			Provider: p837.Provider{Name: "Lakeside Family Medicine", NPI: "1234567893", Taxonomy: "207Q00000X"},
			Address:  p837.Address{Street: "100 Main St", City: "Portland", State: "OR", ZIP: "97205-1234"},
			TaxID:    "123456789",
		},
		Zone:      zone,
		Clinician: p837.Provider{Name: "Rivera", First: "Ana", NPI: "1679576722", Taxonomy: "207Q00000X"},
		Patient: claim.Patient{
			Last: "Smith", First: "Jane", Birth: civil.Date(1985, time.April, 12), Sex: "female",
			Home: p837.Home{Street: "22 Oak Ave", City: "Portland", State: "OR", ZIP: "97205"},
		},
		Coverages: []coverage.Held{held()},
	}
}

func book(t testing.TB) icd.Book {
	t.Helper()
	b, err := icd.Suggested()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A maker fails the test where a step is refused that must not be.
type maker struct{ testing.TB }

func (m maker) must(c claim.Claim, err error) claim.Claim {
	m.Helper()
	if err != nil {
		f, _ := fault.Public(err)
		m.Fatal(err, f)
	}
	return c
}

func (m maker) opened() claim.Claim { return m.must(claim.Open(opening(), answered)) }

func (m maker) coded() claim.Claim {
	return m.must(m.opened().Coded(outcome(), 30_00, zone, answered))
}

// ready is the sample's claim at its release, for 30 dollars.
func (m maker) ready() claim.Claim {
	return m.must(m.coded().Review(parties(), book(m), release))
}

// batched is c in file n.
func (m maker) batched(c claim.Claim, n int) claim.Claim {
	m.Helper()
	_, all, err := parcel(c).Build(sender, "Clearinghouse", numbers(n), book(m), at(29, 9))
	if err != nil {
		m.Fatal(err)
	}
	if all[0].State != claim.Batched {
		m.Fatalf("%s: %v", all[0].State, all[0].Problems)
	}
	return all[0]
}

func (m maker) sent() claim.Claim {
	return m.must(m.batched(m.ready(), 1).MarkSent(at(29, 10)))
}

func (m maker) accepted() claim.Claim {
	c, _ := m.sent().HearReport(report("EV-2026-000123", "A2:20"), at(30, 8))
	return c
}

// decided is the accepted claim after what the payer says of it.
func (m maker) decided(p *p835.Claim) claim.Claim {
	m.Helper()
	c, _, err := m.accepted().Post(remittance("EFT1"), p, at(43, 8))
	return m.must(c, err)
}

func (m maker) paid() claim.Claim   { return m.decided(payment(1)) }
func (m maker) denied() claim.Claim { return m.decided(denial(1)) }

// again is the claim held for what begin begins, and reviewed at release or later.
func (m maker) again(c claim.Claim, err error) claim.Claim {
	m.Helper()
	return m.must(m.must(c, err).Review(parties(), book(m), at(44, 9)))
}

// each has a claim in every state, by the name of the state or of what leads to it.
func (m maker) each() map[string]claim.Claim {
	turned, _ := m.sent().HearReport(report("EV-2026-000123", "A7:562:85"), at(30, 8))
	received, _ := m.sent().HearGroup(group(1, ack.Accepted), at(29, 12))
	reversed, _, err := m.paid().Post(remittance("EFT2"), reversal(payment(1)), at(50, 8))
	if err != nil {
		m.Fatal(err)
	}
	voiding := m.must(m.batched(m.again(m.paid().Void(at(44, 8))), 2).MarkSent(at(44, 10)))
	voided, _, err := voiding.Post(remittance("EFT2"), reversal(payment(1)), at(50, 8))
	if err != nil {
		m.Fatal(err)
	}
	return map[string]claim.Claim{
		"embargoed": m.coded(), "ready": m.ready(), "batched": m.batched(m.ready(), 1), "sent": m.sent(),
		"held":     m.must(m.coded().Review(claim.Parties{Zone: zone}, book(m), release)),
		"received": received, "accepted": m.accepted(), "rejected": turned, "paid": m.paid(), "denied": m.denied(), "reversed": reversed,
		"appealed": m.must(m.denied().Appeal(at(44, 8))), "voided": voided, "closed": m.must(m.paid().Close(claim.Settled, "staff", at(44, 8))),
		"resending": m.must(turned.Resend(at(31, 8))), "replacing": m.must(m.paid().Replace(at(44, 8))),
		"voiding": m.must(m.paid().Void(at(44, 8))), "withdrawn": m.must(m.ready().Close(claim.Withdrawn, "staff", at(44, 8))),
	}
}

// diff says how two claims differ, and is empty if they do not.
func diff(want, got claim.Claim) string {
	return cmp.Diff(want, got, cmpopts.EquateComparable(civil.Day{}), cmp.Comparer(func(a, b phi.Text) bool { return a == b }))
}

// refused fails unless err is a fault of the code, and returns what it says is wrong.
func refused(t testing.TB, err error, code string) []fault.Problem {
	t.Helper()
	f, ok := fault.Public(err)
	if !ok || f.Code != code {
		t.Errorf("refused with %v, want %s", err, code)
		return nil
	}
	return f.Problems
}

func TestOpen_Embargoed(t *testing.T) {
	t.Parallel()
	c := maker{t}.opened()
	if c.State != claim.Embargoed || !c.Release.Equal(release) || c.Window != (claim.Days{First: day(14), Last: day(21)}) || c.Version != 1 {
		t.Errorf("%+v", c)
	}
	if len(c.Diagnoses) != 1 || c.Diagnoses[0] != "N3000" {
		t.Errorf("diagnoses %q", c.Diagnoses[0].Reveal())
	}
}

func TestOpen_Refuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(*claim.Opening)
		code   string
		where  string
	}{
		{"restricted", func(o *claim.Opening) { o.Restricted = true }, "restricted", ""},
		{"no number", func(o *claim.Opening) { o.Number = "" }, "invalid_request", "number"},
		{"number of 18", func(o *claim.Opening) { o.Number = strings.Repeat("1", 18) }, "invalid_request", "number"},
		{"number with the point of an attempt", func(o *claim.Opening) { o.Number = "EV.1" }, "invalid_request", "number"},
		{"small letters", func(o *claim.Opening) { o.Number = "ev1" }, "invalid_request", "number"},
		{"no coverage", func(o *claim.Opening) { o.Coverage = "" }, "invalid_request", "coverage"},
		{"no payer", func(o *claim.Opening) { o.Payer = "" }, "invalid_request", "coverage"},
		{"no window", func(o *claim.Opening) { o.Window = coding.Window{} }, "invalid_request", "window"},
	} {
		o := opening()
		c.change(&o)
		_, err := claim.Open(o, answered)
		wrong := refused(t, err, c.code)
		if c.where != "" && (len(wrong) != 1 || wrong[0].Where != c.where) {
			t.Errorf("%s: %v", c.name, wrong)
		}
	}
	o := opening()
	o.Number = strings.Repeat("1", 17)
	if _, err := claim.Open(o, answered); err != nil {
		t.Errorf("number of 17: %v", err)
	}
}

// Every control number fits in the 20 characters of CLM01 and leads back to the claim.
func TestControl_LeadsBack(t *testing.T) {
	t.Parallel()
	o := opening()
	o.Number = "ABCDEFGH-12345678"
	c, err := claim.Open(o, answered)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for n := 1; n <= 99; n++ {
		control := c.Control(n)
		if len(control) > 20 || len(c.LineControl(n, 50)) > 30 || seen[control] || claim.NumberOf(control) != o.Number {
			t.Errorf("attempt %d has number %s", n, control)
		}
		seen[control] = true
	}
}

// A claim is stored as JSON and reads as it was.
func TestClaim_JSON(t *testing.T) {
	t.Parallel()
	for name, c := range (maker{t}).each() {
		stored, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		var got claim.Claim
		if err := json.Unmarshal(stored, &got); err != nil {
			t.Fatal(err)
		}
		got.Version = c.Version
		if d := cmp.Diff(c, got, cmpopts.EquateComparable(civil.Day{}), cmpopts.EquateEmpty(), cmp.Comparer(func(a, b phi.Text) bool { return a == b })); d != "" {
			t.Errorf("%s: %s", name, d)
		}
		if strings.Contains(string(stored), "SMITH") || strings.Contains(string(stored), "Smith") {
			t.Errorf("%s has a name", name)
		}
	}
}

// steps are what people and the clock do to a claim.
var steps = map[string]func(claim.Claim) (claim.Claim, error){
	"code":    func(c claim.Claim) (claim.Claim, error) { return c.Coded(outcome(), 40_00, zone, at(45, 8)) },
	"amend":   func(c claim.Claim) (claim.Claim, error) { return c.Amend(amendment(c, 41_00), at(45, 8)) },
	"send":    func(c claim.Claim) (claim.Claim, error) { return c.MarkSent(at(45, 8)) },
	"discard": func(c claim.Claim) (claim.Claim, error) { return c.Discard(at(45, 8)) },
	"resend":  func(c claim.Claim) (claim.Claim, error) { return c.Resend(at(45, 8)) },
	"replace": func(c claim.Claim) (claim.Claim, error) { return c.Replace(at(45, 8)) },
	"void":    func(c claim.Claim) (claim.Claim, error) { return c.Void(at(45, 8)) },
	"appeal":  func(c claim.Claim) (claim.Claim, error) { return c.Appeal(at(45, 8)) },
	"close": func(c claim.Claim) (claim.Claim, error) {
		return c.Close(claim.WrittenOff, "staff", at(45, 8))
	},
	"restrict": func(c claim.Claim) (claim.Claim, error) { return c.Restrict(at(45, 8)) },
	"abandon":  func(c claim.Claim) (claim.Claim, error) { return c.Abandon(at(45, 8)), nil },
}

func amendment(c claim.Claim, charge money.Cents) claim.Amendment {
	a := claim.Amendment{Coverage: c.Coverage, Payer: c.Payer, Diagnoses: c.Diagnoses}
	for range c.Lines {
		a.Services = append(a.Services, claim.Service{Charge: charge})
	}
	return a
}

// What each step makes of a claim in each state: the state after it, = if it changes nothing, or
// the code of its refusal.
func TestSteps_FromEveryState(t *testing.T) {
	t.Parallel()
	names := strings.Fields("code amend send discard resend replace void appeal close restrict abandon")
	no := "claim_state"
	for from, want := range map[string][]string{
		"embargoed": {"embargoed", "embargoed", no, no, no, no, no, no, "closed", "closed", "="},
		"held":      {"held", "held", no, no, no, no, no, no, "closed", "closed", "="},
		"ready":     {"held", "held", no, no, no, no, no, no, "closed", "closed", "="},
		"batched":   {no, no, "sent", "ready", no, no, no, no, no, no, "="},
		"sent":      {no, no, "=", no, no, no, no, no, "closed", "claim_left", "="},
		"received":  {no, no, "=", no, no, no, no, no, "closed", "claim_left", "="},
		"accepted":  {no, no, "=", no, no, no, "payer_control_unknown", no, "closed", "claim_left", "="},
		"rejected":  {no, no, "=", no, "held", no, no, no, "closed", "claim_left", "="},
		"resending": {"held", "held", no, no, "=", no, no, no, "closed", "claim_left", "rejected"},
		"paid":      {no, no, "=", no, no, "held", "held", "appealed", "closed", "claim_left", "="},
		"denied":    {no, no, "=", no, no, "held", "held", "appealed", "closed", "claim_left", "="},
		"appealed":  {no, no, "=", no, no, "held", "held", "=", "closed", "claim_left", "="},
		"reversed":  {no, no, "=", no, no, "held", "held", no, "closed", "claim_left", "="},
		"replacing": {"held", "held", no, no, no, "=", no, no, "claim_decided", "claim_left", "paid"},
		"voiding":   {"void_content", "void_content", no, no, no, no, "=", no, "claim_decided", "claim_left", "paid"},
		"voided":    {no, no, "=", no, no, no, "=", no, no, "claim_left", "="},
		"closed":    {no, no, "=", no, no, no, no, no, no, "claim_left", "="},
		"withdrawn": {no, no, no, no, no, no, no, no, no, no, "="},
	} {
		for i, name := range names {
			t.Run(name+" "+from, func(t *testing.T) {
				t.Parallel()
				before := maker{t}.each()[from]
				next, err := steps[name](before)
				got := string(next.State)
				switch {
				case err != nil:
					f, ok := fault.Public(err)
					if !ok || f.Kind != fault.Conflict || diff(before, next) != "" {
						t.Fatalf("refused with %v, %s", err, diff(before, next))
					}
					got = f.Code
				case next.Version == before.Version:
					got = "="
					if d := diff(before, next); d != "" {
						t.Error(d)
					}
				}
				if got != want[i] {
					t.Errorf("%s, want %s", got, want[i])
				}
				if again, err := steps[name](next); err == nil && again.Version != next.Version && name != "abandon" {
					t.Errorf("repeated, it makes version %d of %d", again.Version, next.Version)
				}
			})
		}
	}
}
