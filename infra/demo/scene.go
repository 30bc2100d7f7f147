package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// A scene is one scenario that is being played. After the first error every step does
// nothing.
type scene struct {
	*cast
	err error
}

// A care is one visit in a scene, seen by the person who asked for it.
type care struct {
	*scene
	patient *person // the patient, or the caregiver
	id      string
	form    questionnaire
	price   string // quote id
	beside  string // the request underway that the patient knows of
	page    string // address of the payment page
}

// A view is the part of a visit that is shown to the patient.
type view struct {
	ID      string `json:"id"`
	Status  string `json:"status"`
	Version int    `json:"version"`
	Quote   *struct {
		ID     string `json:"id"`
		Amount int64  `json:"amount_cents"`
	} `json:"quote"`
	Promise *struct {
		By   time.Time `json:"answer_by"`
		Late bool      `json:"late"`
	} `json:"promise"`
	Clinician *struct {
		Name string `json:"name"`
	} `json:"clinician"`
	Checkout  string     `json:"checkout_url"`
	Diversion *diversion `json:"diversion"`
}

type diversion struct {
	Disposition string `json:"disposition"`
	Message     string `json:"message"`
	Charged     bool   `json:"charged"`
}

// books is the part of a visit's money that is shown to the patient.
type books struct {
	Payments []struct {
		State     string `json:"state"`
		Account   string `json:"account"`
		Amount    int64  `json:"amount_cents"`
		Collected int64  `json:"collected_cents"`
		Platform  int64  `json:"platform_fee_cents"`
		Refunded  int64  `json:"refunded_cents"`
		Intent    string `json:"payment_intent"`
	} `json:"payments"`
}

func (b books) last() string {
	if len(b.Payments) == 0 {
		return "none"
	}
	return b.Payments[len(b.Payments)-1].State
}

func (b books) String() string {
	words := map[string]string{
		"opened": "payment page open", "held": "held", "captured": "charged", "released": "released",
		"lapsed": "lapsed", "failed": "card failed", "abandoned": "page closed", "refunded": "refunded",
	}
	var parts []string
	for _, p := range b.Payments {
		w, ok := words[p.State]
		if !ok {
			w = p.State
		}
		switch p.State {
		case "held", "released":
			w = dollars(p.Amount) + " " + w
		case "captured":
			w = dollars(p.Collected) + " " + w
		}
		parts = append(parts, w)
	}
	if len(parts) == 0 {
		return "no card"
	}
	return strings.Join(parts, ", ")
}

func dollars(cents int64) string { return fmt.Sprintf("$%d.%02d", cents/100, cents%100) }

// do runs one step unless the scene has failed.
func (s *scene) do(step func() error) {
	if s.err == nil {
		s.err = step()
	}
}

// check fails the scene unless ok.
func (s *scene) check(ok bool, format string, args ...any) {
	if s.err == nil && !ok {
		s.err = fmt.Errorf(format, args...)
	}
}

// refused runs a step that the system must refuse with code, and prints the refusal.
func (s *scene) refused(ctx context.Context, who, what, code string, step func() error) {
	s.do(func() error {
		err := step()
		r, ok := errors.AsType[*refusal](err)
		if !ok || r.Code != code {
			return fmt.Errorf("%s %s: want a refusal %q, got %w", who, what, code, orAccepted(err))
		}
		return s.print(ctx, who, fmt.Sprintf("%s: refused, %q", what, r.Detail), "")
	})
}

// refusedAt is refused for a field of what was sent.
func (s *scene) refusedAt(ctx context.Context, who, what, field string, step func() error) {
	s.do(func() error {
		err := step()
		r, _ := errors.AsType[*refusal](err)
		if r == nil || len(r.Problems) != 1 || r.Problems[0].Where != field {
			return fmt.Errorf("%s %s: want a refusal of %s alone, got %w", who, what, field, orAccepted(err))
		}
		return s.print(ctx, who, fmt.Sprintf("%s: refused, %s: %q", what, field, r.Problems[0].Text), "")
	})
}

func orAccepted(err error) error {
	if err == nil {
		return errors.New("a success")
	}
	return err
}

func (s *scene) print(ctx context.Context, who, what, state string) error {
	now, err := s.now(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "   %s  %-16s %-72s %s\n", now.Format("Jan 02 15:04:05"), who, what, state)
	return err
}

// says prints a message and what the patient now sees.
func (v *care) says(ctx context.Context, who, format string, args ...any) {
	v.do(func() error {
		seen, err := v.seen(ctx)
		if err != nil {
			return err
		}
		money, err := v.money(ctx)
		if err != nil {
			return err
		}
		state := strings.ReplaceAll(seen.Status, "_", " ")
		if seen.Status == "queued" && seen.Promise != nil && seen.Promise.Late {
			state += " (late)"
		}
		return v.print(ctx, who, fmt.Sprintf(format, args...), state+" · "+money.String())
	})
}

func (v *care) path(step string) string { return "/visits/" + v.id + "/" + step }

func (v *care) seen(ctx context.Context) (view, error) {
	var out view
	return out, v.patient.get(ctx, "/visits/"+v.id, &out)
}

func (v *care) money(ctx context.Context) (books, error) {
	var out books
	return out, v.patient.get(ctx, v.path("ledger"), &out)
}

// byHand does something to the visit's latest payment at Stripe's own pages.
func (v *care) byHand(ctx context.Context, do string) error {
	b, err := v.money(ctx)
	if err != nil || len(b.Payments) == 0 {
		return errors.Join(err, errors.New("visit "+v.id+" has no payment"))
	}
	return v.atStripe(ctx, do, b.Payments[len(b.Payments)-1].Intent)
}

// atStripe does something at Stripe's own pages to an object or an account.
func (k *cast) atStripe(ctx context.Context, do, id string) error {
	return k.json(ctx, call{method: http.MethodPost, url: k.stripe + "/sim/hand"}, map[string]any{"do": do, "id": id}, nil)
}

// A letter is one that the system has sent.
type letter struct {
	To      []string `json:"to"`
	Subject string   `json:"subject"`
	Text    string   `json:"text"`
}

// waitsForLetter waits for a letter, called what, that is the one.
func (s *scene) waitsForLetter(ctx context.Context, what string, is func(letter) bool) {
	s.do(func() error {
		return s.until(ctx, what, func(ctx context.Context) (bool, error) {
			var box struct {
				Mails []letter `json:"mails"`
			}
			err := s.json(ctx, call{method: http.MethodGet, url: s.base + "/dev/mail.json"}, nil, &box)
			return slices.ContainsFunc(box.Mails, is), err
		})
	})
}

// isWritten waits for a letter about the visit: people act on their mail, and what is no
// longer true is not written.
func (v *care) isWritten(ctx context.Context, subject string) {
	v.waitsForLetter(ctx, fmt.Sprintf("the letter %q about visit %s", subject, v.id), func(m letter) bool {
		return strings.HasSuffix(m.Subject, ": "+subject) && strings.Contains(m.Text, "/visits/"+v.id)
	})
}

// access gives somebody their access, or takes it away; to act for a patient, or, if that
// is empty, to anything.
func (s *scene) access(ctx context.Context, of *person, patient string, allowed bool) {
	in := map[string]any{"person": of.ID, "allowed": allowed}
	if patient != "" {
		in["patient"] = patient
	}
	s.do(func() error { return s.json(ctx, call{method: http.MethodPost, url: s.base + "/dev/access"}, in, nil) })
}

// starts makes a draft on form, for the patient, or for who if patient is empty.
func (s *scene) starts(ctx context.Context, who *person, form, patient string) *care {
	v := &care{scene: s, patient: who}
	s.do(func() error {
		var err error
		if v.form, err = who.form(ctx, form); err != nil {
			return err
		}
		in := map[string]string{"form": form}
		if patient != "" {
			in["patient"] = patient
		}
		var out view
		if err := who.post(ctx, "/visits", in, &out); err != nil {
			return err
		}
		v.id = out.ID
		return nil
	})
	v.says(ctx, who.Name, "starts a request: %s", v.form.Title)
	return v
}

// answers saves the answers page by page, and returns the diversion, if there is one.
func (v *care) answers(ctx context.Context, a answers) *diversion {
	var stopped *diversion
	v.do(func() error {
		entries, err := fill(v.form.Item, a)
		if err != nil {
			return err
		}
		for len(entries) > 0 && stopped == nil {
			page := entries[:min(pageSize, len(entries))]
			entries = entries[len(page):]
			var out view
			k := call{method: http.MethodPatch, url: v.base + v.path("answers"), token: v.patient.Token}
			if err := v.json(ctx, k, map[string]any{"resourceType": "QuestionnaireResponse", "item": page}, &out); err != nil {
				return err
			}
			stopped = out.Diversion
		}
		return nil
	})
	return stopped
}

// fills saves the answers of a whole form, which must not be diverted.
func (v *care) fills(ctx context.Context, a answers) {
	stopped := v.answers(ctx, a)
	if stopped != nil {
		v.check(false, "these answers were diverted: %s", stopped.Message)
	}
	v.says(ctx, v.patient.Name, "fills in the form")
}

// prices asks for the quote.
func (v *care) prices(ctx context.Context) {
	var q struct {
		ID      string `json:"id"`
		Amount  int64  `json:"amount_cents"`
		Minutes int    `json:"answer_within_minutes"`
	}
	v.do(func() error { return v.patient.post(ctx, v.path("quote"), nil, &q) })
	v.price = q.ID
	price := "the price " + dollars(q.Amount)
	if q.Amount == 0 {
		price = "that it is free"
	}
	v.says(ctx, v.patient.Name, "sees %s, an answer within %d h, and who will read it", price, q.Minutes/60)
}

func (v *care) submission() map[string]any {
	return map[string]any{"quote": v.price, "accept_fee": true, "accept_consent": true, "language": "en", "beside": v.beside}
}

// sends accepts fee and consent, and submits the visit.
func (v *care) sends(ctx context.Context) {
	v.do(func() error {
		var out view
		err := v.patient.post(ctx, v.path("submit"), v.submission(), &out)
		v.page = out.Checkout
		return err
	})
	v.says(ctx, v.patient.Name, "accepts fee and consent, and sends it")
}

// requests makes a visit, from its first page to its payment page.
func (s *scene) requests(ctx context.Context, who *person, form string, a answers) *care {
	v := s.starts(ctx, who, form, "")
	v.fills(ctx, common().with(a))
	v.prices(ctx)
	v.sends(ctx)
	return v
}

// Cards of the payment simulator.
const (
	goodCard     = "4242424242424242"
	declinedCard = "4000000000000002"
	bankAsksCard = "4000002500003155"
	holdOnlyCard = "4000000000007007"

	refundFailsCard = "4000000000005126"
)

// pays pays with a good card on the payment page.
func (v *care) pays(ctx context.Context) { v.paysWith(ctx, goodCard, "pays on Stripe's page") }

func (v *care) paysWith(ctx context.Context, card, what string) {
	v.do(func() error {
		status, body, next, err := v.submitForm(ctx, v.page, url.Values{"card": {card}})
		if err != nil {
			return err
		}
		if strings.HasSuffix(next, "/authenticate") {
			if status, body, next, err = v.submitForm(ctx, next, url.Values{"answer": {"complete"}}); err != nil {
				return err
			}
		}
		done := status == http.StatusGone && strings.Contains(body, "complete") // the payment was made and its answer lost
		if next == "" && !done {
			return fmt.Errorf("paying at %s: answered %d and stayed", v.page, status)
		}
		return nil
	})
	v.says(ctx, v.patient.Name, "%s", what)
}

// isDeclined tries a card that is declined.
func (v *care) isDeclined(ctx context.Context) {
	v.do(func() error {
		status, _, _, err := v.submitForm(ctx, v.page, url.Values{"card": {declinedCard}})
		if err == nil && status != http.StatusPaymentRequired {
			err = fmt.Errorf("a bad card was answered %d", status)
		}
		return err
	})
	v.says(ctx, v.patient.Name, "tries a card that is declined; the page stays open")
}

// becomes waits until the visit has the status.
func (v *care) becomes(ctx context.Context, status, what string) {
	v.do(func() error {
		return v.until(ctx, "visit "+v.id+" to be "+status, func(ctx context.Context) (bool, error) {
			seen, err := v.seen(ctx)
			return seen.Status == status, err
		})
	})
	v.says(ctx, "evisit", "%s", what)
}

// settles waits until the visit's latest payment has the state.
func (v *care) settles(ctx context.Context, state, what string) {
	v.do(func() error {
		return v.until(ctx, "the payment of visit "+v.id+" to be "+state, func(ctx context.Context) (bool, error) {
			b, err := v.money(ctx)
			return b.last() == state, err
		})
	})
	v.says(ctx, "evisit", "%s", what)
}

// queues waits until the visit is in the queue, where the hold puts it.
func (v *care) queues(ctx context.Context) {
	v.becomes(ctx, "queued", "the card is held; the practice is told when to answer by")
	v.isWritten(ctx, "Your request was received")
}

// taken finds the visit in a clinician's queue, takes it and reads it.
func (v *care) taken(ctx context.Context, by *person) {
	v.do(func() error { return by.post(ctx, v.path("take"), nil, nil) })
	v.do(func() error { return by.read(ctx, v.id, "chart", nil) })
	v.says(ctx, by.Name, "takes it and reads the chart")
}

// A todo is the part of an item of work that is needed here.
type todo struct {
	ID     string    `json:"id"`
	Kind   string    `json:"kind"`
	Visit  string    `json:"visit"`
	Task   string    `json:"task"`
	Reason string    `json:"reason"`
	Note   string    `json:"note"`
	Made   time.Time `json:"made_at"`
	Due    time.Time `json:"due_at"`

	Difference struct {
		Text string `json:"text"`
	} `json:"difference"`
}

// work returns the first open item of a kind about a visit, or about none if that is
// empty, in the list of what somebody has to do; zero if there is none.
func (p *person) work(ctx context.Context, kind, visit string) (todo, error) {
	var open struct {
		Items []todo `json:"items"`
	}
	err := p.get(ctx, "/practice/work", &open)
	for _, i := range open.Items {
		if i.Kind == kind && i.Visit == visit {
			return i, err
		}
	}
	return todo{}, err
}

// finds looks for the one open item of a kind about the visit in the list of the
// work that somebody has to do.
func (v *care) finds(ctx context.Context, who *person, kind string) (item todo) {
	v.do(func() (err error) {
		if item, err = who.work(ctx, kind, v.id); err == nil && item.ID == "" {
			err = fmt.Errorf("%s has no %s of visit %s to do", who.Name, kind, v.id)
		}
		return err
	})
	return item
}

// ends takes somebody's word that an item of work is done.
func (s *scene) ends(ctx context.Context, who *person, item todo) {
	s.do(func() error { return who.post(ctx, "/practice/work/"+item.ID+"/end", nil, nil) })
}

// A conclusion is what an answer must say.
type conclusion struct {
	Reply       string      `json:"reply"`
	Diagnoses   []diagnosis `json:"diagnoses,omitempty"`
	NoDiagnosis string      `json:"no_diagnosis,omitempty"`
	Plan        plan        `json:"plan"`
	Minutes     int         `json:"minutes"`
}

type diagnosis struct {
	Code    string `json:"code"`
	Display string `json:"display"`
}

type plan struct {
	Do       string `json:"do"`
	Warnings string `json:"warning_signs"`
	FollowUp string `json:"follow_up"`
}

func concludes(reply, code, display, do, warnings string) conclusion {
	return conclusion{
		Reply: reply, Diagnoses: []diagnosis{{code, display}}, Minutes: 6,
		Plan: plan{Do: do, Warnings: warnings, FollowUp: "as needed"},
	}
}

func (v *care) answeredBy(ctx context.Context, by *person, c conclusion) {
	v.do(func() error { return by.post(ctx, v.path("answer"), c, nil) })
	v.says(ctx, by.Name, "answers; the encounter document is written")
}

// acknowledged reads the answer as the patient and acknowledges it.
func (v *care) acknowledged(ctx context.Context) {
	v.do(func() error { return v.patient.read(ctx, v.id, "chart", nil) })
	v.do(func() error { return v.patient.post(ctx, v.path("acknowledge"), nil, nil) })
	v.says(ctx, v.patient.Name, "reads the answer and acknowledges it")
}

// answered completes a queued visit: it is taken, answered, captured and acknowledged.
func (v *care) answered(ctx context.Context, by *person, c conclusion) {
	v.taken(ctx, by)
	v.answeredBy(ctx, by, c)
	v.settles(ctx, "captured", "the card is charged, now that the answer is given")
	v.acknowledged(ctx)
}
