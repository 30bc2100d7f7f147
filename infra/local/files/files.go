// Package files replaces S3 on a laptop and in tests: gofakes3 serves the protocol,
// and this package keeps the objects in one SQLite file.
//
// gofakes3's own backends are not safe against a kill or concurrent use. The backend
// on a folder truncates an object in place before it writes the new object. The
// backend on bolt returns memory of a transaction that has ended. In this package a
// put is one transaction, and a get returns a copy.
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
	_ "modernc.org/sqlite" // driver "sqlite"
)

// Bucket is the bucket that always exists. Clients may create other buckets.
const Bucket = "evisit"

// A Server serves the S3 API with path-style addresses and checks no signatures.
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
	db.SetMaxOpenConns(4) // concurrent readers; each connection has a page cache of its own
	b := &backend{db}
	if err := b.prepare(context.Background()); err != nil {
		return nil, fmt.Errorf("opening files in %s: %w", dir, errors.Join(err, db.Close()))
	}
	s := gofakes3.New(b, gofakes3.WithTimeSkewLimit(0)) // the caller signs with real time, whatever the system's clock shows
	return &Server{Handler: s.Server(), db: db}, nil
}

// Close closes the file. Stop serving before calling Close.
func (s *Server) Close() error { return s.db.Close() }
