package web

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"evisit/pkg/clinic/chart"
	"evisit/pkg/coding"
	"evisit/pkg/fault"
	"evisit/pkg/money"
	"evisit/pkg/phi"
	"evisit/pkg/visit"
)

// The forms of the desk, as nobody has filled them in yet.
var (
	askForm = []field{{
		Kind: "area", ID: "question", Name: "question", Label: "Your question", Required: true,
		Help: []string{"The promised time stands still until the patient replies."},
	}}
	answerForm = []field{
		{Kind: "area", ID: "reply", Name: "reply", Label: "Reply to the patient", Required: true},
		{Kind: "checks", ID: "diagnoses", Name: "code", Label: "Diagnoses", Required: true, OtherName: "other-codes", OtherLabel: "Other ICD-10-CM codes"},
		{
			Kind: "text", ID: "no-diagnosis", Name: "no-diagnosis", Label: "Why there is no diagnosis", Required: true,
			Help: []string{"Only if you give none."},
		},
		{Kind: "area", ID: "do", Name: "do", Label: "What the patient should do", Required: true},
		{Kind: "area", ID: "warnings", Name: "warnings", Label: "Warning signs that call for care at once", Required: true},
		{
			Kind: "text", ID: "follow-up", Name: "follow-up", Label: "Follow-up", Required: true,
			Help: []string{"A date, or “as needed”."},
		},
		{Kind: "text", ID: "minutes", Name: "minutes", Label: "Your own minutes", Mode: "numeric"},
		{Kind: "text", ID: "fee", Name: "fee", Label: "A lower fee, in dollars", Mode: "decimal"},
		{Kind: "text", ID: "fee-reason", Name: "fee-reason", Label: "Why the fee is lower", Help: []string{"Only if you lower it. The patient can read it."}},
	}
	awayForm = []field{
		{Kind: "radios", ID: "to", Name: "to", Label: "What the patient is told", Required: true, Options: []option{
			{ID: "to", Value: string(visit.Redirected), Label: "Please be seen in person"},
			{ID: "to-declined", Value: string(visit.Declined), Label: "The request is declined"},
		}},
		{Kind: "select", ID: "reason", Name: "reason", Label: "Reason", Required: true, Options: reasonOptions()},
		{
			Kind: "area", ID: "away", Name: "text", Label: "Message to the patient", Required: true,
			Help: []string{"Say why, and where to turn."},
		},
	}
)

// Where the clinic says that a problem with a field of the desk's forms is.
var (
	askPlaces    = map[string]string{"/text": "question"}
	awayPlaces   = map[string]string{"/text": "away"}
	answerPlaces = map[string]string{
		"/reply": "reply", "/diagnoses": "diagnoses", "/no_diagnosis": "no-diagnosis", "/plan/do": "do",
		"/plan/warning_signs": "warnings", "/plan/follow_up": "follow-up", "/minutes": "minutes",
		"/fee_cents": "fee", "/fee_reason": "fee-reason",
	}
)

// A sentForm is the forms of the desk as one of them was sent. They are shown again if it
// is refused. The zero sentForm was not sent.
type sentForm struct {
	post
	places map[string]string // where the clinic says that a problem with a field is
	wrong  map[string]string // what is wrong with a field, by its ID
}

func newSentForm(values url.Values, places map[string]string) sentForm {
	return sentForm{post{values: values}, places, map[string]string{}}
}

// fill returns form with what was sent, and what is wrong with it.
func (s sentForm) fill(form []field) []field {
	form = slices.Clone(form)
	for i := range form {
		f := &form[i]
		if text := s.wrong[f.ID]; text != "" {
			f.Errors = []string{text}
		}
		switch f.Kind {
		case "radios", "checks", "select":
			f.Options = slices.Clone(f.Options)
			for n := range f.Options {
				f.Options[n].Chosen = slices.Contains(s.values[f.Name], f.Options[n].Value)
			}
			if f.OtherName != "" {
				f.Others = []phi.Text{s.text(f.OtherName)}
			}
		default:
			f.Values = []phi.Text{s.text(f.Name)}
		}
	}
	return form
}

// strays lists the texts of s whose fields are not among those shown.
func (s sentForm) strays(shown ...[]field) []stray {
	var all []stray
	names := namesOf(shown...)
	for _, f := range slices.Concat(askForm, answerForm, awayForm) {
		if text := s.text(f.Name); text != "" && (f.Kind == "area" || f.Kind == "text") && !slices.Contains(names, f.Name) {
			all = append(all, stray{f.Name, f.Label, text})
		}
	}
	return all
}

// setForms draws the forms that the visitor may send, with was as it was sent and refused.
func (view *deskView) setForms(ch chart.Chart, was sentForm, can []visit.Action, kind coding.Kind) {
	view.CanTake, view.CanTakeOver = slices.Contains(can, visit.Take), slices.Contains(can, visit.TakeOver)
	view.CanRelease, view.CanHandOver = slices.Contains(can, visit.Release), slices.Contains(can, visit.HandOver)
	if slices.Contains(can, visit.Ask) {
		view.Ask = was.fill(askForm)
	}
	if slices.Contains(can, visit.Answer) {
		view.Give = was.fill(priced(suggesting(ch), ch.Visit.Quote.FeeOf(kind)))
	}
	if slices.Contains(can, visit.Decline) {
		view.Away = was.fill(awayForm)
	}
	view.Strays, view.Kept = was.strays(view.Ask, view.Give, view.Away), was.values.Get(keptField) != ""
	for _, form := range [][]field{view.Ask, view.Give, view.Away} {
		view.Complaints = append(view.Complaints, complaints(form)...)
	}
	view.AwayOpen = len(typed(was.values, namesOf(view.Away))) > 0 || len(complaints(view.Away)) > 0
}

// CanTreat reports whether there is a form that the visitor may send.
func (view deskView) CanTreat() bool { return len(view.Ask)+len(view.Give)+len(view.Away) > 0 }

// Keeps reports whether the page has something typed to keep, or fields to type in.
func (view deskView) Keeps() bool { return view.CanTreat() || len(view.Strays) > 0 }

// suggesting is the form of an answer with the diagnoses that the visit's form
// suggests. Without any, codes are written.
func suggesting(ch chart.Chart) []field {
	form := slices.Clone(answerForm)
	f := &form[slices.IndexFunc(form, func(f field) bool { return f.ID == "diagnoses" })]
	for i, d := range ch.Form.SuggestedDiagnoses() {
		o := option{ID: f.ID, Value: d.Code, Label: d.Display + " · " + d.Code}
		if i > 0 {
			o.ID += "-" + strconv.Itoa(i+1)
		}
		f.Options = append(f.Options, o)
	}
	if len(f.Options) == 0 {
		*f = field{Kind: "text", ID: f.ID, Name: f.OtherName, Label: "Diagnoses", Required: true, Help: []string{"ICD-10-CM codes."}}
	}
	return form
}

// priced is the form of an answer that costs fee, which may be lowered unless there is none.
func priced(form []field, fee money.Cents) []field {
	if fee == 0 {
		return slices.DeleteFunc(form, func(f field) bool { return f.ID == "fee" || f.ID == "fee-reason" })
	}
	f := &form[slices.IndexFunc(form, func(f field) bool { return f.ID == "fee" })]
	f.Help = []string{"Your answer costs " + fee.String() + ". Leave this empty to charge that; 0 waives it."}
	return form
}

// conclusion reads the answer that was sent; words are those of the diagnoses that
// were suggested. Minutes and a fee that are left empty are not given, and what is no
// number is a problem.
func (s sentForm) conclusion(words map[string]string) (c visit.Conclusion, wrong []fault.Problem) {
	c = visit.Conclusion{
		Reply: s.text("reply"), NoDiagnosis: s.text("no-diagnosis"),
		Plan: visit.Plan{Do: s.text("do"), Warnings: s.text("warnings"), FollowUp: s.text("follow-up")},
	}
	between := func(c rune) bool { return c == ',' || c == ';' || unicode.IsSpace(c) }
	for _, code := range append(s.texts("code"), strings.FieldsFunc(strings.ToUpper(s.text("other-codes").Reveal()), between)...) {
		c.Diagnoses = append(c.Diagnoses, visit.Diagnosis{Code: code, Display: phi.Text(words[code])})
	}
	c.FeeReason = s.text("fee-reason")
	if minutes := s.text("minutes").Reveal(); minutes != "" {
		n, err := strconv.Atoi(minutes)
		if err != nil {
			wrong = append(wrong, fault.Problem{Where: "/minutes", Code: "type", Text: "give your own minutes as a whole number"})
		}
		c.Minutes = &n
	}
	if fee := s.text("fee").Reveal(); fee != "" {
		cents, read := dollars(fee)
		if !read {
			wrong = append(wrong, fault.Problem{Where: "/fee_cents", Code: "type", Text: "give a fee in dollars and cents, such as 20 or 20.50"})
		}
		c.Fee = &cents
	}
	return c, wrong
}

// checkAway finds what is wrong with a form that ends a visit without an answer, save
// for what the clinic finds.
func (s sentForm) checkAway() {
	if to := s.values.Get("to"); to != string(visit.Declined) && to != string(visit.Redirected) {
		s.wrong["to"] = "Choose what the patient is told."
	}
	if !slices.Contains(visit.TurnAwayReasons, visit.Reason(s.values.Get("reason"))) {
		s.wrong["reason"] = "Choose a reason."
	}
	if s.text("text").Blank() {
		s.wrong["away"] = "Tell the patient why, and where to turn."
	}
}

func reasonOptions() []option {
	var all []option
	for _, r := range visit.TurnAwayReasons {
		all = append(all, option{Value: string(r), Label: capital(r.ForDesk())})
	}
	return all
}
