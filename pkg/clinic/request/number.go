package request

import (
	"context"

	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/intake"
	"evisit/pkg/phi"
	"evisit/pkg/record"
	"evisit/pkg/visit"
	"evisit/pkg/work"
)

// GiveNumber keeps the number at which a diverted patient may be called, and has them
// contacted there as soon as the form promises. It refuses what is no number, and a
// visit of which the form has nobody contact the patient. The last number given
// holds; it is given again without a change.
func (m *Room) GiveNumber(ctx context.Context, c clinic.Caller, id string, number phi.Text) (visit.Visit, record.Diversion, error) {
	v, _, err := clinic.Step(ctx, m.Kernel, c, identity.FillVisit, draftWithAnswers(id),
		func(in clinic.Input) (clinic.Decision, clinic.Nothing, error) {
			d, err := m.giveNumber(ctx, in, number)
			return d, clinic.Nothing{}, err
		})
	if err != nil {
		return v, record.Diversion{}, err
	}
	d, err := m.Charts.Diversion(ctx, v)
	if err != nil {
		return v, record.Diversion{}, err
	}
	return v, *d, nil
}

func (m *Room) giveNumber(ctx context.Context, in clinic.Input, number phi.Text) (d clinic.Decision, err error) {
	next, err := in.Visit.GiveNumber()
	if err != nil {
		return d, err
	}
	stopped, err := m.Charts.Diversion(ctx, in.Visit)
	if err != nil {
		return d, err
	}
	to := stopped.Contact()
	if to == nil {
		return d, fault.New(fault.Conflict, "nobody_calls", "nobody is to call you about this request; call the practice if you want to speak to it")
	}
	f, answers, err := m.Charts.FormAndAnswers(ctx, in.Visit, in.Answers)
	if err != nil {
		return d, err
	}
	if err := checkNumber(f, answers, to.Question, number); err != nil {
		return d, err
	}
	last, _, err := m.Charts.LastMessage(ctx, in.Visit)
	if err != nil || last.Kind == record.Number && last.Text == number {
		return d, err
	}
	said, err := m.Charts.SealMessage(ctx, next, in.Caller.Person, record.Number, number, in.Now)
	if err != nil {
		return d, err
	}
	again, err := m.callAgain(ctx, in, stopped, to)
	return clinic.Change(in.Visit, next, clinic.Commit{
		Messages: []clinic.Message{said}, Work: again, Audit: m.record(in, "visit.number", next),
	}), err
}

// checkNumber refuses what the form would refuse as the answer to its question for a
// number.
func checkNumber(f *intake.Form, answers intake.Response, question string, number phi.Text) error {
	res := f.Check(answers.Merge(intake.Response{Items: []intake.Entry{intake.Ask(question, intake.String(number.Reveal()))}}))
	for _, p := range res.Problems {
		if p.Where == question {
			return fault.New(fault.Invalid, "number_wrong", "this is no phone number", fault.Problem{Where: "/number", Code: p.Code, Text: p.Text})
		}
	}
	if number.Blank() {
		return fault.New(fault.Invalid, "number_wrong", "this is no phone number",
			fault.Problem{Where: "/number", Code: "required", Text: "give a phone number"})
	}
	return nil
}

// callAgain opens the ended work item of a diversion again: it may have been ended for
// want of a number.
func (m *Room) callAgain(ctx context.Context, in clinic.Input, stopped *record.Diversion, to *intake.Contact) ([]work.Item, error) {
	var c clinic.Commit
	err := m.Kernel.OpenWork(ctx, &c, toContact(in.Visit, stopped.Disposition, to, in.Now))
	return c.Work, err
}
