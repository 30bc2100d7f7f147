package lambdatest_test

import (
	"errors"
	"log/slog"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"evisit/infra/local/engine"
	"evisit/infra/local/guard"
	"evisit/pkg/outbox"
)

// puts says by which names each function puts events; those that are not here
// put none.
var puts = map[string]outbox.Writer{
	"api": outbox.ByAPI, "stripehook": outbox.ByStripe, "charge": outbox.ByCharge, "deadline": outbox.ByDeadline, "registry": outbox.ByRegistry,
}

// updates are the functions that write down how an event stands.
var updates = map[string]bool{"api": true, "charge": true, "notify": true, "sweep": true}

// A function that was taken over puts events as another, rewrites one, or deletes
// it: the calls of its role are refused and the table is as it was.
func TestRefused_EventsOfOthers(t *testing.T) {
	t.Parallel()
	for _, function := range functions {
		t.Run(function, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			d := w.capture("planted", "v")
			before := w.rows()[d.ID]
			db := w.asRole(function)
			for _, by := range append([]outbox.Writer{"notify", "sweep"}, outbox.Writers...) {
				id := outbox.NewID(by, recordedAt, "forged")
				_, err := db.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &w.table, Item: map[string]types.AttributeValue{
					"pk": &types.AttributeValueMemberS{Value: "OUTBOX#" + string(by) + ".2603021700.0"}, "sk": &types.AttributeValueMemberS{Value: id},
					"d": &types.AttributeValueMemberS{Value: `{}`}, "to": &types.AttributeValueMemberS{Value: "charge"},
				}})
				if allowed(t, err) != (puts[function] == by) {
					t.Errorf("putting an event of %s: %v", by, err)
				}
			}
			key := map[string]types.AttributeValue{"pk": before["pk"], "sk": before["sk"]}
			update := func(expression string) error {
				_, err := db.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
					TableName: &w.table, Key: key, UpdateExpression: &expression, ExpressionAttributeNames: map[string]string{"#d": "d"},
					ExpressionAttributeValues: map[string]types.AttributeValue{":d": &types.AttributeValueMemberS{Value: `{"kind":"payment.capture"}`}},
				})
				return err
			}
			if err := update("SET #d = :d"); allowed(t, err) {
				t.Error("it rewrites an event")
			}
			_, err := db.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &w.table, Key: key})
			if allowed(t, err) {
				t.Error("it deletes an event")
			}
			if got := textOf(w.rows()[d.ID]["d"]); got != textOf(before["d"]) {
				t.Errorf("the event is %s, was %s", got, textOf(before["d"]))
			}
			_, err = db.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
				TableName: &w.table, Key: key, UpdateExpression: aws.String("SET note = :n"),
				ExpressionAttributeValues: map[string]types.AttributeValue{":n": &types.AttributeValueMemberS{Value: "n"}},
			})
			if allowed(t, err) != updates[function] {
				t.Errorf("writing down how an event stands: %v", err)
			}
		})
	}
}

// asRole is a client that a thief of a function's role would have.
func (w *world) asRole(function string) *dynamodb.Client {
	w.Helper()
	g := guard.New(readTemplate(w.T), function, slog.New(slog.DiscardHandler))
	return dynamodb.NewFromConfig(engine.At(w.guarded(g)).Config())
}

// allowed reports whether a call went through; it must fail by being refused.
func allowed(t *testing.T, err error) bool {
	t.Helper()
	if err == nil {
		return true
	}
	if refused, ok := errors.AsType[smithy.APIError](err); !ok || refused.ErrorCode() != "AccessDeniedException" {
		t.Errorf("it fails otherwise: %v", err)
	}
	return false
}
