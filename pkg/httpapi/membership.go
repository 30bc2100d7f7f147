package httpapi

import (
	"time"

	"evisit/pkg/membership"
	"evisit/pkg/money"
	"evisit/pkg/practice"
)

var getMembershipOffer = Endpoint{
	Method: "GET", Path: "/settings/membership", ID: "getMembershipOffer", Group: "Settings",
	For: "Read the yearly membership that your practice sells",
	Text: "What is sold now, what begins later, and every version that was decided. A member keeps the version that they accepted until they were told of " +
		"another before a renewal. For administrators.",
	By: ByRegistry, Who: Known,
	Out: offeredReply{}, OutText: "The membership.",
	Refuses: []Refusal{{Code: "denied"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		s, err := a.Author.Settings(r.Context(), r.Caller)
		return a.replyOffered(s.Practice, err)
	},
}

// The yearly membership that a practice sells.
type offeredReply struct {
	// For If-Match.
	Version int `json:"version" schema:"min=1"`
	// Whether somebody can join now.
	Sold  bool      `json:"sold"`
	Offer soldReply `json:"offer"`
	// Those that were closed before it.
	Closed []soldReply `json:"closed"`
}

// The membership that was sold last, in all its versions; without versions if there was none.
type soldReply struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// Since when it is not sold or renewed; absent: it is.
	Closed *time.Time `json:"closed,omitempty"`
	// In the order in which they begin.
	Versions []termsReply `json:"versions"`
}

// One version of a membership.
type termsReply struct {
	Version int       `json:"version" schema:"min=1"`
	From    time.Time `json:"from"`
	termsSetting
}

// What a membership costs and gives.
type termsSetting struct {
	// Cents, of a year for one person.
	Price money.Cents `json:"price" validate:"min=0"`
	// Cents, of a year for each further person; 0: they are included.
	PerMember money.Cents `json:"per_member,omitempty" validate:"min=0" schema:"min=0"`
	// For how many people it is at most.
	Members int `json:"members" validate:"min=1,max=10"`
	// How many visits a year are included; 0: none.
	Visits int `json:"visits" validate:"min=0,max=52"`
	// Whether the members use these visits together; otherwise each has as many.
	Shared bool `json:"shared,omitempty"`
	// The billing classes of the forms that are included: em, em-image, em-screen, admin-fee.
	Classes []string `json:"classes,omitempty" validate:"max=10"`
	// The forms that are included; absent: all of these classes.
	Forms []string `json:"forms,omitempty" validate:"max=100"`
	// Nothing is included that a health plan covers, so that people with Medicare can be members. Not with visits of the classes em, em-image and
	// em-screen, which health plans are billed for.
	NonCovered bool `json:"non_covered,omitempty"`
	// Every clinician has opted out of Medicare, so that people with Medicare can be members. Only where the practice's settings say so, as
	// `opted_out_of_medicare`, from when the terms begin.
	OptedOut bool `json:"opted_out,omitempty"`
	// For how many days after a failed payment visits are included.
	Grace int `json:"grace_days" validate:"min=0,max=90"`
	// How many days before a renewal it is announced at the latest.
	Notice int           `json:"notice_days" validate:"min=1,max=90"`
	Refund refundSetting `json:"refund"`
}

// What is refunded to a member who ends a membership at once.
type refundSetting struct {
	// For how many days after the first one of a year all is refunded if no included visit was used; 0: never.
	Full int `json:"full_days" validate:"min=0,max=90"`
	// Afterwards: nothing (absent), the months that have not begun, or the days that are left.
	Later membership.Later `json:"later,omitempty" validate:"omitempty,oneof=months days"`
}

func showTerms(t membership.Terms) termsSetting {
	return termsSetting{
		Price: t.Price, PerMember: t.PerMember, Members: t.Members, Visits: t.Visits, Shared: t.Shared, Classes: t.Classes, Forms: t.Forms,
		NonCovered: t.NonCovered, OptedOut: t.OptedOut, Grace: t.Grace, Notice: t.Notice, Refund: refundSetting(t.Refund),
	}
}

func (in termsSetting) domain() membership.Terms {
	return membership.Terms{
		Price: in.Price, PerMember: in.PerMember, Members: in.Members, Visits: in.Visits, Shared: in.Shared, Classes: in.Classes, Forms: in.Forms,
		NonCovered: in.NonCovered, OptedOut: in.OptedOut, Grace: in.Grace, Notice: in.Notice, Refund: membership.RefundRule(in.Refund),
	}
}

func showOffer(o membership.Offer) soldReply {
	out := soldReply{ID: o.ID, Name: o.Name, Versions: []termsReply{}}
	if !o.Closed.IsZero() {
		out.Closed = &o.Closed
	}
	for _, t := range o.Versions {
		out.Versions = append(out.Versions, termsReply{t.Version, t.From, showTerms(t)})
	}
	return out
}

func (a *API) replyOffered(p practice.Practice, err error) (Reply, error) {
	out := offeredReply{Version: p.Version, Offer: soldReply{Versions: []termsReply{}}, Closed: []soldReply{}}
	_, out.Sold = p.Membership(a.Kernel.Time())
	for i, o := range p.Memberships {
		if i == len(p.Memberships)-1 {
			out.Offer = showOffer(o)
		} else {
			out.Closed = append(out.Closed, showOffer(o))
		}
	}
	return Reply{Body: out, ETag: etag(p.Version)}, err
}

var decideMembership = Endpoint{
	Method: "POST", Path: "/settings/membership", ID: "decideMembership", Group: "Settings",
	For: "Decide the yearly membership that your practice sells",
	Text: "At once, or from a time on; all of it anew. Who joins from then on accepts it. Who is a member keeps what they accepted: a new price or new terms " +
		"hold for them from a renewal on, if they were told in time before. A price is from 100 cents to 10,000,000 a year. For administrators.",
	By: ByRegistry, Who: Known, IfMatch: true, In: membershipInput{},
	Out: offeredReply{}, OutText: "The membership.",
	Refuses: []Refusal{{Code: "denied"}, {Code: "stale"}, {Code: "changed"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		in := r.In.(*membershipInput)
		t := in.domain()
		if in.From != nil {
			t.From = in.From.UTC()
		}
		return a.replyOffered(a.Author.DecideMembership(r.Context(), r.Caller, t))
	},
}

// A decision on the yearly membership.
type membershipInput struct {
	// From when on; absent for at once.
	From *time.Time `json:"from,omitempty"`
	termsSetting
}

var withdrawMembership = Endpoint{
	Method: "POST", Path: "/settings/membership/withdraw", ID: "withdrawMembership", Group: "Settings",
	For:  "Take back the terms of a membership that were to begin at a time",
	Text: "Members who were told of them have them from their next renewal all the same. For administrators.",
	By:   ByRegistry, Who: Known, IfMatch: true, In: withdrawInput{},
	Out: offeredReply{}, OutText: "The membership.",
	Refuses: []Refusal{{Code: "denied"}, {Code: "stale"}, {Code: "changed"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		return a.replyOffered(a.Author.WithdrawMembership(r.Context(), r.Caller, r.In.(*withdrawInput).From.UTC()))
	},
}

var closeMembership = Endpoint{
	Method: "POST", Path: "/settings/membership/close", ID: "closeMembership", Group: "Settings",
	For:  "Sell no memberships any more",
	Text: "Members keep theirs until its year ends, and are told before. Another can be decided later. For administrators.",
	By:   ByRegistry, Who: Known, IfMatch: true,
	Out: offeredReply{}, OutText: "The membership.",
	Refuses: []Refusal{{Code: "denied"}, {Code: "stale"}, {Code: "changed"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		return a.replyOffered(a.Author.CloseMembership(r.Context(), r.Caller))
	},
}
