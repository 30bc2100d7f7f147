package membership

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"evisit/pkg/fault"
	"evisit/pkg/money"
)

// An Offer is a membership that a practice sells, in every version that it decided. Nothing that
// somebody may have accepted is overwritten.
type Offer struct {
	ID       string `json:"id"` // such as annual-350
	Practice string `json:"practice"`
	Name     string `json:"name"` // for people
	// Versions are in the order in which they begin. Each is for whom accepts it from then on;
	// members have it from a renewal on, after a notice of it.
	Versions []Terms `json:"versions"`
	// Decided is the number of the last version that was ever decided. No other version has a
	// number that was taken back: a member may have been told of it.
	Decided int `json:"decided"`
	// Closed is since when it is not sold or renewed; zero: it is.
	Closed  time.Time `json:"closed,omitzero"`
	Version int       `json:"-"`
}

// Terms are one version of an offer: its price and what it gives. They never change. The known
// example is $350 for a patient and year (requests SY5, story 15).
type Terms struct {
	Offer   string    `json:"offer"`
	Version int       `json:"version"` // 1 is the first
	From    time.Time `json:"from"`    // when it begins
	// Price is that of a year for one person, PerMember that of each further one; 0: they are
	// included in Price.
	Price     money.Cents `json:"price"`
	PerMember money.Cents `json:"per_member,omitempty"`
	// Members is for how many people the membership is at most; 1: for one alone.
	Members int `json:"members"`
	// Visits is how many visits a year includes; 0: none, and the membership gives no visit.
	Visits int `json:"visits,omitempty"`
	// Shared says that the members use Visits together; otherwise each has as many.
	Shared bool `json:"shared,omitempty"`
	// Classes are the billing classes of the forms that are included, and Forms their names;
	// no Forms: all of Classes. Requests that are free for everybody are in no class here, and
	// never use an included visit.
	Classes []string `json:"classes,omitempty"`
	Forms   []string `json:"forms,omitempty"`
	// NonCovered says that the membership pays for nothing that a health plan covers, OptedOut
	// that every clinician of the practice has opted out of Medicare. Either lets people with
	// Medicare be members (billing rule 19). Package practice refuses to decide on either where it
	// is not so; terms that were decided before it did may have both.
	NonCovered bool `json:"non_covered,omitempty"`
	OptedOut   bool `json:"opted_out,omitempty"`
	// Grace is how many days after a failed payment visits are still included; 0: none.
	Grace int `json:"grace_days,omitempty"`
	// Notice is how many days before a renewal its price and changed terms are announced at the
	// latest.
	Notice int        `json:"notice_days"`
	Refund RefundRule `json:"refund,omitzero"`
}

// Limits of what a practice may offer.
const (
	minPrice   = money.Cents(100) // a dollar
	maxVisits  = 52               // one a week
	maxMembers = 10
	maxForms   = 100
	// maxVersions bounds how much of a practice's configuration an offer is.
	maxVersions = 30
	maxDays     = 90
)

// classes are the billing classes that are charged for, so that a membership can include them
// (forms README, billing classes).
var classes = []string{"em", "em-image", "em-screen", "admin-fee"}

var formName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// Check returns nil if the terms can be offered, or a fault.Invalid that names everything that is
// wrong with them.
func (t Terms) Check() error {
	var all problems
	all.must(minPrice <= t.Price && t.Price <= money.Max, "/price", "range", "Give a price for a year from "+minPrice.String()+" to "+money.Max.String()+".")
	all.must(1 <= t.Members && t.Members <= maxMembers, "/members", "range", fmt.Sprintf("A membership is for 1 to %d people.", maxMembers))
	all.must(0 <= t.PerMember && t.PerMember <= money.Max && (t.PerMember == 0 || t.Members > 1), "/per_member", "range",
		"Give the price of each further person, or 0 if they are included; a membership for one person has none.")
	if len(all) == 0 {
		all.must(t.Yearly(t.Members) <= money.Max, "/per_member", "range", "For everybody together, a year costs at most "+money.Max.String()+".")
	}
	all.must(0 <= t.Visits && t.Visits <= maxVisits, "/visits", "range", fmt.Sprintf("Include 1 to %d visits a year, or 0 for none.", maxVisits))
	t.checkIncluded(&all)
	all.must(0 <= t.Grace && t.Grace <= maxDays, "/grace_days", "range", fmt.Sprintf("Give 0 to %d days of grace.", maxDays))
	all.must(1 <= t.Notice && t.Notice <= maxDays, "/notice_days", "range", fmt.Sprintf("Announce a renewal 1 to %d days before it.", maxDays))
	all.must(0 <= t.Refund.Full && t.Refund.Full <= maxDays, "/refund/full_days", "range", fmt.Sprintf("Give 0 to %d days.", maxDays))
	all.must(slices.Contains(Laters, t.Refund.Later), "/refund/later", "option", "Refund nothing, months or days.")
	return all.err()
}

func (t Terms) checkIncluded(all *problems) {
	if t.Visits == 0 {
		all.must(len(t.Classes) == 0 && len(t.Forms) == 0, "/classes", "no_visits", "No visits are included, so name no classes and no forms.")
		return
	}
	all.must(len(t.Classes) > 0, "/classes", "required", "Name the billing classes that are included: "+strings.Join(classes, ", ")+".")
	for i, c := range t.Classes {
		all.must(slices.Contains(classes, c) && !slices.Contains(t.Classes[:i], c), fmt.Sprintf("/classes/%d", i), "option", "Name each class once, of "+strings.Join(classes, ", ")+".")
	}
	all.must(len(t.Forms) <= maxForms, "/forms", "range", fmt.Sprintf("Name at most %d forms.", maxForms))
	for i, f := range t.Forms[:min(len(t.Forms), maxForms)] {
		all.must(formName.MatchString(f) && !slices.Contains(t.Forms[:i], f), fmt.Sprintf("/forms/%d", i), "form", "Give the name of a form, each once.")
	}
}

// Yearly returns what a year costs for so many people; those above Members are not counted.
func (t Terms) Yearly(people int) money.Cents {
	people = min(people, t.Members)
	if people <= 0 {
		return 0
	}
	return t.Price + t.PerMember*money.Cents(people-1)
}

// Includes reports whether requests on a form of the given billing class are included, as long as
// the visits of the year are not used up.
func (t Terms) Includes(form, class string) bool {
	return t.Visits > 0 && slices.Contains(t.Classes, class) && (len(t.Forms) == 0 || slices.Contains(t.Forms, form))
}

// is reports whether t and u are the same version of the same offer.
func (t Terms) is(u Terms) bool { return t.Offer == u.Offer && t.Version == u.Version }

// At returns the terms that somebody who joins at an instant has; false if the offer is not sold
// then.
func (o Offer) At(at time.Time) (Terms, bool) {
	if o.closed(at) {
		return Terms{}, false
	}
	return o.version(at)
}

func (o Offer) closed(at time.Time) bool { return !o.Closed.IsZero() && !at.Before(o.Closed) }

func (o Offer) version(at time.Time) (Terms, bool) {
	for _, t := range slices.Backward(o.Versions) {
		if !t.From.After(at) {
			return t, true
		}
	}
	return Terms{}, false
}

// furthest is how far ahead terms may begin, as other decisions of a practice.
const furthest = 2 * 366 * 24 * time.Hour

// Decide returns the offer with a further version that is t from t.From on; the zero From is now.
// Members are not changed by it. The same again as the last version changes nothing.
//
// It refuses terms that cannot be offered, or that would begin before now or before what is
// already decided, with fault.Invalid, and a closed offer with fault.Conflict (offer_closed).
func (o Offer) Decide(t Terms, now time.Time) (Offer, error) {
	if o.closed(now) {
		return Offer{}, fault.New(fault.Conflict, "offer_closed", "This membership is not offered any more; make another.")
	}
	last := Terms{}
	if n := len(o.Versions); n > 0 {
		last = o.Versions[n-1]
	}
	if same(last, t) {
		return o, nil
	}
	if t.From.IsZero() {
		t.From = now
	}
	t.Offer, t.Version = o.ID, max(last.Version, o.Decided)+1
	var all problems
	all.must(!t.From.Before(now) && !t.From.After(now.Add(furthest)), "/from", "range", "New terms begin now, or later within two years.")
	all.must(t.From.After(last.From) || t.From.Before(now), "/from", "order", "New terms begin after those that were decided before.")
	all.must(len(o.Versions) < maxVersions, "/from", "range", fmt.Sprintf("A membership has at most %d versions; close it and offer another.", maxVersions))
	if err := t.Check(); err != nil {
		if f, ok := fault.Public(err); ok {
			all = append(all, f.Problems...)
		}
	}
	if err := all.err(); err != nil {
		return Offer{}, err
	}
	o.Versions, o.Decided = append(slices.Clone(o.Versions), t), t.Version
	o.Version++
	return o, nil
}

// Withdraw returns the offer without the terms that were to begin at from. It refuses, with
// fault.NotFound, a time at which no terms are to begin.
func (o Offer) Withdraw(from, now time.Time) (Offer, error) {
	left := slices.DeleteFunc(slices.Clone(o.Versions), func(t Terms) bool { return t.From.Equal(from) && t.From.After(now) })
	if len(left) == len(o.Versions) {
		return Offer{}, fault.New(fault.NotFound, "not_found", "no terms begin then")
	}
	o.Versions = left
	o.Version++
	return o, nil
}

// same reports whether u says what t says, and does not say when or says when t does.
func same(t, u Terms) bool {
	if t.Version == 0 || !u.From.IsZero() && !u.From.Equal(t.From) {
		return false
	}
	u.Offer, u.Version, u.From = t.Offer, t.Version, t.From
	return reflect.DeepEqual(t, u)
}

// Close returns the offer as it is not sold or renewed from now on. Members keep what they have
// until their year ends, and are told before (billing rules §5.14). A closed one is unchanged.
func (o Offer) Close(now time.Time) Offer {
	if !o.Closed.IsZero() {
		return o
	}
	o.Closed = now
	o.Version++
	return o
}
