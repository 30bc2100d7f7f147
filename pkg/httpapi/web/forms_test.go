package web_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"evisit/pkg/clinic"
	"evisit/pkg/identity"
	"evisit/pkg/library"
	"evisit/pkg/practice"
	"evisit/pkg/visit"
)

// A form goes from the library to patients by pages alone: adopted, tried as a patient sees
// it, approved by the medical director, published, changed, compared, retired.
func TestForms_FromTheLibraryToPatients(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.person(t, "dry", identity.Person{ID: "dry", Practice: "oak", Role: identity.Director, Display: "Yves Yoder, MD"})
	adm := h.as(t, "Adm", "/manage/forms")
	adm.wants(http.StatusOK, "Protocols to begin with", "Red or pink eye")
	adm.press("Adopt Red or pink eye", nil)
	adm.wants(http.StatusOK, "Draft", "Handed in by Adam Admin", "examples show every rule", "not approved")

	adm.link("See it as a patient does")
	adm.wants(http.StatusOK, "This is how a patient sees the form", "page 1 of")
	adm.press("Continue", nil)
	adm.wants(http.StatusOK, "There is a problem") // nothing was answered
	adm.press("Continue", url.Values{"emergency-ack": {"true"}})

	dry := h.as(t, "Dr. Y", "/manage/forms/pink-eye")
	dry.press("Approve this text", nil)
	dry.wants(http.StatusOK, "Approved by Yves Yoder, MD")
	adm.get("/manage/forms/pink-eye")
	adm.press("Publish, and offer it to patients", nil)
	adm.wants(http.StatusOK, "Published by Adam Admin", "Offered")

	l, err := library.Load()
	must(t, err)
	e, _ := l.Find("pink-eye")
	changed := strings.NewReplacer(`"version": "0.1.0"`, `"version": "0.2.0"`, `"linkId": "eye-side"`, `"prefix": "1", "linkId": "eye-side"`, `"text": "Which eye?"`, `"code": [{"code": "side", "display": "Which eye?"}]`).Replace(string(e.Source.Questionnaire))
	adm.press("Hand in the changed draft", url.Values{"questionnaire": {changed}})
	adm.wants(http.StatusOK, "It becomes version 0.2.0-common-0.2.0", "not approved", "What patients see otherwise than written", "asked in the words of its code")
	adm.link("What changed")
	adm.wants(http.StatusOK, "From 0.1.0-common-0.2.0 to draft")
	adm.link("Back to the form")
	adm.press("Retire the form", nil)
	adm.wants(http.StatusOK, "Offer it again")
	adm.press("Offer it again: version 0.1.0-common-0.2.0", nil)
	adm.wants(http.StatusOK, "Retire the form")

	adm.press("Hand in the changed draft", url.Values{"questionnaire": {strings.Replace(changed, `"type": "`, `"type": "x`, 2)}})
	adm.wants(http.StatusUnprocessableEntity, "may not be published", "is not evaluated")
	adm.get("/manage/forms/pink-eye")
	adm.press("Hand in the changed draft", url.Values{"value_sets": {"{}"}})
	adm.wants(http.StatusBadRequest)
	sets := `[{"resourceType":"ValueSet","id":"eyes","url":"https://oak.example/eyes","compose":{"include":[{"system":"https://oak.example/eye","concept":[{"code":"left"}]}]}}]`
	adm.get("/manage/forms/pink-eye")
	adm.press("Hand in the changed draft", url.Values{"value_sets": {sets}})
	adm.wants(http.StatusOK)
	adm.press("Hand in the changed draft", nil)
	if got := adm.value("value_sets"); len(got) != 1 || got[0] != sets {
		t.Errorf("edited, the value sets are %q", got)
	}
	h.as(t, "Dr. X", "/manage/forms").wants(http.StatusForbidden)
	h.as(t, "Ada", "/manage/forms/pink-eye").wants(http.StatusForbidden)
}

// A preview tells what a patient would be told, and keeps nothing.
func TestForms_PreviewEnds(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	adm := h.as(t, "Adm", "/manage/forms")
	adm.press("Adopt Red or pink eye", nil)
	before := h.audited(t)
	adm.get("/manage/forms/pink-eye/preview/draft")
	for range 8 {
		if strings.Contains(adm.text(), "With these answers the request ends here") || !strings.Contains(adm.text(), "Continue") {
			break
		}
		set := url.Values{}
		for name := range adm.shown() {
			if answer, ok := anybody[name]; ok {
				set.Set(name, answer)
			}
		}
		adm.press("Continue", set)
	}
	adm.wants(http.StatusOK, "With these answers the request ends here")
	if after := h.audited(t); after != before {
		t.Errorf("a preview wrote %d records", after-before)
	}
}

// anybody is how the questions up to blurred vision are answered.
var anybody = map[string]string{
	"emergency-ack": "true", "completed-by": "self", "location-state": "TX", "language": "en", "callback-phone": "555-0123",
	"seen-7d": "false", "surgery-90d": "false", "accident": "false", "pregnant": "no", "allergy-none": "true", "medications": "none",
	"conditions": "none", "pharmacy": "Main", "payment-route": "self-pay", "eye-vision": "true",
}

// shown are the names of the fields of the page's questions.
func (b *browser) shown() map[string]bool {
	names := map[string]bool{}
	for _, name := range b.value("shown") {
		names[name] = true
	}
	return names
}

// What a practice decides on its page holds, at once or from a day on, and everything that
// is wrong is told.
func TestSettings_Decided(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	adm := h.as(t, "Adm", "/manage/settings")
	adm.wants(http.StatusOK, "Settings", "States served", "What a patient agrees to")
	adm.press("Decide", url.Values{"states": {"TX, OR"}, "price:uti-women": {"42.50"}, "topics": {"hiv"}, "answer": {"12"}, "give-up": {"24"}})
	if got := adm.value("states"); len(got) != 1 || got[0] != "TX, OR" {
		t.Errorf("states are %q", got)
	}
	if got := adm.value("price:uti-women"); len(got) != 1 || got[0] != "42.50" {
		t.Errorf("the price is %q", got)
	}
	adm.press("Decide", url.Values{"price:uti-women": {"50"}, "from": {h.clock().AddDate(0, 0, 10).Format(time.DateOnly)}})
	adm.wants(http.StatusOK, "Still to begin", "uti-women costs $50.00")
	adm.press("Take it back: ", nil)
	if strings.Contains(adm.text(), "Still to begin") {
		t.Error("what was taken back still begins")
	}
	adm.press("Decide", url.Values{"price:uti-women": {"a lot"}, "answer": {"soon"}})
	adm.wants(http.StatusUnprocessableEntity, "dollars and cents", "hours as a number")
	adm.get("/manage/settings")
	adm.press("Decide", url.Values{"price:uti-women": {"0.20"}, "states": {"Texas"}})
	adm.wants(http.StatusUnprocessableEntity, "$0.50", "two capital letters")
	adm.get("/manage/settings")
	adm.press("Decide the text", url.Values{"version": {"2026-12"}, "text": {"You agree."}, "es": {"Usted acepta."}})
	adm.wants(http.StatusOK, "You agree.")
	adm.press("Tell patients this", url.Values{"readers": {"Those on duty."}})
	adm.wants(http.StatusOK, "Those on duty.")
	h.as(t, "Dr. X", "/manage/settings").wants(http.StatusForbidden)
}

// Two who decide from pages of the same moment do not undo each other's change, whatever
// they change.
func TestManage_DecidedOnAPageThatIsOld(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	adm, other := h.as(t, "Adm", "/manage/settings"), h.as(t, "Adm", "/manage/settings")
	other.press("Decide", url.Values{"price:uti-women": {"42.50"}})
	adm.press("Decide", url.Values{"answer": {"12"}})
	adm.wants(http.StatusPreconditionFailed)
	adm.get("/manage/settings")
	other.get("/manage/settings")
	other.press("Tell patients this", url.Values{"readers": {"Those on duty."}})
	adm.press("Decide the text", url.Values{"version": {"2026-12"}, "text": {"You agree."}})
	adm.wants(http.StatusPreconditionFailed)

	adm.get("/manage/people/drx")
	other.get("/manage/people/drx")
	other.press("Save", url.Values{"npi": {"1234567893"}})
	adm.press("Save", url.Values{"roles": {"nurse"}})
	adm.wants(http.StatusPreconditionFailed)
	adm.press("Save", url.Values{"roles": {"nurse"}}) // they were told, and shown what is to be saved
	adm.wants(http.StatusOK, "The change is made.")
}

// Deciding one thing on the page leaves the others: a promise of minutes, a consent text in
// the practice's language and in one that the page has no field for.
func TestSettings_OthersStand(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	adm := h.as(t, "Adm", "/manage/settings")
	by := clinic.Caller{Person: identity.Person{ID: "adm", Practice: "oak", Role: identity.Admin}}
	_, err := h.rooms.Author.Decide(t.Context(), by, practice.Change{Terms: &visit.Terms{Answer: 80 * time.Minute, GiveUp: 160 * time.Minute}})
	must(t, err)
	_, err = h.rooms.Author.DecideConsent(t.Context(), by, practice.Consent{Version: "2", Text: "Sie stimmen zu.", Language: "de", Others: map[string]string{"fr": "Vous acceptez."}}, time.Time{})
	must(t, err)
	adm.get("/manage/settings")
	adm.press("Decide", url.Values{"price:uti-women": {"42.50"}})
	adm.press("Decide the text", url.Values{"version": {"3"}, "es": {"Usted acepta."}})
	adm.wants(http.StatusOK)
	p, err := h.store.Practice(t.Context(), "oak")
	must(t, err)
	if p.Terms.Answer != 80*time.Minute || p.Terms.GiveUp != 160*time.Minute {
		t.Errorf("the promise is now %+v", p.Terms)
	}
	if got, want := p.Consent.Languages(), []string{"de", "es", "fr"}; !slices.Equal(got, want) || p.Consent.Version != "3" {
		t.Errorf("consent %s is in %q, want %q", p.Consent.Version, got, want)
	}
}

// A questionnaire that is refused comes back on the page that it was sent from, with
// everything that is wrong beside its field, and as it was written.
func TestForms_RefusedSourceComesBack(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	adm := h.as(t, "Adm", "/manage/forms")
	const source = `{"resourceType":"Questionnaire","title":"A","status":"draft","item":[{"linkId":"a","type":"xstring","text":"A?"},{"linkId":"b","type":"xdate","text":"B?"}]}`
	adm.press("Hand in", url.Values{"questionnaire": {source}, "title": {"Mine"}, "billing": {"em"}, "name": {"rash"}})
	adm.wants(http.StatusUnprocessableEntity, "Protocols to begin with", "This questionnaire may not be published.", "The questionnaire has a title of its own", "A questionnaire has its version")
	for name, want := range map[string]string{"questionnaire": source, "title": "Mine", "billing": "em", "name": "rash"} {
		if got := adm.value(name); len(got) != 1 || got[0] != want {
			t.Errorf("%s comes back as %q", name, got)
		}
	}
	if n := len(adm.mistakes("questionnaire")); n < 2 {
		t.Errorf("%d problems are beside the questionnaire, want one for each question", n)
	}
	for _, field := range []string{"title", "version"} {
		if n := len(adm.mistakes(field)); n != 1 {
			t.Errorf("%d problems are beside %s", n, field)
		}
	}
	adm.press("Hand in", url.Values{"value_sets": {"{}"}})
	adm.wants(http.StatusBadRequest, "Protocols to begin with", "an array of ValueSets")
	if len(adm.mistakes("value_sets")) != 1 || adm.value("questionnaire")[0] != source {
		t.Error("what is wrong with the value sets is not beside them, or the questionnaire is lost")
	}
	adm.press("Hand in", url.Values{"examples": {"{"}})
	if len(adm.mistakes("value_sets")) != 1 || len(adm.mistakes("examples")) != 1 {
		t.Error("of value sets and examples that cannot be read, not both are named")
	}
	adm.press("Hand in", url.Values{"value_sets": {""}, "examples": {"{"}})
	adm.wants(http.StatusBadRequest)
	if len(adm.mistakes("examples")) == 0 {
		t.Error("what is wrong with the examples is not beside them")
	}
	adm.get("/manage/forms")
	adm.press("Adopt Red or pink eye", nil)
	adm.get("/manage/forms")
	adm.press("Adopt Red or pink eye", nil)
	adm.wants(http.StatusOK, "Handed in by Adam Admin") // the same again

	other := h.as(t, "Adm", "/manage/forms/pink-eye")
	changed := strings.Replace(adm.value("questionnaire")[0], `"version":"0.1.0"`, `"version":"0.3.0"`, 1)
	other.press("Hand in the changed draft", url.Values{"questionnaire": {changed}})
	other.wants(http.StatusOK)
	adm.press("Hand in the changed draft", url.Values{"questionnaire": {strings.Replace(changed, "0.3.0", "0.4.0", 1)}})
	adm.wants(http.StatusConflict, "Handed in by Adam Admin", "It becomes version 0.3.0")
	if !strings.Contains(adm.value("questionnaire")[0], "0.4.0") {
		t.Error("the text that was refused is lost")
	}
}

// mistakes are what is said to be wrong with the field whose id is given.
func (b *browser) mistakes(id string) []string {
	b.t.Helper()
	var all []string
	each(b.page, func(n *html.Node) {
		if attr(n, "id") != id+"-about" {
			return
		}
		for _, p := range find(n, "p") {
			if attr(p, "class") == "error" {
				all = append(all, text(p))
			}
		}
	})
	return all
}

// A decision that is refused comes back on the page, each problem beside its field, and
// what was typed is there.
func TestSettings_RefusedComesBack(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	adm := h.as(t, "Adm", "/manage/settings")
	adm.press("Decide", url.Values{
		"states": {"Texas"}, "price:uti-women": {"a lot"}, "price:pink-eye": {"0.20"}, "answer": {"soon"}, "give-up": {"900"}, "from": {"some day"}, "topics": {"hiv"},
	})
	adm.wants(http.StatusUnprocessableEntity, "What patients are offered")
	for id, want := range map[string]string{
		"states": "two capital letters", "price-uti-women": "dollars and cents", "price-pink-eye": "$0.50", "answer": "hours as a number", "from": "Choose a day",
	} {
		if got := adm.mistakes(id); len(got) != 1 || !strings.Contains(got[0], want) {
			t.Errorf("beside %s: %q", id, got)
		}
	}
	for name, want := range map[string]string{"states": "Texas", "price:uti-women": "a lot", "answer": "soon", "give-up": "900", "topics": "hiv"} {
		if got := adm.value(name); len(got) != 1 || got[0] != want {
			t.Errorf("%s comes back as %q", name, got)
		}
	}
	adm.press("Decide", url.Values{"states": {"TX"}, "price:uti-women": {"41"}, "price:pink-eye": {"42"}, "answer": {"12"}, "from": {""}})
	if got := adm.mistakes("give-up"); adm.code != http.StatusUnprocessableEntity || len(got) != 1 {
		t.Errorf("%d, beside give-up: %q", adm.code, got)
	}
	adm.press("Decide", url.Values{"give-up": {"24"}})
	adm.wants(http.StatusOK)

	adm.press("Decide the text", url.Values{"version": {"1"}, "text": {"You agree to more."}})
	adm.wants(http.StatusConflict)
	if got := adm.mistakes("consent-version"); len(got) != 1 || adm.value("text")[0] != "You agree to more." {
		t.Errorf("beside the version: %q", got)
	}
	adm.press("Decide the text", url.Values{"version": {"not good"}, "text": {""}})
	if adm.wants(http.StatusUnprocessableEntity); len(adm.mistakes("consent-version")) != 1 || len(adm.mistakes("consent-text")) != 1 {
		t.Error("not every problem is beside its field")
	}
	adm.press("Tell patients this", url.Values{"readers": {strings.Repeat("x", 2000)}})
	if adm.wants(http.StatusUnprocessableEntity); len(adm.mistakes("readers")) != 1 || len(adm.value("readers")[0]) != 2000 {
		t.Error("the text of who reads does not come back")
	}
	other := h.as(t, "Adm", "/manage/settings")
	adm.get("/manage/settings")
	other.press("Decide", url.Values{"price:uti-women": {"50"}})
	adm.press("Decide", url.Values{"states": {"TX, OR"}})
	adm.wants(http.StatusPreconditionFailed, "Now: 50.00")
	if adm.value("states")[0] != "TX, OR" {
		t.Error("what was typed on an old page is lost")
	}

	adm.get("/manage/settings")
	adm.press("Decide", url.Values{"price:uti-women": {"60"}, "from": {h.clock().AddDate(0, 0, 10).Format(time.DateOnly)}})
	page, at := adm.page, adm.at
	adm.press("Take it back: ", nil)
	adm.page, adm.at = page, at
	adm.press("Take it back: ", nil)
	if adm.at.Path != "/manage/settings/withdraw" || adm.code/100 != 4 {
		t.Errorf("taken back twice: %d at %s", adm.code, adm.at)
	}
	adm.wants(adm.code, "What patients are offered")
}
