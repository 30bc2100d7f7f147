package main

import (
	"bytes"
	"context"
	"encoding/json"
	"html"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"evisit/infra/local/system"
)

// shell finds the blocks of the page that are for a shell; the others show bodies.
var shell = regexp.MustCompile(`(?s)<pre class="sh">(.*?)</pre>`)

// Somebody who pastes every block of the page in turn has a visit that is answered
// and paid. The shell stops at the first command that fails.
func TestPage_PastingReachesAnAnsweredPaidVisit(t *testing.T) {
	t.Parallel()
	sys, err := system.Start(context.WithoutCancel(t.Context()), system.Options{
		Addr: "127.0.0.1:0", Data: t.TempDir(), Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sys.Close(); err != nil {
			t.Error(err)
		}
	})
	var script strings.Builder
	for _, block := range shell.FindAllSubmatch(read(t, pageFile), -1) {
		script.WriteString(html.UnescapeString(string(block[1])) + "\n")
	}
	file := filepath.Join(t.TempDir(), "page.sh")
	if err := os.WriteFile(file, []byte(script.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	const patience = 2 * time.Minute
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	sh := exec.CommandContext(ctx, "sh", "-e", "-x", file)
	sh.Env = append(os.Environ(), "BASE="+sys.URL)
	if said, err := sh.CombinedOutput(); err != nil {
		const shown = 3_000
		t.Fatalf("pasting the page: %v\n…%s", err, said[max(0, len(said)-shown):])
	}

	var cast system.Seeded
	ask(t, http.MethodPost, sys.URL+"/dev/seed", "", &cast)
	var list struct {
		Visits []struct{ ID, Status, Document string }
	}
	jane := cast.People[0].Token
	ask(t, http.MethodGet, sys.URL+"/visits", jane, &list)
	if len(list.Visits) != 2 || list.Visits[0].Status != "cancelled" || list.Visits[1].Status != "closed" || list.Visits[1].Document == "" {
		t.Fatalf("the page leads to %+v, want a visit answered and closed, and a draft cancelled", list.Visits)
	}
	var money struct {
		Payments []struct {
			State     string
			Amount    int64 `json:"amount_cents"`
			Collected int64 `json:"collected_cents"`
			StripeFee int64 `json:"stripe_fee_cents"`
		}
		Balances map[string]int64
	}
	ask(t, http.MethodGet, sys.URL+"/visits/"+list.Visits[1].ID+"/ledger", jane, &money)
	if p := money.Payments; len(p) != 1 || p[0].State != "captured" || p[0].Collected != p[0].Amount || p[0].StripeFee != 146 ||
		money.Balances["stripe_fees"] != p[0].StripeFee || money.Balances["stripe"] != p[0].Amount-p[0].StripeFee {
		t.Errorf("the visit's money is %+v, want one payment, captured", money)
	}
}

// What a newcomer is told to run is in blocks that the test runs.
func TestPage_CommandsAreInShellBlocks(t *testing.T) {
	t.Parallel()
	rest := shell.ReplaceAll(read(t, pageFile), nil)
	for _, block := range regexp.MustCompile(`(?s)<pre[^>]*>(.*?)</pre>`).FindAllSubmatch(rest, -1) {
		if bytes.Contains(block[1], []byte("curl ")) || bytes.Contains(block[1], []byte("$BASE")) {
			t.Errorf("nobody runs %s", block[1])
		}
	}
}

func ask(t *testing.T, method, url, token string, out any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if err := json.NewDecoder(res.Body).Decode(out); err != nil {
		t.Fatalf("%s %s answered %d: %v", method, url, res.StatusCode, err)
	}
}
