package web

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metric is one sample of one series, gathered at a scrape. All samples of a
// name carry the same help, kind and label names.
type Metric struct {
	Name, Help string
	Counter    bool // counts up; otherwise a gauge
	Labels     []Label
	Value      float64
}

// Label of a metric.
type Label struct{ Name, Value string }

// gatherer turns the daemon's samples into Prometheus' form.
type gatherer func() []Metric

// Describe sends nothing: which series there are is known at the scrape only.
func (gatherer) Describe(chan<- *prometheus.Desc) {}

func (g gatherer) Collect(out chan<- prometheus.Metric) {
	for _, m := range g() {
		names, values := make([]string, len(m.Labels)), make([]string, len(m.Labels))
		for i, l := range m.Labels {
			names[i], values[i] = l.Name, l.Value
		}
		kind := prometheus.GaugeValue
		if m.Counter {
			kind = prometheus.CounterValue
		}
		desc := prometheus.NewDesc(m.Name, m.Help, names, nil)
		sample, err := prometheus.NewConstMetric(desc, kind, m.Value, values...)
		if err != nil {
			sample = prometheus.NewInvalidMetric(desc, err)
		}
		out <- sample
	}
}

func (s *Server) metrics() http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(gatherer(s.o.Samples), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{MaxRequestsInFlight: 2})
}
