package stripesim

import (
	"fmt"
	"net/http"
	"path"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Effects of a fault on the calls, or on the webhook deliveries, that the fault
// matches.
const (
	LoseCall   = "lose_call"   // closes the connection before the call acts
	LoseAnswer = "lose_answer" // the call acts, then the connection closes
	Answer     = "answer"      // answers Status without acting; a 500 is stored under the call's idempotency key, as by Stripe
	Delay      = "delay"       // waits DelayMS of real time before acting

	WebhookDelay      = "webhook_delay"       // first attempt waits DelayMS on the shared clock
	WebhookDouble     = "webhook_double"      // plans two deliveries
	WebhookDrop       = "webhook_drop"        // an attempt fails without reaching the endpoint
	WebhookLoseAnswer = "webhook_lose_answer" // an attempt reaches the endpoint and counts as failed
	WebhookShuffle    = "webhook_shuffle"     // due deliveries are sent in random order, until cleared; add WebhookHold first to gather several
	WebhookHold       = "webhook_hold"        // no delivery is sent, until cleared
)

// A Fault makes matching calls or deliveries fail. An empty pattern matches
// everything.
type Fault struct {
	ID      string `json:"id"`
	Do      string `json:"do"`
	Method  string `json:"method,omitempty"`
	Path    string `json:"path,omitempty"` // a pattern of path.Match, where * is one segment
	Account string `json:"account,omitempty"`
	Type    string `json:"type,omitempty"`   // type of event, a pattern of path.Match
	Status  int    `json:"status,omitempty"` // status of an Answer: 409, 429 or 500
	DelayMS int64  `json:"delay_ms,omitempty"`
	Times   int    `json:"times,omitempty"` // matches left; 0 is until cleared
}

func (f *Fault) check() error {
	kinds := []string{
		LoseCall, LoseAnswer, Answer, Delay,
		WebhookDelay, WebhookDouble, WebhookDrop, WebhookLoseAnswer, WebhookShuffle, WebhookHold,
	}
	if !slices.Contains(kinds, f.Do) {
		return fmt.Errorf("do must be one of %v", kinds)
	}
	if f.Do == Answer && !slices.Contains([]int{http.StatusConflict, http.StatusTooManyRequests, http.StatusInternalServerError}, f.Status) {
		return fmt.Errorf("status must be 409, 429 or 500, not %d", f.Status)
	}
	if (f.Do == Delay || f.Do == WebhookDelay) && f.DelayMS <= 0 {
		return fmt.Errorf("delay_ms must be positive")
	}
	if f.Times < 0 {
		return fmt.Errorf("times must not be negative")
	}
	for _, pattern := range []string{f.Path, f.Type} {
		if _, err := path.Match(pattern, ""); err != nil {
			return fmt.Errorf("pattern %q: %w", pattern, err)
		}
	}
	return nil
}

func matches(pattern, s string) bool {
	ok, _ := path.Match(pattern, s) // add has checked the pattern
	return ok || pattern == ""
}

// faults are in memory only, so that a restarted simulator has none.
type faults struct {
	mu   sync.Mutex
	last int
	list []*Fault
}

func (fs *faults) add(f Fault) (Fault, error) {
	if err := f.check(); err != nil {
		return Fault{}, err
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.last++
	f.ID = "fault_" + strconv.Itoa(fs.last)
	fs.list = append(fs.list, &f)
	return f, nil
}

func (fs *faults) all() []Fault {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	out := make([]Fault, len(fs.list))
	for i, f := range fs.list {
		out[i] = *f
	}
	return out
}

// clear removes one fault, or all faults if id is empty.
func (fs *faults) clear(id string) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.list = slices.DeleteFunc(fs.list, func(f *Fault) bool { return id == "" || f.ID == id })
}

// take returns the faults that match, and counts one use of each. A fault is removed
// after its last use.
func (fs *faults) take(wants func(*Fault) bool) []Fault {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	var used []Fault
	fs.list = slices.DeleteFunc(fs.list, func(f *Fault) bool {
		if !wants(f) {
			return false
		}
		used = append(used, *f)
		f.Times--
		if f.Times < 0 {
			f.Times = 0
			return false
		}
		return f.Times == 0
	})
	return used
}

// A callFault is the effect of all faults that match one call.
type callFault struct {
	loseCall, loseAnswer bool
	status               int
	delay                time.Duration
}

func (fs *faults) forCall(method, path, account string) callFault {
	var out callFault
	for _, f := range fs.take(func(f *Fault) bool {
		return slices.Contains([]string{LoseCall, LoseAnswer, Answer, Delay}, f.Do) &&
			matches(f.Method, method) && matches(f.Path, path) && matches(f.Account, account)
	}) {
		switch f.Do {
		case LoseCall:
			out.loseCall = true
		case LoseAnswer:
			out.loseAnswer = true
		case Answer:
			out.status = f.Status
		case Delay:
			out.delay += time.Duration(f.DelayMS) * time.Millisecond
		}
	}
	return out
}

// planDelivery returns how long the deliveries of a new event wait, and the number of
// copies of each delivery.
func (fs *faults) planDelivery(kind string) (wait time.Duration, copies int) {
	copies = 1
	for _, f := range fs.take(func(f *Fault) bool {
		return (f.Do == WebhookDelay || f.Do == WebhookDouble) && matches(f.Type, kind)
	}) {
		if f.Do == WebhookDouble {
			copies++
		}
		wait += time.Duration(f.DelayMS) * time.Millisecond
	}
	return wait, copies
}

// deliveryFault returns the effect of the faults on one attempt to deliver.
func (fs *faults) deliveryFault(kind string) (drop, loseAnswer bool) {
	for _, f := range fs.take(func(f *Fault) bool {
		return (f.Do == WebhookDrop || f.Do == WebhookLoseAnswer) && matches(f.Type, kind)
	}) {
		drop = drop || f.Do == WebhookDrop
		loseAnswer = loseAnswer || f.Do == WebhookLoseAnswer
	}
	return drop, loseAnswer
}

func (fs *faults) shuffles() bool { return fs.has(WebhookShuffle) }

func (fs *faults) holdsBack() bool { return fs.has(WebhookHold) }

func (fs *faults) has(do string) bool {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	return slices.ContainsFunc(fs.list, func(f *Fault) bool { return f.Do == do })
}

// closeWithoutAnswer closes a connection after the first bytes of an answer. Without
// any bytes, Go's client repeats a request with an idempotency key by itself on a
// reused connection, and no caller would see the loss.
func closeWithoutAnswer(w http.ResponseWriter) {
	conn, buf, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	_, _ = buf.WriteString("HTTP/1.1")
	_ = buf.Flush()
	_ = conn.Close()
}
