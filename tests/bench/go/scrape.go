// SPDX-License-Identifier: MIT

package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
)

type counting struct{ bytes int }

func (c *counting) Write(p []byte) (int, error) {
	c.bytes += len(p)
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
	check(e.write(&counting{}))
	peak := status("VmHWM")
	runtime.ReadMemStats(&last)

	var text bytes.Buffer
	check(e.write(&text))
	real := 0
	for _, line := range bytes.Split(bytes.TrimSuffix(text.Bytes(), []byte("\n")), []byte("\n")) {
		if line[0] != '#' {
			real++
		}
	}
	size := text.Len()
	text = bytes.Buffer{}
	result := scrapeResult{Allocations: last.Mallocs - first.Mallocs, PeakExtra: peak - before,
		Series: seriesOf(work, lines), SeriesBytes: before - empty, Lines: real}
	name := fmt.Sprintf("%s/%s/%d", work, who, lines)
	for begun := time.Now(); len(result.Benchmarks) < repetitions; {
		one := measureScrapes(name, e, least)
		one.Lines, one.Bytes = real, size
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
		check(e.write(&counting{}))
		n++
	}
	return run{RunName: name, RunType: "iteration", Threads: 1,
		CPUTime: float64(cpuTime()-cpu) / n, RealTime: float64(time.Since(wall)) / n}
}
