package mailbox

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strconv"
)

// maxRecipients is SES's limit for one message.
const maxRecipients = 50

// tagName and tagValue match what SES accepts as the name and the value of a tag.
var (
	tagName  = regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`)
	tagValue = regexp.MustCompile(`^[A-Za-z0-9_.@-]{1,256}$`)
)

// A sendEmail is the part of SESv2's SendEmail request that is simulated.
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

// mail returns the message of a request, or what is wrong with the request.
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
		if _, err := bareAddress(a); err != nil {
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

// send serves SendEmail. The reply with the message's id is sent before the event is
// published, as by SES.
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
		return // the sender has left; the next PublishDue publishes the event
	}
	_ = http.NewResponseController(w).Flush() // a writer that cannot flush sends the reply when send returns

	// The handler does not wait for PublishDue. The sender's next request may come on
	// the same connection and would wait too, and a listener that sends mail would
	// wait for ever.
	ctx := context.WithoutCancel(r.Context())
	m.background.Go(func() {
		if err := m.PublishDue(ctx); err != nil {
			m.log.ErrorContext(ctx, "mail events not published", "id", id, "err", err)
		}
	})
}

func refuseSend(w http.ResponseWriter, code int, kind, text string) {
	w.Header().Set("X-Amzn-Errortype", kind)
	reply(w, code, struct {
		Message string `json:"message"`
	}{text})
}
