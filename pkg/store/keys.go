package store

import (
	"crypto/sha256"
	"fmt"
	"hash/fnv"
	"strings"
	"time"

	"evisit/pkg/audit"
	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/identity"
	"evisit/pkg/outbox"
	"evisit/pkg/reconcile"
)

// Every key in the table is made here. The word before the first # is what a
// function's dynamodb:LeadingKeys may name:
//
//	WHO                    a token's subject, and the person of each practice
//	PERSON                 someone who signs in, at one practice
//	PATIENT                a patient; GRANT#person: who may act for them; COVERAGE#id: a health plan of theirs
//	MARK                   who may be one person: a keyed hash / a patient
//	INVITE                 an invitation to join a practice
//	PRACTICE               CORE, CONFIG#version, CONSENT#version, FORM#name#version, DRAFT#name, IMPORT#id, MARKKEY,
//	                       CONTRACT#payer#code#first day; of the platform, PAYER#id
//	ACCOUNT                which practice owns a connected account
//	CASE                   a visit's state
//	UNDERWAY               which visits of a patient on a form were sent and await their answer: patient / form
//	CHART                  a visit's sealed answers, messages, divert record, colleagues' notes
//	MONEY                  a visit's payments, their ledger entries, and what was submitted about disputes; a membership's
//	                       bills and their entries, by who pays; MONEY#account.practice: how its connected accounts stand
//	                       at Stripe and which was made for it, both of which registry reads; MONEY#payouts:practice: its
//	                       payouts and their entries; MONEY#days:practice: how its books compared with its account at Stripe
//	BALANCE                what a practice's accounts stood at when each month was closed, by its end; NEXT: the month that is next
//	MEMBER                 memberships, by who pays for them; YEAR#membership#start: the included visits that were used
//	WORK                   what people of a practice must do
//	OUTBOX                 events, by writer, bucket and shard
//	REQUEST SESSION        idempotency keys, and what is recorded once an hour; who is signed in
//	LIMIT                  how often someone asked for something, by rule, who and window
//	KEPT                   forms filled in and not sent, by whom they are kept for;
//	                       KEPT#registry. has those of the pages of function registry
//	AUDIT                  audit records by practice, day and shard, in the order of time
//	ACTIVE                 when each practice was written to
//	LOG                    the signed head of each practice's log
//	SWEEP                  the progress of the sweeps
func tokenKey(p clinic.Proof) key          { return key{"WHO#" + p.Issuer + "|" + p.Subject, "-"} }
func personKey(id string) key              { return key{"PERSON#" + id, "-"} }
func patientKey(id string) key             { return key{"PATIENT#" + id, "-"} }
func grantKey(patient, person string) key  { return key{"PATIENT#" + patient, "GRANT#" + person} }
func coverageKey(patient, id string) key   { return key{"PATIENT#" + patient, "COVERAGE#" + id} }
func payerKey(id string) key               { return key{"PRACTICE#" + audit.Platform, "PAYER#" + id} }
func markKey(mark, patient string) key     { return key{"MARK#" + mark, patient} }
func inviteKey(id string) key              { return key{"INVITE#" + id, "-"} }
func accountKey(account string) key        { return key{"ACCOUNT#" + account, "-"} }
func practiceKey(id, part string) key      { return key{"PRACTICE#" + id, part} }
func underwayKey(patient, form string) key { return key{"UNDERWAY#" + patient, form} }
func visitKey(id string) key               { return key{"CASE#" + id, "-"} }
func chartKey(visit, part string) key      { return key{"CHART#" + visit, part} }
func membershipKey(id string) key          { return key{"MEMBER#" + paidFor(id), id} }
func workKey(practice, id string) key      { return key{"WORK#" + practice, id} }
func sessionKey(hash string) key           { return key{"SESSION#" + hash, "-"} }
func limitKey(count string) key            { return key{"LIMIT#" + count, "-"} }
func keptKey(holder, id string) key        { return key{"KEPT#" + holder, id} }
func logKey(practice string) key           { return key{"LOG#" + practice, "-"} }

var sweepKey = key{"SWEEP#state", "-"}

// The parts of a practice, and of a chart.
const (
	core    = "CORE"
	answers = "ANSWERS"
	divert  = "DIVERT"
	marking = "MARKKEY"
)

func configPart(version string) string     { return "CONFIG#" + version }
func consentPart(version string) string    { return "CONSENT#" + version }
func formPart(name, version string) string { return "FORM#" + name + "#" + version }
func importPart(id string) string          { return "IMPORT#" + id }
func draftPart(name string) string         { return "DRAFT#" + name }

// contractPart is that of a contract with a payer; of a part of them, the beginning.
func contractPart(of ...string) string { return "CONTRACT#" + strings.Join(of, "#") }
func messagePart(seq int) string       { return fmt.Sprintf("MSG#%04d", seq) }
func notePart(seq int) string          { return fmt.Sprintf("NOTE#%04d", seq) }

// A payment's id begins with what it pays for, so that all payments of a visit
// and their entries are one query.
func paymentKey(id string) key { return key{moneyOf(id), "PAY#" + id} }

func entryKey(payment, id string) key {
	return key{moneyOf(payment), "ENTRY#" + payment + "#" + id}
}

// What is submitted to a bank is one row for each stage of a dispute.
func evidenceKey(payment string, d billing.Dispute) key {
	return key{moneyOf(payment), "EVIDENCE#" + payment + "#" + d.ID + "#" + d.Stage()}
}

func countKey(membership string, year time.Time) key {
	return key{"MEMBER#" + paidFor(membership), "YEAR#" + membership + "#" + stamp(year)}
}

// A membership's id begins with who pays for it, as a payment's with its visit.
func billKey(membership, invoice string) key {
	return key{moneyOf(membership), "BILL#" + membership + "#" + invoice}
}

func moneyOf(payment string) string { return "MONEY#" + paidFor(payment) }

// No visit's id begins with "account.".
func standingKey(practice, account string) key {
	return key{"MONEY#account." + practice, "ACCOUNT#" + account}
}

func openedKey(practice string) key { return key{"MONEY#account." + practice, "OPENED"} }

// How a practice's books compared is one partition, too: how far each account was compared, and what
// each comparison came to, in the order of time.
func progressKey(practice, account string) key {
	return key{moneyOf("days:" + practice), "ACCOUNT#" + account}
}

func outcomeKey(o reconcile.Outcome) key {
	return key{moneyOf("days:" + o.Practice), "DAY#" + stamp(o.Through) + "#" + o.Account}
}

func closingKey(practice string) key { return key{"BALANCE#" + practice, "NEXT"} }

func balanceKey(practice string, before time.Time) key {
	return key{"BALANCE#" + practice, "UNTIL#" + stamp(before)}
}

// A practice's payouts are one partition, in the order of time: there is one a day.
func payoutKey(p billing.Payout) key {
	return key{moneyOf(p.Ref()), "PAYOUT#" + stamp(p.Made) + "#" + p.Account + "#" + p.ID}
}

func paidFor(payment string) string {
	of, _, _ := strings.Cut(payment, ".")
	return of
}

// A request's key comes from outside and may be long; its hash may not.
func requestKey(k string) key {
	return key{fmt.Sprintf("REQUEST#%x", sha256.Sum256([]byte(k))), "-"}
}

// outboxShards is how many partitions the events of a bucket are spread over.
const outboxShards = 4

func eventKey(id string) (key, error) {
	by, bucket, ok := outbox.Origin(id)
	if !ok || len(id) > longestKey {
		return key{}, fmt.Errorf("store: %.60q is not the id of an event", id)
	}
	return key{outboxPartition(by, bucket, shardOf(id, outboxShards)), id}, nil
}

func outboxPartition(by outbox.Writer, b outbox.Bucket, shard int) string {
	return fmt.Sprintf("OUTBOX#%s.%s.%d", by, b, shard)
}

// auditShards is how many partitions a practice's day of records is spread over,
// so that one practice cannot make one partition hot.
const auditShards = 4

// auditKey returns the key of the record at position, which sorts as time.
func auditKey(practice, position, id string) key {
	day := position[:4] + "-" + position[4:6] + "-" + position[6:8]
	return key{auditPartition(practice, day, shardOf(id, auditShards)), position}
}

func auditPartition(practice, day string, shard int) string {
	return fmt.Sprintf("AUDIT#%s#%s#%d", practice, day, shard)
}

// activeHours is the partition of the hours in which practices were written to,
// for sweeps. The days of one practice have a partition each, for reads of its log.
const activeHours = "ACTIVE#hours"

func hourKey(hour, practice string) key { return key{activeHours, hour + "#" + practice} }
func dayKey(practice, day string) key   { return key{"ACTIVE#of#" + practice, day} }

const stampLayout = "20060102T150405.000Z"

// stamp returns t as text that sorts as time, in milliseconds as decisions are
// made.
func stamp(t time.Time) string { return t.UTC().Format(stampLayout) }

// uniqueStamp returns a stamp that differs for two records of one millisecond.
func uniqueStamp(t time.Time, id string) string { return stamp(t) + id[:min(len(id), 6)] }

// The sparse indexes. All but trail project keys only; trail projects all, which
// costs no more for rows that stay under a kilobyte. The word before the first #
// of an index's partition is what dynamodb:LeadingKeys may name there.
const (
	dueIndex   = "due"   // due_shard, due_at: what must happen later, visits, events, people, memberships and books apart
	listIndex  = "list"  // list, at: a pool's open visits, a practice's open work, who works there, its open invitations, its patients, grants
	mineIndex  = "mine"  // mine, made: a patient's visits
	trailIndex = "trail" // trail, sk: the audit records of a visit, or of a patient and no visit
	bookIndex  = "book"  // book, booked: a practice's entries by month and shard
)

// Shards is how many partitions of an index the due rows are spread over, so
// that none is hot and a sweep can read them all.
const Shards = 16

func shardOf(id string, of uint32) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id))
	return int(h.Sum32() % of)
}

func dueVisits(shard int) string { return fmt.Sprintf("CASE#%02d", shard) }

// duePersons is one partition: few people are deactivated at once.
const duePersons = "PERSON#00"

// dueMemberships is one partition: a membership is due a few times a year.
const dueMemberships = "MEMBER#00"

// dueClosings is one partition: a practice's books are due once a month.
const dueClosings = "BALANCE#00"

func dueEvents(shard int) string { return fmt.Sprintf("OUTBOX#%02d", shard) }

func queueName(practice string, pool identity.Pool) string {
	return "QUEUE#" + practice + "#" + string(pool)
}
func workName(practice string) string     { return "WORK#" + practice }
func grantsName(person string) string     { return "GRANTS#" + person }
func rosterName(practice string) string   { return "ROSTER#" + practice }
func invitesName(practice string) string  { return "INVITES#" + practice }
func patientsName(practice string) string { return "PATIENTS#" + practice }
func mineName(patient string) string      { return "MINE#" + patient }
func trailName(of string) string          { return "TRAIL#" + of }

// practicesName is the partition of the list index that lists all practices.
const practicesName = "PRACTICES#"

// bookShards is how many partitions a month of a practice's books is spread
// over.
const bookShards = 4

func bookName(practice string, at time.Time, payment string) string {
	return bookPartition(practice, bookMonth(at), shardOf(payment, bookShards))
}

func bookPartition(practice, month string, shard int) string {
	return fmt.Sprintf("BOOK#%s#%s#%d", practice, month, shard)
}

// bookMonth is the month of t in UTC, with which a stamp begins, too.
func bookMonth(t time.Time) string { return t.UTC().Format("200601") }
