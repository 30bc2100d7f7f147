package files

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // an ETag is the MD5 of the object
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
	"time"

	"github.com/johannesboyne/gofakes3"
)

// A backend implements gofakes3.Backend. The methods of that interface take no
// context, so a request runs to its end even if the client has left. Errors of
// gofakes3 are not wrapped, because gofakes3 finds the S3 code only in an error that
// is not wrapped.
type backend struct{ db *sql.DB }

var _ gofakes3.Backend = (*backend)(nil)

const schema = `
CREATE TABLE IF NOT EXISTS bucket (name TEXT PRIMARY KEY, created INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS object (
	bucket TEXT NOT NULL REFERENCES bucket, key TEXT NOT NULL,
	modified INTEGER NOT NULL, size INTEGER NOT NULL, md5 BLOB NOT NULL, headers BLOB NOT NULL, body BLOB NOT NULL,
	PRIMARY KEY (bucket, key));`

func (b *backend) prepare(ctx context.Context) error {
	if _, err := b.db.ExecContext(ctx, schema); err != nil {
		return fmt.Errorf("preparing tables: %w", err)
	}
	_, err := b.db.ExecContext(ctx, `INSERT INTO bucket VALUES (?, ?) ON CONFLICT DO NOTHING`, Bucket, time.Now().UnixNano())
	if err != nil {
		return fmt.Errorf("creating bucket %s: %w", Bucket, err)
	}
	return nil
}

func (b *backend) PutObject(
	bucket, key string, headers map[string]string, input io.Reader, size int64, cond *gofakes3.PutConditions,
) (gofakes3.PutObjectResult, error) {
	var none gofakes3.PutObjectResult
	body, err := gofakes3.ReadAll(input, size)
	if err != nil {
		return none, err
	}
	if err := checkBody(headers, body); err != nil {
		return none, err
	}
	kept, err := json.Marshal(keptHeaders(headers))
	if err != nil {
		return none, fmt.Errorf("keeping headers of %s: %w", key, err)
	}
	sum := md5.Sum(body) //nolint:gosec // an ETag is the MD5 of the object
	return none, b.write(bucket, func(ctx context.Context, tx *sql.Tx) error {
		if cond != nil {
			if err := allowed(ctx, tx, bucket, key, cond); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO object VALUES (?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT DO UPDATE SET modified = excluded.modified, size = excluded.size, md5 = excluded.md5,
				headers = excluded.headers, body = excluded.body`,
			bucket, key, time.Now().UnixNano(), size, sum[:], kept, body)
		if err != nil {
			return fmt.Errorf("keeping %s: %w", key, err)
		}
		return nil
	})
}

// write runs f in one transaction, on a bucket that exists.
func (b *backend) write(bucket string, f func(context.Context, *sql.Tx) error) error {
	ctx := context.Background()
	if err := b.mustExist(bucket); err != nil {
		return err
	}
	tx, err := b.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("writing to bucket %s: %w", bucket, err)
	}
	defer tx.Rollback() //nolint:errcheck // after a commit, Rollback does nothing
	if err := f(ctx, tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("writing to bucket %s: %w", bucket, err)
	}
	return nil
}

func allowed(ctx context.Context, tx *sql.Tx, bucket, key string, cond *gofakes3.PutConditions) error {
	have := gofakes3.ConditionalObjectInfo{Exists: true}
	err := tx.QueryRowContext(ctx, `SELECT md5 FROM object WHERE bucket = ? AND key = ?`, bucket, key).Scan(&have.Hash)
	if errors.Is(err, sql.ErrNoRows) {
		have.Exists = false
	} else if err != nil {
		return fmt.Errorf("reading %s: %w", key, err)
	}
	return gofakes3.CheckPutConditions(cond, &have)
}

// keptHeaders returns the headers of a put that S3 stores and returns with the object.
func keptHeaders(headers map[string]string) map[string]string {
	kept := map[string]string{}
	for k, v := range headers {
		amz, isAmz := strings.CutPrefix(k, "X-Amz-")
		if !isAmz || strings.HasPrefix(amz, "Meta-") || strings.HasPrefix(amz, "Checksum-") ||
			amz == "Server-Side-Encryption" || amz == "Server-Side-Encryption-Aws-Kms-Key-Id" {
			kept[k] = v
		}
	}
	return kept
}

// checkBody refuses a body that does not match the checksums in its headers. gofakes3
// checks only Content-MD5, which the SDK no longer sends. A body with a trailing
// checksum is refused, because gofakes3 would store it with the chunk framing; the SDK
// sends such bodies over TLS only.
func checkBody(headers map[string]string, body []byte) error {
	const payload, decoded = "X-Amz-Content-Sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	how := headers[payload]
	if strings.HasPrefix(how, "STREAMING-") && how != decoded {
		return gofakes3.ErrorMessage(gofakes3.ErrNotImplemented, "trailing checksums are not simulated")
	}
	sha := sha256.Sum256(body)
	want := map[string]string{
		"X-Amz-Checksum-Crc32":  base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(body))),
		"X-Amz-Checksum-Sha256": base64.StdEncoding.EncodeToString(sha[:]),
	}
	if len(how) == hex.EncodedLen(len(sha)) {
		want[payload] = hex.EncodeToString(sha[:])
	}
	for name, sum := range want {
		if got := headers[name]; got != "" && got != sum {
			return gofakes3.ErrorMessage(gofakes3.ErrBadDigest, name+" does not match the body")
		}
	}
	return nil
}

func (b *backend) GetObject(bucket, key string, part *gofakes3.ObjectRangeRequest) (*gofakes3.Object, error) {
	return b.read(bucket, key, part, true)
}

func (b *backend) HeadObject(bucket, key string) (*gofakes3.Object, error) {
	return b.read(bucket, key, nil, false)
}

func (b *backend) read(bucket, key string, part *gofakes3.ObjectRangeRequest, whole bool) (*gofakes3.Object, error) {
	if err := b.mustExist(bucket); err != nil {
		return nil, err
	}
	o := &gofakes3.Object{Name: key}
	var headers, body []byte
	err := b.db.QueryRowContext(context.Background(),
		`SELECT size, md5, headers, iif(?, body, x'') FROM object WHERE bucket = ? AND key = ?`, whole, bucket, key).
		Scan(&o.Size, &o.Hash, &headers, &body)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, gofakes3.KeyNotFound(key)
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", key, err)
	}
	if err := json.Unmarshal(headers, &o.Metadata); err != nil {
		return nil, fmt.Errorf("reading headers of %s: %w", key, err)
	}
	if o.Range, err = part.Range(o.Size); err != nil {
		return nil, err
	}
	if o.Range != nil {
		body = body[o.Range.Start : o.Range.Start+o.Range.Length]
		for k := range o.Metadata {
			if strings.HasPrefix(k, "X-Amz-Checksum-") {
				delete(o.Metadata, k) // a checksum of the whole object, with which the SDK would check the part
			}
		}
	}
	o.Contents = io.NopCloser(bytes.NewReader(body))
	return o, nil
}

func (b *backend) CopyObject(fromBucket, from, toBucket, to string, headers map[string]string) (gofakes3.CopyObjectResult, error) {
	return gofakes3.CopyObject(b, fromBucket, from, toBucket, to, headers)
}

func (b *backend) DeleteObject(bucket, key string) (gofakes3.ObjectDeleteResult, error) {
	_, err := b.DeleteMulti(bucket, key)
	return gofakes3.ObjectDeleteResult{}, err
}

func (b *backend) DeleteMulti(bucket string, keys ...string) (gofakes3.MultiDeleteResult, error) {
	var out gofakes3.MultiDeleteResult
	err := b.write(bucket, func(ctx context.Context, tx *sql.Tx) error {
		for _, key := range keys {
			if _, err := tx.ExecContext(ctx, `DELETE FROM object WHERE bucket = ? AND key = ?`, bucket, key); err != nil {
				return fmt.Errorf("deleting %s: %w", key, err)
			}
			out.Deleted = append(out.Deleted, gofakes3.ObjectID{Key: key})
		}
		return nil
	})
	if err != nil {
		return gofakes3.MultiDeleteResult{}, err
	}
	return out, nil
}
