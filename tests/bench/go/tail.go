// SPDX-License-Identifier: MIT

package main

import (
	"runtime"
	"sync/atomic"
	"time"
)

// As in tail_bench.cpp.
const mostNs = 1 << 20

type percentiles struct {
	P50  uint32 `json:"p50"`
	P99  uint32 `json:"p99"`
	P999 uint32 `json:"p999"`
}

func sample(operation func(), goOn func() bool) percentiles {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	counts := make([]uint64, mostNs+1)
	samples := 0
	for ; samples%1024 != 0 || goOn(); samples++ {
		before := time.Now()
		operation()
		ns := time.Since(before)
		if ns > mostNs {
			ns = mostNs
		}
		counts[ns]++
	}
	at := func(share float64) uint32 {
		below := share * float64(samples)
		for ns, count := range counts {
			below -= float64(count)
			if below <= 0 {
				return uint32(ns)
			}
		}
		return mostNs
	}
	return percentiles{at(.5), at(.99), at(.999)}
}

func tail(e exposition, duration float64) map[string]map[string]percentiles {
	least := time.Duration(duration * float64(time.Second))
	quiet := func(operation func()) percentiles {
		end := time.Now().Add(least)
		return sample(operation, func() bool { return time.Now().Before(end) })
	}
	scraped := func(operation func()) percentiles {
		var done atomic.Bool
		begun := make(chan struct{})
		end := time.Now().Add(least)
		go func() {
			close(begun)
			for again := true; again; again = time.Now().Before(end) {
				check(e.write(discarding{}))
			}
			done.Store(true)
		}()
		<-begun
		return sample(operation, func() bool { return !done.Load() })
	}
	both := func(operation func()) map[string]percentiles {
		return map[string]percentiles{"quiet": quiet(operation), "scraped": scraped(operation)}
	}
	return map[string]map[string]percentiles{
		"clock":       {"quiet": quiet(func() {})},
		"inc":         both(e.increment),
		"look_up_inc": both(e.lookUpAndIncrement),
	}
}
