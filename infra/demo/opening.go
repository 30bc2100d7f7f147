package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"evisit/infra/local/seed"
	"evisit/infra/local/system"
)

// The form of the new practice, which is not in the library, and its examples.
//
//go:embed forms/tick-bite.json
var tickBite []byte

//go:embed forms/tick-bite-examples.json
var tickBiteExamples []byte

// An opening is a practice that opens its doors in a system where nobody is registered.
type opening struct {
	*scene
	operator, admin, director, ana, ben *person
}

// openDoors plays the opening of a practice on an empty system of its own, over HTTP alone, and
// proves what it left.
func openDoors(ctx context.Context, out io.Writer) error {
	data, err := os.MkdirTemp("", "evisit-opening-")
	if err != nil {
		return err
	}
	sys, err := start(ctx, data, true)
	if err == nil {
		err = errors.Join(opens(ctx, sys, out), sys.Close())
	}
	return errors.Join(err, os.RemoveAll(data))
}

// opens plays the scenes in order.
func opens(ctx context.Context, sys *system.System, out io.Writer) error {
	k := &cast{
		client: newClient(http.DefaultTransport), base: sys.URL, stripe: sys.Stripe, people: map[string]*person{}, forms: map[string]questionnaire{},
		out: out, run: "opening",
	}
	o := &opening{scene: &scene{cast: k}}
	for n, sc := range openings {
		if _, err := fmt.Fprintf(out, "\n%2d %s\n", n+1, sc.title); err != nil {
			return err
		}
		if sc.play(o, ctx); o.err != nil {
			return fmt.Errorf("scene %d, %q: %w", n+1, sc.title, o.err)
		}
	}
	return nil
}

var openings = []struct {
	title string
	play  func(*opening, context.Context)
}{
	{"Who runs the system registers a practice", (*opening).registers},
	{"Its administrator joins, and invites the others", (*opening).joins},
	{"A form of its own is written, shown by examples, approved and published", (*opening).publishes},
	{"The practice decides prices, promise, states and consent", (*opening).decides},
}

// signsIn is somebody new at the identity provider, with a confirmed address.
func (o *opening) signsIn(ctx context.Context, name, email, phone string) *person {
	p := &person{cast: o.cast, Name: name}
	o.do(func() error {
		in := map[string]any{"name": name, "email": email, "email_verified": email != "", "phone": phone, "phone_verified": phone != ""}
		return o.json(ctx, call{method: http.MethodPost, url: o.base + "/dev/issuer/people"}, in, p)
	})
	return p
}

// says prints what somebody did.
func (o *opening) says(ctx context.Context, who, format string, args ...any) {
	o.do(func() error { return o.print(ctx, who, fmt.Sprintf(format, args...), "") })
}

const north = "north"

func (o *opening) registers(ctx context.Context) {
	o.operator = &person{cast: o.cast, Name: "Pat Quinn"}
	o.do(func() error {
		return o.json(ctx, call{method: http.MethodPost, url: o.base + "/dev/issuer/people"}, map[string]any{"subject": seed.Operator}, o.operator)
	})
	practice := map[string]any{
		"id": north, "name": "North Clinic", "time_zone": "America/Los_Angeles", "phone": "+1 503 555 0100", "inbox": "desk@north.example",
		"address": map[string]string{"line": "12 Shore Road", "city": "Portland", "state": "OR", "zip": "97201"},
		"npi":     "1234567890", "ein": "12-3456789", "taxonomy": "207Q00000X", "stripe_account": seed.Accounts[0],
	}
	o.refused(ctx, "Pat Quinn", "an NPI with a wrong digit", "invalid_request", func() error {
		return o.operator.post(ctx, "/practices", practice, nil)
	})
	practice["npi"] = "1234567893"
	o.do(func() error { return o.operator.post(ctx, "/practices", practice, nil) })
	o.says(ctx, "Pat Quinn", "registers North Clinic")
	o.do(func() error {
		return o.operator.post(ctx, "/practices/"+north+"/invitations", map[string]string{"email": "ada@north.example", "name": "Ada North"}, nil)
	})
	o.says(ctx, "Pat Quinn", "invites its administrator")
}

var letterLink = regexp.MustCompile(`/accept/([a-z0-9]+)\?(code=\S+)`)

// accepts waits for the letter that invites who, and accepts it.
func (o *opening) accepts(ctx context.Context, who *person, email string) {
	var id, code string
	o.do(func() error {
		return o.until(ctx, "the invitation of "+email, func(ctx context.Context) (bool, error) {
			var box struct {
				Mails []struct {
					To   []string `json:"to"`
					Text string   `json:"text"`
				} `json:"mails"`
			}
			err := o.json(ctx, call{method: http.MethodGet, url: o.base + "/dev/mail.json"}, nil, &box)
			for _, m := range box.Mails {
				if found := letterLink.FindStringSubmatch(m.Text); found != nil && slices.Contains(m.To, email) {
					values, err := url.ParseQuery(found[2])
					id, code = found[1], values.Get("code")
					return true, err
				}
			}
			return false, err
		})
	})
	o.do(func() error { return who.post(ctx, "/invitations/"+id+"/accept", map[string]string{"code": code}, who) })
	o.says(ctx, who.Name, "opens the letter, signs in and accepts")
}

// invites has the administrator invite somebody, who accepts.
func (o *opening) invites(ctx context.Context, name, email string, roles []string, licenses ...map[string]any) *person {
	in := map[string]any{"email": email, "name": name, "roles": roles}
	if len(licenses) > 0 {
		in["licenses"] = licenses
	}
	o.do(func() error { return o.admin.post(ctx, "/invitations", in, nil) })
	who := o.signsIn(ctx, name, email, "")
	o.accepts(ctx, who, email)
	return who
}

func (o *opening) joins(ctx context.Context) {
	stranger := o.signsIn(ctx, "Someone else", "else@north.example", "")
	o.admin = o.signsIn(ctx, "Ada North", "ada@north.example", "")
	o.refused(ctx, "Someone else", "whom nobody invited", "unknown_person", func() error { return stranger.get(ctx, "/people", nil) })
	o.accepts(ctx, o.admin, "ada@north.example")
	var ends time.Time
	o.do(func() (err error) {
		now, err := o.now(ctx)
		ends = now.AddDate(2, 0, 0).UTC()
		return err
	})
	license := map[string]any{"state": "OR", "number": "MD-20411", "expires": ends}
	o.ana = o.invites(ctx, "Ana North, MD", "ana@north.example", []string{"clinician"}, license)
	o.ben = o.invites(ctx, "Ben North, MD", "ben@north.example", []string{"clinician", "director"}, license)
	o.director = o.ben
	o.refused(ctx, "Ada North", "the last administrator leaves", "last_admin", func() error {
		return o.admin.post(ctx, "/people/"+o.admin.ID+"/deactivate", nil, nil)
	})
}

func (o *opening) publishes(ctx context.Context) {
	source := map[string]any{"questionnaire": json.RawMessage(tickBite)}
	o.do(func() error {
		var draft struct {
			Missing []struct{ Text string } `json:"missing"`
		}
		err := o.admin.post(ctx, "/questionnaires", source, &draft)
		o.check(len(draft.Missing) > 0, "a form without examples lacks nothing")
		return errors.Join(err, o.print(ctx, "Ada North", fmt.Sprintf("hands in a form; %d things are not shown by examples yet", len(draft.Missing)), ""))
	})
	var draft struct {
		Hash    string `json:"hash"`
		Version int    `json:"version"`
	}
	o.do(func() error { return o.admin.get(ctx, "/questionnaires/tick-bite/draft", &draft) })
	o.refused(ctx, "Ben North, MD", "approving what examples do not show", "examples_missing", func() error {
		return o.director.post(ctx, "/questionnaires/tick-bite/draft/approve", map[string]string{"hash": draft.Hash}, nil)
	})
	source["examples"], source["replaces"] = json.RawMessage(tickBiteExamples), draft.Version
	o.do(func() error { return o.admin.post(ctx, "/questionnaires", source, &draft) })
	o.refused(ctx, "Ada North", "publishing what nobody approved", "not_approved", func() error {
		return o.admin.post(ctx, "/questionnaires/tick-bite/draft/publish", nil, nil)
	})
	o.do(func() error {
		return o.director.post(ctx, "/questionnaires/tick-bite/draft/approve", map[string]string{"hash": draft.Hash}, nil)
	})
	o.says(ctx, "Ben North, MD", "approves exactly this text, as medical director")
	o.do(func() error { return o.admin.post(ctx, "/questionnaires/tick-bite/draft/publish", nil, nil) })
	o.says(ctx, "Ada North", "publishes it")
}

func (o *opening) decides(ctx context.Context) {
	o.refused(ctx, "Ada North", "a price of a few cents", "invalid_request", func() error {
		return o.admin.post(ctx, "/settings/decisions", map[string]any{"prices": map[string]int{"tick-bite": 20}}, nil)
	})
	o.do(func() error {
		return o.admin.post(ctx, "/settings/decisions", map[string]any{
			"prices": map[string]int{"tick-bite": 45_00}, "states": []string{"OR"}, "answer_minutes": 24 * 60, "give_up_minutes": 24 * 60,
		}, nil)
	})
	o.do(func() error {
		return o.admin.post(ctx, "/settings/consent", map[string]any{
			"version": "2026-11", "text": "An e-visit is an answer in writing from a clinician of this practice. It is not for emergencies.",
		}, nil)
	})
	o.says(ctx, "Ada North", "decides the price, the promise, the states and the consent text")
	var all struct {
		Readers string `json:"who_reads"`
	}
	o.do(func() error { return o.admin.get(ctx, "/settings", &all) })
	o.check(strings.Contains(all.Readers, "linician"), "patients are told of readers: %q", all.Readers)
}
