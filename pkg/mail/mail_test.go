package mail_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/google/go-cmp/cmp"

	"evisit/infra/local/mailbox"
	"evisit/pkg/clinic/notify"
	"evisit/pkg/mail"
)

func newSender(t *testing.T, h http.Handler) *mail.Sender {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return mail.New(sesv2.NewFromConfig(aws.Config{
		Region: "us-east-1", BaseEndpoint: &srv.URL, Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
		RetryMaxAttempts: 1,
	}), "no-reply@evisit.example", "evisit-local")
}

// A letter arrives with its sender, recipient, subject, body and tag unchanged,
// save for characters that SES does not allow in a tag.
func TestSend_ArrivesAsWritten(t *testing.T) {
	t.Parallel()
	box, err := mailbox.Open(t.Context(), "", func() time.Time { return time.Unix(1772463600, 0) }, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := box.Close(); err != nil {
			t.Error(err)
		}
	})
	pages := box.Handler()
	s := newSender(t, pages)
	if err := s.Send(t.Context(), notify.Letter{
		Key: "due.v1.20260302T150405.000/é", To: "jane@patients.example", Subject: "Clínica: your request", Body: "Read it here:\nhttps://a.example/my\n",
	}); err != nil {
		t.Fatal(err)
	}
	res := httptest.NewRecorder()
	pages.ServeHTTP(res, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/dev/mail.json", nil))
	var out struct {
		Mails []mailbox.Mail `json:"mails"`
	}
	if err := json.Unmarshal(res.Body.Bytes(), &out); err != nil || len(out.Mails) != 1 {
		t.Fatalf("%v: %s", err, res.Body)
	}
	got := out.Mails[0]
	got.ID, got.At, got.Deliveries = "", time.Time{}, nil
	want := mailbox.Mail{
		From: "no-reply@evisit.example", To: []string{"jane@patients.example"}, Subject: "Clínica: your request",
		Text: "Read it here:\nhttps://a.example/my\n", Tags: map[string]string{"event": "due.v1.20260302T150405.000___"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("mail (-want +got):\n%s", diff)
	}
}

// A refused letter is an error that names the letter's key and not its recipient.
func TestSend_ErrorHasNoAddress(t *testing.T) {
	t.Parallel()
	s := newSender(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Amzn-Errortype", "MessageRejected")
		w.WriteHeader(http.StatusBadRequest)
	}))
	err := s.Send(t.Context(), notify.Letter{Key: "e1", To: "jane@patients.example", Subject: "s", Body: "b"})
	if err == nil || !strings.Contains(err.Error(), "letter e1") || strings.Contains(err.Error(), "jane") {
		t.Errorf("the error is %v", err)
	}
}

// SES is told which configuration set tells of a letter that comes back.
func TestSend_NamesItsConfigurationSet(t *testing.T) {
	t.Parallel()
	var sent struct {
		ConfigurationSetName string `json:"ConfigurationSetName"`
	}
	s := newSender(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := json.NewDecoder(r.Body).Decode(&sent); err != nil {
			t.Error(err)
		}
		_, _ = w.Write([]byte("{}"))
	}))
	if err := s.Send(t.Context(), notify.Letter{Key: "e1", To: "jane@patients.example"}); err != nil || sent.ConfigurationSetName != "evisit-local" {
		t.Errorf("sent with %+v, %v", sent, err)
	}
}
