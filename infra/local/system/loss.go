package system

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"

	"evisit/pkg/outbox"
)

// A loss is a record that the stream gives up, as Lambda does after its last retry:
// the first that puts an event of Kind. It is kept in a file, so that the record stays
// lost however often the process is killed.
type loss struct {
	mu   sync.Mutex
	file string
}

type lostRecord struct {
	Kind     outbox.Kind `json:"kind"`
	Sequence string      `json:"sequence,omitempty"` // of the record, once it has come
}

func newLoss(folder string) *loss { return &loss{file: filepath.Join(folder, "stream.lost")} }

// order has the next record of a kind lost.
func (l *loss) order(k outbox.Kind) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.write(lostRecord{Kind: k})
}

func (l *loss) write(r lostRecord) error {
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return os.WriteFile(l.file, b, 0o600)
}

// takes reports whether r is the record that is lost.
func (l *loss) takes(r types.Record) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, err := os.ReadFile(l.file)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	var lost lostRecord
	if err == nil {
		err = json.Unmarshal(b, &lost)
	}
	if err != nil {
		return false, fmt.Errorf("which record is lost: %w", err)
	}
	sequence := aws.ToString(r.Dynamodb.SequenceNumber)
	if lost.Sequence != "" {
		return lost.Sequence == sequence, nil
	}
	d, ok := r.Dynamodb.NewImage["d"].(*types.AttributeValueMemberS)
	var e outbox.Event
	if !ok || json.Unmarshal([]byte(d.Value), &e) != nil || e.Kind != lost.Kind {
		return false, nil
	}
	lost.Sequence = sequence
	return true, l.write(lost)
}

// without returns records without the one that is lost.
func (l *loss) without(records []types.Record) ([]types.Record, error) {
	var kept []types.Record
	for _, r := range records {
		lost, err := l.takes(r)
		if err != nil {
			return nil, err
		}
		if !lost {
			kept = append(kept, r)
		}
	}
	return kept, nil
}

// serveLoss has the stream give up the next record of a kind of event:
// {"lose":"payment.capture"}.
func (s *System) serveLoss(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Lose outbox.Kind `json:"lose"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<10)).Decode(&in); err != nil {
		return fmt.Errorf(`send {"lose":"payment.capture"}, the kind of an event: %w`, err)
	}
	if err := s.poller.loss.order(in.Lose); err != nil {
		return err
	}
	return writeJSON(w, in)
}
