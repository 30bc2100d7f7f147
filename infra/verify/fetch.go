package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"

	"evisit/pkg/audit"
)

// A source is a running system that an export is fetched from.
type source struct {
	ctx        context.Context //nolint:containedctx // one run of the command
	url, token string
	out        io.Writer // keeps the export; nil keeps nothing
}

// patience is how long fetchAll waits for the leaf of the newest row to be
// signed.
const patience = 5 * time.Minute

// fetchAll adds to replay the log, its rows and, until it covers the newest row,
// the leaves signed since. The fetched export is kept in the file keep, unless
// keep is empty.
func (s *source) fetchAll(replay *audit.Replay, keep string) (err error) {
	if keep != "" {
		f, err := os.Create(keep) //nolint:gosec // the auditor names the file
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		s.out = f
	}
	through, err := s.leaves(replay, "")
	if err != nil {
		return err
	}
	newest, err := s.rows(replay)
	for began := time.Now(); err == nil && newest > through; {
		if time.Since(began) > patience {
			return fmt.Errorf("rows as new as %s are not signed yet; try again", newest)
		}
		time.Sleep(time.Second)
		through, err = s.leaves(replay, through)
	}
	return err
}

// leaves adds to replay the leaves after a position and their checkpoint. The
// checkpoint is read before the leaves, so that there are no fewer leaves than
// it signs.
func (s *source) leaves(replay *audit.Replay, after string) (through string, _ error) {
	checkpoint, _, err := s.get("/practice/log/checkpoint")
	if err != nil {
		return after, err
	}
	size, _, err := sizeOf(checkpoint)
	if err != nil {
		return after, err
	}
	path, through := "/practice/log", after
	if after != "" {
		path += "?" + url.Values{"after": {after}}.Encode()
	}
	for path != "" && replay.Leaves() < size {
		var page []byte
		if page, path, err = s.get(path); err != nil {
			return through, err
		}
		for leaf := range bytes.Lines(page) {
			if replay.Leaves() == size {
				break
			}
			leaf = bytes.TrimSuffix(leaf, []byte{'\n'})
			r, err := audit.ParseLeaf(leaf)
			if err != nil {
				return through, err
			}
			through = r.Position()
			if err := s.feed(replay, audit.Line{Leaf: leaf}); err != nil {
				return through, err
			}
		}
	}
	if through == after {
		return through, nil // nothing was signed since
	}
	return through, s.feed(replay, audit.Line{Checkpoint: string(checkpoint)})
}

// sizeOf returns the number of leaves in a checkpoint's text. Its signature is
// for the replay to verify.
func sizeOf(checkpoint []byte) (size int64, origin string, err error) {
	if _, err := fmt.Sscanf(string(checkpoint), "%s\n%d\n", &origin, &size); err != nil {
		return 0, "", fmt.Errorf("reading the checkpoint: %w", err)
	}
	return size, origin, nil
}

// rows adds all rows to replay and returns the position of the newest.
func (s *source) rows(replay *audit.Replay) (newest string, err error) {
	for path := "/practice/log/rows"; path != ""; {
		var page []byte
		if page, path, err = s.get(path); err != nil {
			return newest, err
		}
		for l, err := range audit.Lines(bytes.NewReader(page)) {
			if err != nil {
				return newest, err
			}
			row, err := audit.ParseItem(l.Row)
			if err != nil {
				return newest, err
			}
			newest = max(newest, row.Pointer())
			if err := s.feed(replay, l); err != nil {
				return newest, err
			}
		}
	}
	return newest, nil
}

func (s *source) feed(replay *audit.Replay, l audit.Line) error {
	if s.out != nil {
		b, err := l.Append(nil)
		if err == nil {
			_, err = s.out.Write(b)
		}
		if err != nil {
			return err
		}
	}
	return replay.Line(l)
}

var nextLink = regexp.MustCompile(`^<([^>]+)>; rel="next"$`)

// get fetches one page, and returns the path of the next.
func (s *source) get(path string) (page []byte, next string, err error) {
	req, err := http.NewRequestWithContext(s.ctx, http.MethodGet, strings.TrimSuffix(s.url, "/")+path, http.NoBody)
	if err != nil {
		return nil, "", err
	}
	req.Header.Set("Authorization", "Bearer "+s.token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer func() { err = errors.Join(err, res.Body.Close()) }()
	if page, err = io.ReadAll(res.Body); err != nil {
		return nil, "", err
	}
	if res.StatusCode != http.StatusOK {
		return nil, "", fmt.Errorf("%s answered %s: %s", path, res.Status, page)
	}
	if m := nextLink.FindStringSubmatch(res.Header.Get("Link")); m != nil {
		next = m[1]
	}
	return page, next, nil
}
