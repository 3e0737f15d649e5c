// The cases of the benchmark on the original: apimachinery's watch.Broadcaster and client-go's tools/record. A run is one case and prints one
// line of JSON. The cases, their sizes and their throttle are those of ../main.ts and ../case.ts.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"k8s.io/klog/v2"
)

type result struct {
	Case                string  `json:"case"`
	Events              int     `json:"events"`
	Seconds             float64 `json:"seconds"`
	EventsPerSecond     float64 `json:"eventsPerSecond"`
	DeliveriesPerSecond float64 `json:"deliveriesPerSecond"`
	Delivered           *int    `json:"delivered,omitempty"`
	PeakRSSMiB          float64 `json:"peakRssMiB"`
}

// measured is the result of a case: the events sent, the events received, and the time.
type measured struct {
	events     int
	deliveries int
	elapsed    time.Duration
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: bench CASE EVENTS")
		os.Exit(2)
	}
	klog.LogToStderr(false)
	name := os.Args[1]
	events, err := strconv.Atoi(os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	run := runFor(name)
	if run == nil {
		fmt.Fprintf(os.Stderr, "no such case: %s\n", name)
		os.Exit(2)
	}
	m := run(events)
	seconds := m.elapsed.Seconds()
	line := result{
		Case:                name,
		Events:              m.events,
		Seconds:             seconds,
		EventsPerSecond:     float64(m.events) / seconds,
		DeliveriesPerSecond: float64(m.deliveries) / seconds,
		PeakRSSMiB:          peakRSSMiB(),
	}
	if name == "shutdown-loss" {
		line.Delivered = &m.deliveries
	}
	out, err := json.Marshal(line)
	if err != nil {
		panic(err)
	}
	fmt.Println(string(out))
}

func runFor(name string) func(events int) measured {
	var watchers, queue int
	if n, _ := fmt.Sscanf(name, "watch-%dw-q%d", &watchers, &queue); n == 2 {
		return func(events int) measured { return watchCase(watchers, queue, events) }
	}
	return recordCases[name]
}

// peakRSSMiB is the peak memory of the process so far.
func peakRSSMiB() float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for _, line := range strings.Split(string(status), "\n") {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "VmHWM:" {
			kib, _ := strconv.ParseFloat(fields[1], 64)
			return kib / 1024
		}
	}
	return 0
}
