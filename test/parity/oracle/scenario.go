// Package oracle runs a scenario through the unmodified event machinery of client-go under the fake clock of
// testing/synctest (which starts at 2000-01-01T00:00:00Z) and prints what reached the sink. It is the ground truth of
// test/parity/corpus; the TypeScript replay of the same scenario must print the same calls.
package oracle

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

type scenario struct {
	Name    string   `json:"name"`
	API     string   `json:"api"`
	Tags    []string `json:"tags"`
	Options struct {
		LRUCacheSize         int     `json:"lruCacheSize"`
		BurstSize            int     `json:"burstSize"`
		QPS                  float32 `json:"qps"`
		MaxEvents            int     `json:"maxEvents"`
		MaxIntervalInSeconds int     `json:"maxIntervalInSeconds"`
	} `json:"options"`
	Broadcaster struct {
		SleepMs float64 `json:"sleepMs"`
	} `json:"broadcaster"`
	Server struct {
		Kind  string  `json:"kind"`
		TTLMs float64 `json:"ttlMs"`
	} `json:"server"`
	SinkErrors []sinkError       `json:"sinkErrors"`
	Steps      []json.RawMessage `json:"steps"`
	DrainMs    *float64          `json:"drainMs"`
}

type sinkError struct {
	On    string `json:"on"`
	From  int    `json:"from"`
	Times int    `json:"times"`
	Error string `json:"error"`
}

type reference struct {
	APIVersion      string `json:"apiVersion"`
	Kind            string `json:"kind"`
	Name            string `json:"name"`
	Namespace       string `json:"namespace"`
	UID             string `json:"uid"`
	FieldPath       string `json:"fieldPath"`
	ResourceVersion string `json:"resourceVersion"`
}

func (r *reference) object() *corev1.ObjectReference {
	return &corev1.ObjectReference{
		APIVersion: r.APIVersion, Kind: r.Kind, Name: r.Name, Namespace: r.Namespace,
		UID: types.UID(r.UID), FieldPath: r.FieldPath, ResourceVersion: r.ResourceVersion,
	}
}

type step struct {
	AfterMs  float64 `json:"afterMs"`
	Action   string  `json:"action"`
	Repeat   *int    `json:"repeat"`
	NoSettle bool    `json:"noSettle"`
	Recorder struct {
		Component string `json:"component"`
		Host      string `json:"host"`
	} `json:"recorder"`
	Object      *reference        `json:"object"`
	Related     *reference        `json:"related"`
	EventType   string            `json:"eventtype"`
	Reason      string            `json:"reason"`
	EventAction string            `json:"eventAction"`
	Message     string            `json:"message"`
	Annotations map[string]string `json:"annotations"`
}

// occurrence is one repetition of a step: the text of the step with {i} replaced.
func occurrence(raw json.RawMessage, rep int) step {
	text := strings.ReplaceAll(string(raw), "{i}", fmt.Sprint(rep))
	var s step
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		panic(err)
	}
	return s
}

func repetitions(raw json.RawMessage) int {
	s := occurrence(raw, 0)
	if s.Repeat == nil || *s.Repeat == 0 {
		return 1
	}
	return *s.Repeat
}

func (s *scenario) hasTag(tag string) bool {
	for _, t := range s.Tags {
		if t == tag {
			return true
		}
	}
	return false
}

// drain is how long fake time goes on after the last step.
func (s *scenario) drain() time.Duration {
	if s.DrainMs != nil {
		return milliseconds(*s.DrainMs)
	}
	if len(s.SinkErrors) > 0 {
		return 400 * time.Second
	}
	return 0
}

// lifecycle says whether only the broadcaster has a meaning for the scenario: the correlator alone has no sink that
// fails, no queue, no start and no end.
func (s *scenario) lifecycle() bool {
	if len(s.SinkErrors) > 0 || s.hasTag("startWithoutSink") {
		return true
	}
	for _, raw := range s.Steps {
		switch occurrence(raw, 0).Action {
		case "shutdown", "startSink", "stopSink", "cancel":
			return true
		}
	}
	return false
}

func milliseconds(ms float64) time.Duration { return time.Duration(ms * float64(time.Millisecond)) }
