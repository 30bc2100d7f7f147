package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// A client calls the system's public API. A request that was lost, or answered with
// "repeat the same request", is sent again with the same Idempotency-Key until patience
// ends, because its outcome is unknown.
type client struct {
	http *http.Client
}

const (
	patience  = time.Minute // longest time to repeat one request, or to wait for what it brings about
	retryWait = 40 * time.Millisecond
)

func newClient(rt http.RoundTripper) *client {
	return &client{
		http: &http.Client{
			Transport: rt, Timeout: patience,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// A refusal is an answer with a problem document.
type refusal struct {
	Status int    `json:"status"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
	// Problems are what is wrong with the input, each with its field.
	Problems []struct {
		Where string `json:"where"`
		Text  string `json:"text"`
	} `json:"problems"`
	body string
}

func (r *refusal) Error() string {
	if r.Code == "" {
		return fmt.Sprintf("answered %d: %s", r.Status, r.body)
	}
	return fmt.Sprintf("answered %d %s: %s", r.Status, r.Code, r.body)
}

// A call is one request. A call with a key can be repeated.
type call struct {
	method, url string
	token       string
	key         string
	practice    string // of several that know the token's holder; empty: not named
	kind        string // content type; empty if there is no body
	body        []byte
}

// json sends in as JSON and decodes the answer into out; both may be nil. An answer
// other than a success is a *refusal.
func (c *client) json(ctx context.Context, k call, in, out any) error {
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		k.body, k.kind = b, "application/json"
	}
	status, body, err := c.send(ctx, k)
	if err != nil {
		return err
	}
	if status/100 != 2 {
		r := &refusal{body: strings.TrimSpace(string(body))}
		if json.Unmarshal(body, r) != nil || r.Status == 0 {
			r.Status = status
		}
		return fmt.Errorf("%s %s: %w", k.method, k.url, r)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(body, out); err != nil {
		return fmt.Errorf("%s %s: reading the answer: %w", k.method, k.url, err)
	}
	return nil
}

// send repeats a request until it has an answer other than 502 to 504.
func (c *client) send(ctx context.Context, k call) (status int, body []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		status, body, err = c.once(ctx, k)
		if err == nil && (status < http.StatusBadGateway || status > http.StatusGatewayTimeout) {
			return status, body, nil
		}
		if !pause(ctx, retryWait) {
			if err == nil {
				return status, body, nil
			}
			return 0, nil, fmt.Errorf("%s %s: no answer: %w", k.method, k.url, err)
		}
	}
}

func (c *client) once(ctx context.Context, k call) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, k.method, k.url, bytes.NewReader(k.body))
	if err != nil {
		return 0, nil, err
	}
	for name, value := range map[string]string{"Content-Type": k.kind, "Idempotency-Key": k.key, "Evisit-Practice": k.practice} {
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	if k.token != "" {
		req.Header.Set("Authorization", "Bearer "+k.token)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return 0, nil, err
	}
	body, err := io.ReadAll(res.Body)
	return res.StatusCode, body, errors.Join(err, res.Body.Close())
}

// submitForm posts a page's form as a browser does, and returns the address of the next
// page, which is empty if there is no redirect.
func (c *client) submitForm(ctx context.Context, page string, fields url.Values) (status int, body string, next string, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		status, body, next, err = c.formOnce(ctx, page, fields)
		if err == nil {
			return status, body, next, nil
		}
		if !pause(ctx, retryWait) {
			return 0, "", "", fmt.Errorf("POST %s: no answer: %w", page, err)
		}
	}
}

func (c *client) formOnce(ctx context.Context, page string, fields url.Values) (int, string, string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, page, strings.NewReader(fields.Encode()))
	if err != nil {
		return 0, "", "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := c.http.Do(req)
	if err != nil {
		return 0, "", "", err
	}
	body, err := io.ReadAll(res.Body)
	return res.StatusCode, string(body), res.Header.Get("Location"), errors.Join(err, res.Body.Close())
}

// pause waits for d, and reports false if ctx ends first.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// until calls ready repeatedly until it reports true. The error after patience names
// what.
func (c *client) until(ctx context.Context, what string, ready func(context.Context) (bool, error)) error {
	return c.within(ctx, patience, what, ready)
}

// within is until with a patience of its own, for what takes many requests.
func (c *client) within(ctx context.Context, longest time.Duration, what string, ready func(context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	for {
		ok, err := ready(ctx)
		if ok || err != nil {
			return err
		}
		if !pause(ctx, retryWait/2) {
			return fmt.Errorf("waited %s in vain for %s", longest, what)
		}
	}
}
