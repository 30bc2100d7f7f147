package web

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"evisit/pkg/billing"
	"evisit/pkg/coding"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/intake"
	"evisit/pkg/money"
	"evisit/pkg/phi"
	"evisit/pkg/practice"
)

// deciding are the pages on which a practice decides.
func (s *site) deciding() []route {
	return []route{
		{"GET /manage/settings", s.as(s.settingsPage)},
		{"POST /manage/settings", s.as(s.decide)},
		{"POST /manage/settings/withdraw", s.as(s.withdrawDecision)},
		{"POST /manage/settings/consent", s.as(s.decideConsent)},
		{"POST /manage/settings/readers", s.as(s.decideReaders)},
	}
}

const settingsAt = "/manage/settings"

type settingsView struct {
	Complaints []complaint
	Version    int
	Account    accountView
	// PlatformFee is the platform's part of what patients pay, in percent; empty: nothing.
	PlatformFee string
	Decisions   []field
	Consent     []field
	Readers     []field
	Generated   string
	Coming      []comingRow
	NextFrom    string // when the next consent text begins; empty if there is none
	Next        practice.Consent
	History     []historyRow
}

type comingRow struct{ From, When, What string }

type historyRow struct{ When, Who string }

// priceField and kindsField begin the names of the fields of a form's price, and of its
// prices by kind of clinician.
const (
	priceField = "price:"
	kindsField = "kinds:"
)

// settingsPage shows what the practice has decided, to be decided anew.
func (s *site) settingsPage(w http.ResponseWriter, r *http.Request, v visitor) error {
	return s.showSettings(w, r, v, unsettled{code: http.StatusOK})
}

// An unsettled is a form of the settings that was refused, as it was sent, and why; without
// a form, what else was refused. The zero part is none of the page's forms.
type unsettled struct {
	part settingsPart
	sent sentForm
	text string // what is wrong with the whole
	code int
}

// A settingsPart is a form of the settings.
type settingsPart int

const (
	decisionsPart settingsPart = iota + 1
	consentPart
	readersPart
)

func (s *site) showSettings(w http.ResponseWriter, r *http.Request, v visitor, was unsettled) error {
	all, err := s.Author.Settings(r.Context(), v.Caller)
	if err != nil {
		return err
	}
	p := all.Practice
	view := settingsView{
		Version: p.Version, Account: v.accountView(all.Account), PlatformFee: percentage(p.PlatformFee), Decisions: decisionFields(p), Generated: all.Generated, Next: p.NextConsent,
		Consent: consentFields(p), Readers: readersFields(p),
	}
	switch was.part {
	case decisionsPart:
		view.Decisions = was.sent.fillBeside(view.Decisions)
	case consentPart:
		view.Consent = was.sent.fill(view.Consent)
	case readersPart:
		view.Readers = was.sent.fill(view.Readers)
	}
	view.Complaints = append(aboutPage(was.text), complaints(slices.Concat(view.Decisions, view.Consent, view.Readers))...)
	if p.ConsentNext != "" {
		view.NextFrom = p.Local(p.ConsentFrom)
	}
	for _, ch := range p.Coming {
		view.Coming = append(view.Coming, comingRow{ch.From.Format(time.RFC3339Nano), p.Local(ch.From), changeWords(ch)})
	}
	for _, c := range all.History {
		who, when := "the system", "at its registration"
		if c.Decided.Person != "" {
			who, when = c.Decided.Person, p.Local(c.Decided.At)
		}
		view.History = append(view.History, historyRow{when, who})
	}
	return s.show(w, &v, page{view: "settings", title: errorTitle("Settings", view.Complaints), data: view, code: was.code})
}

// fillBeside is fill, and says beside each text that was sent what stands in its place now:
// sending the form again decides what is in it.
func (s sentForm) fillBeside(form []field) []field {
	filled := s.fill(form)
	for i, f := range form {
		if len(f.Values) == 1 && f.Values[0] != "" && f.Values[0] != filled[i].Values[0] {
			filled[i].Help = append(slices.Clip(f.Help), "Now: "+f.Values[0].Reveal())
		}
	}
	return filled
}

// unsettle shows the settings again, with the form that was refused because of err. An err
// that a page cannot say is returned.
func (s *site) unsettle(w http.ResponseWriter, r *http.Request, v visitor, part settingsPart, sent sentForm, err error) error {
	code, text, ok := sent.refuse(err)
	if !ok {
		return err
	}
	return s.showSettings(w, r, v, unsettled{part, sent, text, code})
}

func one(text string) []phi.Text { return []phi.Text{phi.Text(text)} }

func ownReaders(p practice.Practice) string {
	if !p.OwnReaders {
		return ""
	}
	return p.Readers
}

// decisionFields are the practice's decisions as they hold now.
func decisionFields(p practice.Practice) []field {
	fields := []field{{
		Kind: "text", ID: "states", Name: "states", Label: "States served", Required: true, Values: one(strings.Join(p.States, ", ")),
		Help: []string{"Two letters each, such as OR, WA: where the practice's clinicians are licensed."},
	}}
	names := slices.Collect(maps.Keys(p.Forms))
	names = slices.AppendSeq(names, maps.Keys(p.Prices))
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		price := ""
		if cents, ok := p.Prices[name]; ok {
			price = strings.TrimPrefix(cents.String(), "$")
		}
		fields = append(fields, field{
			Kind: "text", ID: "price-" + name, Name: priceField + name, Label: "Price of " + name + ", in dollars", Mode: "decimal", Values: one(price),
		})
		if price != "" {
			fields = append(fields, field{
				Kind: "area", ID: "kinds-" + name, Name: kindsField + name, Label: "Lower prices of " + name + ", by who answers", Values: one(kindLines(p.KindPrices[name])),
				Help: []string{"One on each line: a kind of clinician and dollars, such as np 20.00. The kinds are " + kindNames() + "."},
			})
		}
	}
	topics := field{Kind: "checks", ID: "topics", Name: "topics", Label: "Taken by phone only"}
	for n, topic := range intake.Topics() {
		id := topics.ID
		if n > 0 {
			id = "topic-" + topic
		}
		topics.Options = append(topics.Options, option{
			ID: id, Value: topic, Label: intake.TopicWords(topic), Chosen: slices.Contains(p.Topics, topic),
		})
	}
	return append(
		fields,
		field{Kind: "text", ID: "answer", Name: "answer", Label: "An answer is promised within, in hours", Required: true, Mode: "decimal", Values: one(hours(p.Terms.Answer))},
		field{
			Kind: "text", ID: "give-up", Name: "give-up", Label: "A late request expires after, in hours", Required: true, Mode: "decimal", Values: one(hours(p.Terms.GiveUp)),
		},
		topics,
		field{
			Kind: "text", ID: "refund-limit", Name: "refund-limit", Label: "What staff may refund of one payment, in dollars", Mode: "decimal", Values: one(strings.TrimPrefix(p.RefundLimit.String(), "$")),
			Help: []string{"In all, with what was refunded of it before. 0: administrators alone refund."},
		},
		field{
			Kind: "checks", ID: "medicare", Name: "medicare", Label: "Medicare",
			Options: []option{{ID: "medicare", Value: optedOut, Label: "Every clinician of the practice has opted out of Medicare", Chosen: p.OptedOut}},
			Help:    []string{"Only then do patients with Medicare pay the posted fee, by the private contract that each of them signed. Otherwise they are told to call the practice, unless a contract with their plan is entered."},
		},
		field{
			Kind: "checks", ID: "minors", Name: "minors", Label: "Patients under 18",
			Options: []option{{ID: "minors", Value: "refused", Label: "No requests are taken for them", Chosen: p.Minors.Refused}},
		},
		field{
			Kind: "text", ID: "act-from", Name: "act-from", Label: "Age from which they act for themselves", Mode: "numeric", Values: one(age(p.Minors.ActFrom)),
			Help: []string{"From then on they sign in and send their own requests. Empty: not before 18. Which minors may consent, and to what, is the law of your state."},
		},
		field{
			Kind: "text", ID: "own-from", Name: "own-from", Label: "Age from which a parent does not read what they sent", Mode: "numeric", Values: one(age(p.Minors.OwnFrom)),
			Help: []string{"Unless they have the parent act for them. It holds for what was sent before, too. Empty: parents read all until 18."},
		},
		field{
			Kind: "date", ID: "from", Name: "from", Label: "From which day on", Values: one(""),
			Help: []string{"Empty: at once. A day begins at midnight in the practice's zone, " + p.Zone + "."},
		},
	)
}

// kindLines writes prices by kind as kindPrices reads them.
func kindLines(prices billing.KindPrices) string {
	var lines []string
	for _, kind := range slices.Sorted(maps.Keys(prices)) {
		lines = append(lines, string(kind)+" "+strings.TrimPrefix(prices[kind].String(), "$"))
	}
	return strings.Join(lines, "\n")
}

func kindNames() string {
	var names []string
	for _, kind := range coding.Clinicians {
		names = append(names, string(kind))
	}
	return strings.Join(names, ", ")
}

// kindPrices reads lines of a kind and a price each, and returns those that are none.
func kindPrices(text string) (prices billing.KindPrices, unclear []string) {
	prices = billing.KindPrices{}
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		kind := coding.Kind(strings.ToLower(words[0]))
		cents, read := dollars(words[len(words)-1])
		if _, twice := prices[kind]; len(words) != 2 || !read || !kind.Treats() || twice {
			unclear = append(unclear, "“"+strings.TrimSpace(line)+"” is not a kind of clinician, named once, and dollars such as np 20.00.")
			continue
		}
		prices[kind] = cents
	}
	return prices, unclear
}

func consentFields(p practice.Practice) []field {
	fields := []field{
		{Kind: "text", ID: "consent-version", Name: "version", Label: "Name of the new version", Required: true, Max: 40, Values: one(""), Help: []string{"Such as 2026-12. It holds for ever."}},
		{Kind: "area", ID: "consent-text", Name: "text", Label: "What a patient agrees to", Required: true, Values: one(p.Consent.Text)},
	}
	if p.Consent.Main() != spanish {
		fields = append(fields, field{Kind: "area", ID: "consent-es", Name: spanish, Label: "The same in Spanish", Values: one(p.Consent.Others[spanish])})
	}
	return append(fields, field{Kind: "date", ID: "consent-from", Name: "from", Label: "From which day on", Values: one(""), Help: []string{"Empty: at once."}})
}

const spanish = "es"

func hours(d time.Duration) string { return strconv.FormatFloat(d.Hours(), 'f', -1, 64) }

// changeWords says what a decision that is to come changes.
func changeWords(ch practice.Change) string {
	var words []string
	for _, form := range slices.Sorted(maps.Keys(ch.Prices)) {
		if price := ch.Prices[form]; price != nil {
			words = append(words, form+" costs "+price.String())
		} else {
			words = append(words, form+" has no price")
		}
	}
	for _, form := range slices.Sorted(maps.Keys(ch.KindPrices)) {
		for _, kind := range slices.Sorted(maps.Keys(ch.KindPrices[form])) {
			if price := ch.KindPrices[form][kind]; price != nil {
				words = append(words, form+" costs "+price.String()+" if "+kind.Words()+" answers")
			} else {
				words = append(words, form+" costs its own price if "+kind.Words()+" answers")
			}
		}
	}
	if ch.States != nil {
		words = append(words, "states served are "+strings.Join(*ch.States, ", "))
	}
	if ch.Terms != nil {
		words = append(words, "an answer is promised within "+lasting(ch.Terms.Answer), "a late request expires after "+lasting(ch.Terms.GiveUp))
	}
	if ch.Topics != nil {
		words = append(words, "taken by phone only: "+strings.Join(*ch.Topics, ", "))
	}
	for _, form := range slices.Sorted(maps.Keys(ch.Forms)) {
		if version := ch.Forms[form]; version != "" {
			words = append(words, form+" is offered as version "+version)
		} else {
			words = append(words, form+" is retired")
		}
	}
	for _, form := range slices.Sorted(maps.Keys(ch.Closed)) {
		if kinds := ch.Closed[form]; len(kinds) > 0 {
			words = append(words, form+" is not taken for: "+strings.Join(kinds, ", "))
		} else {
			words = append(words, form+" is taken for every kind of request")
		}
	}
	if ch.Minors != nil {
		words = append(words, minorsWords(*ch.Minors)...)
	}
	if ch.RefundLimit != nil {
		words = append(words, "staff may refund up to "+ch.RefundLimit.String()+" of one payment")
	}
	if ch.OptedOut != nil {
		words = append(words, medicareWords(*ch.OptedOut))
	}
	if ch.Established != nil {
		words = append(words, establishedWords(*ch.Established))
	}
	return strings.Join(words, "; ")
}

// age writes an age; empty for none.
func age(years int) string {
	if years == 0 {
		return ""
	}
	return strconv.Itoa(years)
}

func minorsWords(m identity.Minors) []string {
	words := []string{"requests are taken for patients under 18", "none of them acts before 18", "a parent reads all until 18"}
	if m.Refused {
		words[0] = "no requests are taken for patients under 18"
	}
	if m.ActFrom > 0 {
		words[1] = "they act for themselves from " + age(m.ActFrom)
	}
	if m.OwnFrom > 0 {
		words[2] = "from " + age(m.OwnFrom) + " a parent does not read what they sent"
	}
	return words
}

func medicareWords(optedOut bool) string {
	if optedOut {
		return "every clinician has opted out of Medicare"
	}
	return "the clinicians have not opted out of Medicare"
}

func establishedWords(months int) string {
	if months == 0 {
		return "no patient need have been seen in person"
	}
	return "a patient must have been seen in person within " + strconv.Itoa(months) + " months"
}

// decisionPlaces are where the clinic says that a problem with a decision is.
func decisionPlaces(p practice.Practice) map[string]string {
	places := map[string]string{
		"/states": "states", "/answer_minutes": "answer", "/give_up_minutes": "give-up", "/topics_by_phone": "topics", "/from": "from",
		"/minors/act_from": "act-from", "/minors/own_from": "own-from", "/refund_limit_cents": "refund-limit",
	}
	for _, f := range decisionFields(p) {
		if form, ok := strings.CutPrefix(f.Name, priceField); ok {
			places["/prices/"+form] = f.ID
		}
		if form, ok := strings.CutPrefix(f.Name, kindsField); ok {
			places["/kind_prices/"+form] = f.ID
			for _, kind := range coding.Clinicians {
				places["/kind_prices/"+form+"/"+string(kind)] = f.ID
			}
		}
	}
	return places
}

// decide decides what was changed on the page.
func (s *site) decide(w http.ResponseWriter, r *http.Request, v visitor) error {
	v, values, err := v.postedAsSeen(r)
	if err != nil {
		return err
	}
	all, err := s.Author.Settings(r.Context(), v.Caller)
	if err != nil {
		return err
	}
	ch, unclear := changed(values, all.Practice)
	err = judged(r.Context(), unclear, func(ctx context.Context) error {
		_, err := s.Author.Decide(ctx, v.Caller, ch)
		return err
	})
	if err == nil {
		return redirect(w, settingsAt)
	}
	return s.unsettle(w, r, v, decisionsPart, newSentForm(values, decisionPlaces(all.Practice)), err)
}

// changed is what a posted page decides otherwise than it stands in p, and what of it cannot
// be read.
func changed(values url.Values, p practice.Practice) (ch practice.Change, unclear []fault.Problem) {
	bad := func(where, text string) {
		unclear = append(unclear, fault.Problem{Where: where, Code: "format", Text: text})
	}
	states := strings.FieldsFunc(values.Get("states"), func(r rune) bool { return r == ',' || r == ' ' })
	if !slices.Equal(states, p.States) {
		ch.States = &states
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		form, ok := strings.CutPrefix(name, priceField)
		text := strings.TrimSpace(values.Get(name))
		was, priced := p.Prices[form]
		switch cents, read := dollars(text); {
		case !ok || text == "" && !priced:
		case text == "":
			ch.Prices = withPrice(ch.Prices, form, nil)
		case !read:
			bad("/prices/"+form, "A price is in dollars and cents, such as 40 or 40.50.")
		case !priced || cents != was:
			ch.Prices = withPrice(ch.Prices, form, &cents)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		form, ok := strings.CutPrefix(name, kindsField)
		if !ok {
			continue
		}
		prices, wrong := kindPrices(values.Get(name))
		for _, text := range wrong {
			bad("/kind_prices/"+form, text)
		}
		for _, kind := range coding.Clinicians {
			now, holds := prices[kind]
			was, held := p.KindPrices[form][kind]
			switch {
			case held && !holds:
				ch.KindPrices = ch.KindPrices.With(form, kind, nil)
			case holds && (!held || now != was):
				ch.KindPrices = ch.KindPrices.With(form, kind, &now)
			}
		}
	}
	terms := p.Terms
	for _, t := range []struct {
		name, where string
		to          *time.Duration
	}{{"answer", "/answer_minutes", &terms.Answer}, {"give-up", "/give_up_minutes", &terms.GiveUp}} {
		d, read := duration(values.Get(t.name))
		if !read {
			bad(t.where, "Give hours as a number, such as 24.")
			continue
		}
		*t.to = d
	}
	if terms != p.Terms {
		ch.Terms = &terms
	}
	if topics := values["topics"]; !slices.Equal(slices.Sorted(slices.Values(topics)), slices.Sorted(slices.Values(p.Topics))) {
		ch.Topics = &topics
	}
	if text := values.Get("refund-limit"); text != "" {
		switch limit, read := dollars(text); {
		case !read:
			bad("/refund_limit_cents", "Give dollars and cents, such as 40 or 40.50.")
		case limit != p.RefundLimit:
			ch.RefundLimit = &limit
		}
	}
	if out := values.Get("medicare") != ""; out != p.OptedOut {
		ch.OptedOut = &out
	}
	minors := identity.Minors{Refused: values.Get("minors") != ""}
	for _, a := range []struct {
		name, where string
		to          *int
	}{{"act-from", "/minors/act_from", &minors.ActFrom}, {"own-from", "/minors/own_from", &minors.OwnFrom}} {
		years, read := ageOf(values.Get(a.name))
		if !read {
			bad(a.where, "Give an age in whole years, such as 16, or nothing.")
		}
		*a.to = years
	}
	if minors != p.Minors {
		ch.Minors = &minors
	}
	from, err := dayOf(values.Get("from"), p)
	if err != nil {
		bad("/from", "Choose a day.")
	}
	ch.From = from
	return ch, unclear
}

func withPrice(all practice.PriceChanges, form string, cents *money.Cents) practice.PriceChanges {
	if all == nil {
		all = practice.PriceChanges{}
	}
	all[form] = cents
	return all
}

// dollars reads an amount that people write: 40, 40.5, $40.50, 1,000.
func dollars(text string) (money.Cents, bool) {
	text = strings.ReplaceAll(strings.TrimPrefix(strings.TrimSpace(text), "$"), ",", "")
	whole, part, _ := strings.Cut(text, ".")
	if len(part) > 2 {
		return 0, false
	}
	cents, err := strconv.ParseInt(whole+part+strings.Repeat("0", 2-len(part)), 10, 64)
	return money.Cents(cents), err == nil
}

// duration reads a number of hours, to the minute: hours writes a third of one with digits that
// do not end.
func duration(text string) (time.Duration, bool) {
	d, err := time.ParseDuration(strings.TrimSpace(text) + "h")
	return d.Round(time.Minute), err == nil
}

// ageOf reads an age; nothing is 0.
func ageOf(text string) (years int, read bool) {
	if text = strings.TrimSpace(text); text == "" {
		return 0, true
	}
	years, err := strconv.Atoi(text)
	return years, err == nil
}

// dayOf is the midnight with which a day begins at the practice; zero for none.
func dayOf(text string, p practice.Practice) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	zone, err := p.Location()
	if err != nil {
		return time.Time{}, err
	}
	t, err := time.ParseInLocation(time.DateOnly, text, zone)
	return t.UTC(), err
}

func (s *site) withdrawDecision(w http.ResponseWriter, r *http.Request, v visitor) error {
	v, values, err := v.postedAsSeen(r)
	if err != nil {
		return err
	}
	from, err := time.Parse(time.RFC3339Nano, values.Get("from"))
	if err != nil {
		return errNotAForm
	}
	if _, err = s.Author.Withdraw(r.Context(), v.Caller, from); err == nil {
		return redirect(w, settingsAt)
	}
	if public, ok := fault.Public(err); ok && public.Kind == fault.NotFound { // it has begun, or was taken back
		return s.showSettings(w, r, v, unsettled{text: sentence(public.Text), code: http.StatusConflict})
	}
	return s.unsettle(w, r, v, 0, newSentForm(values, nil), err)
}

var consentPlaces = map[string]string{"/version": "consent-version", "/text": "consent-text", "/others/" + spanish: "consent-es", "/from": "consent-from"}

func (s *site) decideConsent(w http.ResponseWriter, r *http.Request, v visitor) error {
	v, values, err := v.postedAsSeen(r)
	if err != nil {
		return err
	}
	var unclear []fault.Problem
	from, err := dayOf(values.Get("from"), v.practice)
	if err != nil {
		unclear = []fault.Problem{{Where: "/from", Code: "format", Text: "Choose a day."}}
	}
	text := consentOf(values, v.practice.Consent)
	err = judged(r.Context(), unclear, func(ctx context.Context) error {
		_, err := s.Author.DecideConsent(ctx, v.Caller, text, from)
		return err
	})
	if public, ok := fault.Public(err); ok && public.Code == "consent_exists" {
		err = fault.New(public.Kind, public.Code, public.Text, fault.Problem{Where: "/version", Code: public.Code, Text: public.Text})
	}
	if err == nil {
		return redirect(w, settingsAt)
	}
	return s.unsettle(w, r, v, consentPart, newSentForm(values, consentPlaces), err)
}

// consentOf is the consent text that was posted: in the language of the one that holds, and
// with its further languages but Spanish, which the page has a field for.
func consentOf(values url.Values, now practice.Consent) practice.Consent {
	text := practice.Consent{
		Version: strings.TrimSpace(values.Get("version")), Text: values.Get("text"), Language: now.Language, Others: maps.Clone(now.Others),
	}
	delete(text.Others, spanish)
	if es := values.Get(spanish); strings.TrimSpace(es) != "" {
		if text.Others == nil {
			text.Others = map[string]string{}
		}
		text.Others[spanish] = es
	}
	return text
}

func readersFields(p practice.Practice) []field {
	return []field{{
		Kind: "area", ID: "readers", Name: "readers", Label: "Who reads requests", Max: 1000, Values: one(ownReaders(p)),
		Help: []string{"Leave it empty to have it made of who works here."},
	}}
}

func (s *site) decideReaders(w http.ResponseWriter, r *http.Request, v visitor) error {
	v, values, err := v.postedAsSeen(r)
	if err != nil {
		return err
	}
	if _, err = s.Author.DecideReaders(r.Context(), v.Caller, values.Get("readers")); err == nil {
		return redirect(w, settingsAt)
	}
	return s.unsettle(w, r, v, readersPart, newSentForm(values, map[string]string{"/who_reads": "readers"}), err)
}
