// Package x12readers_test asks X12 readers by other makers what our files say.
// `make setup` fetches them.
package x12readers_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/money"
	"evisit/pkg/phi"
	"evisit/pkg/x12/p835"
	"evisit/pkg/x12/p837"
	"evisit/pkg/x12/x12test"
)

// A claim is what a reader says of one: its number and charge, and each line's
// code with modifiers, charge and pointers; of a remittance, what is paid.
type claim struct {
	ID           string
	Charge, Paid money.Cents
	Lines        []line
}

type line struct {
	Code         string
	Charge, Paid money.Cents
	Pointers     string
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

// claims puts segments CLM and SV1, or CLP and SVC, together.
func claims(t *testing.T, segments [][]string) (all []claim) {
	t.Helper()
	for _, s := range segments {
		switch s[0] {
		case "CLM":
			all = append(all, claim{ID: s[1], Charge: cents(t, s[2])})
		case "CLP":
			all = append(all, claim{ID: s[1], Charge: cents(t, s[3]), Paid: cents(t, s[4])})
		case "SV1":
			last := &all[len(all)-1]
			last.Lines = append(last.Lines, line{Code: s[1], Charge: cents(t, s[2]), Pointers: s[7]})
		case "SVC":
			last := &all[len(all)-1]
			last.Lines = append(last.Lines, line{Code: s[1], Charge: cents(t, s[2]), Paid: cents(t, s[3])})
		}
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
	w := p837.NewWriter(out, x12test.Interchange, x12test.Group)
	if err := w.Begin(batch()); err != nil {
		t.Fatal(err)
	}
	for i := range 2000 {
		c := example(i)
		if err := w.Claim(c); err != nil {
			t.Fatal(err, p837.Check(c))
		}
		want = append(want, said(c))
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

// The readers agree with ours on every golden file of claims and on remittances.
func TestForeignReaders_AgreeOnKeptFiles(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../../pkg/x12/p83[57]/testdata/*.x12")
	if err != nil || len(files) < 5 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		ours := ours837
		if strings.Contains(file, "p835") {
			ours = ours835
		}
		want := ours(t, data)
		for reader, segments := range ask(t, file) {
			if diff := cmp.Diff(want, claims(t, segments)); diff != "" {
				t.Errorf("%s of %s: %s", reader, file, diff)
			}
		}
	}
}

func ours837(t *testing.T, file []byte) (all []claim) {
	t.Helper()
	r := p837.NewReader(bytes.NewReader(file))
	c, err := r.Claim()
	for ; err == nil; c, err = r.Claim() {
		all = append(all, said(c))
	}
	if !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	return all
}

func said(c *p837.Claim) claim {
	of := claim{ID: c.ID, Charge: c.Charge}
	for _, l := range c.Lines {
		of.Lines = append(of.Lines, line{
			Code: strings.Join(append([]string{"HC", l.Code}, l.Modifiers...), ":"), Charge: l.Charge,
			Pointers: strings.ReplaceAll(strings.Trim(fmt.Sprint(l.Pointers), "[]"), " ", ":"),
		})
	}
	return of
}

func ours835(t *testing.T, file []byte) (all []claim) {
	t.Helper()
	r := p835.NewReader(bytes.NewReader(file))
	_, err := r.Next()
	for ; err == nil; _, err = r.Next() {
		c, ended := r.Claim()
		for ; ended == nil; c, ended = r.Claim() {
			of := claim{ID: c.ID, Charge: c.Charge, Paid: c.Paid}
			for _, l := range c.Lines {
				of.Lines = append(of.Lines, line{Code: strings.Join(append([]string{"HC", l.Code}, l.Modifiers...), ":"), Charge: l.Charge, Paid: l.Paid})
			}
			all = append(all, of)
		}
	}
	if !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	return all
}

func batch() p837.Batch {
	return p837.Batch{
		Reference: "EV1", At: x12test.At, Contact: p837.Contact{Name: "BILLING OFFICE", Phone: "5035550100"},
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
			From: x12test.Day(20260114), To: x12test.Day(20260114).AddDays(n), Control: fmt.Sprint(n),
		}
		if n%2 == 1 {
			l.Modifiers = []string{"25", "GP"}
		}
		c.Lines = append(c.Lines, l)
		c.Charge += l.Charge
	}
	return c
}
