package statement

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"evisit/pkg/ledger"
	"evisit/pkg/money"
)

// columns are those of WriteCSV, one line for each posting.
var columns = []string{"time", "entry", "kind", "about", "payment", "way", "account", "figure", "amount_cents", "amount_usd", "form", "clinician", "payer"}

// WriteCSV writes entries for an accountant, as RFC 4180 has it: one line for each posting, whose
// time is of zone, with its offset. Debits are positive and credits negative, so that the lines of
// an entry add up to zero.
func WriteCSV(w io.Writer, entries []ledger.Entry, zone *time.Location) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	lines := [][]string{columns}
	for _, e := range entries {
		for _, p := range e.Postings {
			line := []string{
				e.At.In(zone).Format("2006-01-02T15:04:05.000Z07:00"), e.ID, string(e.Kind), AboutOf(e), e.Payment,
				string(WayOf(e)), string(p.Account), string(figureOf(e.Kind, p.Account)),
			}
			for n, cell := range line {
				line[n] = harmless(cell)
			}
			lines = append(lines, append(line, strconv.FormatInt(int64(p.Amount), 10), dollars(p.Amount), harmless(e.Form), harmless(e.Clinician), harmless(e.Payer)))
		}
	}
	if err := out.WriteAll(lines); err != nil {
		return fmt.Errorf("writing entries as CSV: %w", err)
	}
	return nil
}

// harmless returns a cell that a spreadsheet does not take for a formula. Amounts are not made
// so: a number that begins with a minus is a number.
func harmless(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r\n", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}

// dollars writes an amount as a number: -40.05.
func dollars(c money.Cents) string { return strings.Replace(c.String(), "$", "", 1) }
