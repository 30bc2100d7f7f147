package chart

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/phi"
	"evisit/pkg/record"
	"evisit/pkg/visit"
)

// maxMessage bounds a message in characters.
const maxMessage = 8000

// ValidMessage reports whether text can be a message: it is not blank, not too
// long, and holds no NUL.
func ValidMessage(text phi.Text) bool {
	plain := text.Reveal()
	return !text.Blank() && utf8.RuneCountInString(plain) <= maxMessage && !strings.ContainsRune(plain, 0)
}

// SealMessage seals text as by's latest message in v, whose count of messages
// includes it already. It refuses a text that is not valid.
func (k *Keeper) SealMessage(ctx context.Context, v visit.Visit, by identity.Person, kind record.MessageKind, text phi.Text, now time.Time) (clinic.Message, error) {
	if err := checkText("message", text); err != nil {
		return clinic.Message{}, err
	}
	m := record.Message{Seq: v.Messages, Kind: kind, From: by.ID, Name: by.Display, At: now, Text: text}
	body, err := k.Vault.Seal(ctx, messagePlace(v, m.Seq), m)
	return clinic.Message{Visit: v.ID, Seq: m.Seq, Body: body}, err
}

// SealNote seals n as the latest note of v, whose count of notes includes it already. It
// refuses a text that could not be a message.
func (k *Keeper) SealNote(ctx context.Context, v visit.Visit, n record.Note) (clinic.Note, error) {
	if err := checkText("note", n.Text); err != nil {
		return clinic.Note{}, err
	}
	n.Seq = v.Notes
	body, err := k.Vault.Seal(ctx, notePlace(v, n.Seq), n)
	return clinic.Note{Visit: v.ID, Seq: n.Seq, Body: body}, err
}

// checkText refuses a text that cannot be a message; what says what it is.
func checkText(what string, text phi.Text) error {
	if strings.ContainsRune(text.Reveal(), 0) {
		return fault.New(fault.Invalid, "message_length", "a "+what+" cannot hold the character U+0000; take it out",
			fault.Problem{Where: "/text", Code: "characters", Text: "take out the character U+0000"})
	}
	if !ValidMessage(text) {
		return fault.New(fault.Invalid, "message_length", fmt.Sprintf("write a %s of 1 to %d characters", what, maxMessage),
			fault.Problem{Where: "/text", Code: "length", Text: fmt.Sprintf("write a %s, of at most %d characters", what, maxMessage)})
	}
	return nil
}
