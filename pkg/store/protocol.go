package store

import (
	"bytes"
	"compress/flate"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"evisit/pkg/clinic"
	"evisit/pkg/practice"
	"evisit/pkg/protocol"
)

func (s *Store) Form(ctx context.Context, practice, name, version string) ([]byte, error) {
	what := "form " + name + " " + version
	i, err := s.get(ctx, practiceKey(practice, formPart(name, version)), latest, what)
	if err != nil {
		return nil, err
	}
	return decompress(i, what)
}

// FormVersions lists the versions of its forms that a practice has published, by name and
// version.
func (s *Store) FormVersions(ctx context.Context, practice string) ([]clinic.FormVersion, error) {
	what := "forms of practice " + practice
	in := beginning(practiceKey(practice, "FORM#"))
	in.ProjectionExpression = aws.String("pk, sk, f, a, d") // without the text
	return readAll(ctx, s, in, what, readFormVersion)
}

func readFormVersion(i item) (clinic.FormVersion, error) {
	name, version, _ := strings.Cut(strings.TrimPrefix(text(i, "sk"), "FORM#"), "#")
	v := clinic.FormVersion{Name: name, Version: version, At: momentOf(text(i, "a"))}
	if text(i, "d") == "" {
		return v, nil
	}
	return v, unpack(i, "approval of form "+name+" "+version, &v.Approved)
}

// momentOf is the time of the audit record that a row names.
func momentOf(position string) time.Time {
	t, err := time.Parse(stampLayout, position[:min(len(position), len(stampLayout))])
	if err != nil {
		return time.Time{}
	}
	return t
}

// Draft returns a practice's draft of a form.
func (s *Store) Draft(ctx context.Context, practice, name string) (protocol.Draft, error) {
	what := "draft " + name
	i, err := s.get(ctx, practiceKey(practice, draftPart(name)), latest, what)
	if err != nil {
		return protocol.Draft{}, err
	}
	return readDraft(practice, i)
}

func readDraft(practice string, i item) (protocol.Draft, error) {
	name := strings.TrimPrefix(text(i, "sk"), draftPart(""))
	b, err := decompress(i, "draft "+name)
	if err != nil {
		return protocol.Draft{}, err
	}
	d := protocol.Draft{Practice: practice, Name: name, Version: count(i, "v")}
	if err := json.Unmarshal(b, &d); err != nil {
		return d, fmt.Errorf("decoding draft %s: %w: %w", name, clinic.ErrUnreadable, err)
	}
	return d, nil
}

// Drafts lists a practice's drafts by name.
func (s *Store) Drafts(ctx context.Context, practice string) ([]protocol.Draft, error) {
	return readAll(ctx, s, beginning(practiceKey(practice, draftPart(""))), "drafts of practice "+practice,
		func(i item) (protocol.Draft, error) { return readDraft(practice, i) })
}

// Configs lists every configuration that a practice has decided, the first one first.
func (s *Store) Configs(ctx context.Context, id string) ([]practice.Config, error) {
	what := "decisions of practice " + id
	return readAll(ctx, s, beginning(practiceKey(id, configPart(""))), what, func(i item) (practice.Config, error) {
		var c practice.Config
		return c, unpack(i, what, &c)
	})
}

// decompress returns the text of a row that was compressed.
func decompress(i item, what string) ([]byte, error) {
	z, _ := i["z"].(*types.AttributeValueMemberB)
	n, err := strconv.Atoi(text(i, "n"))
	if z == nil || err != nil {
		return nil, fmt.Errorf("decoding %s: it has no text", what)
	}
	b, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(z.Value)), int64(n)))
	if err != nil {
		return nil, fmt.Errorf("decoding %s: %w", what, err)
	}
	if len(b) != n {
		return nil, fmt.Errorf("decoding %s: %d bytes of %d", what, len(b), n)
	}
	return b, nil
}

// deflaters are kept for reuse: making one costs more than a form takes.
var deflaters = sync.Pool{New: func() any {
	w, err := flate.NewWriter(nil, flate.BestCompression)
	if err != nil {
		panic(err) // no such level: a programming error
	}
	return w
}}

func deflate(b []byte) ([]byte, error) {
	var buf bytes.Buffer
	w := deflaters.Get().(*flate.Writer)
	defer deflaters.Put(w)
	w.Reset(&buf)
	if _, err := w.Write(b); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}
