// SPDX-License-Identifier: MIT

// One of the peers that are written in Go. Each mode writes one JSON object; those of hot and
// scrape have the form of Google Benchmark's.
//
// usage: go_driver client_golang|victoriametrics
//
//	hot REPETITIONS
//	scrape counters|histograms|gauges LINES REPETITIONS SECONDS BUDGET
//	serve LINES
//	push HOST:PORT LINES PUSHES text|protobuf
//	tail LINES SECONDS
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
)

// One family of a library.
type exposition interface {
	// A whole scrape, as the library's own handler makes it, to w.
	write(w io.Writer) error
	handler() http.Handler
	// Nil where the library cannot push to a Pushgateway.
	pusher(address, format string) func() error
	// Of the series in the middle of counters: by a handle that was kept, and by its labels.
	increment()
	lookUpAndIncrement()
}

type library struct {
	newExposition func(work string, lines int) exposition
	hotWorks      func() []hotWork
}

var libraries = map[string]library{
	"client_golang":   {newGolangExposition, golangHotWorks},
	"victoriametrics": {newVictoriaExposition, victoriaHotWorks},
}

func fail(format string, arguments ...any) {
	fmt.Fprintf(os.Stderr, "go_driver: "+format+"\n", arguments...)
	os.Exit(1)
}

func check(err error) {
	if err != nil {
		fail("%v", err)
	}
}

func argument(i int) string {
	if i >= len(os.Args) {
		fail("too few arguments")
	}
	return os.Args[i]
}

func number(i int) int {
	n, err := strconv.Atoi(argument(i))
	check(err)
	return n
}

func seconds(i int) float64 {
	s, err := strconv.ParseFloat(argument(i), 64)
	check(err)
	return s
}

func main() {
	who := argument(1)
	lib, known := libraries[who]
	if !known {
		fail("nobody is called %s", who)
	}
	var result any
	switch mode := argument(2); mode {
	case "hot":
		result = benchmarks{hot(who, lib.hotWorks(), number(3))}
	case "scrape":
		result = scrape(who, lib, argument(3), number(4), number(5), seconds(6), seconds(7))
	case "serve":
		serve(lib.newExposition("counters", number(3)))
		return
	case "push":
		push := lib.newExposition("counters", number(4)).pusher(argument(3), argument(6))
		if push == nil {
			fail("%s does not push to a Pushgateway", who)
		}
		result = pushTimes(push, number(5))
	case "tail":
		result = tail(lib.newExposition("counters", number(3)), seconds(4))
	default:
		fail("no such mode: %s", mode)
	}
	check(json.NewEncoder(os.Stdout).Encode(result))
}
