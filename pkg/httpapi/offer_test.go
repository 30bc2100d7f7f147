package httpapi_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"evisit/pkg/practice"
)

type shownForm struct {
	Name    string
	Offered bool
	Can     []string
	Why     string                           `json:"why_not"`
	Price   int64                            `json:"price_cents"`
	FreeFor []struct{ Code, Display string } `json:"free_for"`
}

func (w *world) forms(t testing.TB, as, query string) map[string]shownForm {
	t.Helper()
	var list struct{ Forms []shownForm }
	w.do(t, call{as: as, method: "GET", path: "/forms" + query}, &list)
	all := map[string]shownForm{}
	for _, f := range list.Forms {
		all[f.Name] = f
	}
	return all
}

// The list of forms and starting one say the same, in the same words, for each patient
// and whatever the practice offers.
func TestForms_SayWhatStartingSays(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*practice.Practice){
		"as planted":         func(*practice.Practice) {},
		"without prices":     func(p *practice.Practice) { p.Prices = nil },
		"licensed nowhere":   func(p *practice.Practice) { p.States = nil },
		"with fewer forms":   func(p *practice.Practice) { delete(p.Forms, "uti-women") },
		"taking no requests": func(p *practice.Practice) { p.Forms = nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			every := w.forms(t, "jane-smith", "")
			w.practice(t, change)
			for _, who := range []struct{ as, patient string }{{"jane-smith", ""}, {"tom-okafor", ""}, {"rosa-diaz", ""}, {"elena-diaz", "rosa-diaz"}} {
				query := ""
				if who.patient != "" {
					query = "?patient=" + who.patient
				}
				listed := w.forms(t, who.as, query)
				for form := range every {
					res := send(t, w.api, call{as: who.as, method: "POST", path: "/visits", body: map[string]any{"form": form, "patient": who.patient}})
					var told struct {
						Detail string `json:"detail"`
					}
					if err := json.Unmarshal(res.Body.Bytes(), &told); err != nil {
						t.Fatal(err)
					}
					f, ok := listed[form]
					switch started := res.Code == http.StatusCreated; {
					case started != slices.Contains(f.Can, "start"), started != (ok && f.Why == ""), ok && told.Detail != f.Why:
						t.Errorf("%s for %s is listed as %+v, and started: %d %s", form, who.as, f, res.Code, res.Body)
					case !started && !strings.Contains(told.Detail, "call the practice: +1"):
						t.Errorf("%s for %s is refused with %q", form, who.as, told.Detail)
					}
				}
			}
		})
	}
}

// Those who start no request are told of none; somebody else's age and sex are not told
// by what they can start.
func TestForms_ForWhom(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, who := range []string{"ana-rivera", "sam-lee", "elena-diaz"} {
		if f := w.forms(t, who, "")["uti-women"]; !f.Offered || f.Why != "" || !slices.Equal(f.Can, []string{"check"}) {
			t.Errorf("to %s it is listed as %+v", who, f)
		}
	}
	if f := w.forms(t, "tom-okafor", "")["uti-women"]; !f.Offered || !strings.Contains(f.Why, "female") || slices.Contains(f.Can, "start") {
		t.Errorf("to a man it is listed as %+v", f)
	}
	for _, as := range []string{"tom-okafor", "hana-kim", "ana-rivera"} {
		refused(t, send(t, w.api, call{as: as, method: "GET", path: "/forms?patient=jane-smith"}), http.StatusNotFound, "not_found")
	}
}

// A kind of request that is listed as free is quoted as free, and the others have the
// listed price.
func TestForms_FreeKindsAreQuotedFree(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := w.forms(t, "jane-smith", "")["admin-request"]
	var free []string
	for _, k := range f.FreeFor {
		if free = append(free, k.Code); k.Display == "" {
			t.Errorf("%s has no words", k.Code)
		}
	}
	slices.Sort(free)
	if want := []string{"appointment", "billing", "referral", "results"}; f.Price != 1500 || !slices.Equal(free, want) {
		t.Fatalf("listed at %d cents, free for %v", f.Price, free)
	}
	for _, kind := range append(free, "parking", "immunization") {
		var v shownVisit
		w.do(t, call{as: "jane-smith", method: "POST", path: "/visits", body: map[string]any{"form": "admin-request"}}, &v)
		answers := map[string]any{
			"emergency-ack": true, "completed-by": []string{"self"}, "location-state": []string{"OR"}, "language": []string{"en"},
			"callback-phone": "+1 503 555 0177", "medications": "none", "payment-route": []string{"self-pay"}, "pregnant": []string{"no"},
			"allergies": map[string]any{"allergy-none": true}, "conditions": []string{"none"}, "seen-7d": false, "surgery-90d": false, "accident": false,
			"adm-type": []string{kind}, "adm-symptoms": false, "adm-deliver": []string{"portal"},
			"adm-specialty": "Skin", "adm-invoice": "12", "adm-result": "Blood, Monday", "adm-condition": "Eczema",
		}
		body := page(answers)
		body["item"] = append(body["item"].([]map[string]any), map[string]any{"linkId": "adm-due", "answer": []map[string]any{{"valueDate": "2026-04-01"}}})
		var s savedPage
		w.do(t, call{as: "jane-smith", method: "PATCH", path: "/visits/" + v.ID + "/answers", body: body}, &s)
		want := int64(1500)
		if slices.Contains(free, kind) {
			want = 0
		}
		if s.Visit.Quote.ID == "" || s.Visit.Quote.Amount != want {
			t.Errorf("%s is quoted as %+v, want %d; missing %v", kind, s.Visit.Quote, want, wheres(s.Missing))
		}
	}
}
