package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"evisit/pkg/clinic"
	"evisit/pkg/ledger"
	"evisit/pkg/vault"
)

// Booked implements office.Reads. It queries the shards of each month (of UTC) that the range
// touches for keys, and then reads the rows. A row costs 0.5 read units, for an entry is never
// written again and needs no consistent read; its key in the index costs about 0.025; and a
// month costs 2, half a unit for each shard, even if it is empty.
func (s *Store) Booked(ctx context.Context, practice string, from, to time.Time, after string, limit int) ([]ledger.Entry, string, error) {
	what := "books of practice " + practice
	places := between{low: stamp(from), high: stamp(to)}
	if after >= places.low {
		places.low = after + " " // before whatever follows it
	}
	var rows []item
	next := ""
	for month := from.UTC().AddDate(0, 0, 1-from.UTC().Day()); bookMonth(month) <= places.high[:6] && len(rows) <= limit && next == ""; month = month.AddDate(0, 1, 0) {
		if bookMonth(month) < places.low[:min(6, len(places.low))] || places.low > places.high { // DynamoDB refuses a range that ends before it begins
			continue
		}
		more, through, err := s.booksOfMonth(ctx, practice, bookMonth(month), places, limit+1, what)
		if err != nil {
			return nil, "", err
		}
		rows, next = append(rows, more...), through
	}
	if cut := endOfPage(rows, limit); cut < len(rows) {
		rows, next = rows[:cut], text(rows[cut-1], "booked")
	}
	entries, err := s.entriesOf(ctx, practice, rows, what)
	return entries, next, err
}

// BookPlace implements office.Reads.
func (s *Store) BookPlace(e ledger.Entry) string { return uniqueStamp(e.At, e.Payment) }

// between bounds places in the books, both included. A place is the sort key of an entry in the
// index.
type between struct{ low, high string }

// endOfPage returns how many of rows are a page of limit: entries of one place are not parted,
// because a page goes on after a place.
func endOfPage(rows []item, limit int) int {
	n := min(limit, len(rows))
	for n > 0 && n < len(rows) && text(rows[n], "booked") == text(rows[n-1], "booked") {
		n++
	}
	return n
}

// booksOfMonth returns the keys of a month's entries in order: all of them up to the place
// through, of which there are limit at least; through is empty if there are no more.
func (s *Store) booksOfMonth(ctx context.Context, practice, month string, places between, limit int, what string) (rows []item, through string, _ error) {
	type part struct {
		rows    []item
		through string
	}
	parts := make([]part, bookShards)
	err := clinic.Each(bookShards, bookShards, func(n int) (err error) {
		parts[n].rows, parts[n].through, err = s.booksOfShard(ctx, bookPartition(practice, month, n), places, limit, what)
		return err
	})
	if err != nil {
		return nil, "", err
	}
	for _, p := range parts {
		if p.through != "" && (through == "" || p.through < through) {
			through = p.through
		}
	}
	for _, p := range parts {
		for _, r := range p.rows {
			if through == "" || text(r, "booked") <= through {
				rows = append(rows, r)
			}
		}
	}
	slices.SortFunc(rows, func(a, b item) int {
		return cmp.Or(strings.Compare(text(a, "booked"), text(b, "booked")), strings.Compare(text(a, "sk"), text(b, "sk")))
	})
	return rows, through, nil
}

// booksOfShard is booksOfMonth for one partition of the index.
func (s *Store) booksOfShard(ctx context.Context, name string, places between, limit int, what string) (rows []item, through string, _ error) {
	in := listing{index: bookIndex, hash: "book", sort: "booked", name: name}.after("")
	in.KeyConditionExpression = aws.String("#h = :h AND #s BETWEEN :low AND :high")
	in.ExpressionAttributeNames["#s"] = "booked"
	in.ExpressionAttributeValues[":low"], in.ExpressionAttributeValues[":high"] = str(places.low), str(places.high)
	rows, err := s.query(ctx, in, limit, what)
	if err != nil || len(rows) < limit {
		return rows, "", err
	}
	through = text(rows[len(rows)-1], "booked")
	last, err := s.query(ctx, atPlace(name, through), 0, what) // of which there may be more
	first := slices.IndexFunc(rows, func(r item) bool { return text(r, "booked") == through })
	return append(rows[:first], last...), through, err
}

func atPlace(name, place string) *dynamodb.QueryInput {
	return &dynamodb.QueryInput{
		IndexName:                 aws.String(bookIndex),
		KeyConditionExpression:    aws.String("book = :h AND booked = :b"),
		ExpressionAttributeValues: item{":h": str(name), ":b": str(place)},
	}
}

// entriesOf reads the entries that rows of the index name, in their order. Format 1 had payments
// in the index, too, which are left out. An entry that does not exist, or was booked elsewhere, is
// an error: else the books would add up to something that nobody posted.
func (s *Store) entriesOf(ctx context.Context, practice string, rows []item, what string) ([]ledger.Entry, error) {
	rows = slices.DeleteFunc(rows, func(r item) bool { return !strings.HasPrefix(text(r, "sk"), "ENTRY#") })
	items, err := s.entryRows(ctx, rows, what)
	if err != nil {
		return nil, err
	}
	all := make([]ledger.Entry, len(rows))
	for n, r := range rows {
		i, found := items[keyOf(r)]
		if !found {
			return nil, fmt.Errorf("%s: %w: entry %s is gone", what, vault.ErrBroken, text(r, "sk"))
		}
		e, err := readEntry(i)
		if err != nil {
			return nil, err
		}
		if e.Practice != practice || bookName(practice, e.At, e.Payment) != text(r, "book") || uniqueStamp(e.At, e.Payment) != text(r, "booked") {
			return nil, fmt.Errorf("%s: %w: entry %s of payment %s is booked elsewhere", what, vault.ErrBroken, e.ID, e.Payment)
		}
		all[n] = e
	}
	return all, nil
}

// entryRows reads the rows that rows of the index name. One that was written a moment ago may be
// in the index before a read that is not consistent finds it.
func (s *Store) entryRows(ctx context.Context, rows []item, what string) (map[key]item, error) {
	found := make(map[key]item, len(rows))
	for _, f := range []freshness{recent, latest} {
		var wanted []key
		for _, r := range rows {
			if _, ok := found[keyOf(r)]; !ok {
				wanted = append(wanted, keyOf(r))
			}
		}
		items, err := s.fetch(ctx, wanted, f, what)
		if err != nil {
			return nil, err
		}
		for _, i := range items {
			found[keyOf(i)] = i
		}
	}
	return found, nil
}
