package web_test

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Removing a row leaves the others, in their order, and all else that was typed on the
// page; only what is saved then is kept. The last row is emptied, and a blank one has
// nothing to remove.
func TestForm_RemoveRow(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada := h.as(t, "Ada", "/my")
	ada.startUTI()
	ada.fillInTo("allergy-none")
	page := ada.at.Path
	ada.press("Save and continue", ada.asked(with(url.Values{"allergy-none": {"false"}})))
	holds := func(drugs ...string) {
		t.Helper()
		if got := ada.value("rows:allergy"); !slices.Equal(got, []string{string(rune('0' + len(drugs)))}) {
			t.Errorf("the page has %s rows, want %d", got, len(drugs))
		}
		for n, want := range drugs {
			if got := ada.value("allergy-drug@" + string(rune('1'+n))); got[0] != want {
				t.Errorf("row %d holds %q, want %q", n+1, got, want)
			}
		}
	}
	holds("")
	for _, b := range find(ada.page, "button") {
		if attr(b, "name") == "remove" {
			t.Error("a blank row can be removed")
		}
	}
	ada.press("Add another row", url.Values{"allergy-drug@1": {"Penicillin"}, "pharmacy": {"Elm Street"}})
	ada.press("Add another row", url.Values{"allergy-drug@2": {"Sulfa"}})
	ada.press("Remove Medicine and what happened 2", url.Values{"allergy-drug@3": {"Codeine"}, "medications": {"Vitamin D"}})
	ada.wants(http.StatusOK)
	holds("Penicillin", "Codeine")
	ada.press("Remove Medicine and what happened 1", nil)
	holds("Codeine")
	ada.press("Remove Medicine and what happened 1", nil)
	holds("")
	if got, also := ada.value("pharmacy"), ada.value("medications"); got[0] != "Elm Street" || strings.TrimSpace(also[0]) != "Vitamin D" {
		t.Errorf("beside the rows the page holds %q and %q", got, also)
	}
	for _, forged := range []string{"allergy", "allergy@9", "@1", "nothing@1", "allergy@1.1"} {
		ada.post(h.url+page, url.Values{"remove": {forged}, "rows:allergy": {"1"}, "allergy-none": {"false"}, "allergy-drug@1": {"Sulfa"}})
		ada.wants(http.StatusOK)
		holds("Sulfa")
	}
	ada.get(page)
	holds("")
}

// kin asks of relatives and their illnesses, in rows within rows, and of each pet chosen.
const kin = `{"resourceType":"Questionnaire","id":"kin","url":"https://oak.example/kin","version":"1","title":"Family","status":"draft",
"extension":[{"url":"https://example.org/fhir/StructureDefinition/evisit-billing-class","valueCode":"em"}],"item":[
{"linkId":"kin","type":"group","text":"Relative","repeats":true,"item":[{"linkId":"kin-dead","type":"boolean","text":"Dead?"},
 {"linkId":"ill","type":"group","text":"Illness","repeats":true,"item":[{"linkId":"ill-of","type":"string","text":"Of?","required":true},
  {"linkId":"ill-died","type":"boolean","text":"Died of it?","enableWhen":[{"question":"kin-dead","operator":"=","answerBoolean":true}]}]}]},
{"linkId":"pets","type":"choice","text":"Pets?","repeats":true,"answerOption":[{"valueCoding":{"code":"c","display":"Cat"}},{"valueCoding":{"code":"d","display":"Dog"}}],"item":[
 {"linkId":"pet-name","type":"string","text":"Called?","required":true}]}]}`

// Rows within rows are added and removed each in its own group, what is asked under an
// answer appears once it is chosen, and all that was typed stays; without any script.
func TestForm_RowsInRows(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	adm := h.as(t, "Adm", "/manage/forms")
	adm.press("Hand in", url.Values{"questionnaire": {kin}})
	adm.wants(http.StatusOK, "Draft", "Family")
	adm.link("See it as a patient does")
	for n := 1; !strings.Contains(adm.text(), "Relative"); n++ {
		adm.post(h.url+"/manage/forms/kin/preview/draft/"+strconv.Itoa(n), url.Values{"answers": {`{"resourceType":"QuestionnaireResponse"}`}, "add": {"kin"}})
		adm.wants(http.StatusOK)
	}
	holds := func(want ...string) {
		t.Helper()
		var got []string
		for name := range adm.shown() {
			if strings.HasPrefix(name, "ill-") || strings.HasPrefix(name, "pet-") {
				got = append(got, name+"="+strings.Join(adm.value(name), ""))
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("the page holds %q, want %q", got, want)
		}
	}
	adm.press("Add another row to Illness, row 1", url.Values{"kin-dead@1": {"true"}, "ill-of@1.1": {"Flu"}})
	holds("ill-died@1.1=", "ill-died@1.2=", "ill-of@1.1=Flu", "ill-of@1.2=")
	adm.press("Add another row to Relative", url.Values{"ill-of@1.2": {"Gout"}, "ill-died@1.2": {"true"}})
	holds("ill-died@1.1=", "ill-died@1.2=true", "ill-of@1.1=Flu", "ill-of@1.2=Gout", "ill-of@2.1=")
	adm.press("Add another row to Illness, row 2", url.Values{"ill-of@2.1": {"Croup"}})
	adm.press("Remove Illness 1.1", url.Values{"ill-of@2.2": {"Colds"}})
	holds("ill-died@1.1=true", "ill-of@1.1=Gout", "ill-of@2.1=Croup", "ill-of@2.2=Colds")
	adm.press("Remove Relative 1", url.Values{"pets": {"d"}})
	holds("ill-of@1.1=Croup", "ill-of@1.2=Colds", "pet-name@2=")
	adm.press("Continue", nil)
	adm.wants(http.StatusOK, "There is a problem", "Called?")
	adm.press("Continue", url.Values{"pet-name@2": {"Rex"}})
	if strings.Contains(adm.text(), "There is a problem") {
		t.Error("the page is whole, and does not lead on")
	}
}
