package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"evisit/pkg/identity"
	"evisit/pkg/library"
)

// A patient reads a form in the language that they choose, on this page and the next,
// and keeps what was typed; without a choice it is the one that their browser asks for.
func TestForm_IsReadInTheLanguageChosen(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.person(t, "dry", identity.Person{ID: "dry", Practice: "oak", Role: identity.Director, Display: "Yves Yoder, MD"})
	h.publishInSpanish(t)

	ada := h.as(t, "Ada", "/my")
	ada.press("Red or pink eye", nil)
	ada.fillInTo("eye-side")
	ada.wants(http.StatusOK, "Which eye?", "English", "Español")
	ada.press("Español", url.Values{"eye-onset": {"3"}})
	ada.wants(http.StatusOK, "¿Qué ojo?")
	if got := ada.value("eye-onset"); len(got) != 1 || got[0] != "3" {
		t.Errorf("what was typed is %q now", got)
	}
	ada.get("/my/visits/" + ada.visitID() + "/check")
	ada.wants(http.StatusOK, "¿Qué ojo?")

	bea := h.as(t, "Bea", "/my")
	bea.language = "fr, es-MX;q=0.9, en;q=0.5"
	bea.press("Red or pink eye", nil)
	bea.fillInTo("eye-side")
	bea.wants(http.StatusOK, "¿Qué ojo?")
	bea.press("English", nil)
	bea.wants(http.StatusOK, "Which eye?")

	adm := h.as(t, "Adm", "/manage/forms/pink-eye/preview/0.2.0-common-0.2.0?language=es")
	adm.wants(http.StatusOK, "Español")
	adm.press("Continue", url.Values{"emergency-ack": {"true"}})
}

// publishInSpanish has the practice offer the protocol on eyes with a question that is
// translated.
func (h *house) publishInSpanish(t *testing.T) {
	t.Helper()
	adm := h.as(t, "Adm", "/manage/forms")
	adm.press("Adopt Red or pink eye", nil)
	l, err := library.Load()
	must(t, err)
	e, _ := l.Find("pink-eye")
	adm.press("Hand in the changed draft", url.Values{"questionnaire": {strings.NewReplacer(
		`"version": "0.1.0"`, `"version": "0.2.0"`,
		`"linkId": "eye-side"`, `"linkId": "eye-side", "_text": {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/translation", "extension": [
			{"url": "lang", "valueCode": "es"}, {"url": "content", "valueString": "¿Qué ojo?"}]}]}`,
	).Replace(string(e.Source.Questionnaire))}})
	h.as(t, "Dr. Y", "/manage/forms/pink-eye").press("Approve this text", nil)
	adm.get("/manage/forms/pink-eye")
	adm.press("Publish, and offer it to patients", nil)
	adm.wants(http.StatusOK, "Offered")
}
