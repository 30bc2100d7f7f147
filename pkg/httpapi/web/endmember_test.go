package web_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"evisit/pkg/membership"
)

// An administrator ends a patient's membership on its page, with its year or at once: what is missing is
// told, the patient reads why, and nobody else reads the page.
func TestMembership_EndedByThePractice(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	adm := h.as(t, "Adm", "/manage/membership")
	adm.press("Decide", url.Values{"price": {"350"}, "visits": {"2"}, "classes": {"em"}})
	h.rooms.Kernel.ForgetPractice("oak")
	adm.get("/manage/patients/p-ada")
	adm.link("Membership")
	adm.wants(http.StatusOK, "This patient has had no membership here.")
	ada := h.as(t, "Ada", "/my/membership")
	ada.press("Join, and go to the payment page", url.Values{"accept": {"yes"}, "medicare": {"no"}})
	h.subscribes(t, ada.head.Get("Location"))
	h.pass(73 * 24 * time.Hour)

	adm, ada = h.as(t, "Adm", "/desk/members/p-ada"), h.as(t, "Ada", "/my/membership")
	adm.wants(http.StatusOK, "StandsPaid", "Included visits used0", "At once, with $280.00 refunded", "The days that are left are refunded.")
	adm.press("End this membership", nil)
	adm.wants(http.StatusUnprocessableEntity, "Say when it ends.", "Say why the membership ends.")
	adm.press("End this membership", url.Values{"when": {"year"}, "reason": {"out_of_reach"}})
	adm.wants(http.StatusOK, "It is decided, and the patient is told.", "You live where the practice may not treat patients.", "It ends, and nothing more is charged")
	ada.get("/my/membership")
	ada.wants(http.StatusOK, "The practice ends your membership with its year. You live where the practice may not treat patients.")
	for _, who := range []string{"Ada", "Dr. X"} {
		h.as(t, who, "/desk/members/p-ada").wants(http.StatusNotFound)
	}

	adm.get("/desk/members/p-ada")
	adm.press("End this membership", url.Values{"when": {"now"}, "reason": {"in_error"}, "refund": {"1"}})
	adm.wants(http.StatusConflict, "it is $280.00 now")
	adm.press("End this membership", url.Values{"when": {"now"}, "reason": {"in_error"}})
	adm.wants(http.StatusOK, "StandsEnded", "by the practice", "It was begun by mistake.")
	ada.get("/my/membership")
	ada.wants(http.StatusOK, "by the practice", "It was begun by mistake.")
}

// The page of a membership whose payment a bank disputes has what the bank can be told, for
// administrators.
func TestMembership_DisputedIsShownWithItsEvidence(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.as(t, "Adm", "/manage/membership").press("Decide", url.Values{"price": {"350"}, "visits": {"2"}, "classes": {"em"}})
	h.rooms.Kernel.ForgetPractice("oak")
	ada := h.as(t, "Ada", "/my/membership")
	ada.press("Join, and go to the payment page", url.Values{"accept": {"yes"}, "medicare": {"no"}})
	h.subscribes(t, ada.head.Get("Location"))
	h.pass(time.Minute)
	h.stripe.mu.Lock()
	id := ""
	for _, x := range h.stripe.subscriptions {
		id = x.made.Subscription
		x.made.Withdrawn, x.made.Bills[0].Withdrawn = 350_00, 350_00
		x.made.Bills[0].Contest = membership.Contest{ID: "dp_1", Reason: "subscription_canceled", Awaits: true, Due: h.clock().AddDate(0, 0, 9)}
	}
	h.stripe.mu.Unlock()
	h.hear(t, id)
	adm := h.as(t, "Adm", "/desk/work")
	adm.wants(http.StatusOK, "PatientAda Adams")
	adm.link("See the dispute")
	adm.wants(http.StatusOK, "The cardholder says: subscription canceled.", "Answer it in Stripe's dashboard by ",
		"Terms of the membership yearly-1, version 1, and their price accepted: ", "Included visits used in the year: 0 of 2", "At once, with $0.00 refunded")
}
