package web

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"evisit/pkg/fault"
	"evisit/pkg/membership"
	"evisit/pkg/practice"
)

const offerAt = "/manage/membership"

// offering are the pages on which a practice decides its yearly membership.
func (s *site) offering() []route {
	return []route{
		{"GET /manage/membership", s.as(s.membershipOffer)},
		{"POST /manage/membership", s.as(s.decideMembership)},
		{"POST /manage/membership/versions/{version}/withdraw", s.as(s.withdrawMembership)},
		{"POST /manage/membership/close", s.as(s.closeMembership)},
	}
}

// offerForm is what a membership of p costs and gives.
func offerForm(p practice.Practice) []field {
	classes := field{Kind: "checks", ID: "classes", Name: "classes", Label: "Requests that are included"}
	for n, class := range membership.Classes() {
		id := classes.ID
		if n > 0 {
			id = "class-" + class
		}
		classes.Options = append(classes.Options, option{ID: id, Value: class, Label: capital(membership.ClassWords(class))})
	}
	forms := field{Kind: "checks", ID: "forms", Name: "forms", Label: "Only on these forms", Help: []string{"Choose none to include all forms of these kinds."}}
	for n, form := range slices.Sorted(maps.Keys(p.Forms)) {
		id := forms.ID
		if n > 0 {
			id = htmlID("form-" + form)
		}
		forms.Options = append(forms.Options, option{ID: id, Value: form, Label: form})
	}
	fields := []field{
		{Kind: "text", ID: "price", Name: "price", Label: "Price of a year for one person, in dollars", Required: true, Mode: "decimal"},
		{Kind: "text", ID: "members", Name: "members", Label: "For how many people at most", Required: true, Mode: "numeric", Help: []string{"1 to 10: the patient who pays, and their family."}},
		{Kind: "text", ID: "per-member", Name: "per-member", Label: "Price of a year for each further person, in dollars", Mode: "decimal", Help: []string{"Empty: they are included in the price."}},
		{Kind: "text", ID: "visits", Name: "visits", Label: "Visits that a year includes", Required: true, Mode: "numeric", Help: []string{"0 to 52. Further visits cost the posted fee."}},
		{Kind: "checks", ID: "shared", Name: "shared", Label: "Who uses them", Options: []option{{ID: "shared", Value: "yes", Label: "All members together; otherwise each has as many"}}},
		classes,
	}
	if len(forms.Options) > 0 {
		fields = append(fields, forms)
	}
	return append(
		fields,
		field{Kind: "checks", ID: "medicare", Name: "medicare", Label: "People with Medicare", Help: []string{"They cannot be members, unless one of these is so."}, Options: []option{
			{ID: "medicare", Value: nonCovered, Label: "Nothing is included that a health plan covers"},
			{ID: "medicare-out", Value: optedOut, Label: "Every clinician here has opted out of Medicare, as the settings say"},
		}},
		field{Kind: "text", ID: "grace", Name: "grace", Label: "Days for which visits are included after a payment failed", Required: true, Mode: "numeric"},
		field{Kind: "text", ID: "notice", Name: "notice", Label: "Days before a renewal by which it is announced", Required: true, Mode: "numeric", Help: []string{"Changed terms hold for a member from a renewal that was announced so early with them."}},
		field{Kind: "text", ID: "full", Name: "full", Label: "Days in which all is refunded", Required: true, Mode: "numeric", Help: []string{"From the first day of a year, to a member who ends at once and used no visit. 0: never."}},
		field{Kind: "radios", ID: "later", Name: "later", Label: "What is refunded afterwards", Options: []option{
			{ID: "later", Value: string(membership.None), Label: "Nothing"},
			{ID: "later-months", Value: string(membership.ByMonths), Label: "The months that have not begun"},
			{ID: "later-days", Value: string(membership.ByDays), Label: "The days that are left"},
		}},
		field{Kind: "date", ID: "from", Name: "from", Label: "From which day on", Help: []string{"Empty: at once. A day begins at midnight in the practice's zone, " + p.Zone + "."}},
	)
}

const (
	nonCovered = "non-covered"
	optedOut   = "opted-out"
)

var offerPlaces = map[string]string{
	"/price": "price", "/members": "members", "/per_member": "per-member", "/visits": "visits", "/classes": "classes", "/forms": "forms",
	"/grace_days": "grace", "/notice_days": "notice", "/refund/full_days": "full", "/refund/later": "later", "/from": "from",
	"/non_covered": "medicare", "/opted_out": "medicare",
}

// offerValues are terms as the form has them.
func offerValues(t membership.Terms) url.Values {
	values := url.Values{
		"price": {strings.TrimPrefix(t.Price.String(), "$")}, "members": {strconv.Itoa(t.Members)}, "visits": {strconv.Itoa(t.Visits)},
		"classes": t.Classes, "forms": t.Forms, "grace": {strconv.Itoa(t.Grace)}, "notice": {strconv.Itoa(t.Notice)},
		"full": {strconv.Itoa(t.Refund.Full)}, "later": {string(t.Refund.Later)},
	}
	if t.PerMember > 0 {
		values.Set("per-member", strings.TrimPrefix(t.PerMember.String(), "$"))
	}
	if t.Shared {
		values.Set("shared", "yes")
	}
	if t.NonCovered {
		values.Add("medicare", nonCovered)
	}
	if t.OptedOut {
		values.Add("medicare", optedOut)
	}
	return values
}

// usualTerms stand in the form of a practice that has decided none.
var usualTerms = membership.Terms{Price: 350_00, Members: 1, Visits: 12, Classes: []string{"em"}, Grace: 14, Notice: 30}

// terms reads the form, and names what of it cannot be read.
func (f filled) terms(p practice.Practice) (t membership.Terms, unclear []fault.Problem) {
	bad := func(where, text string) {
		unclear = append(unclear, fault.Problem{Where: where, Code: "format", Text: text})
	}
	const inDollars = "Give dollars and cents, such as 350 or 350.50."
	var read bool
	if t.Price, read = dollars(f.values.Get("price")); !read {
		bad("/price", inDollars)
	}
	if text := strings.TrimSpace(f.values.Get("per-member")); text != "" {
		if t.PerMember, read = dollars(text); !read {
			bad("/per_member", inDollars)
		}
	}
	for _, n := range []struct {
		name, where string
		to          *int
	}{
		{"members", "/members", &t.Members},
		{"visits", "/visits", &t.Visits},
		{"grace", "/grace_days", &t.Grace},
		{"notice", "/notice_days", &t.Notice},
		{"full", "/refund/full_days", &t.Refund.Full},
	} {
		var err error
		if *n.to, err = strconv.Atoi(strings.TrimSpace(f.values.Get(n.name))); err != nil {
			bad(n.where, "Give a whole number.")
		}
	}
	t.Shared = f.values.Get("shared") != ""
	t.Classes, t.Forms = f.values["classes"], f.values["forms"]
	t.NonCovered, t.OptedOut = slices.Contains(f.values["medicare"], nonCovered), slices.Contains(f.values["medicare"], optedOut)
	t.Refund.Later = membership.Later(f.values.Get("later"))
	var err error
	if t.From, err = dayOf(f.values.Get("from"), p); err != nil {
		bad("/from", "Choose a day.")
	}
	return t, unclear
}

// offerSheet is the page on which p decides its membership.
func offerSheet(p practice.Practice, now time.Time) sheet {
	sh := sheet{
		Crumb: &link{Href: settingsAt, Text: "Settings"}, Title: practice.MembershipName, Action: offerAt, Button: "Decide", Hidden: seen(p.Version),
		Intro: []string{
			"What patients pay you by the year, and what they have for it.",
			"Who joins accepts the terms that hold then, and keeps them: a new price or new terms hold for a member from a renewal on, and only if they were told in time before it.",
		},
	}
	sold, selling := p.Membership(now)
	last := usualTerms
	if n := len(p.Memberships); n > 0 {
		for _, t := range p.Memberships[n-1].Versions {
			last = t
			if !t.From.After(now) {
				continue
			}
			sh.Facts = append(sh.Facts, fact{"From " + p.Local(t.From), offerWords(t)})
			sh.Presses = append(sh.Presses, newPress(false, fmt.Sprintf("%s/versions/%d/withdraw", offerAt, t.Version), "quiet", "Take back what begins on "+p.Local(t.From)))
		}
	}
	holds := fact{"Now", "No membership is sold."}
	if selling {
		holds.Text = offerWords(sold)
		sh.Presses = append(sh.Presses, newPress(false, offerAt+"/close", "danger", "Sell no memberships any more"))
	}
	sh.Facts = append([]fact{holds}, sh.Facts...)
	last.From = time.Time{}
	sh.Fields = with(offerForm(p), offerValues(last))
	return sh
}

// offerWords say what terms cost and give.
func offerWords(t membership.Terms) string {
	return fmt.Sprintf("Version %d: %s. %s", t.Version, t.PriceText(), t.Text())
}

func (s *site) membershipOffer(w http.ResponseWriter, r *http.Request, v visitor) error {
	all, err := s.Author.Settings(r.Context(), v.Caller)
	if err != nil {
		return err
	}
	sh := offerSheet(all.Practice, s.Now())
	sh.Done = offerDone[r.URL.Query().Get("done")]
	return s.showSheet(w, &v, sh, "", http.StatusOK)
}

var offerDone = map[string]string{"decided": "It is decided.", "taken-back": "It is taken back.", "closed": "Nobody can join any more. Members keep their memberships until their years end."}

func (s *site) decideMembership(w http.ResponseWriter, r *http.Request, v visitor) error {
	all, err := s.Author.Settings(r.Context(), v.Caller)
	if err != nil {
		return err
	}
	v, f, err := v.readSheetAsSeen(r, offerForm(all.Practice), offerPlaces)
	if err != nil {
		return err
	}
	t, unclear := f.terms(all.Practice)
	err = judged(r.Context(), unclear, func(ctx context.Context) error {
		_, err := s.Author.DecideMembership(ctx, v.Caller, t)
		return err
	})
	if err != nil {
		return s.refusedSheet(w, &v, offerSheet(all.Practice, s.Now()), f, err)
	}
	return redirect(w, offerAt+"?done=decided")
}

func (s *site) withdrawMembership(w http.ResponseWriter, r *http.Request, v visitor) error {
	return s.changeOffer(w, r, v, "taken-back", func(p practice.Practice) error {
		_, err := s.Author.WithdrawMembership(r.Context(), v.Caller, begins(p, number(r.PathValue("version"))))
		return err
	})
}

func (s *site) closeMembership(w http.ResponseWriter, r *http.Request, v visitor) error {
	return s.changeOffer(w, r, v, "closed", func(practice.Practice) error {
		_, err := s.Author.CloseMembership(r.Context(), v.Caller)
		return err
	})
}

// begins is when a version of the membership that is sold begins; zero if there is none.
func begins(p practice.Practice, version int) time.Time {
	for _, o := range p.Memberships[max(len(p.Memberships)-1, 0):] {
		for _, t := range o.Versions {
			if t.Version == version {
				return t.From
			}
		}
	}
	return time.Time{}
}

// changeOffer makes a press on the page of the membership.
func (s *site) changeOffer(w http.ResponseWriter, r *http.Request, v visitor, done string, change func(practice.Practice) error) error {
	all, err := s.Author.Settings(r.Context(), v.Caller)
	if err != nil {
		return err
	}
	err = change(all.Practice)
	if public, ok := fault.Public(err); ok && (public.Kind == fault.Conflict || public.Kind == fault.NotFound) {
		return s.showSheet(w, &v, offerSheet(all.Practice, s.Now()), sentence(public.Text), http.StatusConflict)
	}
	if err != nil {
		return err
	}
	return redirect(w, offerAt+"?done="+done)
}
