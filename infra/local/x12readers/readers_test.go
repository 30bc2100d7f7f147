// Package x12readers_test asks X12 readers by other makers what our files say.
// `make setup` fetches them.
package x12readers_test

import (
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/money"
	"evisit/pkg/phi"
	"evisit/pkg/x12"
	"evisit/pkg/x12/p837"
)

// A claim is what a reader says of one: its number, its charge, and each line's
// code with modifiers, charge and pointers.
type claim struct {
	ID     string
	Charge money.Cents
	Lines  []line
}

type line struct {
	Code     string
	Charge   money.Cents
	Pointers string
}

// ask returns each reader's segments of claims in file.
func ask(t *testing.T, file string) map[string][][]string {
	t.Helper()
	// The files are looked at here too, so that the test's cached result is dropped
	// when one changes or is gone.
	for _, part := range []string{"read.js", "node_modules/node-x12/index.js", "node_modules/x12-parser/package.json"} {
		if _, err := os.ReadFile(part); err != nil {
			t.Fatalf("%v; make setup fetches the readers", err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "node", "read.js", file)
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, complaint.String())
	}
	said := map[string][][]string{}
	if err := json.Unmarshal(out, &said); err != nil {
		t.Fatal(err)
	}
	if len(said) != 2 {
		t.Fatalf("%d readers answered, want 2", len(said))
	}
	return said
}

// cents reads dollars without the program's own reader.
func cents(t *testing.T, dollars string) money.Cents {
	t.Helper()
	r, ok := new(big.Rat).SetString(dollars)
	if !ok || !r.Mul(r, big.NewRat(100, 1)).IsInt() {
		t.Fatalf("%q is no amount", dollars)
	}
	return money.Cents(r.Num().Int64())
}

// claims puts segments CLM and SV1 together.
func claims(t *testing.T, segments [][]string) (all []claim) {
	t.Helper()
	for _, s := range segments {
		if s[0] == "CLM" {
			all = append(all, claim{ID: s[1], Charge: cents(t, s[2])})
			continue
		}
		last := &all[len(all)-1]
		last.Lines = append(last.Lines, line{Code: s[1], Charge: cents(t, s[2]), Pointers: s[7]})
	}
	return all
}

func TestForeignReaders_AgreeOnClaims(t *testing.T) {
	t.Parallel()
	var want []claim
	file := filepath.Join(t.TempDir(), "claims.x12")
	out, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 1, 29, 9, 30, 0, 0, time.UTC)
	us, them := x12.Address{Qualifier: "ZZ", ID: "EVISITSUBMIT"}, x12.Address{Qualifier: "ZZ", ID: "CLEARINGHOUSE"}
	w := p837.NewWriter(out, x12.Interchange{Sender: us, Receiver: them, At: at, Control: 1, Test: true},
		x12.Group{Sender: us.ID, Receiver: them.ID, At: at, Control: 1})
	if err := w.Begin(batch(at)); err != nil {
		t.Fatal(err)
	}
	for i := range 2000 {
		c := example(i)
		if err := w.Claim(c); err != nil {
			t.Fatal(err, p837.Check(c))
		}
		said := claim{ID: c.ID, Charge: c.Charge}
		for _, l := range c.Lines {
			said.Lines = append(said.Lines, line{
				Code: strings.Join(append([]string{"HC", l.Code}, l.Modifiers...), ":"), Charge: l.Charge,
				Pointers: strings.ReplaceAll(strings.Trim(fmt.Sprint(l.Pointers), "[]"), " ", ":"),
			})
		}
		want = append(want, said)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	for reader, segments := range ask(t, file) {
		if diff := cmp.Diff(want, claims(t, segments)); diff != "" {
			t.Errorf("%s: %s", reader, diff)
		}
	}
}

func batch(at time.Time) p837.Batch {
	return p837.Batch{
		Reference: "EV1", At: at, Contact: p837.Contact{Name: "BILLING OFFICE", Phone: "5035550100"},
		Submitter: p837.Organization{Name: "LAKESIDE FAMILY MEDICINE", ID: "EVISITSUBMIT"},
		Receiver:  p837.Organization{Name: "CLEARINGHOUSE", ID: "CLEARINGHOUSE"},
	}
}

// example is a claim unlike its neighbours: of one or several lines and
// diagnoses, for a subscriber or a child, of any amount.
func example(i int) *p837.Claim {
	patient := p837.Person{
		Last: "O'NEILL-SMITH", First: "JANE", Birth: "19850412", Gender: "F",
		Address: p837.Home{Street: "22 OAK AVE, #3", City: "PORTLAND", State: "OR", ZIP: "97205"},
	}
	c := &p837.Claim{
		Billing: p837.Billing{
			Provider: p837.Provider{Name: "LAKESIDE FAMILY MEDICINE", NPI: "1234567893"}, TaxID: "123456789",
			Address: p837.Address{Street: "100 MAIN ST", City: "PORTLAND", State: "OR", ZIP: "972051234"},
		},
		Subscriber: p837.Subscriber{Person: patient, MemberID: "MEM123456", Order: "P", Filing: "CI"},
		Payer:      p837.Organization{Name: "EXAMPLE HEALTH PLAN", ID: "EXPLAN01"},
		ID:         fmt.Sprint("EV-2026-", i), Place: "11", Frequency: p837.Original, Signed: true, Assignment: "A", Benefits: "Y", Release: "Y",
	}
	if i%3 == 1 {
		c.Patient = &p837.Dependent{Relationship: "19", Person: patient}
		c.Subscriber.Person = p837.Person{Last: "SMITH", First: "TOM"}
	}
	for d := range 1 + i%12 {
		c.Diagnoses = append(c.Diagnoses, phi.Text(fmt.Sprintf("N30%02d", d)))
	}
	for n := range 1 + i%5 {
		l := p837.Line{
			Code: "99421", Charge: money.Cents(i*i*997%100_000_00 + n), Units: 1 + n, Pointers: []int{1 + n%len(c.Diagnoses)},
			From: 20260114, To: 20260114 + x12.Date(n), Control: fmt.Sprint(n),
		}
		if n%2 == 1 {
			l.Modifiers = []string{"25", "GP"}
		}
		c.Lines = append(c.Lines, l)
		c.Charge += l.Charge
	}
	return c
}
