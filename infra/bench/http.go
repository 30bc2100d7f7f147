package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// A wire is what a request of the driver sends.
type wire struct{ method, url, token, body string }

// callJSON sends a request and reads the reply into out, unless it is nil.
func callJSON(ctx context.Context, in wire, out any) error {
	r, err := http.NewRequestWithContext(ctx, in.method, in.url, strings.NewReader(in.body))
	if err != nil {
		return err
	}
	if in.body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if in.token != "" {
		r.Header.Set("Authorization", "Bearer "+in.token)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("%s %s answered %s: %s", in.method, r.URL.Path, res.Status, b)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(b, out)
}
