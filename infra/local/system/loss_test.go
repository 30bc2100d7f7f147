package system

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
)

func recordOf(sequence, kind string) types.Record {
	return types.Record{Dynamodb: &types.StreamRecord{SequenceNumber: aws.String(sequence), NewImage: map[string]types.AttributeValue{
		"d": &types.AttributeValueMemberS{Value: fmt.Sprintf(`{"id":"x","kind":%q}`, kind)},
	}}}
}

// One record is lost, and stays lost when the stream is read again, by a later process
// too; none is before it was ordered.
func TestLoss_OneRecordStaysLost(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	records := []types.Record{recordOf("1", "visit.answered"), recordOf("2", "payment.capture"), recordOf("3", "payment.capture")}
	kept := func(want ...string) {
		t.Helper()
		got, err := newLoss(folder).without(records)
		if err != nil || len(got) != len(want) {
			t.Fatalf("%d records are left, %v, want %v", len(got), err, want)
		}
		for n, r := range got {
			if *r.Dynamodb.SequenceNumber != want[n] {
				t.Errorf("record %s is left, want %s", *r.Dynamodb.SequenceNumber, want[n])
			}
		}
	}
	kept("1", "2", "3")
	if err := newLoss(folder).order("payment.capture"); err != nil {
		t.Fatal(err)
	}
	kept("1", "3")
	kept("1", "3")
}
