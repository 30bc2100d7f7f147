package store

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"evisit/pkg/audit"
	"evisit/pkg/clinic/sweep"
)

// activeLife is how long the hours in which a practice was written to are
// stored. Sweeps must have signed its log by then.
const activeLife = 90 * 24 * time.Hour

// announce writes, before the records of a commit, that their practices are
// written to in this hour and on this day, each once in the life of a process.
// Sweeps then read those practices only, and readers of a log those days only.
// An announcement whose commit fails does no harm.
func (s *Store) announce(ctx context.Context, records []audit.Record) error {
	for _, r := range records {
		hour := sweep.HourOf(r.At)
		if err := s.announced.once(hourKey(hour, r.Practice), func(k key) error {
			return s.put(ctx, s.overwrite(k, item{"ttl": num(r.At.Add(activeLife).Unix())}))
		}); err != nil {
			return err
		}
		if err := s.announced.once(dayKey(r.Practice, hour[:len(time.DateOnly)]), func(k key) error {
			return s.put(ctx, s.overwrite(k, item{}))
		}); err != nil {
			return err
		}
	}
	return nil
}

// announcements are the keys that this process has announced.
type announcements struct{ made sync.Map }

// once calls announce for k unless k was announced before.
func (a *announcements) once(k key, announce func(key) error) error {
	if _, made := a.made.Load(k); made {
		return nil
	}
	if err := announce(k); err != nil {
		return err
	}
	a.made.Store(k, true)
	return nil
}

// Active implements sweep.Reads.
func (s *Store) Active(ctx context.Context, from string, limit int) ([]sweep.Activity, error) {
	in := &dynamodb.QueryInput{
		ConsistentRead:            aws.Bool(true),
		KeyConditionExpression:    aws.String("pk = :p AND sk >= :s"),
		ExpressionAttributeValues: item{":p": str(activeHours), ":s": str(from + "#")},
	}
	rows, err := s.query(ctx, in, limit, "active practices")
	if err != nil {
		return nil, err
	}
	out := make([]sweep.Activity, len(rows))
	for n, r := range rows {
		hour, practice := split(text(r, "sk"))
		out[n] = sweep.Activity{Practice: practice, Hour: hour}
	}
	return out, nil
}

// fewDays is how many days of a log are read without asking on which of them the
// practice was written to.
const fewDays = 3

// days lists the days that a practice's leaves between two positions are of. Days
// that no row announces are listed too where leaves are likely: rows may be gone.
func (s *Store) days(ctx context.Context, practice, after, through string) ([]string, error) {
	first, began := dayAt(after)
	last, ends := dayAt(through)
	if began && ends && last.Sub(first) < fewDays*24*time.Hour {
		return daysFrom(first, last), nil
	}
	rows, err := s.query(ctx, &dynamodb.QueryInput{
		ConsistentRead:            aws.Bool(true),
		KeyConditionExpression:    aws.String("pk = :p AND sk BETWEEN :a AND :b"),
		ExpressionAttributeValues: item{":p": str(dayKey(practice, "").pk), ":a": str(dayOf(after)), ":b": str(dayOf(through))},
	}, 0, "days of practice "+practice)
	if err != nil {
		return nil, err
	}
	var all []string
	if began {
		all = append(all, daysFrom(first, first.AddDate(0, 0, 1))...)
	}
	if ends {
		all = append(all, daysFrom(last.AddDate(0, 0, -1), last)...)
	}
	for _, r := range rows {
		all = append(all, text(r, "sk"))
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// dayAt returns the day of a position, and whether it has one.
func dayAt(position string) (time.Time, bool) {
	day, err := time.Parse(time.DateOnly, dayOf(position))
	return day, err == nil
}

// daysFrom lists the days from first to last.
func daysFrom(first, last time.Time) (days []string) {
	for ; !first.After(last); first = first.AddDate(0, 0, 1) {
		days = append(days, first.Format(time.DateOnly))
	}
	return days
}
