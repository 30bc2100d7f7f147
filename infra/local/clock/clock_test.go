package clock_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"evisit/infra/local/clock"
	"evisit/pkg/fault"
)

// wantAhead checks that the clock is want ahead of real time, within the minute
// that a slow machine may take between two readings.
func wantAhead(t *testing.T, c *clock.Clock, want time.Duration) {
	t.Helper()
	if diff := time.Until(c.Now()) - want; diff > time.Second || diff < -time.Minute {
		t.Errorf("clock is %s ahead, want %s", time.Until(c.Now()), want)
	}
}

func load(t *testing.T, path string, offset time.Duration) *clock.Clock {
	t.Helper()
	c, err := clock.Load(path, offset)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The offset is kept in the file, and no other file remains.
func TestAdvance_SurvivesRestart(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "clock")
	c := load(t, path, 0)
	wantAhead(t, c, 0)
	if _, err := c.Advance(36 * time.Hour); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Advance(90 * time.Minute); err != nil {
		t.Fatal(err)
	}
	wantAhead(t, load(t, path, 0), 37*time.Hour+30*time.Minute)
	if got := load(t, path, 0).Now().Location(); got != time.UTC {
		t.Errorf("location is %s, want UTC", got)
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	if len(left) != 1 {
		t.Errorf("%d files remain beside the clock's own, want none", len(left)-1)
	}
}

func TestLoad_StartOffset(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		kept        string
		start, want time.Duration
	}{
		"no file":                  {"", 48 * time.Hour, 48 * time.Hour},
		"no file, negative offset": {"", -24 * time.Hour, -24 * time.Hour},
		"smaller in the file":      {"1h", 48 * time.Hour, 48 * time.Hour},
		"greater in the file":      {"72h", 48 * time.Hour, 72 * time.Hour},
		"none given":               {"72h", 0, 72 * time.Hour},
		"none given, negative":     {"-5h", 0, -5 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "clock")
			if tc.kept != "" {
				if err := os.WriteFile(path, []byte(tc.kept), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			wantAhead(t, load(t, path, tc.start), tc.want)
			wantAhead(t, load(t, path, 0), tc.want)
		})
	}
}

func TestLoad_Refuses(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "clock")
	if err := os.WriteFile(path, []byte("tomorrow"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := clock.Load(path, 0); err == nil {
		t.Error("a damaged file was taken for a clock")
	}
	if _, err := clock.Load("", 101*365*24*time.Hour); err == nil {
		t.Error("an offset of more than a century was accepted")
	}
}

func TestAdvance_Refuses(t *testing.T) {
	t.Parallel()
	for name, step := range map[string]time.Duration{
		"a move backwards":        -time.Second,
		"a step over the longest": clock.MaxStep + time.Second,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := load(t, "", 0)
			c.OnAdvance(func() { t.Error("a hook ran after a refused move") })
			if _, err := c.Advance(step); !errors.Is(err, fault.Invalid) {
				t.Errorf("error is %v, want %v", err, fault.Invalid)
			}
			wantAhead(t, c, 0)
		})
	}
}

// Advance refuses a move before the offset overflows.
func TestAdvance_StopsBeforeOverflow(t *testing.T) {
	t.Parallel()
	c := load(t, "", 0)
	var err error
	for range 400 {
		before := c.Now()
		if _, err = c.Advance(clock.MaxStep); err != nil {
			break
		}
		if !c.Now().After(before) {
			t.Fatal("the clock went backwards")
		}
	}
	if !errors.Is(err, fault.Invalid) {
		t.Errorf("error is %v, want %v", err, fault.Invalid)
	}
}

func TestAdvance_FailedWriteDoesNotMove(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	c := load(t, filepath.Join(dir, "clock"), 0)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Advance(time.Hour); err == nil {
		t.Error("a move that was not kept reported success")
	}
	wantAhead(t, c, 0)
}

func TestAdvance_Concurrent(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "clock")
	c := load(t, path, 0)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, err := c.Advance(time.Hour); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	wantAhead(t, c, 20*time.Hour)
	wantAhead(t, load(t, path, 0), 20*time.Hour)
}

func TestOnAdvance_HooksSeeTheNewTime(t *testing.T) {
	t.Parallel()
	c := load(t, "", 0)
	var order []string
	c.OnAdvance(func() {
		wantAhead(t, c, time.Hour)
		order = append(order, "first")
	})
	c.OnAdvance(func() { order = append(order, "second") })
	if _, err := c.Advance(time.Hour); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(order, " "); got != "first second" {
		t.Errorf("hooks ran as %q, want %q", got, "first second")
	}
}

func TestClock_Handler(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		method, body string
		origin       string
		code         int
		offset       string
	}{
		"returns the time":            {"GET", "", "", 200, "0s"},
		"moves the clock":             {"POST", `{"advance":"36h"}`, "", 200, "36h0m0s"},
		"moves the clock by 0s":       {"POST", `{"advance":"0s"}`, "", 200, "0s"},
		"refuses a move backwards":    {"POST", `{"advance":"-1h"}`, "", 422, ""},
		"refuses a move over MaxStep": {"POST", `{"advance":"9601h"}`, "", 422, ""},
		"refuses an empty move":       {"POST", `{}`, "", 422, ""},
		"refuses an unknown unit":     {"POST", `{"advance":"3 days"}`, "", 422, ""},
		"refuses a number":            {"POST", `{"advance":36}`, "", 400, ""},
		"refuses an unknown field":    {"POST", `{"to":"2030-01-01"}`, "", 400, ""},
		"refuses half a body":         {"POST", `{"advance":`, "", 400, ""},
		"refuses a huge body":         {"POST", `{"advance":"` + strings.Repeat("1", 2<<10) + `h"}`, "", 400, ""},
		"refuses another origin":      {"POST", `{"advance":"1h"}`, "https://elsewhere.example", 403, ""},
		"has no other method":         {"DELETE", "", "", 405, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := load(t, "", 0)
			r := httptest.NewRequest(tc.method, "/dev/clock", strings.NewReader(tc.body))
			if tc.origin != "" {
				r.Header.Set("Origin", tc.origin)
			}
			w := httptest.NewRecorder()
			c.Handler().ServeHTTP(w, r)
			if w.Code != tc.code {
				t.Fatalf("status is %d, want %d: %s", w.Code, tc.code, w.Body)
			}
			if tc.code != http.StatusOK {
				wantAhead(t, c, 0)
				return
			}
			var got struct {
				Now    time.Time `json:"now"`
				Offset string    `json:"offset"`
			}
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
				t.Fatal(err)
			}
			if got.Offset != tc.offset {
				t.Errorf("offset is %s, want %s", got.Offset, tc.offset)
			}
			if d := c.Now().Sub(got.Now); d < 0 || d > time.Minute {
				t.Errorf("the returned time is %s off", d)
			}
		})
	}
}
