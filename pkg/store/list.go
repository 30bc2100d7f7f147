package store

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"evisit/pkg/identity"
	"evisit/pkg/visit"
)

// A listing is one partition of an index, in the order of its sort key.
type listing struct {
	index, hash, sort string
	name              string // of the partition
	newestFirst       bool
}

func inList(name string) listing {
	return listing{index: listIndex, hash: "list", sort: "at", name: name}
}

func inTrail(visit string) listing {
	return listing{index: trailIndex, hash: "trail", sort: "sk", name: trailName(visit)}
}

func inMine(patient string) listing {
	return listing{index: mineIndex, hash: "mine", sort: "made", name: mineName(patient), newestFirst: true}
}

// after returns the query of the rows after cursor, which is empty or the sort
// key of a row.
func (l listing) after(cursor string) *dynamodb.QueryInput {
	in := &dynamodb.QueryInput{
		IndexName:                 &l.index,
		KeyConditionExpression:    aws.String("#h = :h"),
		ExpressionAttributeNames:  map[string]string{"#h": l.hash},
		ExpressionAttributeValues: item{":h": str(l.name)},
		ScanIndexForward:          aws.Bool(!l.newestFirst),
	}
	if cursor != "" {
		after := " > :c"
		if l.newestFirst {
			after = " < :c"
		}
		in.KeyConditionExpression = aws.String("#h = :h AND #s" + after)
		in.ExpressionAttributeNames["#s"] = l.sort
		in.ExpressionAttributeValues[":c"] = str(cursor)
	}
	return in
}

// readListing reads one page of a listing; a limit of 0 is none. A cursor is the
// sort key of the page's last row, so it stays valid when rows are added or
// removed. The index lags: a row that has left the listing is left out.
func readListing[T any](ctx context.Context, s *Store, l listing, cursor string, limit int, what string, read func(item) (T, error)) ([]T, string, error) {
	rows, err := s.query(ctx, l.after(cursor), limit, what)
	if err != nil {
		return nil, "", err
	}
	wanted := make([]key, len(rows))
	for n, r := range rows {
		wanted[n] = keyOf(r)
	}
	items, err := s.fetch(ctx, wanted, latest, what)
	if err != nil {
		return nil, "", err
	}
	byKey := make(map[key]item, len(items))
	for _, i := range items {
		byKey[keyOf(i)] = i
	}
	page := slices.Grow([]T(nil), len(wanted))
	for _, k := range wanted {
		i, ok := byKey[k]
		if !ok || text(i, l.hash) != l.name {
			continue
		}
		v, err := read(i)
		if err != nil {
			return nil, "", err
		}
		page = append(page, v)
	}
	next := ""
	if limit > 0 && len(rows) >= limit {
		next = text(rows[len(rows)-1], l.sort)
	}
	return page, next, nil
}

func keyOf(i item) key { return key{text(i, "pk"), text(i, "sk")} }

func (s *Store) Queue(ctx context.Context, practice string, pool identity.Pool, cursor string, limit int) ([]visit.Visit, string, error) {
	return readListing(ctx, s, inList(queueName(practice, pool)), cursor, limit, "queue of practice "+practice, readVisit)
}

func (s *Store) VisitsOfPatient(ctx context.Context, patient, cursor string, limit int) ([]visit.Visit, string, error) {
	return readListing(ctx, s, inMine(patient), cursor, limit, "visits of patient "+patient, readVisit)
}
