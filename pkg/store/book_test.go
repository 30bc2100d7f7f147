package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"evisit/infra/local/engine/enginetest"
	"evisit/pkg/clinic"
	"evisit/pkg/ledger"
	"evisit/pkg/store"
	"evisit/pkg/vault"
)

// A row of the index that leads to another's entry is no entry of these books, and payments,
// which format 1 had in the index, are none at all.
func TestBooked_RefusesWhatDoesNotFit(t *testing.T) {
	t.Parallel()
	const foreign = `{"id":"charge","kind":"charge","payment":"visit-1.quote-1","practice":"practice-2","at":"2026-03-02T12:00:00.123Z"}`
	for _, test := range []struct {
		name, attribute, value string // of the entry's row
		want                   error
		entries                int
	}{
		{name: "as it was booked", attribute: "f", entries: 1},
		{name: "at another time", attribute: "booked", value: "20260302T130000.123Zvisit-", want: vault.ErrBroken},
		{name: "another practice's", attribute: "d", value: foreign, want: vault.ErrBroken},
		{name: "a payment", attribute: "sk", value: "PAY#visit-1.quote-1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			db, table := newTable(t, enginetest.Config(t))
			s := store.New(db, table)
			e, err := ledger.Charged("visit-1.quote-1", practiceID, 40_00, 0, noon)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Commit(t.Context(), recorded(practiceID, clinic.Commit{Entries: []ledger.Entry{e}})[0]); err != nil {
				t.Fatal(err)
			}
			const key = "MONEY#visit-1/ENTRY#visit-1.quote-1#charge"
			r := scan(t, db, table)[key]
			if _, err := db.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &table, Key: row{"pk": r["pk"], "sk": r["sk"]}}); err != nil {
				t.Fatal(err)
			}
			if test.value != "" {
				r[test.attribute] = &types.AttributeValueMemberS{Value: test.value}
			}
			if _, err := db.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: r}); err != nil {
				t.Fatal(err)
			}
			got, next, err := s.Booked(t.Context(), practiceID, noon, noon.Add(48*time.Hour), "", 10)
			if !errors.Is(err, test.want) || next != "" || len(got) != test.entries {
				t.Errorf("Booked = %v, %q, %v; want %d entries, %v", got, next, err, test.entries, test.want)
			}
		})
	}
}
