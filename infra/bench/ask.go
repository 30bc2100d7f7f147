package main

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// An ask is a request that is measured: of a page, a list or a step.
type ask struct {
	Name   string  `json:"name"`
	Method string  `json:"method"`
	Path   string  `json:"path"` // visitMark in it stands for the id of a visit
	Type   string  `json:"type"` // of Body
	Body   string  `json:"body"` // quoteMark in it stands for the id of the visit's quote
	Token  string  `json:"token"`
	Cookie string  `json:"cookie"`
	Status int     `json:"status"` // of the reply
	About  []draft `json:"about"`
}

const (
	visitMark = "{visit}"
	quoteMark = "{quote}"
)

// A draft is a visit that is asked about, and its quote.
type draft struct {
	Visit string `json:"visit"`
	Quote string `json:"quote"`
}

// about is the draft that request n is about; none for a list.
func (a ask) about(n int) draft {
	if len(a.About) == 0 {
		return draft{}
	}
	return a.About[n%len(a.About)]
}

// first is a with the first n drafts alone.
func (a ask) first(n int) ask {
	a.About = a.About[:min(n, len(a.About))]
	return a
}

// after is a without the first n drafts.
func (a ask) after(n int) ask {
	a.About = a.About[n:]
	return a
}

// request n, of the system.
func (a ask) request(ctx context.Context, url string, n int) (*http.Request, error) {
	d := a.about(n)
	return a.to(ctx, url+strings.ReplaceAll(a.Path, visitMark, d.Visit), d)
}

// onFloor makes request n of one of the floor's handlers.
func (a ask) onFloor(ctx context.Context, base string, n int) (*http.Request, error) {
	d := a.about(n)
	return a.to(ctx, base+"/"+a.Name+"?"+url.Values{"visit": {d.Visit}}.Encode(), d)
}

func (a ask) to(ctx context.Context, address string, d draft) (*http.Request, error) {
	var body io.Reader
	if a.Body != "" {
		body = strings.NewReader(strings.ReplaceAll(a.Body, quoteMark, d.Quote))
	}
	r, err := http.NewRequestWithContext(ctx, a.Method, address, body)
	if err != nil {
		return nil, err
	}
	if a.Type != "" {
		r.Header.Set("Content-Type", a.Type)
	}
	if a.Token != "" {
		r.Header.Set("Authorization", "Bearer "+a.Token)
	}
	if a.Cookie != "" {
		r.AddCookie(&http.Cookie{Name: "evisit", Value: a.Cookie}) //nolint:gosec // a request's cookie has no attributes
	}
	return r, nil
}
