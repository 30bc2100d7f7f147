package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"evisit/infra/demo/proof"
)

// A cast is a running system and the people who use it. What they do is printed to
// out. The charts that they read are recorded for the proof, which looks for each read
// in the audit trail.
type cast struct {
	*client
	base, stripe string
	people       map[string]*person
	forms        map[string]questionnaire
	reads        []proof.Read
	out          io.Writer
	run          string // part of this run's idempotency keys, so that they differ from other runs'
	calls        int
}

// A person is one of the cast, with an access token.
type person struct {
	*cast
	ID    string `json:"id"`
	Name  string `json:"name"`
	Role  string `json:"role"`
	Token string `json:"token"`
	// Practice is the one of several at which the person is asking; empty: not named.
	Practice string `json:"-"`
}

// newCast returns the cast of the system at base, in which nobody is yet.
func newCast(c *client, base, run string, out io.Writer) *cast {
	return &cast{client: c, base: strings.TrimSuffix(base, "/"), people: map[string]*person{}, forms: map[string]questionnaire{}, out: out, run: run}
}

// join returns the cast of the system at base.
func join(ctx context.Context, c *client, base string, out io.Writer) (*cast, error) {
	k := newCast(c, base, rand.Text(), out)
	return k, k.signIn(ctx)
}

// signIn has the seeded people sign in, which they do anew when their tokens have expired.
func (k *cast) signIn(ctx context.Context) error {
	var seed struct {
		Stripe string    `json:"stripe_url"`
		People []*person `json:"people"`
	}
	if err := k.json(ctx, call{method: http.MethodPost, url: k.base + "/dev/seed"}, nil, &seed); err != nil {
		return err
	}
	if seed.Stripe == "" {
		return errors.New("that system has no payment simulator, and the demo pays with its cards: start it without STRIPE_SECRET_KEY")
	}
	k.stripe = seed.Stripe
	for _, p := range seed.People {
		if known := k.people[p.ID]; known != nil {
			known.Token = p.Token
			continue
		}
		p.cast = k
		k.people[p.ID] = p
	}
	return nil
}

// who returns a seeded person. An unknown name is a mistake in a scenario, because the
// seeded people are always the same.
func (k *cast) who(id string) *person {
	p, ok := k.people[id]
	if !ok {
		panic("the cast has no " + id)
	}
	return p
}

func (k *cast) nextKey() string {
	k.calls++
	return fmt.Sprintf("demo-%s-%d", k.run, k.calls)
}

func (p *person) get(ctx context.Context, path string, out any) error {
	return p.json(ctx, call{method: http.MethodGet, url: p.base + path, token: p.Token, practice: p.Practice}, nil, out)
}

func (p *person) post(ctx context.Context, path string, in, out any) error {
	return p.postKeyed(ctx, p.nextKey(), path, in, out)
}

// postKeyed posts with the given idempotency key, or without one if key is empty.
func (p *person) postKeyed(ctx context.Context, key, path string, in, out any) error {
	return p.json(ctx, call{method: http.MethodPost, url: p.base + path, token: p.Token, key: key, practice: p.Practice}, in, out)
}

// form returns the form with a name that p's practice offers.
func (p *person) form(ctx context.Context, name string) (questionnaire, error) {
	if q, ok := p.forms[name]; ok {
		return q, nil
	}
	var q questionnaire
	err := p.get(ctx, "/forms/"+name, &q)
	if err == nil {
		p.forms[name] = q
	}
	return q, err
}

// read gets a private part of a visit and records that p has read it.
func (p *person) read(ctx context.Context, visit, what string, out any) error {
	err := p.get(ctx, "/visits/"+visit+"/"+what, out)
	if err == nil {
		p.reads = append(p.reads, proof.Read{Actor: p.ID, Visit: visit, What: what})
	}
	return err
}

// now returns the time on the system's clock.
func (k *cast) now(ctx context.Context) (time.Time, error) {
	var t struct {
		Now time.Time `json:"now"`
	}
	err := k.json(ctx, call{method: http.MethodGet, url: k.base + "/dev/clock"}, nil, &t)
	return t.Now, err
}

// advance moves the system's clock forward by d. If the answer was lost, advance looks
// up the clock instead of moving it again.
func (k *cast) advance(ctx context.Context, d time.Duration) error {
	now, err := k.now(ctx)
	if err != nil {
		return err
	}
	target := now.Add(d)
	return k.until(ctx, "the clock to move by "+d.String(), func(ctx context.Context) (bool, error) {
		if now, err = k.now(ctx); err != nil || !now.Before(target) {
			return err == nil, err
		}
		step := fmt.Sprintf(`{"advance":%q}`, target.Sub(now))
		status, body, err := k.once(ctx, call{method: http.MethodPost, url: k.base + "/dev/clock", kind: "application/json", body: []byte(step)})
		if err == nil && status != http.StatusOK {
			return false, fmt.Errorf("moving the clock: answered %d: %s", status, body)
		}
		return false, nil
	})
}

// fault adds a fault to the payment simulator.
func (k *cast) fault(ctx context.Context, f map[string]any) error {
	return k.json(ctx, call{method: http.MethodPost, url: k.stripe + "/sim/faults"}, f, nil)
}

func (k *cast) healFaults(ctx context.Context) error {
	return k.json(ctx, call{method: http.MethodDelete, url: k.stripe + "/sim/faults"}, nil, nil)
}

// noFaultsLeft checks that every fault has been used.
func (k *cast) noFaultsLeft(ctx context.Context) error {
	var left []struct {
		Do string `json:"do"`
	}
	err := k.json(ctx, call{method: http.MethodGet, url: k.stripe + "/sim/faults"}, nil, &left)
	if err == nil && len(left) > 0 {
		err = fmt.Errorf("trouble that was ordered did not happen: %v", left)
	}
	return err
}
