package visit

import (
	"fmt"
	"regexp"
	"slices"
	"sync"
	"unicode/utf8"

	"evisit/pkg/fault"
	"evisit/pkg/money"
	"evisit/pkg/phi"
)

// A Conclusion is what an answer must say: the reply, a diagnosis or a stated
// reason for none, and a follow-up plan with warning signs (eRisk; domain rule
// G31, story 4).
type Conclusion struct {
	Reply       phi.Text    `json:"reply"`
	Diagnoses   []Diagnosis `json:"diagnoses,omitempty"`
	NoDiagnosis phi.Text    `json:"no_diagnosis,omitempty"` // why there is none
	Plan        Plan        `json:"plan"`
	Minutes     *int        `json:"minutes,omitempty"` // the answering clinician's own; nil: not stated
	// Fee is what the clinician lowers the fee to, 0 to waive it; nil: it is not lowered.
	Fee       *money.Cents `json:"fee_cents,omitempty"`
	FeeReason phi.Text     `json:"fee_reason,omitempty"` // of whoever lowers the fee
}

// A Diagnosis is an ICD-10-CM code the clinician chose.
type Diagnosis struct {
	Code    string   `json:"code"`
	Display phi.Text `json:"display,omitempty"`
}

// A Plan tells the patient what to do, what to watch for, and when to be seen.
type Plan struct {
	Do       phi.Text `json:"do"`
	Warnings phi.Text `json:"warning_signs"`
	FollowUp phi.Text `json:"follow_up"` // a date or "as needed"
}

const (
	maxText      = 8000
	maxDiagnoses = 12 // on one claim (billing rules §4.1)
	maxMinutes   = 600
)

// icd10 is the shape of an ICD-10-CM code with its point: three characters,
// then up to four more. Compiled with the package it would slow the start of every
// function, most of which see no answer.
var icd10 = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Z][0-9][0-9AB](\.[0-9A-Z]{1,4})?$`) })

// Differences names the parts in which c differs from d; nil if it says the same.
func (c Conclusion) Differences(d Conclusion) []string {
	var parts []string
	for _, p := range []struct {
		name string
		same bool
	}{
		{"reply", c.Reply == d.Reply},
		{"diagnoses", slices.Equal(c.Diagnoses, d.Diagnoses)},
		{"reason for no diagnosis", c.NoDiagnosis == d.NoDiagnosis},
		{"plan", c.Plan == d.Plan},
		{"minutes", same(c.Minutes, d.Minutes)},
		{"fee", same(c.Fee, d.Fee)},
		{"reason for the fee", c.FeeReason == d.FeeReason},
	} {
		if !p.same {
			parts = append(parts, p.name)
		}
	}
	return parts
}

func same[T comparable](a, b *T) bool { return (a == nil) == (b == nil) && (a == nil || *a == *b) }

// Problems lists what must be corrected before c can be sent, by JSON pointer.
func (c Conclusion) Problems() []fault.Problem {
	var ps []fault.Problem
	add := func(where, code, text string) {
		ps = append(ps, fault.Problem{Where: where, Code: code, Text: text})
	}
	for _, f := range []struct {
		where, want string
		text        phi.Text
	}{
		{"/reply", "the reply to the patient", c.Reply},
		{"/plan/do", "what the patient should do", c.Plan.Do},
		{"/plan/warning_signs", "the warning signs that call for care at once", c.Plan.Warnings},
		{"/plan/follow_up", `when to follow up: a date, or "as needed"`, c.Plan.FollowUp},
	} {
		if f.text.Blank() {
			add(f.where, "required", "say "+f.want)
		} else if utf8.RuneCountInString(f.text.Reveal()) > maxText {
			add(f.where, "length", fmt.Sprintf("keep it within %d characters", maxText))
		}
	}
	reasoned := !c.NoDiagnosis.Blank()
	switch {
	case len(c.Diagnoses) == 0 && !reasoned:
		add("/diagnoses", "required", "give a diagnosis, or say in no_diagnosis why there is none")
	case len(c.Diagnoses) > 0 && reasoned:
		add("/no_diagnosis", "consistency", "leave this out when a diagnosis is given")
	case len(c.Diagnoses) > maxDiagnoses:
		add("/diagnoses", "occurrence", fmt.Sprintf("give at most %d diagnoses", maxDiagnoses))
	case utf8.RuneCountInString(c.NoDiagnosis.Reveal()) > maxText:
		add("/no_diagnosis", "length", fmt.Sprintf("keep it within %d characters", maxText))
	}
	for i, d := range c.Diagnoses[:min(len(c.Diagnoses), maxDiagnoses)] {
		if !icd10().MatchString(d.Code) {
			add(fmt.Sprintf("/diagnoses/%d/code", i), "format", "give an ICD-10-CM code with its point, such as N30.00")
		}
	}
	if m := c.Minutes; m != nil && (*m < 0 || *m > maxMinutes) {
		add("/minutes", "range", fmt.Sprintf("give your own minutes, from 0 to %d", maxMinutes))
	}
	switch reason := !c.FeeReason.Blank(); {
	case c.Fee != nil && *c.Fee < 0:
		add("/fee_cents", "range", "give the fee in cents, 0 to waive it")
	case c.Fee != nil && !reason:
		add("/fee_reason", "required", "say why the fee is lower")
	case c.Fee == nil && reason:
		add("/fee_reason", "consistency", "leave this out when the fee is not lowered")
	case utf8.RuneCountInString(c.FeeReason.Reveal()) > maxText:
		add("/fee_reason", "length", fmt.Sprintf("keep it within %d characters", maxText))
	}
	return ps
}
