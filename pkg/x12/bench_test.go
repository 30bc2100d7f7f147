package x12_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"evisit/pkg/x12"
	"evisit/pkg/x12/p835"
	"evisit/pkg/x12/p837"
	"evisit/pkg/x12/x12test"
)

// writeClaims writes the claim of p837's golden file n times, in as many batches
// as that needs, to dst.
func writeClaims(tb testing.TB, dst io.Writer, n int) {
	tb.Helper()
	file, err := os.ReadFile("p837/testdata/original.x12")
	if err != nil {
		tb.Fatal(err)
	}
	r := p837.NewReader(bytes.NewReader(file))
	c, err := r.Claim()
	if err != nil {
		tb.Fatal(err)
	}
	w := p837.NewWriter(dst, x12test.Interchange, group)
	for i := range n {
		if i%p837.MaxClaims == 0 {
			err = errors.Join(err, w.Begin(r.Batch()))
		}
		c.ID = fmt.Sprint("EV-2026-", i)
		err = errors.Join(err, w.Claim(c))
	}
	if err := errors.Join(err, w.Close()); err != nil {
		tb.Fatal(err)
	}
}

// readClaims reads an 837 of n claims and keeps none. each is called after each.
func readClaims(tb testing.TB, src io.Reader, n int, each func(i int)) {
	tb.Helper()
	r := p837.NewReader(src)
	i := 0
	_, err := r.Claim()
	for ; err == nil; _, err = r.Claim() {
		each(i)
		i++
	}
	if !errors.Is(err, io.EOF) || i != n {
		tb.Fatalf("read %d claims of %d: %v", i, n, err)
	}
}

// writeRemittance writes an 835 that pays the claim of p835's sample n times.
func writeRemittance(tb testing.TB, dst io.Writer, n int) {
	tb.Helper()
	file, err := os.ReadFile("p835/testdata/sample.x12")
	if err != nil {
		tb.Fatal(err)
	}
	segments := strings.Split(strings.ReplaceAll(string(file), "\n", ""), "~")
	head, claim := segments[2:14], segments[14:24]
	w := x12.NewWriter(dst, x12test.Interchange)
	g := group
	g.Kind, g.Version = "HP", p835.Version
	w.Group(g)
	w.Set("835")
	put := func(segment string) {
		elements := strings.Split(segment, "*")
		s := w.Start(elements[0])
		for _, e := range elements[1:] {
			s.Parts(strings.Split(e, ":")...)
		}
		s.End()
	}
	for _, s := range head[1:] {
		put(s)
	}
	for range n {
		for _, s := range claim {
			put(s)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
}

func readRemittance(tb testing.TB, src io.Reader, n int, each func(i int)) {
	tb.Helper()
	r := p835.NewReader(src)
	if _, err := r.Next(); err != nil {
		tb.Fatal(err)
	}
	i := 0
	c, err := r.Claim()
	for ; err == nil; c, err = r.Claim() {
		if left := c.Imbalances(); len(left) > 0 {
			tb.Fatal(left)
		}
		each(i)
		i++
	}
	if _, end := r.Next(); !errors.Is(err, io.EOF) || !errors.Is(end, io.EOF) || i != n {
		tb.Fatalf("read %d claims of %d: %v, %v", i, n, err, end)
	}
}

// BenchmarkClaim reads and writes claims and remittances, beside the least that
// a reader does: bare loops that cut the same file into segments, and into
// elements, which they count and do not keep. An op is one claim. cpu-ns/claim is
// the process's time on processors, which says more than ns/op on a busy machine.
func BenchmarkClaim(b *testing.B) {
	const n = 10_000
	measure := func(name string, size int, all func(b *testing.B)) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(size / n))
			before := processorTime(b)
			done := 0
			for ; done < b.N; done += n {
				all(b)
			}
			used := processorTime(b) - before
			b.ReportMetric((used/time.Duration(done)).Seconds()*1e9, "cpu-ns/claim")
		})
	}
	for _, kind := range []struct {
		name  string
		write func(testing.TB, io.Writer, int)
		read  func(testing.TB, io.Reader, int, func(int))
	}{{"837", writeClaims, readClaims}, {"835", writeRemittance, readRemittance}} {
		var file bytes.Buffer
		kind.write(b, &file, n)
		size := file.Len()
		source := func() io.Reader { return bytes.NewReader(file.Bytes()) }
		measure(kind.name+"/segments", size, func(b *testing.B) { cut(b, source(), false) })
		measure(kind.name+"/elements", size, func(b *testing.B) { cut(b, source(), true) })
		measure(kind.name+"/read", size, func(b *testing.B) { kind.read(b, source(), n, func(int) {}) })
		if kind.name == "837" {
			measure(kind.name+"/write", size, func(b *testing.B) { kind.write(b, io.Discard, n) })
		}
	}
}

func processorTime(tb testing.TB) time.Duration {
	tb.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// cut is the bare loop.
func cut(tb testing.TB, src io.Reader, elements bool) {
	tb.Helper()
	s := bufio.NewScanner(src)
	s.Split(func(data []byte, _ bool) (int, []byte, error) {
		if i := bytes.IndexByte(data, '~'); i >= 0 {
			return i + 1, data[:i], nil
		}
		return 0, nil, nil
	})
	n := 0
	for s.Scan() {
		n++
		if elements {
			for range strings.SplitSeq(s.Text(), "*") {
				n++
			}
		}
	}
	if err := s.Err(); err != nil || n == 0 {
		tb.Fatal(n, err)
	}
}

// What a reader holds does not grow with the file. Claims are written at one end
// of a pipe while they are read at the other, so neither end has the whole file.
func TestMemory_IsFlat(t *testing.T) {
	few, many := 1_000, 30_000
	if os.Getenv("LONG") != "" {
		many = 1_000_000
	}
	for name, kind := range map[string]struct {
		write func(testing.TB, io.Writer, int)
		read  func(testing.TB, io.Reader, int, func(int))
	}{"837": {writeClaims, readClaims}, "835": {writeRemittance, readRemittance}} {
		held := func(n int) (most uint64) {
			from, to := io.Pipe()
			go func() {
				defer func() { _ = to.Close() }()
				kind.write(t, to, n)
			}()
			kind.read(t, from, n, func(i int) {
				if i%(n/10) == n/10-1 {
					var m runtime.MemStats
					runtime.GC()
					runtime.ReadMemStats(&m)
					most = max(most, m.HeapAlloc)
				}
			})
			return most
		}
		if a, b := held(few), held(many); b > a+1<<20 {
			t.Errorf("%s: %d bytes are held for %d claims, %d for %d", name, a, few, b, many)
		}
	}
}
