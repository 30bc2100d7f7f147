package proof

import (
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// A browser reads pages as a person who is signed in.
type browser struct {
	http.Client
	base string
}

// hidden finds the hidden fields of the issuer's page.
var hidden = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)

// signIn signs a person in by the pages, as the development issuer has it: one says
// who one is.
func signIn(ctx context.Context, base, subject string) (*browser, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	b := &browser{http.Client{Jar: jar}, base}
	page, _, at, err := b.open(ctx, http.MethodGet, base+"/sign-in", nil)
	if err != nil {
		return nil, err
	}
	fields := url.Values{"subject": {subject}}
	for _, f := range hidden.FindAllStringSubmatch(page, -1) {
		fields.Set(f[1], html.UnescapeString(f[2]))
	}
	if page, _, _, err = b.open(ctx, http.MethodPost, at, fields); err == nil && !strings.Contains(page, "/sign-out") {
		err = errors.New("the pages let nobody in")
	}
	return b, err
}

// open asks for a page and returns it, its status and the address that it was found at.
func (b *browser) open(ctx context.Context, method, address string, fields url.Values) (page string, code int, at string, err error) {
	r, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(fields.Encode()))
	if err != nil {
		return "", 0, "", err
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := b.Do(r)
	if err != nil {
		return "", 0, "", err
	}
	body, err := io.ReadAll(res.Body)
	return string(body), res.StatusCode, res.Request.URL.String(), errors.Join(err, res.Body.Close())
}

// tags are what a page has besides its text.
var tags = regexp.MustCompile(`<[^>]*>`)

// visit returns the text of the patient's page about a visit, and its status.
func (b *browser) visit(ctx context.Context, id string) (text string, code int, err error) {
	page, code, _, err := b.open(ctx, http.MethodGet, b.base+"/my/visits/"+id, nil)
	return html.UnescapeString(tags.ReplaceAllString(page, " ")), code, err
}

var (
	saysCharged = regexp.MustCompile(`\$[0-9]+\.[0-9]{2} charged|You were charged for it`)
	saysHeld    = regexp.MustCompile(`\$[0-9]+\.[0-9]{2} held on your card`)
	saysNothing = regexp.MustCompile(`You have not been charged|Nothing is charged;|Nothing is held or charged\.`)
)

func pagesSayWhatIsSo(w *world, l *line) {
	read, charged := 0, 0
	for _, c := range w.cases {
		if c.PageCode != http.StatusOK {
			if c.since(w.claim) {
				l.find("visit %s: its page is not to be had; asking for it answers %d", c.ID, c.PageCode)
			}
			continue
		}
		read++
		standing, held := false, false // money that Stripe has or had, and a hold, of this visit
		for _, p := range c.Money.Payments {
			i := w.intentOf(p)
			standing, held = standing || i.Received > 0, held || i.Status == "requires_capture"
			if words := i.words(); words != "" && !strings.Contains(c.Page, words) {
				l.find("visit %s: the patient's page does not say %q of payment %s", c.ID, words, p.ID)
			}
		}
		if standing {
			charged++
		}
		for _, claim := range []struct {
			says *regexp.Regexp
			so   bool
		}{{saysCharged, standing}, {saysHeld, held}, {saysNothing, !standing}} {
			if said := claim.says.FindString(c.Page); said != "" && !claim.so {
				l.find("visit %s: the patient's page says %q, and at Stripe it is not so", c.ID, said)
			}
		}
	}
	l.Figures = fmt.Sprintf("%d pages, %d of a charge", read, charged)
}

// intentOf is a payment at Stripe; zero if nobody tried a card.
func (w *world) intentOf(p payment) intent {
	at := slices.IndexFunc(w.stripe.Intents, func(i intent) bool { return i.ID == p.Intent })
	if at < 0 {
		return intent{}
	}
	return w.stripe.Intents[at]
}

// words are what a patient must read of a payment at Stripe; empty if nothing came of
// it.
func (i intent) words() string {
	switch {
	case i.Status == "requires_capture":
		return dollars(i.Amount) + " held on your card"
	case i.Received == 0:
		return ""
	case i.Refunded == i.Received:
		return dollars(i.Refunded) + " refunded"
	case i.Refunded > 0:
		return dollars(i.Received) + " charged, " + dollars(i.Refunded) + " of it refunded"
	}
	return dollars(i.Received) + " charged"
}
