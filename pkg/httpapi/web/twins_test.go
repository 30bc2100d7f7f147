package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"evisit/pkg/clinic"
	"evisit/pkg/identity"
	"evisit/pkg/phi"
)

// entered is a patient whom oak's administrator enters.
func (h *house) entered(t *testing.T, name phi.Text, email phi.Text) identity.Patient {
	t.Helper()
	by := clinic.Caller{Person: identity.Person{ID: "adm", Practice: "oak", Role: identity.Admin}}
	p, _, err := h.cast.RegisterPatient(t.Context(), by, identity.Contact{Name: name, Birth: time.Date(1985, 5, 5, 0, 0, 0, 0, time.UTC), Email: email})
	must(t, err)
	return p
}

// Staff compare who came by the page with the practice's own record of them, and merge the
// two; what cannot be merged says why.
func TestTwins_ComparedAndMerged(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	known, third := h.entered(t, "Kim Kay", "kim@home.example"), h.entered(t, "Kay Kim", "third@home.example")
	kim := h.browse(t)
	kim.get("/join/oak")
	kim.link("Sign in to register")
	kim.press("Kim", nil)
	kim.press("Register", url.Values{"name": {"Kim Kay"}, "birth": {"1985-05-05"}, "sex": {"female"}})
	kim.press("Start Urinary symptoms", nil)
	request := kim.visitID()

	adm := h.as(t, "Adm", "/manage/patients/"+known.ID)
	adm.wants(http.StatusOK, "Possible doubles", "2: compare")
	adm.link("Compare the possible doubles")
	adm.wants(http.StatusOK, "This record", "The other record", "kim@home.example", "kim@mail.example", "third@home.example", "is from then on this patient", "This cannot be taken back",
		"They cannot be merged. Nobody signs in as this patient")
	if n := len(adm.pressable("They are one person")); n != 1 {
		t.Errorf("%d merges are offered, want one", n)
	}
	page, at := adm.page, adm.at
	adm.press("They are one person", nil)
	adm.wants(http.StatusOK, "The other record was merged into this one.")
	if !strings.HasSuffix(adm.at.Path, known.ID) {
		t.Errorf("merging leads to %s", adm.at)
	}
	adm.page, adm.at = page, at
	adm.press("They are one person", nil) // the same again
	adm.wants(http.StatusOK, "merged into this one")
	kim.get("/my/visits/" + request)
	kim.wants(http.StatusOK, "Urinary symptoms")

	bea := h.entered(t, "Bea Brown", "bea@home.example")
	adm.post(h.url+"/manage/patients/"+third.ID+"/doubles", url.Values{"double": {third.ID}, "into": {known.ID}})
	adm.wants(http.StatusConflict, "Nobody signs in as this patient", "Possible doubles of")
	adm.post(h.url+"/manage/patients/"+bea.ID+"/doubles", url.Values{"double": {bea.ID}, "into": {bea.ID}})
	adm.wants(http.StatusUnprocessableEntity, "Name another patient of the practice", "Possible doubles of")
	adm.post(h.url+"/manage/patients/"+bea.ID+"/doubles", url.Values{"double": {third.ID}, "into": {known.ID}})
	adm.wants(http.StatusBadRequest)
	h.as(t, "Dr. X", "/manage/patients/"+known.ID+"/doubles").wants(http.StatusNotFound)
	h.as(t, "Bea", "/manage/patients/"+known.ID+"/doubles").wants(http.StatusNotFound)
}
