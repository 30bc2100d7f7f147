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

// ahead reports whether the clock is want ahead of real time, give or take the
// minute a slow machine may take between two readings.
func ahead(t *testing.T, c *clock.Clock, want time.Duration) {
	t.Helper()
	if diff := time.Until(c.Now()) - want; diff > time.Second || diff < -time.Minute {
		t.Errorf("clock is %s ahead, want %s", time.Until(c.Now()), want)
	}
}

func open(t *testing.T, path string, offset time.Duration) *clock.Clock {
	t.Helper()
	c, err := clock.Open(path, offset)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAdvanceSurvivesARestart(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "clock")
	c := open(t, path, 0)
	ahead(t, c, 0)
	if _, err := c.Advance(36 * time.Hour); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Advance(90 * time.Minute); err != nil {
		t.Fatal(err)
	}
	ahead(t, open(t, path, 0), 37*time.Hour+30*time.Minute)
	if got := open(t, path, 0).Now().Location(); got != time.UTC {
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

func TestStartOffset(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		kept        string
		start, want time.Duration
	}{
		"sets a fresh clock":                   {"", 48 * time.Hour, 48 * time.Hour},
		"may lie in the past":                  {"", -24 * time.Hour, -24 * time.Hour},
		"moves an older clock forward":         {"1h", 48 * time.Hour, 48 * time.Hour},
		"never takes time back":                {"72h", 48 * time.Hour, 72 * time.Hour},
		"that is absent leaves the kept one":   {"72h", 0, 72 * time.Hour},
		"that is absent leaves a negative one": {"-5h", 0, -5 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "clock")
			if tc.kept != "" {
				if err := os.WriteFile(path, []byte(tc.kept), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			ahead(t, open(t, path, tc.start), tc.want)
			ahead(t, open(t, path, 0), tc.want)
		})
	}
}

func TestOpenRefusesWhatItCannotRead(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "clock")
	if err := os.WriteFile(path, []byte("tomorrow"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := clock.Open(path, 0); err == nil {
		t.Error("a damaged file was taken for a clock")
	}
	if _, err := clock.Open("", 101*365*24*time.Hour); err == nil {
		t.Error("an offset of more than a century was accepted")
	}
}

func TestAdvanceRefuses(t *testing.T) {
	t.Parallel()
	for name, step := range map[string]time.Duration{
		"a move backwards":        -time.Second,
		"a step over the longest": clock.MaxStep + time.Second,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := open(t, "", 0)
			c.OnAdvance(func() { t.Error("a hook ran after a refused move") })
			if _, err := c.Advance(step); !errors.Is(err, fault.Invalid) {
				t.Errorf("error is %v, want %v", err, fault.Invalid)
			}
			ahead(t, c, 0)
		})
	}
}

func TestAdvanceStopsShortOfOverflow(t *testing.T) {
	t.Parallel()
	c := open(t, "", 0)
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

func TestAFailedWriteDoesNotMoveTheClock(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	c := open(t, filepath.Join(dir, "clock"), 0)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Advance(time.Hour); err == nil {
		t.Error("a move that was not kept reported success")
	}
	ahead(t, c, 0)
}

func TestConcurrentAdvancesAllCount(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "clock")
	c := open(t, path, 0)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, err := c.Advance(time.Hour); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	ahead(t, c, 20*time.Hour)
	ahead(t, open(t, path, 0), 20*time.Hour)
}

func TestHooksSeeTheNewTime(t *testing.T) {
	t.Parallel()
	c := open(t, "", 0)
	var order []string
	c.OnAdvance(func() {
		ahead(t, c, time.Hour)
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

func TestHandler(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		method, body string
		origin       string
		code         int
		offset       string
	}{
		"tells the time":             {"GET", "", "", 200, "0s"},
		"moves it":                   {"POST", `{"advance":"36h"}`, "", 200, "36h0m0s"},
		"may move it by nothing":     {"POST", `{"advance":"0s"}`, "", 200, "0s"},
		"refuses a move backwards":   {"POST", `{"advance":"-1h"}`, "", 422, ""},
		"refuses an absurd move":     {"POST", `{"advance":"9601h"}`, "", 422, ""},
		"refuses a move without one": {"POST", `{}`, "", 422, ""},
		"refuses an unknown unit":    {"POST", `{"advance":"3 days"}`, "", 422, ""},
		"refuses a number":           {"POST", `{"advance":36}`, "", 400, ""},
		"refuses an unknown field":   {"POST", `{"to":"2030-01-01"}`, "", 400, ""},
		"refuses half a body":        {"POST", `{"advance":`, "", 400, ""},
		"refuses a huge body":        {"POST", `{"advance":"` + strings.Repeat("1", 2<<10) + `h"}`, "", 400, ""},
		"refuses a stranger's page":  {"POST", `{"advance":"1h"}`, "https://elsewhere.example", 403, ""},
		"has no other method":        {"DELETE", "", "", 405, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := open(t, "", 0)
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
				ahead(t, c, 0)
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
				t.Errorf("the time told is %s off", d)
			}
		})
	}
}
