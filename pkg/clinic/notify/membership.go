package notify

import (
	"context"
	"strings"
	"time"

	"evisit/pkg/membership"
	"evisit/pkg/outbox"
	"evisit/pkg/practice"
)

// A memberLetter is a letter to the payer of a membership.
type memberLetter struct {
	text
	// holds reports whether what it says is still true.
	holds func(membership.Membership) bool
}

func isMember(m membership.Membership) bool { return m.State == membership.Active }
func isUnpaid(m membership.Membership) bool { return m.State == membership.PastDue }
func isEnded(m membership.Membership) bool  { return m.State == membership.Ended }

// runs reports whether the year is not over, as far as is known.
func runs(m membership.Membership) bool { return isMember(m) || isUnpaid(m) }

// memberLetters are the letters about memberships, by event.
var memberLetters = map[outbox.Kind]memberLetter{
	outbox.MemberJoined: {text{
		"Your membership has begun",
		"You are a member. {paid} was paid for the year {year}. {renewal}\n\nYour membership and its receipts are here:\n{link}",
	}, isMember},
	outbox.MemberRenewed: {text{
		"Your membership is paid",
		"{paid} was paid for the year {year} of your membership. {renewal}\n\nYour membership and its receipts are here:\n{link}",
	}, isMember},
	outbox.MemberUnpaid: {text{
		"The payment for your membership failed",
		"{unpaid} {pay}\n{link}",
	}, isUnpaid},
	outbox.MemberEnded: {text{"Your membership has ended", "{ended}{back}\n\n{link}"}, isEnded},
	outbox.MemberRenewal: {text{"Your membership will be renewed", "{announced}\n\n{link}"}, func(m membership.Membership) bool {
		return isMember(m) && !m.Notice.Closing && m.Renews()
	}},
	outbox.MemberCancelled: {text{
		"Your membership is cancelled",
		"Your membership ends with {last}, and is not renewed. You keep it until then, and nothing more is charged for it. Until then you can also resume it.\n\nYour membership is here:\n{link}",
	}, func(m membership.Membership) bool { return runs(m) && !m.Renews() }},
	outbox.MemberResumed: {text{
		"Your membership goes on",
		"Your membership does not end with {last}: it is renewed for another year, which costs {price} as it stands. You can cancel it again until then.\n\nYour membership is here:\n{link}",
	}, func(m membership.Membership) bool { return runs(m) && m.Renews() }},
}

// closingLetter is written instead of the announcement of a renewal that will not be.
var closingLetter = text{"Your membership will not be renewed", "{announced}\n\n{link}"}

// medicareLetter is written instead of MemberCancelled's where Medicare keeps everybody from a membership.
var medicareLetter = text{
	"Your membership will not be renewed",
	"From {medicare} on Medicare covers visits that your membership includes, and a yearly fee may not pay for what Medicare covers. So from that day on the membership includes no visits, and it is not renewed. " +
		"The practice looks into what you paid for its year, and tells you what is refunded. If you do not have Medicare, have your health plans put right with the practice.\n\nYour membership is here:\n{link}",
}

// endings say to the payer why a membership ended.
var endings = map[membership.Why]string{
	membership.NeverPaid:  "The payment page closed before it was paid, so no membership began. Nothing was charged.",
	membership.Cancelled:  "Your membership ended as you asked. Nothing more is charged for it.",
	membership.ByPractice: "The practice has ended your membership. Nothing more is charged for it.",
	membership.Unpaid:     "Your membership ended because its payment failed and was not made in time. Nothing more is charged for it.",
	membership.OfMedicare: "Your membership ended because Medicare covers visits that it includes. Nothing more is charged for it.",
}

// backWords say what is given back of a membership that ended; empty if that is nothing.
func backWords(mem membership.Membership) string {
	switch back, owed := mem.Standing.Refunded, mem.Owed(); {
	case owed > 0:
		return " " + owed.String() + " of what you paid for its year is being refunded to your card; your bank may take ten days to show it."
	case back > 0:
		return " " + back.String() + " of what you paid for its year was refunded to your card; your bank may take ten days to show it."
	}
	return ""
}

// tellMember sends the letter of an event about a membership, to its payer, while it is true.
func (m *Room) tellMember(ctx context.Context, d outbox.Delivery, l memberLetter) error {
	if _, err := m.facts(ctx, d, true); err != nil {
		return err
	}
	mem, err := m.Store.Membership(ctx, d.Membership)
	if err != nil {
		return err
	}
	closing := d.Kind == outbox.MemberRenewal && mem.Notice.Closing && mem.State == membership.Active
	if !l.holds(mem) && !closing {
		m.Kernel.Log.InfoContext(ctx, "a letter is no longer true", "event", d.ID, "kind", d.Kind)
		return nil
	}
	t := l.text
	if closing {
		t = closingLetter
	}
	p, err := m.Kernel.Practice(ctx, mem.Practice)
	if err != nil {
		return err
	}
	who, err := m.Charts.Patient(ctx, mem.Payer)
	if err != nil {
		return err
	}
	zone, err := p.Location()
	if err != nil {
		return err
	}
	now := m.Kernel.Time()
	from := mem.MedicareFrom(zone, now)
	if d.Kind == outbox.MemberCancelled && !from.IsZero() {
		t = medicareLetter
	}
	words := append(memberWords(p, mem, zone, now), "{medicare}", from.Start(zone).Format("2 January 2006"))
	body := strings.NewReplacer(append(words, "{link}", m.Pages+"/my/membership/"+mem.Payer)...).Replace(t.body)
	return m.Mail.Send(ctx, Letter{Key: d.ID, To: who.Contact.Email, Subject: p.Name + ": " + t.subject, Body: p.Name + "\n\n" + body + "\n"})
}

// memberWords are what letters about a membership may say of it, each after its place in them.
func memberWords(p practice.Practice, mem membership.Membership, zone *time.Location, now time.Time) []string {
	renewal := "It is not renewed after that."
	if mem.Renews() {
		renewal = "It is renewed after that, unless you cancel before; we write to you in time before a renewal."
	}
	announced, _ := mem.Letter(zone)
	pay := "Please call " + p.Name + " to have it paid: " + p.Phone + ". Your membership is here:"
	if page, amount := mem.Arrears(); page != "" {
		pay = "You can pay the " + amount.String() + " with this or another card, from the page of your membership:"
	}
	ended := endings[mem.Ended.Why]
	if reason := mem.Reason().Text(); reason != "" {
		ended += " " + reason
	}
	return []string{
		"{paid}", mem.Standing.Paid.String(), "{year}", mem.Standing.Text(zone), "{renewal}", renewal,
		"{last}", mem.Standing.LastDay(zone), "{price}", mem.RenewalPrice(now).String(), "{unpaid}", mem.Unpaid(zone), "{pay}", pay, "{ended}", ended, "{back}", backWords(mem), "{announced}", announced.Text,
	}
}
