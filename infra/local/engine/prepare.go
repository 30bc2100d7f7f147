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

	_ "modernc.org/sqlite" // the driver by which prepare adds the index
)

// streamIndex makes a streamed write take the same time however many records the
// stream holds. dynoxide 1.2.1 looks up the highest sequence number on every write,
// without an index and without ever expiring records, so that a write takes 14 times
// as long when the stream holds 40,000 records.
const streamIndex = `CREATE INDEX IF NOT EXISTS evisit_stream_order
	ON _stream_records (table_name, CAST(sequence_number AS INTEGER))`

// prepare makes the database file if there is none, and adds streamIndex. prepare may
// be called again, also after a process was killed in the middle of it.
func prepare(ctx context.Context, path string, p program) error {
	made, err := hasStreamTable(ctx, path)
	if err != nil {
		return err
	}
	if !made {
		// A run of the engine makes the file, because only the engine knows its own tables.
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

// lock keeps other processes from the file until unlock, so that a second system on
// the same data fails with a clear error. The kernel unlocks the file when the process
// ends, however it ends.
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
	return func() {
		// Closing alone leaves the file locked while a child of this process that was just
		// forked still has it.
		_ = syscall.Flock(int(f.Fd()), syscall.LOCK_UN)
		_ = f.Close()
	}, nil
}
