package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"evisit/pkg/billing"
	"evisit/pkg/civil"
	"evisit/pkg/clinic/author"
	"evisit/pkg/coverage"
	"evisit/pkg/fault"
)

const contractsAt = "/manage/contracts"

// contracting are the pages on which a practice enters what it agreed with payers.
func (s *site) contracting() []route {
	return []route{
		{"GET /manage/contracts", s.as(s.contracts)},
		{"POST /manage/contracts", s.as(s.enterContract)},
		{"POST /manage/contracts/{contract}/remove", s.as(s.removeContract)},
	}
}

func contractForm(payers []coverage.Payer) []field {
	var options []option
	for _, p := range payers {
		options = append(options, option{Value: p.ID, Label: p.Name + " (" + p.ID + ")"})
	}
	return []field{
		{Kind: "select", ID: "payer", Name: "payer", Label: "Health plan", Required: true, Options: options, Help: []string{"Of part B of Medicare enter what its fee schedule allows, and 20 percent as the share."}},
		{Kind: "text", ID: "procedure", Name: "procedure", Label: "Procedure's code", Required: true, Help: []string{"CPT, such as 99421, or HCPCS, such as G2010."}},
		{Kind: "text", ID: "rate", Name: "rate", Label: "Allowed amount, in dollars", Required: true, Mode: "decimal", Help: []string{"What the plan and the patient pay together."}},
		{Kind: "text", ID: "copay", Name: "copay", Label: "The patient's share, in dollars", Mode: "decimal", Help: []string{"If it is a fixed amount. Fill in this or the percentage."}},
		{Kind: "text", ID: "part", Name: "part", Label: "The patient's share, in percent of the allowed amount", Mode: "numeric", Help: []string{"A whole number from 1 to 100. The share is rounded down to the cent."}},
		{
			Kind: "checks", ID: "later", Name: "later", Label: "When the patient pays their share",
			Options: []option{{ID: "later", Value: "true", Label: "Once the plan has said what it is: hold nothing before the answer"}},
		},
		{Kind: "date", ID: "from", Name: "from", Label: "First day of service", Required: true},
		{Kind: "date", ID: "until", Name: "until", Label: "Last day", Help: []string{"Empty: none is known."}},
	}
}

var contractPlaces = map[string]string{
	"/payer": "payer", "/code": "procedure", "/rate": "rate", "/copay": "copay", "/percent": "part", "/from": "from", "/until": "until",
}

// contract reads the form, and names what of it cannot be read.
func (f filled) contract() (c billing.Contract, unclear []fault.Problem) {
	bad := func(where, code, text string) {
		unclear = append(unclear, fault.Problem{Where: where, Code: code, Text: text})
	}
	const inDollars = "Give dollars and cents, such as 80 or 80.50."
	c.Payer, c.Code = f.values.Get("payer"), strings.ToUpper(f.text("procedure").Reveal())
	var read bool
	if c.Rate, read = dollars(f.values.Get("rate")); !read {
		bad("/rate", "format", inDollars)
	}
	if text := f.text("copay").Reveal(); text != "" {
		if c.Copay, read = dollars(text); !read {
			bad("/copay", "format", inDollars)
		}
	}
	if text := f.text("part").Reveal(); text != "" {
		if c.Percent = number(text); c.Percent == 0 {
			bad("/percent", "format", "Give a whole number from 1 to 100.")
		}
	}
	c.Later = f.values.Get("later") != ""
	day := func(name string) civil.Day {
		text := f.text(name).Reveal()
		day, err := civil.Parse(text)
		if text != "" && err != nil {
			bad("/"+name, "date", "Choose a day, or write it as 2026-03-02: year, month, day.")
		}
		return day
	}
	c.From, c.Until = day("from"), day("until")
	return c, unclear
}

func contractsSheet(l author.Contracts) sheet {
	sh := sheet{
		Crumb: &link{Href: settingsAt, Text: "Settings"}, Title: "Contracts with payers", Action: contractsAt, Button: "Enter",
		Intro: []string{
			"What health plans allow you for each procedure, and what of it their members pay themselves.",
			"A contract of the same plan, code and first day is replaced. Of several that count on a day of service, the one that began last holds.",
		},
		Fields: with(contractForm(l.Payers), nil),
	}
	if len(l.Entered) == 0 {
		sh.Facts = []fact{{"Now", "No contract is entered."}}
	}
	for _, c := range l.Entered {
		name := coverage.ByID(l.Payers, c.Payer).Name + ", " + c.Code
		sh.Facts = append(sh.Facts, fact{name, contractWords(l, c)})
		sh.Presses = append(sh.Presses, newPress(false, contractsAt+"/"+url.PathEscape(c.ID())+"/remove", "quiet", fmt.Sprintf("Remove %s from %s", name, c.From)))
	}
	return sh
}

// contractWords say what the members of a payer pay, and since when.
func contractWords(l author.Contracts, c billing.Contract) string {
	words := c.Explain()
	if !c.Until.IsZero() {
		words += " Its last day is " + c.Until.String() + "."
	}
	switch {
	case l.Holds(c):
		return words + " It holds today."
	case c.From.After(l.Today):
		return words + " It is to begin."
	}
	return words + " It does not hold today."
}

var contractDone = map[string]string{"entered": "The contract is entered.", "removed": "The contract is removed."}

func (s *site) contracts(w http.ResponseWriter, r *http.Request, v visitor) error {
	l, err := s.Author.Contracts(r.Context(), v.Caller)
	if err != nil {
		return err
	}
	sh := contractsSheet(l)
	sh.Done = contractDone[r.URL.Query().Get("done")]
	return s.showSheet(w, &v, sh, "", http.StatusOK)
}

func (s *site) enterContract(w http.ResponseWriter, r *http.Request, v visitor) error {
	l, err := s.Author.Contracts(r.Context(), v.Caller)
	if err != nil {
		return err
	}
	f, err := readSheet(r, contractForm(l.Payers), contractPlaces)
	if err != nil {
		return err
	}
	in, unclear := f.contract()
	err = judged(r.Context(), unclear, func(ctx context.Context) error {
		_, err := s.Author.EnterContract(ctx, v.Caller, in)
		return err
	})
	if err != nil {
		return s.refusedSheet(w, &v, contractsSheet(l), f, err)
	}
	return redirect(w, contractsAt+"?done=entered")
}

func (s *site) removeContract(w http.ResponseWriter, r *http.Request, v visitor) error {
	if _, err := s.Author.RemoveContract(r.Context(), v.Caller, r.PathValue("contract")); err != nil {
		return err
	}
	return redirect(w, contractsAt+"?done=removed")
}
