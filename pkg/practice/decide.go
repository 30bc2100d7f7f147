package practice

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"evisit/pkg/billing"
	"evisit/pkg/coding"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/intake"
	"evisit/pkg/money"
	"evisit/pkg/visit"
)

// A Change is what a practice decides anew, from From on; the zero From is at once. What
// is nil, or not named, stays as it is.
type Change struct {
	From   time.Time    `json:"from,omitzero"`
	States *[]string    `json:"states,omitempty"` // replaces the list
	Terms  *visit.Terms `json:"terms,omitempty"`
	Topics *[]string    `json:"topics,omitempty"` // replaces the list
	Prices PriceChanges `json:"prices,omitempty"`
	// KindPrices are new prices by form and kind of clinician.
	KindPrices KindPriceChanges `json:"kind_prices,omitempty"`
	Forms      VersionChange    `json:"forms,omitempty"`
	// Closed replaces, for each form that is named, the kinds of request not taken.
	Closed map[string][]string `json:"closed,omitempty"`
	// Established is as in Config, at most maxEstablished.
	Established *int `json:"established,omitempty"`
	// RefundLimit is as in Config.
	RefundLimit *money.Cents `json:"refund_limit,omitempty"`
	// OptedOut is as in Config.
	OptedOut *bool `json:"opted_out,omitempty"`
	// Minors replaces all that was decided on minors.
	Minors *identity.Minors `json:"minors,omitempty"`
}

// maxEstablished is longer than any rule of whom a practice knows: CPT has three years.
const maxEstablished = 120

// PriceChanges are new prices by form; nil removes a form's price, and its prices by
// kind with it.
type PriceChanges map[string]*money.Cents

// KindPriceChanges are new prices by form and kind of clinician; nil removes a price,
// so that the form's own holds.
type KindPriceChanges map[string]map[coding.Kind]*money.Cents

// With returns ch with the price of a form for a kind; nil removes it.
func (ch KindPriceChanges) With(form string, kind coding.Kind, price *money.Cents) KindPriceChanges {
	return put(ch, form, put(ch[form], kind, price, false), false)
}

// A VersionChange is the version of each form that is offered from now on; empty
// withdraws the form. Requests in progress keep the version that they were begun on.
type VersionChange map[string]string

// A Decider is who decided a version of a practice's configuration, and when.
type Decider struct {
	Person string    `json:"person,omitempty"` // empty: registered by the system
	At     time.Time `json:"at,omitzero"`
}

// maxComing bounds the decisions of a practice that are not in force yet.
const maxComing = 20

// furthest is how far ahead a decision may begin.
const furthest = 2 * 366 * 24 * time.Hour

// At returns the configuration that is in force at t: that of c, and of what c has coming
// all that has begun by then. It is the one answer to what a practice's prices, promises
// and forms are at an instant.
func (c Config) At(t time.Time) Config {
	coming := c.Coming
	c.Coming = nil
	for _, ch := range coming { // in the order in which they begin
		if ch.From.After(t) {
			c.Coming = append(c.Coming, ch)
			continue
		}
		c = c.with(ch)
	}
	return c
}

// with returns c as ch has it.
func (c Config) with(ch Change) Config {
	if ch.States != nil {
		c.States = *ch.States
	}
	if ch.Terms != nil {
		c.Terms = *ch.Terms
	}
	if ch.Topics != nil {
		c.Topics = *ch.Topics
	}
	if ch.Established != nil {
		c.Established = *ch.Established
	}
	if ch.RefundLimit != nil {
		c.RefundLimit = *ch.RefundLimit
	}
	if ch.OptedOut != nil {
		c.OptedOut = *ch.OptedOut
	}
	if ch.Minors != nil {
		c.Minors = *ch.Minors
	}
	c.Prices, c.Forms, c.Closed = maps.Clone(c.Prices), maps.Clone(c.Forms), maps.Clone(c.Closed)
	for form, price := range ch.Prices {
		if price == nil {
			delete(c.Prices, form)
			continue
		}
		if c.Prices == nil {
			c.Prices = billing.PriceList{}
		}
		c.Prices[form] = *price
	}
	c.KindPrices = c.kindPrices(ch)
	for form, version := range ch.Forms {
		c.Forms = put(c.Forms, form, version, version == "")
	}
	for form, kinds := range ch.Closed {
		c.Closed = put(c.Closed, form, kinds, len(kinds) == 0)
	}
	return c
}

// kindPrices are the prices by kind of c, whose posted prices are already as ch has them.
func (c Config) kindPrices(ch Change) billing.KindPriceList {
	all := maps.Clone(c.KindPrices)
	for form, price := range ch.Prices {
		if price == nil {
			delete(all, form)
		}
	}
	for form, kinds := range ch.KindPrices {
		prices := maps.Clone(all[form])
		for kind, price := range kinds {
			if price == nil {
				delete(prices, kind)
			} else {
				prices = put(prices, kind, *price, false)
			}
		}
		all = put(all, form, prices, len(prices) == 0)
	}
	return all
}

// put sets or removes the value of a key.
func put[M ~map[K]V, K comparable, V any](m M, key K, v V, remove bool) M {
	if remove {
		delete(m, key)
		return m
	}
	if m == nil {
		m = M{}
	}
	m[key] = v
	return m
}

// Decide returns the configuration of a practice that decides ch at now: the next version
// of c. What begins later is kept beside what holds. Everything that is wrong with ch is
// named at once.
func (c Config) Decide(ch Change, by string, now time.Time) (Config, error) {
	next := c.At(now)
	if problems := ch.problems(next, now); len(problems) > 0 {
		return Config{}, fault.New(fault.Invalid, "invalid_request", "some of these decisions cannot be made", problems...)
	}
	next.Decided = Decider{Person: by, At: now}
	if !ch.From.After(now) {
		return next.with(ch), nil
	}
	if len(next.Coming) >= maxComing {
		return Config{}, fault.New(fault.Conflict, "too_many_coming", fmt.Sprintf("%d decisions are to come; take one back first", maxComing))
	}
	next.Coming = append(slices.Clone(next.Coming), ch)
	slices.SortStableFunc(next.Coming, func(a, b Change) int { return a.From.Compare(b.From) })
	return next, nil
}

// Withdraw returns the configuration without the decisions that were to begin at from. It
// refuses what another that is to come cannot be without, as a lower price needs the form's.
func (c Config) Withdraw(from time.Time, by string, now time.Time) (Config, error) {
	if from.IsZero() {
		return Config{}, fault.New(fault.Invalid, "invalid_request", "some fields need to be put right",
			fault.Problem{Where: "/from", Code: "required", Text: "Name the time at which it was to begin."})
	}
	next := c.At(now)
	left := slices.DeleteFunc(slices.Clone(next.Coming), func(ch Change) bool { return ch.From.Equal(from) })
	if len(left) == len(next.Coming) {
		return Config{}, fault.New(fault.NotFound, "not_found", "nothing begins then")
	}
	next.Coming, next.Decided = left, Decider{Person: by, At: now}
	if problems := (Change{From: now}).kindProblems(next); len(problems) > 0 {
		return Config{}, fault.New(fault.Invalid, "invalid_request", "something else that is to come cannot be without this",
			fault.Problem{Where: "/from", Code: "needed", Text: "Take back first what needs it. Without it: " + problems[0].Text})
	}
	return next, nil
}

// slack is how long the making of a decision may take.
const slack = 10 * time.Minute

func (ch Change) problems(c Config, now time.Time) []fault.Problem {
	var all []fault.Problem
	must := func(ok bool, where, code, text string) {
		if !ok {
			all = append(all, fault.Problem{Where: where, Code: code, Text: text})
		}
	}
	must(ch.From.IsZero() || ch.From.After(now.Add(-slack)), "/from", "past", "A decision begins now or later: what was quoted and promised stands.")
	must(ch.From.Before(now.Add(furthest)), "/from", "range", "A decision begins within two years.")
	if ch.States != nil {
		for i, s := range *ch.States {
			must(slices.Contains(postalCodes, s), fmt.Sprintf("/states/%d", i), "state", "Give the two capital letters of a state, district or territory of the United States.")
			must(!slices.Contains((*ch.States)[:i], s), fmt.Sprintf("/states/%d", i), "repeated", "This state is named twice.")
		}
	}
	if t := ch.Terms; t != nil {
		must(t.Answer >= time.Hour && t.Answer <= 7*24*time.Hour, "/answer_minutes", "range", "Promise an answer within 1 hour to 7 days.")
		must(t.GiveUp >= time.Hour && t.GiveUp <= 7*24*time.Hour, "/give_up_minutes", "range", "An unanswered request expires from 1 hour to 7 days after the promise.")
	}
	if ch.Topics != nil {
		for i, topic := range *ch.Topics {
			must(intake.TopicWords(topic) != "", fmt.Sprintf("/topics_by_phone/%d", i), "topic", "Topics are "+strings.Join(intake.Topics(), ", ")+".")
		}
	}
	if n := ch.Established; n != nil {
		must(*n >= 0 && *n <= maxEstablished, "/established_months", "range", fmt.Sprintf("Ask for a visit within 1 to %d months, or 0 for none.", maxEstablished))
	}
	if l := ch.RefundLimit; l != nil {
		must(*l >= 0 && *l <= money.Max, "/refund_limit_cents", "range", "Let staff refund from $0.00, which is nothing, to "+money.Max.String()+" of one payment.")
	}
	if m := ch.Minors; m != nil {
		all = append(all, m.Problems()...)
	}
	for _, form := range slices.Sorted(maps.Keys(ch.Prices)) {
		if price := ch.Prices[form]; price != nil {
			err := billing.PriceList{form: *price}.Check()
			if refused, ok := fault.Public(err); ok {
				must(false, "/prices/"+form, "price", refused.Problems[0].Text)
			}
		}
	}
	all = append(all, ch.kindProblems(c)...)
	for _, form := range slices.Sorted(maps.Keys(ch.Closed)) {
		must(c.Forms[form] != "" || ch.Forms[form] != "", "/closed/"+form, "form", "The practice does not offer this form.")
		for i, kind := range ch.Closed[form] {
			must(code.MatchString(kind), fmt.Sprintf("/closed/%s/%d", form, i), "code", "Give the code of an answer.")
		}
	}
	return all
}

// kindProblems names the prices by kind that cannot be once ch has begun, also when what
// is to come later begins: a form's own price may fall below them.
func (ch Change) kindProblems(c Config) []fault.Problem {
	next, begins := c.At(ch.From), []time.Time{ch.From}
	coming := slices.Concat(c.Coming, []Change{ch})
	slices.SortStableFunc(coming, func(a, b Change) int { return a.From.Compare(b.From) })
	for _, later := range next.Coming {
		begins = append(begins, later.From)
	}
	c.Coming = coming
	var all []fault.Problem
	for _, at := range begins {
		then := c.At(at)
		for _, p := range then.KindPrices.Check(then.Prices) {
			p.Where = "/kind_prices/" + p.Where
			if !at.Equal(ch.From) {
				p.Text = strings.TrimSuffix(p.Text, ".") + ", by what begins on " + at.Format(time.DateOnly) + "."
			}
			if !slices.ContainsFunc(all, func(o fault.Problem) bool { return o.Where == p.Where && o.Code == p.Code }) {
				all = append(all, p)
			}
		}
	}
	return all
}

var code = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// postalCodes are the codes of the United States' states, district and territories
// (USPS Publication 28, appendix B).
var postalCodes = strings.Fields(`AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND
	OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY DC AS GU MP PR VI`)
