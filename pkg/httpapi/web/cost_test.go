package web_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// audited is how many records the audit logs hold.
func (h *house) audited(t *testing.T) int {
	t.Helper()
	n := 0
	pages := dynamodb.NewScanPaginator(h.db, &dynamodb.ScanInput{
		TableName: &h.table, FilterExpression: aws.String("begins_with(pk, :a)"), Select: types.SelectCount,
		ExpressionAttributeValues: map[string]types.AttributeValue{":a": &types.AttributeValueMemberS{Value: "AUDIT#"}},
	})
	for pages.HasMorePages() {
		out, err := pages.NextPage(t.Context())
		must(t, err)
		n += int(out.Count)
	}
	return n
}

// A page is one load of what it shows, and one audit record if it shows a
// request's content or trail; a list leaves one an hour, here when its reader signed in. Every page costs two calls more than it says here: the
// session and the person, each a GetItem, come first. Practices and forms are
// remembered. A BatchGetItem reads the visit, or those of a list; the Queries of
// a visit's page are its content and its money, and its last GetItem is what its reader
// wrote there and did not send.
func TestPages_Cost(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada, cal, drx := h.as(t, "Ada", "/my"), h.as(t, "Cal", "/my"), h.as(t, "Dr. X", "/desk")
	ada.startUTI()
	at := "/my/visits/" + ada.visitID()
	costs := func(b *browser, what, calls string, records int, do func()) {
		t.Helper()
		follow := b.client.CheckRedirect
		b.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		defer func() { b.client.CheckRedirect = follow }()
		before := h.audited(t)
		h.calls.take()
		do()
		got := strings.Join(h.calls.take(), " ")
		if want := strings.TrimSpace("GetItem GetItem " + calls); got != want {
			t.Errorf("%s calls %s, want %s", what, got, want)
		}
		if n := h.audited(t) - before; n != records || b.code >= http.StatusBadRequest {
			t.Errorf("%s answers %d and leaves %d audit records, want %d", what, b.code, n, records)
		}
	}
	get := func(b *browser, path, calls string, records int) {
		t.Helper()
		costs(b, "GET "+path, calls, records, func() { b.get(path) })
	}

	get(ada, at+"/form/1", "BatchGetItem", 0)
	ada.fillInTo("uti-onset")
	costs(ada, "saving a page", "BatchGetItem TransactWriteItems", 1, func() { ada.press("Save and continue", ada.asked(well)) })
	ada.get(ada.at.String())
	ada.fillInTo("uti-abx")
	costs(ada, "saving the last page", "BatchGetItem TransactWriteItems", 1, func() { ada.press("Save and continue", ada.asked(well)) })
	get(ada, at+"/check", "BatchGetItem GetItem", 0)                       // and whether another request on the form is underway
	get(ada, at+"/form/7", "BatchGetItem BatchGetItem GetItem GetItem", 0) // the fee: what page it is, its price, whether the patient may be given one, and as before
	ada.wants(http.StatusOK, "What it costs")

	id, _ := h.sent(t, ada)
	at = "/my/visits/" + id
	get(drx, "/desk", "Query BatchGetItem", 0)
	get(ada, "/my", "Query GetItem Query BatchGetItem Query BatchGetItem", 0)                              // grants, own name, visits, and those underway
	get(cal, "/my", "Query BatchGetItem GetItem GetItem Query BatchGetItem GetItem Query BatchGetItem", 0) // and the grant, for each patient, twice
	get(drx, "/desk/visits/"+id, "BatchGetItem Query GetItem PutItem", 1)                                  // with the patient's name
	get(ada, at+"/sent", "BatchGetItem TransactWriteItems", 1)
	drx.answers(id)
	get(drx, "/desk/visits/"+id, "BatchGetItem Query GetItem Query PutItem", 1)     // and whether the answer was read
	get(ada, "/my", "Query GetItem Query BatchGetItem Query Query BatchGetItem", 0) // likewise
	for range 2 {
		get(ada, at, "BatchGetItem Query Query PutItem", 1)
	}
	get(cal, at, "BatchGetItem GetItem Query GetItem Query PutItem", 1) // with their grant and the patient's name
	get(ada, at+"/trail", "BatchGetItem Query PutItem", 1)
	get(ada, "/my/data", "Query GetItem", 0)
	get(ada, "/my/data/access", "Query BatchGetItem Query Query Query PutItem", 1) // their visits; each one's trail, and what is about none
	get(drx, "/desk/work", "Query TransactWriteItems", 1)
	get(drx, "/desk/work", "Query", 0)
	get(ada, "/", "", 0)
}
