package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

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
