package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"evisit/pkg/clinic"
	"evisit/pkg/ledger"
	"evisit/pkg/membership"
	"evisit/pkg/vault"
)

func (b *builder) memberships(c clinic.Commit) {
	for _, m := range c.Memberships {
		if paidFor(m.ID) != m.Payer {
			b.fail(fmt.Errorf("store: membership %s is said to be of patient %s", m.ID, m.Payer))
		}
		i := b.pack(m.Membership)
		if !m.Due.IsZero() {
			i["due_shard"], i["due_at"] = str(dueMemberships), str(stamp(m.Due))
		}
		b.cover(m.Practice, b.store.replace(membershipKey(m.ID), m.Version, i))
	}
	for _, n := range c.Counts {
		w := b.store.replace(countKey(n.Membership, n.Year), n.Version, b.pack(n.Count))
		w.failure = clinic.ErrChanged // also of a year's first: what was read has changed
		b.cover(n.Practice, w)
	}
	for _, bill := range c.Bills {
		b.cover(bill.Practice, b.store.replace(billKey(bill.Membership, bill.Invoice), bill.Version, b.pack(bill)))
	}
}

func (s *Store) Membership(ctx context.Context, id string) (membership.Membership, error) {
	i, err := s.get(ctx, membershipKey(id), latest, "membership "+id)
	if err != nil {
		return membership.Membership{}, err
	}
	return readMembership(i)
}

func readMembership(i item) (membership.Membership, error) {
	var m membership.Membership
	if err := unpack(i, "membership", &m); err != nil {
		return m, err
	}
	if keyOf(i) != membershipKey(m.ID) {
		return m, fmt.Errorf("membership %s: %w: it lies where %s belongs", m.ID, vault.ErrBroken, text(i, "sk"))
	}
	m.Practice, m.Version = text(i, "l"), count(i, "v")
	return m, nil
}

// Memberships lists those that a patient pays for, the first one first.
func (s *Store) Memberships(ctx context.Context, payer string) ([]membership.Membership, error) {
	if len(payer) > longestKey/2 {
		return nil, missing("patient of that id")
	}
	all, err := readAll(ctx, s, beginning(key{membershipKey(payer).pk, payer}), "memberships of patient "+payer, readMembership)
	slices.SortFunc(all, func(a, b membership.Membership) int { return a.Made.Compare(b.Made) })
	return all, err
}

func (s *Store) Included(ctx context.Context, payer string) ([]membership.Membership, []membership.Count, error) {
	if len(payer) > longestKey/2 {
		return nil, nil, missing("patient of that id")
	}
	what := "memberships of patient " + payer
	rows, err := s.query(ctx, &dynamodb.QueryInput{
		ConsistentRead: aws.Bool(bool(latest)), KeyConditionExpression: aws.String("pk = :p"), ExpressionAttributeValues: item{":p": str(membershipKey(payer).pk)},
	}, 0, what)
	if err != nil {
		return nil, nil, err
	}
	var all []membership.Membership
	var counts []membership.Count
	for _, i := range rows {
		if err := checkFormat(i, what); err != nil {
			return nil, nil, err
		}
		if strings.HasPrefix(text(i, "sk"), "YEAR#") {
			n, err := readCount(i)
			if err != nil {
				return nil, nil, err
			}
			counts = append(counts, n)
			continue
		}
		m, err := readMembership(i)
		if err != nil {
			return nil, nil, err
		}
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b membership.Membership) int { return a.Made.Compare(b.Made) })
	return all, counts, nil
}

func readCount(i item) (membership.Count, error) {
	var n membership.Count
	if err := unpack(i, "count", &n); err != nil {
		return n, err
	}
	if keyOf(i) != countKey(n.Membership, n.Year) {
		return n, fmt.Errorf("count of membership %s: %w: it lies where %s belongs", n.Membership, vault.ErrBroken, text(i, "sk"))
	}
	n.Version = count(i, "v")
	return n, nil
}

// DueMemberships implements deadline.Reads.
func (s *Store) DueMemberships(ctx context.Context, now time.Time, cursor string, limit int) ([]string, string, error) {
	rows, next, err := s.due(ctx, dueMemberships, now, cursor, limit)
	ids := make([]string, len(rows))
	for n, r := range rows {
		ids[n] = text(r, "sk")
	}
	return ids, next, err
}

// Bills reads the bills of some invoices; those that do not exist are left out.
func (s *Store) Bills(ctx context.Context, of string, invoices []string) ([]membership.Bill, error) {
	if len(invoices) == 0 {
		return nil, nil
	}
	var keys []key
	for _, invoice := range invoices {
		keys = append(keys, billKey(of, invoice))
	}
	items, err := s.fetch(ctx, keys, latest, "bills of membership "+of)
	if err != nil {
		return nil, err
	}
	var all []membership.Bill
	for _, i := range items {
		b, err := readBill(i)
		if err != nil {
			return nil, err
		}
		all = append(all, b)
	}
	return all, nil
}

// Paid lists the bills of a patient's memberships, the newest first, and what was entered of
// them, the oldest first, in one read.
func (s *Store) Paid(ctx context.Context, payer string) ([]membership.Bill, []ledger.Entry, error) {
	if len(payer) > longestKey/2 {
		return nil, nil, missing("patient of that id")
	}
	what := "money of the memberships of " + payer
	rows, err := s.query(ctx, &dynamodb.QueryInput{
		ConsistentRead: aws.Bool(bool(latest)), KeyConditionExpression: aws.String("pk = :p"), ExpressionAttributeValues: item{":p": str(moneyOf(payer))},
	}, 0, what)
	if err != nil {
		return nil, nil, err
	}
	var bills []membership.Bill
	var entries []ledger.Entry
	for _, i := range rows {
		if err := checkFormat(i, what); err != nil {
			return nil, nil, err
		}
		if strings.HasPrefix(text(i, "sk"), "BILL#") {
			b, err := readBill(i)
			if err != nil {
				return nil, nil, err
			}
			bills = append(bills, b)
			continue
		}
		e, err := readEntry(i)
		if err != nil {
			return nil, nil, err
		}
		entries = append(entries, e)
	}
	slices.SortFunc(bills, func(a, b membership.Bill) int { return b.Start.Compare(a.Start) })
	slices.SortStableFunc(entries, func(a, b ledger.Entry) int { return a.At.Compare(b.At) })
	return bills, entries, nil
}

func readBill(i item) (membership.Bill, error) {
	var b membership.Bill
	if err := unpack(i, "bill", &b); err != nil {
		return b, err
	}
	if keyOf(i) != billKey(b.Membership, b.Invoice) {
		return b, fmt.Errorf("bill %s: %w: it lies where %s belongs", b.Invoice, vault.ErrBroken, text(i, "sk"))
	}
	b.Practice, b.Version = text(i, "l"), count(i, "v")
	return b, nil
}
