package web_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"evisit/pkg/clinic/charge"
	"evisit/pkg/clinic/request"
	"evisit/pkg/membership"
	"evisit/pkg/money"
)

// A subscribed is a page on which somebody may subscribe, and what was paid there.
type subscribed struct {
	req  request.MembershipPage
	made charge.Subscribed
}

func (s *stripe) NewMembershipPage(_ context.Context, p request.MembershipPage) (customer, id, url string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id = "cs_" + p.Key
	if s.subscriptions == nil {
		s.subscriptions = map[string]*subscribed{}
	}
	if s.subscriptions[id] == nil {
		s.subscriptions[id] = &subscribed{req: p, made: charge.Subscribed{Ref: p.Ref, Session: id}}
	}
	return "cus_" + p.Ref, id, stripePage + p.Key, nil
}

func (s *stripe) Subscribed(_ context.Context, account, object string) (charge.Subscribed, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, x := range s.subscriptions {
		if x.req.Account == account && (id == object || x.made.Subscription == object) {
			return x.made, nil
		}
	}
	return charge.Subscribed{}, nil
}

func (s *stripe) Reprice(context.Context, string, string, money.Cents, string) error { return nil }

func (s *stripe) Carry(_ context.Context, account, subscription string, ask membership.Ask, turn int, _ string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range s.subscriptions {
		if x.req.Account == account && x.made.Subscription == subscription {
			x.made.CancelAtEnd, x.made.Turn = ask == membership.CancelAtEnd, turn
		}
	}
	return nil
}

// subscribes pays the page of a membership, and tells us by a webhook.
func (h *house) subscribes(t *testing.T, url string) {
	t.Helper()
	h.stripe.mu.Lock()
	id := "cs_" + url[len(stripePage):]
	x := h.stripe.subscriptions[id]
	if x == nil {
		h.stripe.mu.Unlock()
		t.Fatalf("no page at %s", url)
	}
	year := membership.Year{Start: h.clock(), End: h.clock().AddDate(1, 0, 0)}
	x.made.Observation = membership.Observation{
		Account: x.req.Account, Customer: "cus_" + x.req.Ref, Subscription: "sub_" + x.req.Ref,
		Standing: membership.Standing{Status: "active", Year: year, Price: x.req.Amount, Paid: x.req.Amount},
	}
	x.made.Bills = []membership.Billed{{Invoice: "in_" + x.req.Ref, Number: "A1B2-0001", Year: year, Amount: x.req.Amount, Paid: x.req.Amount, PaidAt: h.clock()}}
	h.stripe.mu.Unlock()
	h.hear(t, "sub_"+x.req.Ref)
}

// A patient reads the terms, says that they have no Medicare, accepts, pays, and is a member with
// an invoice. What is missing in the form is told, and who has Medicare is told why not.
func TestMembership_Joined(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	adm := h.as(t, "Adm", "/manage/membership")
	ada := h.as(t, "Ada", "/my/membership")
	ada.wants(http.StatusOK, "The practice sells no membership now.")
	adm.press("Decide", url.Values{"price": {"350"}, "visits": {"2"}, "classes": {"em"}, "full": {"14"}})
	h.rooms.Kernel.ForgetPractice("oak")

	ada.get("/my/data")
	ada.wants(http.StatusOK, "Show the membership")
	ada.get("/my/membership")
	ada.wants(http.StatusOK, "What it costs: $350.00 a year.", "2 visits a year", "Medicare Part B", "within 14 days", "cancel at any time")
	ada.press("Join, and go to the payment page", url.Values{"medicare": {"no"}})
	ada.wants(http.StatusUnprocessableEntity, "Tick this box to accept the terms and the price.")
	ada.get("/my/membership")
	ada.press("Join, and go to the payment page", url.Values{"accept": {"yes"}, "medicare": {"yes"}})
	ada.wants(http.StatusConflict, "cannot be a member")
	ada.get("/my/membership")
	ada.press("Join, and go to the payment page", url.Values{"accept": {"yes"}, "medicare": {"no"}})
	page := ada.head.Get("Location")
	if !strings.HasPrefix(page, stripePage) {
		t.Fatalf("joining leads to %s", page)
	}
	ada.get("/my/membership")
	ada.wants(http.StatusOK, "Awaits its first payment", "Pay for the first year")
	h.subscribes(t, page)
	ada.get("/my/membership")
	ada.wants(http.StatusOK, "Paid", "It is renewed for another year", "A1B2-0001", "$350.00 for ")
	if strings.Contains(ada.text(), "Join, and go") {
		t.Error("who is a member can join again")
	}

	ada.get("/my")
	ada.startUTI()
	ada.fillIn(with(url.Values{"payment-route": {"membership"}}))
	ada.wants(http.StatusOK, "Nothing: your membership includes it")
	ada.press("Send the request", url.Values{"fee-ack": {"true"}, "consent-ack": {"true"}})
	if !strings.HasSuffix(ada.at.Path, "/sent") {
		t.Errorf("sending leads to %s", ada.at)
	}

	cal := h.as(t, "Cal", "/my/membership/p-ada")
	cal.wants(http.StatusOK, "Paid")
	ada.get("/my/membership")
	ada.wants(http.StatusOK, "If you cancel it, you have it until")
	ada.press("Cancel the membership", nil)
	ada.wants(http.StatusOK, "It is cancelled: you have it until", "It ends, and nothing more is charged")
	cal.press("Cancel the membership", nil) // on a page that shows it as it was
	cal.wants(http.StatusOK, "It is cancelled: you have it until")
	cal.press("Go on with the membership after all", nil)
	cal.wants(http.StatusOK, "It is renewed for another year")
	h.as(t, "Bea", "/my/membership/p-ada").wants(http.StatusNotFound)
}

// A renewal that was not paid is paid from the page of the membership, to which the letter leads: who
// pays it, and who acts for them, has the link to Stripe's page, and no longer once it is paid.
func TestMembership_RenewalPaidFromItsPage(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.as(t, "Adm", "/manage/membership").press("Decide", url.Values{"price": {"350"}, "visits": {"2"}, "classes": {"em"}, "grace": {"14"}})
	h.rooms.Kernel.ForgetPractice("oak")
	ada := h.as(t, "Ada", "/my/membership")
	ada.press("Join, and go to the payment page", url.Values{"accept": {"yes"}, "medicare": {"no"}})
	h.subscribes(t, ada.head.Get("Location"))
	const page = "https://invoice.stripe.test/i/1"
	bills := func(status, url string, open money.Cents) {
		t.Helper()
		h.pass(time.Minute)
		h.stripe.mu.Lock()
		id := ""
		for _, x := range h.stripe.subscriptions {
			id, x.made.Status, x.made.PayURL, x.made.Open = x.made.Subscription, status, url, open
		}
		h.stripe.mu.Unlock()
		h.hear(t, id)
	}
	bills("past_due", page, 350_00)
	for _, who := range []string{"Ada", "Cal"} {
		v := h.as(t, who, "/my/membership/p-ada")
		v.wants(http.StatusOK, "A payment failed", "Pay the renewal: $350.00", "The payment for your membership failed.")
		if !slices.ContainsFunc(find(v.page, "a"), func(a *html.Node) bool { return attr(a, "href") == page }) {
			t.Errorf("%s has no link to Stripe's page", who)
		}
	}
	adm := h.as(t, "Adm", "/desk/work")
	adm.wants(http.StatusOK, "The payment for a membership failed", "PatientAda Adams")
	adm.link("See the membership")
	adm.wants(http.StatusOK, "A payment failed", "Not paid$350.00")
	bills("active", "", 0)
	ada.get("/my/membership")
	ada.wants(http.StatusOK, "Paid")
	adm.get("/desk/work")
	adm.wants(http.StatusOK, "Nothing is waiting for you")
	if strings.Contains(ada.text(), "Pay the renewal") {
		t.Error("what is paid can be paid")
	}
}

// Terms that changed while somebody read them are shown, and nothing is made on the old ones.
func TestMembership_TermsChangedWhileRead(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	adm := h.as(t, "Adm", "/manage/membership")
	adm.press("Decide", url.Values{"price": {"350"}, "visits": {"2"}, "classes": {"em"}})
	ada := h.as(t, "Ada", "/my/membership")
	h.pass(time.Second)
	adm.press("Decide", url.Values{"price": {"400"}})
	h.rooms.Kernel.ForgetPractice("oak")
	ada.press("Join, and go to the payment page", url.Values{"accept": {"yes"}, "medicare": {"no"}})
	ada.wants(http.StatusConflict, "have changed since you read them", "What it costs: $400.00 a year.")
	if n := len(h.stripe.subscriptions); n != 0 {
		t.Error(fmt.Sprint(n, " pages were made"))
	}
}

// Who is a member ends it at once on a page that says what is refunded; what has changed since it was
// shown is shown again, and nothing is done.
func TestMembership_EndedAtOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.as(t, "Adm", "/manage/membership").press("Decide", url.Values{"price": {"350"}, "visits": {"2"}, "classes": {"em"}, "full": {"14"}})
	h.rooms.Kernel.ForgetPractice("oak")
	ada := h.as(t, "Ada", "/my/membership")
	ada.press("Join, and go to the payment page", url.Values{"accept": {"yes"}, "medicare": {"no"}})
	h.subscribes(t, ada.head.Get("Location"))
	ada.get("/my/membership")
	ada.link("End it at once, and have $350.00 refunded")
	ada.wants(http.StatusOK, "no visit is included any more", "Refunded$350.00", "Your bank may take ten days")
	ada.press("End it now, with $350.00 back", url.Values{"refund": {"34000"}})
	ada.wants(http.StatusConflict, "it is $350.00 now")
	ada.press("End it now, with $350.00 back", nil)
	ada.wants(http.StatusOK, "Ended", "as you asked", "$350.00 a year")
	ada.get("/my/data")
	ada.link("Show what was paid")
	ada.wants(http.StatusOK, "What you paid in 2026", "Charged: yearly membership", "$350.00", "Paid by the patient$350.00")
	ada.get("/my/payments?year=2025")
	ada.wants(http.StatusOK, "Nothing was paid in 2025")
	ada.get("/my/payments?year=next")
	ada.wants(http.StatusNotFound)
	h.as(t, "Bea", "/my/payments/p-ada").wants(http.StatusNotFound)
	ada.get("/my/membership/p-ada/leave")
	if ada.at.Path != "/my/membership/p-ada" {
		t.Errorf("what has ended leads to %s", ada.at)
	}
	h.as(t, "Bea", "/my/membership/p-ada/leave").wants(http.StatusNotFound)
}
