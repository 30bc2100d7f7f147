package coding_test

import (
	"slices"
	"testing"

	"evisit/pkg/coding"
)

// Each family has its three codes, each from its own fewest minutes on, with the
// source and a label of our own.
func TestCodes_Table(t *testing.T) {
	t.Parallel()
	codes, err := coding.Codes()
	if err != nil {
		t.Fatal(err)
	}
	got := map[coding.Family][]string{}
	for _, c := range codes {
		got[c.Family] = append(got[c.Family], c.Code)
		if c.Source == "" || c.Label == "" || c.From.IsZero() {
			t.Errorf("%+v", c)
		}
		if want := []int{5, 11, 21}[len(got[c.Family])-1]; c.Minutes != want {
			t.Errorf("%s is of %d minutes, want %d", c.Code, c.Minutes, want)
		}
	}
	if !slices.Equal(got[coding.Evaluation], []string{"99421", "99422", "99423"}) || !slices.Equal(got[coding.Assessment], []string{"98970", "98971", "98972"}) {
		t.Errorf("%v", got)
	}
}

func TestPayers_Check(t *testing.T) {
	t.Parallel()
	payers, err := coding.Payers()
	if err != nil || len(payers) < 4 {
		t.Fatalf("%d payers (%v)", len(payers), err)
	}
	for _, p := range payers {
		if ps := p.Check(); ps != nil {
			t.Errorf("%s: %v", p.Payer, ps)
		}
	}
}

func TestPolicy_CheckRefusals(t *testing.T) {
	t.Parallel()
	good := coding.Policy{Payer: "p", Source: "letter", From: day("2026-01-01"), Accepts: []string{"99421"}, Modifiers: []string{"24"}, Places: []string{"11"}, FilingDays: 90}
	for where, spoil := range map[string]func(*coding.Policy){
		"/payer":          func(p *coding.Policy) { p.Payer = "" },
		"/source":         func(p *coding.Policy) { p.Source = "" },
		"/from":           func(p *coding.Policy) { p.Until = day("2025-12-31") },
		"/rejects/0":      func(p *coding.Policy) { p.Rejects = []string{"99421"} },
		"/modifiers/0":    func(p *coding.Policy) { p.Modifiers = []string{"95"} },
		"/modifiers/1":    func(p *coding.Policy) { p.Modifiers = []string{"GP", "gp"} },
		"/places/0":       func(p *coding.Policy) { p.Places = []string{"10"} },
		"/places/1":       func(p *coding.Policy) { p.Places = []string{"11", "home"} },
		"/filing_days":    func(p *coding.Policy) { p.FilingMonths = 12 },
		"/leads_to_hours": func(p *coding.Policy) { p.LeadsToHours = -1 },
	} {
		p := good
		spoil(&p)
		if ps := p.Check(); len(ps) != 1 || ps[0].Where != where {
			t.Errorf("want a problem at %s: %v", where, ps)
		}
	}
}
