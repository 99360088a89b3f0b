// SPDX-License-Identifier: MIT

package main

import (
	"io"
	"net/http"

	"github.com/VictoriaMetrics/metrics"
)

// Its series have no labels but in their names. Put together by +, which is several times as fast
// as the fmt.Sprintf of its documents.
func victoriaName(labels [3]string) string {
	return familyName + `{method="` + labels[0] + `",route="` + labels[1] + `",status="` +
		labels[2] + `"}`
}

type victoriaExposition struct {
	set     *metrics.Set
	counter *metrics.Counter
	labels  [3]string
}

// Histograms are its own: ranges that are not chosen, and of these the ones that are not empty.
func newVictoriaExposition(work string, lines int) exposition {
	e := &victoriaExposition{set: metrics.NewSet()}
	random, series := newRandom(), seriesOf(work, lines)
	for i := 0; i < series; i++ {
		name := victoriaName(labelValues(i))
		switch work {
		case "counters":
			e.set.NewCounter(name).Set(uint64(wholeNumber(random)))
		case "gauges":
			e.set.NewFloatCounter(name).Set(fullDouble(random))
		case "histograms":
			histogram := e.set.NewHistogram(name)
			for k := 0; k < observations; k++ {
				histogram.Update(duration(random))
			}
		default:
			fail("no such work: %s", work)
		}
	}
	if work == "counters" {
		e.labels = labelValues(series / 2)
		e.counter = e.set.GetOrCreateCounter(victoriaName(e.labels))
	}
	return e
}

func (e *victoriaExposition) write(w io.Writer) error {
	e.set.WritePrometheus(w)
	return nil
}

func (e *victoriaExposition) handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		e.set.WritePrometheus(w)
	})
}

// It sends by GET, which a Pushgateway refuses.
func (e *victoriaExposition) pusher(string, string) func() error { return nil }

func (e *victoriaExposition) increment() { e.counter.Inc() }

func (e *victoriaExposition) lookUpAndIncrement() {
	e.set.GetOrCreateCounter(victoriaName(e.labels)).Inc()
}

func victoriaHotWorks() []hotWork {
	set := metrics.NewSet()
	counter := set.NewCounter("counter_total")
	fraction := set.NewFloatCounter("fraction_total")
	gauge := set.NewFloatCounter("gauge")
	histogram := set.NewHistogram("histogram")
	for i := 0; i < lookUpSeries; i++ {
		set.NewCounter(victoriaName(labelValues(i)))
	}
	values, labels := durations(hotValues), labelValues(lookedUp)
	return []hotWork{
		{"inc", cheap, func(n int) {
			for i := 0; i < n; i++ {
				counter.Inc()
			}
		}},
		{"add", cheap, func(n int) {
			for i := 0; i < n; i++ {
				counter.Add(2)
			}
		}},
		{"add_fraction", cheap, func(n int) {
			for i := 0; i < n; i++ {
				fraction.Add(.5)
			}
		}},
		{"set", cheap, func(n int) {
			for i := 0; i < n; i++ {
				gauge.Set(float64(i))
			}
		}},
		{"observe", cheap, func(n int) {
			for i := 0; i < n; i++ {
				histogram.Update(values[i%hotValues])
			}
		}},
		{"look_up_inc", dear, func(n int) {
			for i := 0; i < n; i++ {
				set.GetOrCreateCounter(victoriaName(labels)).Inc()
			}
		}},
	}
}
