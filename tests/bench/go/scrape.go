// SPDX-License-Identifier: MIT

package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
)

type discarding struct{}

func (discarding) Write(p []byte) (int, error) { return len(p), nil }

// Counts what it drops.
type counting struct {
	bytes, lines int
	inLine       bool
}

func (c *counting) Write(p []byte) (int, error) {
	c.bytes += len(p)
	for _, b := range p {
		if !c.inLine && b != '#' {
			c.lines++
		}
		c.inLine = b != '\n'
	}
	return len(p), nil
}

// Bytes of a line of /proc/self/status that is in kB.
func status(key string) int64 {
	file, err := os.Open("/proc/self/status")
	check(err)
	defer file.Close()
	for in := bufio.NewScanner(file); in.Scan(); {
		if strings.HasPrefix(in.Text(), key+":") {
			var kib int64
			_, err := fmt.Sscan(in.Text()[len(key)+1:], &kib)
			check(err)
			return kib * 1024
		}
	}
	fail("no %s in /proc/self/status", key)
	return 0
}

type scrapeResult struct {
	benchmarks
	Allocations uint64 `json:"allocations"`
	PeakExtra   int64  `json:"peak_extra_bytes"`
	Series      int    `json:"series"`
	SeriesBytes int64  `json:"series_bytes"`
	Lines       int    `json:"lines"`
}

func scrape(who string, lib library, work string, lines, repetitions int,
	least, budget float64) scrapeResult {
	debug.FreeOSMemory()
	empty := status("VmRSS")
	e := lib.newExposition(work, lines)
	debug.FreeOSMemory()
	before := status("VmRSS")
	// Sets the peak back to what is resident now (proc(5)).
	check(os.WriteFile("/proc/self/clear_refs", []byte("5"), 0))
	var first, last runtime.MemStats
	runtime.ReadMemStats(&first)
	var text counting
	check(e.write(&text))
	peak := status("VmHWM")
	runtime.ReadMemStats(&last)
	result := scrapeResult{Allocations: last.Mallocs - first.Mallocs, PeakExtra: peak - before,
		Series: seriesOf(work, lines), SeriesBytes: before - empty, Lines: text.lines}
	name := fmt.Sprintf("%s/%s/%d", work, who, lines)
	for begun := time.Now(); len(result.Benchmarks) < repetitions; {
		one := measureScrapes(name, e, least)
		one.Lines, one.Bytes = text.lines, text.bytes
		result.Benchmarks = append(result.Benchmarks, one)
		if time.Since(begun).Seconds() > budget {
			break
		}
	}
	return result
}

// Scrapes until least seconds have gone by.
func measureScrapes(name string, e exposition, least float64) run {
	cpu, wall, n := cpuTime(), time.Now(), 0.0
	for n == 0 || time.Since(wall).Seconds() < least {
		check(e.write(discarding{}))
		n++
	}
	return run{RunName: name, RunType: "iteration", Threads: 1,
		CPUTime: float64(cpuTime()-cpu) / n, RealTime: float64(time.Since(wall)) / n}
}
