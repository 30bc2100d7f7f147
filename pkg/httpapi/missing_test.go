package httpapi_test

import (
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// closed is a visit with a question, a reply and an answer that was read.
func (w *world) closed(t testing.TB) shownVisit {
	t.Helper()
	v := w.queued(t)
	at := "/visits/" + v.ID
	for _, c := range []call{
		{as: "ana-rivera", method: "POST", path: at + "/take"},
		{as: "ana-rivera", method: "POST", path: at + "/ask", body: map[string]any{"text": "Since when?"}},
		{as: "jane-smith", method: "POST", path: at + "/messages", body: map[string]any{"text": "Two days."}},
		{as: "ana-rivera", method: "POST", path: at + "/answer", body: conclusion()},
	} {
		w.do(t, c, nil)
	}
	w.charge(t)
	w.do(t, call{as: "jane-smith", method: "POST", path: at + "/acknowledge"}, &v)
	return v
}

// What a visit's row says exists and is gone, moved or altered is a fault of ours
// and an error in the log: never a shorter chart, and never a reply that looks as
// if our records were busy.
func TestContent_MissingIsAFault(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.closed(t)
	at, content, money := "/visits/"+v.ID, "CHART#"+v.ID, "MONEY#"+v.ID
	without := func(pk, sk string) func(*testing.T) {
		return func(t *testing.T) {
			row := w.row(t, pk, sk)
			w.drop(t, pk, sk)
			t.Cleanup(func() { w.put(t, row) })
		}
	}
	objects := func(change func(key string, data []byte)) func(*testing.T) {
		return func(t *testing.T) {
			w.objects.Range(func(key, data any) bool {
				change(key.(string), data.([]byte))
				t.Cleanup(func() { w.objects.Store(key, data) })
				return true
			})
		}
	}
	for name, tc := range map[string]struct {
		spoil func(*testing.T)
		paths []string
	}{
		"the answers":   {without(content, "ANSWERS"), []string{"/chart"}},
		"first message": {without(content, "MSG#0001"), []string{"/chart"}},
		"last message":  {without(content, "MSG#0003"), []string{"/chart"}},
		"two messages swapped": {func(t *testing.T) {
			one, two := w.row(t, content, "MSG#0001"), w.row(t, content, "MSG#0002")
			for a, b := range map[string]map[string]types.AttributeValue{"MSG#0001": two, "MSG#0002": one} {
				was := w.row(t, content, a)
				t.Cleanup(func() { w.put(t, was) })
				moved := maps.Clone(b)
				moved["sk"] = was["sk"]
				w.put(t, moved)
			}
		}, []string{"/chart"}},
		"the documents":     {objects(func(key string, _ []byte) { w.objects.Delete(key) }), []string{"/document"}},
		"altered documents": {objects(func(key string, data []byte) { w.objects.Store(key, append([]byte{data[0] ^ 1}, data[1:]...)) }), []string{"/document"}},
		"the payment":       {without(money, "PAY#"+v.Payments[0]), []string{"/ledger"}},
		"the hold's entry":  {without(money, "ENTRY#"+v.Payments[0]+"#hold"), []string{"/ledger"}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, path := range tc.paths {
				w.do(t, call{as: "jane-smith", method: "GET", path: at + path}, nil)
			}
			tc.spoil(t)
			for _, path := range tc.paths {
				w.log.take()
				refused(t, send(t, w.api, call{as: "jane-smith", method: "GET", path: at + path}), http.StatusInternalServerError, "internal")
				if log := w.log.take(); !strings.Contains(log, `"level":"ERROR"`) || !strings.Contains(log, v.ID) {
					t.Errorf("%s logs %s", path, log)
				}
			}
		})
	}
	w.do(t, call{as: "jane-smith", method: "GET", path: at + "/chart"}, nil)
}
