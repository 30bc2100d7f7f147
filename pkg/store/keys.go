package store

import (
	"crypto/sha256"
	"fmt"
	"hash/fnv"
	"time"

	"evisit/pkg/identity"
)

// Every key in the table is made here. The word before the first # is what a
// function's dynamodb:LeadingKeys may name:
//
//	WHO PATIENT PRACTICE FORM   reference records
//	CASE                        a visit's state
//	CHART                       sealed answers, messages, divert record
//	MONEY                       payments and ledger entries
//	OUTBOX                      events
//	REQUEST                     idempotency keys
//	AUDIT LOG                   audit records by day; the log's signed head
func personKey(issuer, subject string) key { return key{"WHO#" + issuer + "|" + subject, "-"} }
func patientKey(id string) key             { return key{"PATIENT#" + id, "-"} }
func practiceKey(id string) key            { return key{"PRACTICE#" + id, "-"} }
func formKey(name, version string) key     { return key{"FORM#" + name, version} }
func visitKey(id string) key               { return key{"CASE#" + id, "-"} }
func answersKey(visit string) key          { return key{"CHART#" + visit, "ANSWERS"} }
func divertKey(visit string) key           { return key{"CHART#" + visit, "DIVERT"} }
func paymentKey(id string) key             { return key{"MONEY#" + id, "-"} }
func entryKey(payment, id string) key      { return key{"MONEY#" + payment, "ENTRY#" + id} }
func eventKey(id string) key               { return key{"OUTBOX#" + id, "-"} }
func logKey(practice string) key           { return key{"LOG#" + practice, "-"} }

func messageKey(visit string, seq int) key {
	return key{"CHART#" + visit, fmt.Sprintf("MSG#%04d", seq)}
}

// A request's key comes from outside and may be long; its hash may not.
func requestKey(k string) key {
	return key{fmt.Sprintf("REQUEST#%x", sha256.Sum256([]byte(k))), "-"}
}

// Audit records lie by practice and day, a visit's together: a visit's trail
// is one short query a day of its life, and the day is read whole only for the
// log.
func auditKey(practice string, at time.Time, visit, id string) key {
	if visit == "" {
		visit = "-"
	}
	return key{auditDay(practice, at), visit + "#" + stamp(at) + "#" + id}
}

func auditDay(practice string, day time.Time) string {
	return "AUDIT#" + practice + "#" + day.UTC().Format(time.DateOnly)
}

const stampLayout = "20060102T150405.000Z"

// stamp sorts as text in the order of time, to the millisecond that decisions
// are made at.
func stamp(t time.Time) string { return t.UTC().Format(stampLayout) }

// unique is a stamp that tells apart what happened in one millisecond.
func unique(t time.Time, id string) string { return stamp(t) + id[:min(len(id), 6)] }

// The sparse indexes. Each projects keys only.
const (
	dueIndex   = "due"   // due_shard, due_at: what must happen later
	queueIndex = "queue" // queue, since: a pool's open visits; a practice's parked events; all practices
	mineIndex  = "mine"  // mine, made: a patient's visits
)

// dueShards spreads what is due over a fixed number of index partitions, so
// that none grows hot and a sweep knows them all.
const dueShards = 16

func dueShard(id string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id))
	return fmt.Sprintf("%02d", h.Sum32()%dueShards)
}

func queueName(practice string, pool identity.Pool) string { return practice + "#" + string(pool) }

// practicesName lists all practices in the queue index.
const practicesName = "practices"

func parkedName(practice string) string { return practice + "#parked" }
