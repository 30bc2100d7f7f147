package mailbox

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strconv"
)

// maxRecipients is SES's own limit for one message.
const maxRecipients = 50

// What SES accepts as the name and the value of a tag.
var (
	tagName  = regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`)
	tagValue = regexp.MustCompile(`^[A-Za-z0-9_.@-]{1,256}$`)
)

// sendEmail is the part of SESv2's SendEmail request that we simulate.
type sendEmail struct {
	From        string `json:"FromEmailAddress"`
	Destination struct {
		To  []string `json:"ToAddresses"`
		Cc  []string `json:"CcAddresses"`
		Bcc []string `json:"BccAddresses"`
	} `json:"Destination"`
	Content struct {
		Simple *struct {
			Subject content `json:"Subject"`
			Body    struct {
				Text content `json:"Text"`
				HTML content `json:"Html"`
			} `json:"Body"`
		} `json:"Simple"`
	} `json:"Content"`
	Tags []struct {
		Name  string `json:"Name"`
		Value string `json:"Value"`
	} `json:"EmailTags"`
}

type content struct {
	Data string `json:"Data"`
}

// mail returns the message asked for, or what is wrong with it.
func (in sendEmail) mail() (out Mail, problem string) {
	simple := in.Content.Simple
	if simple == nil {
		return Mail{}, "only Content.Simple is simulated"
	}
	if simple.Subject.Data == "" || simple.Body.Text.Data == "" && simple.Body.HTML.Data == "" {
		return Mail{}, "a subject and a body are required"
	}
	to := slices.Concat(in.Destination.To, in.Destination.Cc, in.Destination.Bcc)
	if len(to) == 0 || len(to) > maxRecipients {
		return Mail{}, "between 1 and 50 recipients are required"
	}
	for _, a := range append([]string{in.From}, to...) {
		if _, err := bare(a); err != nil {
			return Mail{}, "an address is not an e-mail address"
		}
	}
	out = Mail{
		From: in.From, To: to,
		Subject: simple.Subject.Data, Text: simple.Body.Text.Data, HTML: simple.Body.HTML.Data,
	}
	for _, t := range in.Tags {
		if !tagName.MatchString(t.Name) || !tagValue.MatchString(t.Value) {
			return Mail{}, "a tag has characters that SES refuses, or too many"
		}
		if out.Tags == nil {
			out.Tags = map[string]string{}
		}
		out.Tags[t.Name] = t.Value
	}
	return out, ""
}

// send serves SendEmail. The reply leaves before the outcome is told, as with
// SES: the sender learns its message's id first.
func (m *Mailbox) send(w http.ResponseWriter, r *http.Request) {
	var in sendEmail
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		refuseSend(w, http.StatusBadRequest, "BadRequestException", "the request could not be read")
		return
	}
	out, problem := in.mail()
	if problem != "" {
		refuseSend(w, http.StatusBadRequest, "BadRequestException", problem)
		return
	}
	id, err := m.accept(r.Context(), out)
	if err != nil {
		m.log.ErrorContext(r.Context(), "mail not accepted", "err", err)
		refuseSend(w, http.StatusInternalServerError, "InternalServiceErrorException", "the mailbox's file could not be written")
		return
	}
	body, err := json.Marshal(struct {
		ID string `json:"MessageId"`
	}{id})
	if err != nil {
		m.log.ErrorContext(r.Context(), "mail not answered", "id", id, "err", err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	if _, err := w.Write(body); err != nil {
		return // the sender left; Settle will be called again
	}
	_ = http.NewResponseController(w).Flush() // a writer that cannot flush answers a little later

	// Not in this handler: the sender's next request may come on the same
	// connection and would wait for it, and a listener that sends mail forever.
	ctx := context.WithoutCancel(r.Context())
	m.settling.Go(func() {
		if err := m.Settle(ctx); err != nil {
			m.log.ErrorContext(ctx, "mail not settled", "id", id, "err", err)
		}
	})
}

func refuseSend(w http.ResponseWriter, code int, kind, text string) {
	w.Header().Set("X-Amzn-Errortype", kind)
	reply(w, code, struct {
		Message string `json:"message"`
	}{text})
}
