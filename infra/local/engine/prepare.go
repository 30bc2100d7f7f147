package engine

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"syscall"

	_ "modernc.org/sqlite" // the driver by which a database file is given its index
)

// streamIndex makes a streamed write cost the same however many records the
// stream holds. dynoxide 1.2.1 looks up the highest sequence number for every
// write and has no index to do it by, so that a write takes 14 times as long
// at 40,000 records; and it never expires them.
const streamIndex = `CREATE INDEX IF NOT EXISTS evisit_stream_order
	ON _stream_records (table_name, CAST(sequence_number AS INTEGER))`

// prepare makes the file if there is none, and indexes it. Doing it again, or
// being killed in the middle, is harmless.
func prepare(ctx context.Context, path string, p program) error {
	made, err := hasStreamTable(ctx, path)
	if err != nil {
		return err
	}
	if !made {
		// Only the engine knows its own tables: let it make them.
		e, err := launch(ctx, Options{}, p)
		if err != nil {
			return err
		}
		if err := e.Close(); err != nil {
			return err
		}
	}
	return withFile(path, func(db *sql.DB) error {
		_, err := db.ExecContext(ctx, streamIndex)
		return err
	})
}

func hasStreamTable(ctx context.Context, path string) (bool, error) {
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	var n int
	err := withFile(path, func(db *sql.DB) error {
		return db.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema WHERE name = '_stream_records'`).Scan(&n)
	})
	return n > 0, err
}

func withFile(path string, do func(*sql.DB) error) error {
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path}).String())
	if err != nil {
		return err
	}
	return errors.Join(do(db), db.Close())
}

// lock holds the file for this process until unlock, so that two systems on
// the same data are one clear error. It goes with the process, however it ends.
func lock(path string) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("making the folder of database %s: %w", path, err)
	}
	f, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // beside the database that the user named
	if err != nil {
		return nil, fmt.Errorf("locking database %s: %w", path, err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("database %s is in use by another process: %w", path, err)
	}
	return func() { _ = f.Close() }, nil
}
