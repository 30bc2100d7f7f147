package store_test

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"evisit/infra/local/engine/enginetest"
	"evisit/pkg/audit"
	"evisit/pkg/fault"
	"evisit/pkg/store"
)

// Kept samples. Folder testdata/rows/N holds rows of format N as they were
// written: a file for each kind of row, with the audit record that came along.
// They are read for ever, because rows of a format stay in tables for ever.
//
// A folder of an older format is never edited, nor are files of it written
// again. Who changes what is written raises the format in commit.go, so that
// older rows can be told apart, and has the new folder written by
//
//	go test ./pkg/store -run Format -samples
//
// A sample that new code reads as another value than samples says gets its own
// value for the older formats there.
const samplesFolder = "testdata/rows"

var writeSamples = flag.Bool("samples", false, "write the samples of the newest format, which must not be released yet")

// newest is the format that rows are written in.
const newest = "3"

func TestFormat_EveryKeptSampleIsRead(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(samplesFolder + "/*/*.json")
	if err != nil || len(files) < len(samples()) {
		t.Fatalf("there are %d samples, %v; want %d at least", len(files), err, len(samples()))
	}
	kinds := map[string]sample{}
	for _, s := range samples() {
		kinds[s.name+".json"] = s
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(strings.TrimPrefix(file, samplesFolder+"/"), ".json"), func(t *testing.T) {
			t.Parallel()
			db, table := newTable(t, enginetest.Config(t))
			kind, known := kinds[filepath.Base(file)]
			if !known {
				t.Fatal("nothing says how it is read")
			}
			put(t, db, table, keptRows(t, file))
			kind.check(t, store.New(db, table))
		})
	}
}

// check compares what s reads with what it must.
func (k sample) check(t *testing.T, s *store.Store) {
	t.Helper()
	for _, r := range k.reads {
		got, err := r.how(t.Context(), s)
		if diff := cmp.Diff(r.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v, differs (-want +read):\n%s", r.method, err, diff)
		}
	}
}

// The newest format must write what the newest samples hold: what differs is a
// new format.
func TestFormat_NewestIsWrittenAsItsSamples(t *testing.T) {
	t.Parallel()
	for _, kind := range written() {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			db, table := newTable(t, enginetest.Config(t))
			rows := kind.write(t, db, table)
			file := filepath.Join(samplesFolder, newest, kind.name+".json")
			if *writeSamples {
				keep(t, file, rows)
			}
			if diff := cmp.Diff(comparable(t, keptRows(t, file)), comparable(t, rows)); diff != "" {
				t.Errorf("it is not written as the sample, which makes it a new format (-sample +written):\n%s", diff)
			}
			kind.check(t, store.New(db, table))
		})
	}
}

// written are the kinds of rows that are written now.
func written() []sample {
	return slices.DeleteFunc(samples(), func(k sample) bool { return len(k.commits) == 0 })
}

// write commits a sample and returns its rows in the order of their keys,
// without the mark of a row put alone, which is random, and without the
// announcements of practices, which only the sample of audit records is about.
func (k sample) write(t *testing.T, db *dynamodb.Client, table string) []row {
	t.Helper()
	s := store.New(db, table)
	for _, c := range k.commits {
		if err := s.Commit(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	var rows []row
	for _, key := range sortedKeys(scan(t, db, table)) {
		r := scan(t, db, table)[key]
		if delete(r, "w"); k.name == "audit" || !strings.HasPrefix(key, "ACTIVE#") {
			rows = append(rows, r)
		}
	}
	return rows
}

func put(t *testing.T, db *dynamodb.Client, table string, rows []row) {
	t.Helper()
	for _, r := range rows {
		if _, err := db.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: r}); err != nil {
			t.Fatal(err)
		}
	}
}

// A sample's file is in DynamoDB's own JSON: each attribute under its type.
type attribute struct {
	S *string `json:"S,omitempty"`
	N *string `json:"N,omitempty"`
	B []byte  `json:"B,omitempty"`
}

func keptRows(t *testing.T, file string) []row {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var kept []map[string]attribute
	if err := json.Unmarshal(b, &kept); err != nil {
		t.Fatal(err)
	}
	rows := make([]row, len(kept))
	for n, attrs := range kept {
		rows[n] = row{}
		for name, a := range attrs {
			switch {
			case a.S != nil:
				rows[n][name] = &types.AttributeValueMemberS{Value: *a.S}
			case a.N != nil:
				rows[n][name] = &types.AttributeValueMemberN{Value: *a.N}
			default:
				rows[n][name] = &types.AttributeValueMemberB{Value: a.B}
			}
		}
	}
	return rows
}

func keep(t *testing.T, file string, rows []row) {
	t.Helper()
	kept := make([]map[string]attribute, len(rows))
	for n, r := range rows {
		kept[n] = map[string]attribute{}
		for name, v := range r {
			switch v := v.(type) {
			case *types.AttributeValueMemberS:
				kept[n][name] = attribute{S: &v.Value}
			case *types.AttributeValueMemberN:
				kept[n][name] = attribute{N: &v.Value}
			case *types.AttributeValueMemberB:
				kept[n][name] = attribute{B: v.Value}
			default:
				t.Fatalf("attribute %s is a %T", name, v)
			}
		}
	}
	b, err := json.MarshalIndent(kept, "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, append(b, '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
}

// comparable is rows as text. What compression makes of a form may change with
// the compressor and is no other format: a form is compared as it reads, and the
// record beside it without the form's hash.
func comparable(t *testing.T, rows []row) []map[string]string {
	t.Helper()
	all := make([]map[string]string, len(rows))
	compressed := false
	for n, r := range rows {
		all[n] = map[string]string{}
		for name, v := range itemOf(t, r) {
			text := string(v.Bytes)
			if v.Type == audit.Binary {
				text = base64.StdEncoding.EncodeToString(v.Bytes)
			}
			if name == "z" {
				compressed = true
				plain, err := io.ReadAll(flate.NewReader(bytes.NewReader(v.Bytes)))
				if err != nil {
					t.Fatal(err)
				}
				text = string(plain)
			}
			all[n][name] = string(v.Type) + " " + text
		}
	}
	for _, r := range all {
		if compressed && strings.HasPrefix(r["pk"], "S AUDIT#") {
			before, _, _ := strings.Cut(r["d"], `"h":"`)
			r["d"] = before
		}
	}
	return all
}

// A row of a format that this code does not know is an error, never a record
// with zeros in it.
func TestFormat_UnknownIsAnError(t *testing.T) {
	t.Parallel()
	for _, kind := range written() {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			db, table := newTable(t, enginetest.Config(t))
			kind.write(t, db, table)
			rows := scan(t, db, table)
			for name, format := range map[string]types.AttributeValue{
				"later": &types.AttributeValueMemberN{Value: "99"}, "zero": &types.AttributeValueMemberN{Value: "0"}, "none": nil,
			} {
				for _, r := range rows {
					delete(r, "f")
					if format != nil {
						r["f"] = format
					}
					put(t, db, table, []row{r})
				}
				for _, r := range kind.reads {
					got, err := r.how(t.Context(), store.New(db, table))
					_, public := fault.Public(err)
					if err == nil && r.method != "Active" || public || errors.Is(err, fault.NotFound) {
						t.Errorf("%s of format %s = %+v, %v; want an error of ours", r.method, name, got, err)
					}
				}
			}
		})
	}
}
