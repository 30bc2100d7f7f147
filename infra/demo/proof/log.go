package proof

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// readTries is how often a log is read again because it grew while it was read.
const readTries = 5

func (w *world) gatherOffice(ctx context.Context, as reader, practice string) error {
	o := &office{ID: practice}
	var open struct {
		Items json.RawMessage `json:"items"`
	}
	if err := as.json(ctx, "/practice/work", &open); err != nil {
		return err
	}
	if err := json.Unmarshal(open.Items, &o.Work); err != nil {
		return fmt.Errorf("reading the work of %s: %w", practice, err)
	}
	var paid struct {
		Payouts []payout `json:"payouts"`
	}
	var compared struct {
		All []comparison `json:"reconciliations"`
	}
	if err := errors.Join(as.json(ctx, "/practice/payouts", &paid), as.json(ctx, "/practice/reconciliations", &compared)); err != nil {
		return fmt.Errorf("reading the payouts and comparisons of %s: %w", practice, err)
	}
	o.Payouts, o.Compared = paid.Payouts, compared.All
	text := func(path string) (string, error) {
		b, code, err := as.bytes(ctx, http.MethodGet, path)
		if err == nil && code != http.StatusOK {
			err = fmt.Errorf("%s of %s answered %d: %s", path, practice, code, b)
		}
		return string(b), err
	}
	var err error
	if o.Key, err = text("/practice/log/key"); err != nil {
		return err
	}
	for range readTries {
		before, err := text("/practice/log/checkpoint")
		if err != nil {
			return err
		}
		if o.Leaves, err = as.leaves(ctx); err != nil {
			return err
		}
		if o.Checkpoint, err = text("/practice/log/checkpoint"); err != nil {
			return err
		}
		if o.Checkpoint == before {
			break
		}
	}
	w.practices = append(w.practices, o)
	return nil
}

// leaves reads all pages of a practice's log.
func (r reader) leaves(ctx context.Context) ([][]byte, error) {
	var all [][]byte
	for path := "/practice/log"; path != ""; {
		page, next, err := r.page(ctx, path)
		if err != nil {
			return nil, err
		}
		for leaf := range bytes.Lines(page) {
			all = append(all, bytes.TrimSuffix(leaf, []byte("\n")))
		}
		path = next
	}
	return all, nil
}

func logsAreSigned(w *world, l *line) {
	leaves := 0
	for _, o := range w.practices {
		leaves += len(o.Leaves)
		if err := o.verify(); err != nil {
			l.find("practice %s: %v", o.ID, err)
		}
	}
	l.Figures = fmt.Sprintf("%d leaves in %d logs", leaves, len(w.practices))
}

// verify computes the log's root and compares it with the signed root.
func (o *office) verify() error {
	key, err := note.NewVerifier(strings.TrimSpace(o.Key))
	if err != nil {
		return fmt.Errorf("its log's key cannot be used: %w", err)
	}
	signed, err := note.Open([]byte(o.Checkpoint), note.VerifierList(key))
	if err != nil {
		return fmt.Errorf("its checkpoint is not signed with its key: %w", err)
	}
	lines := strings.Split(signed.Text, "\n")
	if len(lines) < 3 || lines[0] != key.Name() {
		return fmt.Errorf("its checkpoint is not one: %q", signed.Text)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size != int64(len(o.Leaves)) {
		return fmt.Errorf("its checkpoint is of %s leaves, and it has %d", lines[1], len(o.Leaves))
	}
	root, err := o.root()
	if err != nil {
		return err
	}
	if got := base64.StdEncoding.EncodeToString(root[:]); got != lines[2] {
		return fmt.Errorf("its %d leaves come to %s; signed is %s", size, got, lines[2])
	}
	return nil
}

func (o *office) root() (tlog.Hash, error) {
	var stored []tlog.Hash
	hashes := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, at := range indexes {
			out[i] = stored[at]
		}
		return out, nil
	})
	for n, leaf := range o.Leaves {
		more, err := tlog.StoredHashes(int64(n), leaf, hashes)
		if err != nil {
			return tlog.Hash{}, err
		}
		stored = append(stored, more...)
	}
	return tlog.TreeHash(int64(len(o.Leaves)), hashes)
}

// A leaf is one record of a practice's log.
type leaf struct {
	ID    string    `json:"id"`
	At    time.Time `json:"at"`
	Actor struct {
		ID string `json:"id"`
	} `json:"actor"`
	Action string `json:"action"`
	Visit  string `json:"visit"`
	Rows   []struct {
		Key     string `json:"k"`
		Version int    `json:"v"`
		Hash    string `json:"h"`
	} `json:"rows"`
}

// versionsAreLogged looks for each visit's versions among the rows that the
// leaves name, each once. Two that were written within a moment may stand in the
// log in either order. The rows themselves it cannot see; that each has the bytes
// of its hash is for the auditor's command to say.
func versionsAreLogged(w *world, l *line) {
	named, versions := 0, map[string][]int{} // of each visit
	for _, o := range w.practices {
		for n, raw := range o.Leaves {
			var rec leaf
			if err := json.Unmarshal(raw, &rec); err != nil {
				continue // said by trailsAreLogged
			}
			for _, row := range rec.Rows {
				named++
				if sum, err := base64.RawURLEncoding.DecodeString(row.Hash); err != nil || len(sum) != sha256.Size || row.Key == "" {
					l.find("practice %s: leaf %d names row %q with hash %q", o.ID, n, row.Key, row.Hash)
				}
				if id, ok := strings.CutPrefix(row.Key, "CASE#"); ok {
					versions[id] = append(versions[id], row.Version)
				}
			}
		}
	}
	for _, c := range w.cases {
		logged := versions[c.ID]
		slices.Sort(logged)
		for n, v := range logged {
			if v != n+1 {
				l.find("visit %s: the log names its versions %d", c.ID, logged)
				break
			}
		}
		if shown := c.versionAt(w.signedThrough(c.Practice)); len(logged) != shown {
			l.find("visit %s: the log names %d versions, and its trail has %d", c.ID, len(logged), shown)
		}
		if c.Version < len(logged) {
			l.find("visit %s is at version %d, and the log names %d", c.ID, c.Version, len(logged))
		}
	}
	l.Figures = fmt.Sprintf("%d rows", named)
}

// versionAt is the visit's version at a time, by its trail.
func (c *dossier) versionAt(t time.Time) (version int) {
	for _, a := range c.Acts {
		if !a.At.After(t) {
			version = max(version, a.Version)
		}
	}
	return version
}

// signedThrough is the time of the last leaf of a practice's log.
func (w *world) signedThrough(practice string) (t time.Time) {
	for _, o := range w.practices {
		if n := len(o.Leaves); o.ID == practice && n > 0 {
			var rec leaf
			if json.Unmarshal(o.Leaves[n-1], &rec) == nil {
				t = rec.At
			}
		}
	}
	return t
}

// deletedDrafts are the visits that their patients deleted as drafts, as the logs say. A
// deleted draft is in no patient's list.
func (w *world) deletedDrafts() map[string]bool {
	deleted := map[string]bool{}
	for _, o := range w.practices {
		for _, raw := range o.Leaves {
			var rec leaf
			if json.Unmarshal(raw, &rec) == nil && strings.HasPrefix(rec.Action, "visit.delete") && len(rec.Rows) > 0 { // not refused
				deleted[rec.Visit] = true
			}
		}
	}
	return deleted
}

func trailsAreLogged(w *world, l *line) {
	acts, through := map[string]act{}, map[string]time.Time{}
	cases := map[string]*dossier{}
	for _, c := range w.cases {
		cases[c.ID] = c
		for _, a := range c.Acts {
			acts[a.ID] = a
		}
	}
	logged, deleted := map[string]bool{}, w.deletedDrafts()
	for _, o := range w.practices {
		for n, raw := range o.Leaves {
			var rec leaf
			if err := json.Unmarshal(raw, &rec); err != nil {
				l.find("practice %s: leaf %d cannot be read: %v", o.ID, n, err)
				continue
			}
			logged[rec.ID] = true
			through[o.ID] = rec.At
			if rec.Visit == "" || deleted[rec.Visit] {
				continue
			}
			a, ok := acts[rec.ID]
			switch {
			case cases[rec.Visit] == nil:
				l.find("practice %s: the log knows visit %s, which no patient has", o.ID, rec.Visit)
			case !ok:
				l.find("visit %s: %s by %s is in the log and not in its trail", rec.Visit, rec.Action, rec.Actor.ID)
			case a.Actor != rec.Actor.ID || a.Action != rec.Action || !a.At.Equal(rec.At):
				l.find("visit %s: record %s is %s by %s in the log, %s by %s in its trail", rec.Visit, rec.ID, rec.Action, rec.Actor.ID, a.Action, a.Actor)
			}
		}
	}
	for _, c := range w.cases {
		for _, a := range c.Acts {
			if !logged[a.ID] && !a.At.After(through[c.Practice]) {
				l.find("visit %s: %s by %s is in its trail and not in the log", c.ID, a.Action, a.Actor)
			}
		}
		c.checkTrail(l, through[c.Practice])
	}
	l.Figures = fmt.Sprintf("%d records of %d visits", len(acts), len(cases))
}

// checkTrail checks that the trail has a record of each step of the visit's life.
func (c *dossier) checkTrail(l *line, through time.Time) {
	count := func(action string) (n int) {
		for _, a := range c.Acts {
			if a.Action == action {
				n++
			}
		}
		return n
	}
	want := map[string]int{"visit.start": 1, "visit.treat:answered": 0}
	if c.answered() {
		want["visit.treat:answered"] = 1
	}
	for _, p := range c.Money.Payments {
		if p.State == "captured" || p.State == "released" || p.State == "failed" {
			want["payment."+p.State]++
		}
	}
	for action, n := range want {
		if got := count(action); got != n {
			l.find("visit %s: its trail has %d of %s, want %d", c.ID, got, action, n)
		}
	}
	if last := c.Timeline[len(c.Timeline)-1]; last.At.After(through) && slices.Contains([]string{"closed", "expired", "cancelled"}, c.Status) {
		l.find("visit %s was %s at %s, and the log is signed through %s only", c.ID, last.Step, last.At, through)
	}
}

func readsAreAudited(w *world, l *line) {
	audited := map[Read]int{}
	for _, c := range w.cases {
		for _, a := range c.Acts {
			if what, ok := strings.CutPrefix(a.Action, "chart.read:"); ok {
				audited[Read{a.Actor, c.ID, what}]++
			}
		}
	}
	wanted := map[Read]int{}
	for _, r := range w.claim.Reads {
		wanted[r]++
	}
	for r, n := range wanted {
		if audited[r] < n {
			l.find("%s read the %s of visit %s %d times; the trail has %d", r.Actor, r.What, r.Visit, n, audited[r])
		}
	}
	l.Figures = fmt.Sprintf("%d reads", len(w.claim.Reads))
}
