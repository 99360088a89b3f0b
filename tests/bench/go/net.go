// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

// Until stdin ends.
func serve(e exposition) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	go func() { check(http.Serve(listener, e.handler())) }()
	fmt.Printf("{\"port\": %d}\n", listener.Addr().(*net.TCPAddr).Port)
	_, err = io.Copy(io.Discard, os.Stdin)
	check(err)
}

type times struct {
	CPU  []float64 `json:"cpu_ms"`
	Wall []float64 `json:"wall_ms"`
}

func pushTimes(push func() error, pushes int) times {
	var t times
	check(push())
	for i := 0; i < pushes; i++ {
		cpu, wall := cpuTime(), time.Now()
		check(push())
		t.CPU = append(t.CPU, float64(cpuTime()-cpu)/1e6)
		t.Wall = append(t.Wall, float64(time.Since(wall))/1e6)
	}
	return t
}
