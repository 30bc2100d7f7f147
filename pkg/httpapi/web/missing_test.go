package web_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// A page shows all that the visit's row names, or says that something is wrong
// on our side.
func TestVisitPage_MissingContentIsAFault(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada, drx := h.as(t, "Ada", "/my"), h.as(t, "Dr. X", "/desk")
	message, _ := h.sent(t, ada)
	drx.answers(message)
	document, _ := h.sent(t, ada)
	drx.answers(document)

	_, err := h.db.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &h.table, Key: map[string]types.AttributeValue{
		"pk": &types.AttributeValueMemberS{Value: "CHART#" + message}, "sk": &types.AttributeValueMemberS{Value: "MSG#0001"},
	}})
	must(t, err)
	h.objects.mu.Lock()
	for key := range h.objects.objects {
		if strings.Contains(key, document) {
			delete(h.objects.objects, key)
		}
	}
	h.objects.mu.Unlock()
	for _, id := range []string{message, document} {
		for b, path := range map[*browser]string{ada: "/my/visits/" + id, drx: "/desk/visits/" + id} {
			h.log.take()
			b.get(path)
			b.wants(http.StatusInternalServerError, "Something went wrong on our side")
			if strings.Contains(b.text(), "Burning") || strings.Contains(b.text(), "Drink water") {
				t.Errorf("%s shows a shorter chart:\n%s", path, b.text())
			}
			if log := h.log.take(); !strings.Contains(log, `"level":"ERROR"`) || !strings.Contains(log, id) {
				t.Errorf("%s logs %s", path, log)
			}
		}
	}
}
