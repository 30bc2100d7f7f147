package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"evisit/pkg/billing"
	"evisit/pkg/clinic"
)

// Who runs the system decides the platform's part of what patients pay a practice, in percent; the
// practice reads it at its settings, and decides nothing about it.
func TestPlatformFee_Pages(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.rooms.Kernel.Operators = []clinic.Proof{{Issuer: h.issuer.URL, Subject: "ops"}}
	oak := url.Values{
		"name": {"Oak Street Clinic"}, "line": {"12 Shore Road"}, "city": {"Portland"}, "state": {"OR"}, "zip": {"97201"}, "zone": {"America/Los_Angeles"},
		"phone": {"+1 503 555 0100"}, "inbox": {"desk@oak.example"}, "npi": {"1234567893"}, "ein": {"12-3456789"}, "taxonomy": {"207Q00000X"}, "account": {"acct_1OakStreet0001"},
	}
	with := func(part string) url.Values {
		oak.Set("platform-fee", part)
		return oak
	}
	ops := h.as(t, "Olu", "/manage/practices/oak")
	for part, why := range map[string]string{
		"2.555": "Give a percentage with two decimals at most", "some": "Give a percentage",
		"30.01": "from 0 to 30 percent", "-1": "from 0 to 30 percent",
	} {
		ops.press("Save", with(part))
		ops.wants(http.StatusUnprocessableEntity, "There is a problem", why)
	}
	adm := h.as(t, "Adm", "/manage/settings")
	saysNothing := func() {
		t.Helper()
		adm.get("/manage/settings")
		if strings.Contains(adm.text(), "the platform takes") {
			t.Error("the settings tell a part of the platform that it does not have")
		}
	}
	saysNothing()
	for part, shown := range map[string]string{"2.5": "takes 2.5%", "30": "takes 30%", "0.05": "takes 0.05%"} {
		ops.get("/manage/practices/oak")
		ops.press("Save", with(part))
		ops.wants(http.StatusOK, "The change is made.")
		adm.get("/manage/settings")
		adm.wants(http.StatusOK, "Of what patients pay the platform "+shown)
	}
	ops.press("Save", with(""))
	ops.wants(http.StatusOK, "The change is made.")
	saysNothing()
	h.as(t, "Adm", "/manage/practices/oak").wants(http.StatusNotFound)
}

// The practice sees what the platform took apart from what Stripe took; the patient is told nothing of it.
func TestPlatformFee_ToldToThePractice(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada, drx := h.as(t, "Ada", "/my"), h.as(t, "Dr. X", "/desk")
	id, page := h.sent(t, ada)
	drx.answers(id)
	h.becomes(t, page, func(o *billing.Observation) {
		o.Status, o.Capturable, o.Received, o.StripeFee, o.PlatformFee = "succeeded", 0, 4000, 146, 100
	})
	adm := h.as(t, "Adm", "/desk/money")
	adm.wants(http.StatusOK, "$40.00", "$37.54", "Stripe's fees$0.00$1.46$1.46", "The platform's fees$0.00$1.00$1.00")
	adm.link("Fees")
	adm.wants(http.StatusOK, "The platform's fee", "Together: $2.46")
	for _, path := range []string{"/my/visits/" + id, "/my/visits/" + id + "/receipt"} {
		ada.get(path)
		ada.wants(http.StatusOK, "$40.00")
		if text := ada.text(); strings.Contains(text, "platform") || strings.Contains(text, "$1.00") || strings.Contains(text, "$37.54") {
			t.Errorf("%s tells the patient what the platform took:\n%s", path, text)
		}
	}
}
