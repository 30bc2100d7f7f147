package files

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/johannesboyne/gofakes3"
)

func (b *backend) BucketExists(name string) (bool, error) {
	var found bool
	err := b.db.QueryRowContext(context.Background(), `SELECT EXISTS (SELECT 1 FROM bucket WHERE name = ?)`, name).Scan(&found)
	if err != nil {
		return false, fmt.Errorf("reading bucket %s: %w", name, err)
	}
	return found, nil
}

func (b *backend) mustExist(bucket string) error {
	found, err := b.BucketExists(bucket)
	if err == nil && !found {
		return gofakes3.BucketNotFound(bucket)
	}
	return err
}

func (b *backend) ListBuckets() ([]gofakes3.BucketInfo, error) {
	rows, err := b.db.QueryContext(context.Background(), `SELECT name, created FROM bucket ORDER BY name`)
	if err != nil {
		return nil, fmt.Errorf("listing buckets: %w", err)
	}
	defer func() { _ = rows.Close() }() // rows.Err tells what went wrong
	var out []gofakes3.BucketInfo
	for rows.Next() {
		var name string
		var created int64
		if err := rows.Scan(&name, &created); err != nil {
			return nil, fmt.Errorf("listing buckets: %w", err)
		}
		out = append(out, gofakes3.BucketInfo{Name: name, CreationDate: gofakes3.NewContentTime(time.Unix(0, created).UTC())})
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("listing buckets: %w", err)
	}
	return out, nil
}

func (b *backend) CreateBucket(name string) error {
	done, err := b.db.ExecContext(context.Background(), `INSERT INTO bucket VALUES (?, ?) ON CONFLICT DO NOTHING`, name, time.Now().UnixNano())
	if err != nil {
		return fmt.Errorf("creating bucket %s: %w", name, err)
	}
	n, err := done.RowsAffected()
	if err != nil {
		return fmt.Errorf("creating bucket %s: %w", name, err)
	}
	if n == 0 {
		return gofakes3.ResourceError(gofakes3.ErrBucketAlreadyExists, name)
	}
	return nil
}

func (b *backend) DeleteBucket(name string) error {
	return b.write(name, func(ctx context.Context, tx *sql.Tx) error {
		var used bool
		err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM object WHERE bucket = ?)`, name).Scan(&used)
		if err != nil {
			return fmt.Errorf("reading bucket %s: %w", name, err)
		}
		if used {
			return gofakes3.ResourceError(gofakes3.ErrBucketNotEmpty, name)
		}
		return drop(ctx, tx, name)
	})
}

func (b *backend) ForceDeleteBucket(name string) error {
	return b.write(name, func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM object WHERE bucket = ?`, name); err != nil {
			return fmt.Errorf("emptying bucket %s: %w", name, err)
		}
		return drop(ctx, tx, name)
	})
}

func drop(ctx context.Context, tx *sql.Tx, name string) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM bucket WHERE name = ?`, name); err != nil {
		return fmt.Errorf("deleting bucket %s: %w", name, err)
	}
	return nil
}

// ListBucket lists the keys in order. With a delimiter, the keys with one common
// prefix are one entry of a page, which ends after the last of those keys.
func (b *backend) ListBucket(name string, prefix *gofakes3.Prefix, page gofakes3.ListBucketPage) (*gofakes3.ObjectList, error) {
	if err := b.mustExist(name); err != nil {
		return nil, err
	}
	if prefix == nil {
		prefix = &gofakes3.Prefix{}
	}
	rows, err := b.db.QueryContext(context.Background(),
		`SELECT key, modified, size, md5 FROM object WHERE bucket = ? AND key > ? ORDER BY key`, name, page.Marker)
	if err != nil {
		return nil, fmt.Errorf("listing bucket %s: %w", name, err)
	}
	defer func() { _ = rows.Close() }() // rows.Err tells what went wrong
	list := gofakes3.NewObjectList()
	var entries int64
	var last, common string
	for rows.Next() {
		var c gofakes3.Content
		var modified int64
		var sum []byte
		if err := rows.Scan(&c.Key, &modified, &c.Size, &sum); err != nil {
			return nil, fmt.Errorf("listing bucket %s: %w", name, err)
		}
		var match gofakes3.PrefixMatch
		if !prefix.Match(c.Key, &match) {
			continue
		}
		again := match.CommonPrefix && match.MatchedPart == common
		if !again && page.MaxKeys > 0 && entries == page.MaxKeys {
			list.IsTruncated, list.NextMarker = true, last
			break
		}
		last = c.Key
		if again {
			continue
		}
		entries++
		if match.CommonPrefix {
			common = match.MatchedPart
			list.AddPrefix(common)
			continue
		}
		c.LastModified, c.ETag = gofakes3.NewContentTime(time.Unix(0, modified).UTC()), gofakes3.FormatETag(sum)
		list.Add(&c)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("listing bucket %s: %w", name, err)
	}
	return list, nil
}
