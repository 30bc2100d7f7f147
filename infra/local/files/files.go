// Package files stands in for S3: gofakes3 speaks the protocol, and this
// package keeps the objects in one SQLite file.
//
// The backends gofakes3 brings are not used because neither outlives being
// killed or shared: the one on a folder truncates an object in place before it
// writes the new one, and the one on bolt hands out memory of a transaction
// that has ended. Here a put is one transaction, and what was read is a copy.
package files

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"

	"github.com/johannesboyne/gofakes3"
	_ "modernc.org/sqlite" // the "sqlite" driver
)

// Bucket is the bucket that always exists. More may be created over the API.
const Bucket = "evisit"

// A Server serves the S3 API with path-style addresses. It checks no
// signatures.
type Server struct {
	http.Handler
	db *sql.DB
}

// Handler returns a server of the objects kept in the folder dir, which must
// exist.
func Handler(dir string) (*Server, error) {
	u := url.URL{Scheme: "file", Opaque: (&url.URL{Path: filepath.Join(dir, "files.db")}).EscapedPath()}
	u.RawQuery = url.Values{"_pragma": {"journal_mode(wal)", "synchronous(normal)", "busy_timeout(5000)"}, "_txlock": {"immediate"}}.Encode()
	db, err := sql.Open("sqlite", u.String())
	if err != nil {
		return nil, fmt.Errorf("opening files: %w", err)
	}
	db.SetMaxOpenConns(4) // readers do not wait for one another; each holds its own page cache
	b := &backend{db}
	if err := b.prepare(context.Background()); err != nil {
		return nil, fmt.Errorf("opening files in %s: %w", dir, errors.Join(err, db.Close()))
	}
	s := gofakes3.New(b, gofakes3.WithTimeSkewLimit(0)) // the caller's clock is its own affair
	return &Server{Handler: s.Server(), db: db}, nil
}

// Close releases the file. Stop serving first.
func (s *Server) Close() error { return s.db.Close() }
