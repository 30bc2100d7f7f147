package membership

import (
	"slices"
	"time"

	"evisit/pkg/civil"
)

// A Task is what must be done about a membership that is due.
type Task string

// The tasks.
const (
	StopUnpaid   Task = "end_unpaid"     // EndUnpaid: the grace is over
	SeeMedicare  Task = "medicare"       // Resolution: a member's Medicare has begun
	TellRenewal  Task = "tell"           // Announce the renewal
	AskOfRenewal Task = "ask_of_renewal" // the year ended: ask Stripe whether it is renewed
	AskOfPayment Task = "ask_of_payment" // ask Stripe whether it is paid
	AskOfCancel  Task = "ask_of_cancel"  // it ended, and Stripe has not reported that it canceled
)

const (
	// pageLife is how long a first payment can be made: a page of Checkout for 24 hours, and a
	// subscription that is incomplete for 23.
	pageLife = 25 * time.Hour
	// collects is how long after the end of a year Stripe takes to collect the next: it makes the
	// invoice an hour before.
	collects = 3 * time.Hour
	// askEvery is how long after it Stripe is asked again, and askUnpaid while a payment is
	// failing and grace runs.
	askEvery  = 6 * time.Hour
	askUnpaid = day
	// noticeLead is how many days before the last day for it a notice is given.
	noticeLead = 7
)

// A dueTask is a task and when it falls due; every is how long after that it is done again until
// something changes, 0: it changes something itself.
type dueTask struct {
	at    time.Time
	task  Task
	every time.Duration
}

// tasks lists what will have to be done about m, the most urgent first.
func (m Membership) tasks(zone *time.Location, now time.Time) []dueTask {
	switch m.State {
	case Pending:
		return []dueTask{{m.Made.Add(pageLife), AskOfPayment, askEvery}}
	case PastDue:
		return append(m.medicareTasks(zone, now), dueTask{m.GraceEnds(zone), StopUnpaid, 0}, dueTask{m.Standing.At.Add(askUnpaid), AskOfPayment, askUnpaid})
	case Active:
		all := m.medicareTasks(zone, now)
		if m.Renews() && !m.announced() && now.Before(m.Standing.End) {
			all = append(all, dueTask{m.lastNotice(zone).AddDays(-noticeLead).Start(zone).UTC(), TellRenewal, 0})
		}
		return append(all, dueTask{m.Standing.End.Add(collects), AskOfRenewal, askEvery})
	case Ended:
		if m.Wanted() == CancelNow && m.Subscription != "" {
			return []dueTask{{m.Ended.At.Add(collects), AskOfCancel, askEvery}}
		}
	}
	return nil
}

// medicareTasks are due on the first day on which a member's Medicare covers what is included, and
// each day after it while a person at the practice looks into it.
func (m Membership) medicareTasks(zone *time.Location, now time.Time) []dueTask {
	var all []dueTask
	for _, p := range m.People {
		if from := m.conflict(p, now, zone); p.Left.IsZero() && !from.IsZero() {
			all = append(all, dueTask{laterDay(from, civil.Of(p.Joined, zone)).Start(zone).UTC(), SeeMedicare, day})
		}
	}
	return all
}

// NextDue returns when m must next be looked at, for the index of its row; zero for never. What is
// overdue and changes m is due now; what only asks Stripe, or waits for a person, is due again after
// a while.
func (m Membership) NextDue(zone *time.Location, now time.Time) time.Time {
	var next time.Time
	for _, d := range m.tasks(zone, now) {
		at := d.at
		if d.every > 0 && !now.Before(at) {
			at = now.Add(d.every)
		}
		if next.IsZero() || at.Before(next) {
			next = at
		}
	}
	return next
}

// Overdue returns what must be done about m at now, the most urgent first.
func (m Membership) Overdue(zone *time.Location, now time.Time) []Task {
	var all []Task
	for _, d := range m.tasks(zone, now) {
		if !now.Before(d.at) && !slices.Contains(all, d.task) {
			all = append(all, d.task)
		}
	}
	return all
}
