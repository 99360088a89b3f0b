// SPDX-License-Identifier: MIT

package main

import (
	"math"
	"math/rand"
	"strconv"
	"syscall"
	"time"
	"unsafe"
)

// The same series, with values of the same kinds, as in work.hpp.

const (
	familyName   = "http_requests_total"
	help         = "What is counted here."
	observations = 20
	seed         = 1
)

var (
	bounds     = []float64{.001, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
	labelNames = []string{"method", "route", "status"}
	methods    = []string{"GET", "POST", "PUT", "DELETE"}
)

func labelValues(series int) [3]string {
	return [3]string{methods[series%4], "/api/v1/items/" + strconv.Itoa(series),
		strconv.Itoa(200 + series%5)}
}

func seriesOf(work string, lines int) int {
	if work == "histograms" {
		return lines / (len(bounds) + 3)
	}
	return lines
}

func newRandom() *rand.Rand { return rand.New(rand.NewSource(seed)) }

func wholeNumber(random *rand.Rand) float64 { return float64(random.Intn(10000000)) }

func fullDouble(random *rand.Rand) float64 { return 1000 * random.Float64() }

// As likely in one bucket as in another.
func duration(random *rand.Rand) float64 {
	least, most := math.Log(.0005), math.Log(20)
	return math.Exp(least + (most-least)*random.Float64())
}

func durations(n int) []float64 {
	random, values := newRandom(), make([]float64, n)
	for i := range values {
		values[i] = duration(random)
	}
	return values
}

// CPU time of all threads, the garbage collector's too.
func cpuTime() time.Duration {
	const clockProcessCPUTime = 2
	var t syscall.Timespec
	_, _, errno := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, clockProcessCPUTime,
		uintptr(unsafe.Pointer(&t)), 0)
	if errno != 0 {
		fail("clock_gettime: %v", errno)
	}
	return time.Duration(t.Nano())
}

// A repetition as Google Benchmark writes it.
type run struct {
	RunName  string  `json:"run_name"`
	RunType  string  `json:"run_type"`
	Threads  int     `json:"threads"`
	CPUTime  float64 `json:"cpu_time"`
	RealTime float64 `json:"real_time"`
	Lines    int     `json:"lines,omitempty"`
	Bytes    int     `json:"bytes,omitempty"`
}

type benchmarks struct {
	Benchmarks []run `json:"benchmarks"`
}

// Calls operation, which does n things, on as many threads at once.
func measure(name string, threads, n int, operation func(n int)) run {
	begin, done := make(chan struct{}), make(chan struct{})
	for i := 0; i < threads; i++ {
		go func() {
			<-begin
			operation(n)
			done <- struct{}{}
		}()
	}
	cpu, wall := cpuTime(), time.Now()
	close(begin)
	for i := 0; i < threads; i++ {
		<-done
	}
	all := float64(threads * n)
	return run{RunName: name, RunType: "iteration", Threads: threads,
		CPUTime: float64(cpuTime()-cpu) / all, RealTime: float64(time.Since(wall)) / all}
}
