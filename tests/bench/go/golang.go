// SPDX-License-Identifier: MIT

package main

import (
	"io"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/client_golang/prometheus/push"
	"github.com/prometheus/common/expfmt"
)

type golangExposition struct {
	registry *prometheus.Registry
	vector   *prometheus.CounterVec
	counter  prometheus.Counter
	labels   [3]string
}

func newGolangExposition(work string, lines int) exposition {
	e := &golangExposition{registry: prometheus.NewRegistry()}
	random, series := newRandom(), seriesOf(work, lines)
	switch work {
	case "counters":
		options := prometheus.CounterOpts{Name: familyName, Help: help}
		e.vector = prometheus.NewCounterVec(options, labelNames)
		e.registry.MustRegister(e.vector)
		for i := 0; i < series; i++ {
			labels := labelValues(i)
			e.vector.WithLabelValues(labels[:]...).Add(wholeNumber(random))
		}
		e.labels = labelValues(series / 2)
		e.counter = e.vector.WithLabelValues(e.labels[:]...)
	case "gauges":
		options := prometheus.GaugeOpts{Name: familyName, Help: help}
		vector := prometheus.NewGaugeVec(options, labelNames)
		e.registry.MustRegister(vector)
		for i := 0; i < series; i++ {
			labels := labelValues(i)
			vector.WithLabelValues(labels[:]...).Set(fullDouble(random))
		}
	case "histograms":
		options := prometheus.HistogramOpts{Name: familyName, Help: help, Buckets: bounds}
		vector := prometheus.NewHistogramVec(options, labelNames)
		e.registry.MustRegister(vector)
		for i := 0; i < series; i++ {
			labels := labelValues(i)
			histogram := vector.WithLabelValues(labels[:]...)
			for k := 0; k < observations; k++ {
				histogram.Observe(duration(random))
			}
		}
	default:
		fail("no such work: %s", work)
	}
	return e
}

func (e *golangExposition) write(w io.Writer) error {
	families, err := e.registry.Gather()
	if err != nil {
		return err
	}
	encoder := expfmt.NewEncoder(w, expfmt.FmtText)
	for _, family := range families {
		if err := encoder.Encode(family); err != nil {
			return err
		}
	}
	return nil
}

func (e *golangExposition) handler() http.Handler {
	return promhttp.HandlerFor(e.registry, promhttp.HandlerOpts{})
}

func (e *golangExposition) pusher(address, format string) func() error {
	formats := map[string]expfmt.Format{"text": expfmt.FmtText, "protobuf": expfmt.FmtProtoDelim}
	return push.New("http://"+address, "bench_client_golang_"+format).Gatherer(e.registry).
		Grouping("instance", "bench").Format(formats[format]).Push
}

func (e *golangExposition) increment() { e.counter.Inc() }

func (e *golangExposition) lookUpAndIncrement() {
	e.vector.WithLabelValues(e.labels[0], e.labels[1], e.labels[2]).Inc()
}

func golangHotWorks() []hotWork {
	counter := prometheus.NewCounter(prometheus.CounterOpts{Name: "counter_total"})
	fraction := prometheus.NewCounter(prometheus.CounterOpts{Name: "fraction_total"})
	gauge := prometheus.NewGauge(prometheus.GaugeOpts{Name: "gauge"})
	histogram := prometheus.NewHistogram(
		prometheus.HistogramOpts{Name: "histogram", Buckets: bounds})
	family := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "looked_up_total"}, labelNames)
	for i := 0; i < lookUpSeries; i++ {
		labels := labelValues(i)
		family.WithLabelValues(labels[:]...)
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
				histogram.Observe(values[i%hotValues])
			}
		}},
		{"look_up_inc", dear, func(n int) {
			for i := 0; i < n; i++ {
				family.WithLabelValues(labels[0], labels[1], labels[2]).Inc()
			}
		}},
	}
}
