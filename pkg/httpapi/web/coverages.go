package web

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"evisit/pkg/civil"
	"evisit/pkg/coverage"
	"evisit/pkg/fault"
	"evisit/pkg/phi"
)

// The pages of a patient's health plans are one for the patient, for who acts for them and for
// the practice, whose people compare them with the cards.

func coveragesOf(patient string) string { return "/coverages/" + url.PathEscape(patient) }

func coveragePath(patient, id string) string { return coveragesOf(patient) + "/" + url.PathEscape(id) }

var coverageForm = []field{
	{Kind: "select", ID: "payer", Name: "payer", Label: "Health plan", Help: []string{"Choose it, if it is listed."}},
	{Kind: "text", ID: "plan", Name: "plan", Label: "Its name, as the card has it", Help: []string{"Only if it is not listed."}},
	{Kind: "text", ID: "member", Name: "member", Label: "Member number", Required: true, Help: []string{"As the card has it."}},
	{Kind: "text", ID: "group", Name: "group", Label: "Group number"},
	{Kind: "radios", ID: "relation", Name: "relation", Label: "Whose insurance is it?", Required: true, Options: []option{
		{ID: "relation", Value: string(coverage.Self), Label: "The patient's own"},
		{ID: "relation-spouse", Value: string(coverage.Spouse), Label: "The patient's husband's or wife's"},
		{ID: "relation-child", Value: string(coverage.Child), Label: "A parent's: the patient is their child"},
		{ID: "relation-other", Value: string(coverage.Other), Label: "Somebody else's"},
	}},
	{Kind: "text", ID: "first", Name: "first", Label: "First name of that person", Help: []string{"This and the next three only if it is not the patient's own."}},
	{Kind: "text", ID: "last", Name: "last", Label: "Last name of that person"},
	{Kind: "date", ID: "birth", Name: "birth", Label: "Date of birth of that person"},
	{Kind: "select", ID: "sex", Name: "sex", Label: "Sex of that person", Options: sexOptions},
	{Kind: "radios", ID: "priority", Name: "priority", Label: "Which plan pays first?", Required: true, Options: []option{
		{ID: "priority", Value: "1", Label: "This one pays first"},
		{ID: "priority-2", Value: "2", Label: "This one pays second"},
		{ID: "priority-3", Value: "3", Label: "This one pays third"},
	}},
	{Kind: "date", ID: "from", Name: "from", Label: "First day on which it holds"},
	{Kind: "date", ID: "until", Name: "until", Label: "Last day on which it holds", Help: []string{"If it is known to end."}},
}

var coveragePlaces = map[string]string{
	"/payer": "payer", "/plan": "plan", "/member_id": "member", "/group": "group", "/relation": "relation",
	"/subscriber/first_name": "first", "/subscriber/last_name": "last", "/subscriber/birth_date": "birth", "/subscriber/sex": "sex",
	"/priority": "priority", "/from": "from", "/until": "until",
}

// card reads what a form says of a card, and which of its days are none.
func (f filled) card() (c coverage.Card, unclear []fault.Problem) {
	day := func(name, where string) civil.Day {
		text := f.text(name).Reveal()
		d, err := civil.Parse(text)
		if text != "" && err != nil {
			unclear = append(unclear, fault.Problem{Where: where, Code: "date", Text: "Choose a day, or write it as 1990-04-12: year, month, day."})
		}
		return d
	}
	return coverage.Card{
		Payer: f.text("payer").Reveal(), Plan: f.text("plan"), Member: f.text("member"), Group: f.text("group"),
		Relation: coverage.Relation(f.values.Get("relation")), Priority: number(f.values.Get("priority")),
		Subscriber: coverage.Subscriber{First: f.text("first"), Last: f.text("last"), Birth: day("birth", "/subscriber/birth_date"), Sex: f.values.Get("sex")},
		From:       day("from", "/from"), Until: day("until", "/until"),
	}, unclear
}

func cardValues(c coverage.Card) url.Values {
	return url.Values{
		"payer": {c.Payer}, "plan": {c.Plan.Reveal()}, "member": {c.Member.Reveal()}, "group": {c.Group.Reveal()}, "relation": {string(c.Relation)},
		"first": {c.Subscriber.First.Reveal()}, "last": {c.Subscriber.Last.Reveal()}, "birth": {c.Subscriber.Birth.String()}, "sex": {c.Subscriber.Sex},
		"priority": {strconv.Itoa(c.Priority)}, "from": {c.From.String()}, "until": {c.Until.String()},
	}
}

// formOf is the form of a coverage, with the payers that it may name: those that are taken, and
// the one that it names already.
func (s *site) formOf(r *http.Request, v visitor, was coverage.Payer) ([]field, error) {
	payers, err := s.Registrar.Payers(r.Context(), v.Caller)
	if err != nil {
		return nil, err
	}
	if !was.Ended.IsZero() {
		payers = append(payers, was)
	}
	form := slices.Clone(coverageForm)
	for _, p := range payers {
		form[0].Options = append(form[0].Options, option{Value: p.ID, Label: p.Name})
	}
	return form, nil
}

type coveragesView struct {
	Crumb      link
	Title      string
	Done       string
	Complaints []complaint
	New        string // where a coverage is entered
	Order      string // where it is said which pays first; empty: there are no two to order
	Coverages  []coverageRow
}

type coverageRow struct {
	Name      phi.Text
	Href      string
	Version   int
	Facts     []fact
	Medicare  string // which part; empty: none, or not known
	Ended     bool
	Unchecked bool
	CanCheck  bool
}

var turnWords = map[int]string{1: "First", 2: "Second", 3: "Third"}

var relationWords = map[coverage.Relation]string{
	coverage.Self: "The patient's own", coverage.Spouse: "Husband's or wife's", coverage.Child: "A parent's", coverage.Other: "Somebody else's",
}

var coverageDone = map[string]string{
	"added": "The health plan is entered.", "changed": "The change is made.", "ended": "The end is noted.", "checked": "It is noted that it agrees with the card.",
	"ordered": "It is noted which plan pays first.",
}

func (s *site) coverages(w http.ResponseWriter, r *http.Request, v visitor) error {
	return s.showCoverages(w, r, v, "", http.StatusOK)
}

// showCoverages lists the health plans of a patient, those that hold today first and by their
// turn; text is what was wrong with what was pressed.
func (s *site) showCoverages(w http.ResponseWriter, r *http.Request, v visitor, text string, code int) error {
	patient := r.PathValue("patient")
	all, err := s.Registrar.Coverages(r.Context(), v.Caller, patient)
	if err != nil {
		return err
	}
	today, err := s.today(v)
	if err != nil {
		return err
	}
	view := coveragesView{
		Crumb: s.coveragesCrumb(v, patient), Title: "Health plans", Done: coverageDone[r.URL.Query().Get("done")],
		Complaints: aboutPage(text), New: coveragesOf(patient) + "/new",
	}
	others := slices.DeleteFunc(slices.Clone(all), func(h coverage.Held) bool { return h.Active(today) })
	for _, h := range append(coverage.ActiveOn(all, today), others...) {
		view.Coverages = append(view.Coverages, newCoverageRow(h, v, today))
	}
	if len(ordered(all, today)) > 1 {
		view.Order = coveragesOf(patient) + "/order"
	}
	return s.show(w, &v, page{view: "coverages", title: errorTitle(view.Title, view.Complaints), data: view, code: code})
}

// coveragesCrumb leads back to where the visitor came from.
func (s *site) coveragesCrumb(v visitor, patient string) link {
	if v.Person.Works() {
		return link{Href: patientPath(patient), Text: "The patient"}
	}
	return link{Href: dataPath, Text: "My data"}
}

// mostOrdered bounds the plans of which one page says which pays first.
const mostOrdered = 20

// ordered are the coverages of all of which it matters which pays first: those that have not ended,
// by their turn.
func ordered(all []coverage.Held, today civil.Day) []coverage.Held {
	left := slices.DeleteFunc(slices.Clone(all), func(h coverage.Held) bool { return !h.Card.Until.IsZero() && h.Card.Until.Before(today) })
	slices.SortStableFunc(left, func(a, b coverage.Held) int { return cmp.Compare(a.Card.Priority, b.Card.Priority) })
	return left[:min(len(left), mostOrdered)]
}

// Of each coverage the page of their order has these fields, with its id.
const (
	turnField = "turn-"
	seenOf    = "seen-"
)

// orderSheet asks for the turn of each of some coverages.
func orderSheet(patient string, all []coverage.Held) sheet {
	sh := sheet{
		Crumb: &link{Href: coveragesOf(patient), Text: "Health plans"}, Title: "Which plan pays first?", Action: coveragesOf(patient) + "/order", Button: "Save",
		Intro: []string{"Plans that hold on the same day take turns: one pays first, and the next what it leaves."},
	}
	for _, h := range all {
		f := field{Kind: "select", ID: turnField + h.ID, Name: turnField + h.ID, Label: nameOf(h).Reveal(), Required: true}
		for turn := 1; turn <= coverage.MaxPriority; turn++ {
			f.Options = append(f.Options, option{Value: strconv.Itoa(turn), Label: turnWords[turn], Chosen: h.Card.Priority == turn})
		}
		if from, until := dayWords(h.Card.From), dayWords(h.Card.Until); from+until != "" {
			f.Help = []string{strings.TrimSpace("Holds " + prefixed("from ", from) + prefixed(" until ", until) + ".")}
		}
		sh.Fields = append(sh.Fields, f)
		sh.Hidden = append(sh.Hidden, hiddenField{seenOf + h.ID, strconv.Itoa(h.Version)})
	}
	return sh
}

// prefixed is text after words; nothing if there is no text.
func prefixed(words, text string) string {
	if text == "" {
		return ""
	}
	return words + text
}

// coverageOrder asks which health plan of a patient pays first.
func (s *site) coverageOrder(w http.ResponseWriter, r *http.Request, v visitor) error {
	sh, err := s.orderOf(r, v)
	if err != nil {
		return err
	}
	return s.showSheet(w, &v, sh, "", http.StatusOK)
}

func (s *site) orderOf(r *http.Request, v visitor) (sheet, error) {
	all, err := s.Registrar.Coverages(r.Context(), v.Caller, r.PathValue("patient"))
	if err != nil {
		return sheet{}, err
	}
	today, err := s.today(v)
	return orderSheet(r.PathValue("patient"), ordered(all, today)), err
}

func (s *site) orderCoverages(w http.ResponseWriter, r *http.Request, v visitor) error {
	values, err := posted(r)
	if err != nil {
		return err
	}
	patient := r.PathValue("patient")
	var turns []coverage.Turn
	places := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if id, ok := strings.CutPrefix(name, turnField); ok {
			places["/turns/"+strconv.Itoa(len(turns))] = name
			turns = append(turns, coverage.Turn{Coverage: id, Priority: number(values.Get(name)), Version: number(values.Get(seenOf + id))})
		}
	}
	if len(turns) == 0 || len(turns) > mostOrdered {
		return errNotAForm
	}
	if _, err = s.Registrar.OrderCoverages(r.Context(), v.Caller, patient, turns); err == nil {
		return redirect(w, coveragesOf(patient)+"?done=ordered")
	}
	sh, failed := s.orderOf(r, v)
	if failed != nil {
		return failed
	}
	return s.refusedSheet(w, &v, sh, filled{newSentForm(values, places), sh.Fields}, err)
}

// today is the day at the visitor's practice.
func (s *site) today(v visitor) (civil.Day, error) {
	zone, err := v.practice.Location()
	if err != nil {
		return civil.Day{}, err
	}
	return civil.Of(s.Now(), zone), nil
}

func newCoverageRow(h coverage.Held, v visitor, today civil.Day) coverageRow {
	c := h.Card
	row := coverageRow{
		Name: nameOf(h), Href: coveragePath(h.Patient, h.ID), Version: h.Version,
		Ended: !c.Until.IsZero() && c.Until.Before(today), Unchecked: h.Checked.At.IsZero(), CanCheck: h.Checked.At.IsZero() && v.Person.Works(),
	}
	if h.Medicare() != coverage.NotMedicare {
		row.Medicare = h.Payer.Filing.Words()
	}
	facts := []fact{
		{"Member number", c.Member.Reveal()},
		{"Group number", c.Group.Reveal()},
		{"Whose insurance", whose(c)},
		{"Pays", turnWords[c.Priority]},
		{"First day", dayWords(c.From)},
		{"Last day", dayWords(c.Until)},
	}
	if !h.Checked.At.IsZero() {
		facts = append(facts, fact{"Compared with the card by the practice", v.practice.Local(h.Checked.At)})
	}
	for _, f := range facts {
		if f.Text != "" {
			row.Facts = append(row.Facts, f)
		}
	}
	return row
}

// nameOf is what a coverage is called: its payer, or its plan as the card has it.
func nameOf(h coverage.Held) phi.Text {
	if h.Payer.ID != "" {
		return phi.Text(h.Payer.Name)
	}
	return h.Card.Plan
}

func whose(c coverage.Card) string {
	if c.Relation == coverage.Self {
		return relationWords[c.Relation]
	}
	return relationWords[c.Relation] + ": " + strings.TrimSpace(c.Subscriber.First.Reveal()+" "+c.Subscriber.Last.Reveal())
}

func dayWords(d civil.Day) string {
	if d.IsZero() {
		return ""
	}
	return d.Start(time.UTC).Format("2 January 2006")
}

func coverageSheet(patient string, form []field) sheet {
	return sheet{
		Crumb: &link{Href: coveragesOf(patient), Text: "Health plans"}, Title: "Enter a health plan", Action: coveragesOf(patient), Button: "Save", Fields: with(form, nil),
		Intro: []string{"Have the card at hand. The practice compares what you enter with it."},
	}
}

func (s *site) newCoverage(w http.ResponseWriter, r *http.Request, v visitor) error {
	patient := r.PathValue("patient")
	if _, err := s.Registrar.Patient(r.Context(), v.Caller, patient); err != nil {
		return err
	}
	form, err := s.formOf(r, v, coverage.Payer{})
	if err != nil {
		return err
	}
	return s.showSheet(w, &v, s.newCoverageSheet(patient, form), "", http.StatusOK)
}

func (s *site) newCoverageSheet(patient string, form []field) sheet {
	sh := coverageSheet(patient, form)
	sh.Hidden = []hiddenField{{onceField, s.Kernel.NewID()}}
	return sh
}

func (s *site) addCoverage(w http.ResponseWriter, r *http.Request, v visitor) error {
	patient := r.PathValue("patient")
	form, err := s.formOf(r, v, coverage.Payer{})
	if err != nil {
		return err
	}
	f, err := readSheet(r, form, coveragePlaces)
	if err != nil {
		return err
	}
	v = v.once("POST "+coveragesOf(patient), f.values, f.values.Encode())
	card, unclear := f.card()
	err = judged(r.Context(), unclear, func(ctx context.Context) error {
		_, err := s.Registrar.AddCoverage(ctx, v.Caller, patient, card)
		return err
	})
	if err != nil {
		return s.refusedSheet(w, &v, s.newCoverageSheet(patient, form), f, err)
	}
	return redirect(w, coveragesOf(patient)+"?done=added")
}

// oneCoverage is a coverage as its page shows it, with its form.
func (s *site) oneCoverage(r *http.Request, v visitor) (coverage.Held, []field, error) {
	h, err := s.Registrar.Coverage(r.Context(), v.Caller, r.PathValue("patient"), r.PathValue("coverage"))
	if err != nil {
		return h, nil, err
	}
	form, err := s.formOf(r, v, h.Payer)
	return h, form, err
}

func changeSheet(h coverage.Held, form []field) sheet {
	sh := coverageSheet(h.Patient, form)
	sh.Title, sh.Action, sh.Hidden = nameOf(h).Reveal(), coveragePath(h.Patient, h.ID), seen(h.Version)
	sh.Fields = with(form, cardValues(h.Card))
	return sh
}

func (s *site) coverage(w http.ResponseWriter, r *http.Request, v visitor) error {
	h, form, err := s.oneCoverage(r, v)
	if err != nil {
		return err
	}
	return s.showSheet(w, &v, changeSheet(h, form), "", http.StatusOK)
}

func (s *site) changeCoverage(w http.ResponseWriter, r *http.Request, v visitor) error {
	h, form, err := s.oneCoverage(r, v)
	if err != nil {
		return err
	}
	v, f, err := v.readSheetAsSeen(r, form, coveragePlaces)
	if err != nil {
		return err
	}
	card, unclear := f.card()
	err = judged(r.Context(), unclear, func(ctx context.Context) error {
		_, err := s.Registrar.ChangeCoverage(ctx, v.Caller, h.Patient, h.ID, card)
		return err
	})
	if err != nil {
		return s.refusedSheet(w, &v, changeSheet(h, form), f, err)
	}
	return redirect(w, coveragesOf(h.Patient)+"?done=changed")
}

var endForm = []field{{Kind: "date", ID: "last", Name: "last", Label: "Last day on which it holds", Help: []string{"Empty: today."}}}

func endSheet(h coverage.Held) sheet {
	return sheet{
		Crumb: &link{Href: coveragesOf(h.Patient), Text: "Health plans"}, Title: "End of " + nameOf(h).Reveal(), Action: coveragePath(h.Patient, h.ID) + "/end", Button: "It ends",
		Intro: []string{"A health plan is not removed: it stays among those that were."}, Fields: with(endForm, nil), Hidden: seen(h.Version),
	}
}

// coverageEnd asks with which day a coverage ends.
func (s *site) coverageEnd(w http.ResponseWriter, r *http.Request, v visitor) error {
	h, err := s.Registrar.Coverage(r.Context(), v.Caller, r.PathValue("patient"), r.PathValue("coverage"))
	if err != nil {
		return err
	}
	return s.showSheet(w, &v, endSheet(h), "", http.StatusOK)
}

func (s *site) endCoverage(w http.ResponseWriter, r *http.Request, v visitor) error {
	v, f, err := v.readSheetAsSeen(r, endForm, map[string]string{"/last": "last"})
	if err != nil {
		return err
	}
	patient, id := r.PathValue("patient"), r.PathValue("coverage")
	var last civil.Day
	if text := f.text("last").Reveal(); text != "" {
		last, err = civil.Parse(text)
	}
	var unclear []fault.Problem
	if err != nil {
		unclear = []fault.Problem{{Where: "/last", Code: "date", Text: "Choose a day, or leave it out for today."}}
	}
	err = judged(r.Context(), unclear, func(ctx context.Context) error {
		_, err := s.Registrar.EndCoverage(ctx, v.Caller, patient, id, last)
		return err
	})
	if err == nil {
		return redirect(w, coveragesOf(patient)+"?done=ended")
	}
	h, failed := s.Registrar.Coverage(r.Context(), v.Caller, patient, id)
	if failed != nil {
		return failed
	}
	return s.refusedSheet(w, &v, endSheet(h), f, err)
}

// checkCoverage takes the word of somebody at the practice that a coverage agrees with its card.
func (s *site) checkCoverage(w http.ResponseWriter, r *http.Request, v visitor) error {
	v, _, err := v.postedAsSeen(r)
	if err != nil {
		return err
	}
	patient := r.PathValue("patient")
	if _, err = s.Registrar.CheckCoverage(r.Context(), v.Caller, patient, r.PathValue("coverage")); err == nil {
		return redirect(w, coveragesOf(patient)+"?done=checked")
	}
	code, text, ok := explain(err)
	if !ok {
		return err
	}
	return s.showCoverages(w, r, v, text, code)
}
