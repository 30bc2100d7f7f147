// Command verify is for an auditor: it compares the rows of an export with the
// log in it, and the log with its signature. It needs the export and the log's
// public key alone, and prints the first difference.
//
//	verify -key 'evisit.example/log/practice+1a2b3c4d+AbCd…' page1 page2 …
//	verify -key … -url https://visit.example.org -token TOKEN
//
// Pages are read in the order given; without any, the export is read from
// standard input. With -url it is fetched from a running system, with the token
// of a person who may read the log; -out keeps the fetched export as one page.
// The exit status is 1 if there is a finding, and 2 if the export cannot be
// read. evisit/pkg/audit describes the form of an export.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"evisit/pkg/audit"
)

const (
	found    = 1
	unusable = 2
)

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

func run(args []string, in io.Reader, out, problems io.Writer) int {
	leaves, rows, err := verify(args, in, problems)
	switch _, isFinding := errors.AsType[*audit.Finding](err); {
	case isFinding:
		_, _ = fmt.Fprintln(out, err)
		return found
	case errors.Is(err, flag.ErrHelp):
		return unusable
	case err != nil:
		_, _ = fmt.Fprintln(problems, "verify:", err)
		return unusable
	}
	_, _ = fmt.Fprintf(out, "%d leaves, %d rows: nothing altered\n", leaves, rows)
	return 0
}

func verify(args []string, in io.Reader, problems io.Writer) (leaves, rows int64, err error) {
	flags := flag.NewFlagSet("verify", flag.ContinueOnError)
	flags.SetOutput(problems)
	key := flags.String("key", "", "the log's public key: name, hash and key with + between")
	from := source{ctx: context.Background()}
	flags.StringVar(&from.url, "url", "", "fetch the export from the system at this address")
	flags.StringVar(&from.token, "token", "", "with -url: a token of somebody who may read the log")
	keep := flags.String("out", "", "with -url: keep the export in this file")
	if err := flags.Parse(args); err != nil {
		return 0, 0, err
	}
	replay, err := audit.NewReplay(*key)
	if err != nil {
		return 0, 0, err
	}
	switch {
	case from.url != "":
		err = from.fetchAll(replay, *keep)
	case flags.NArg() == 0:
		err = replay.Read(in)
	}
	for _, path := range flags.Args() {
		if err = readPage(replay, path); err != nil {
			break
		}
	}
	if err != nil {
		return 0, 0, err
	}
	return replay.End()
}

func readPage(replay *audit.Replay, path string) error {
	f, err := os.Open(path) //nolint:gosec // the auditor names the file
	if err != nil {
		return err
	}
	if err := errors.Join(replay.Read(f), f.Close()); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
