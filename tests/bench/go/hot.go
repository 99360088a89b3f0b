// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"math/rand"
	"runtime"
)

const (
	cheap = 1000000
	dear  = 100000
	// How many series the family has in which the look-up finds one.
	lookUpSeries = 1000
	lookedUp     = 500
	hotValues    = 4096 // a power of two
)

// Something that is done n times by each call.
type hotWork struct {
	name string
	n    int
	do   func(n int)
}

// All works at 1 and at 2 threads, in another order each time.
func hot(who string, works []hotWork, repetitions int) []run {
	var runs []run
	for r := 0; r < repetitions; r++ {
		for _, i := range rand.Perm(2 * len(works)) {
			work, threads := works[i/2], 1+i%2
			runtime.GC()
			name := fmt.Sprintf("%s/%s/iterations:%d/threads:%d", work.name, who, work.n, threads)
			runs = append(runs, measure(name, threads, work.n, work.do))
		}
	}
	return runs
}
