package main

import (
	"fmt"
	"sync/atomic"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/record"
	"k8s.io/utils/clock"
)

// outstanding is the limit of events in flight: below the 1000 at which the broadcaster drops events.
const outstanding = 500

// noLimit is a burst that no case uses up.
const noLimit = 1 << 30

var recordCases = map[string]func(events int) measured{
	"record-distinct-create": func(events int) measured {
		return recordCase(events, record.CorrelatorOptions{BurstSize: noLimit}, func(i int) (*v1.ObjectReference, string) {
			return pod(i), "message"
		})
	},
	"record-repeated-patch": func(events int) measured {
		one := pod(0)
		return recordCase(events, record.CorrelatorOptions{BurstSize: noLimit}, func(int) (*v1.ObjectReference, string) { return one, "message" })
	},
	"record-64-objects-repeated-patch": func(events int) measured {
		var pods [64]*v1.ObjectReference
		for i := range pods {
			pods[i] = pod(i)
		}
		return recordCase(events, record.CorrelatorOptions{BurstSize: noLimit}, func(i int) (*v1.ObjectReference, string) { return pods[i%64], "message" })
	},
	"record-repeated-default-spam-skipped": func(events int) measured {
		one := pod(0)
		return recordCase(events, record.CorrelatorOptions{}, func(int) (*v1.ObjectReference, string) { return one, "message" })
	},
	"record-similar-aggregated": func(events int) measured {
		one := pod(0)
		return recordCase(events, record.CorrelatorOptions{BurstSize: noLimit}, func(i int) (*v1.ObjectReference, string) {
			return one, fmt.Sprintf("message %d", i)
		})
	},
	"correlator-distinct": func(events int) measured {
		return correlatorCase(events, func(i int) *v1.Event { return eventFor(pod(i)) })
	},
	"correlator-repeated": func(events int) measured {
		one := pod(0)
		return correlatorCase(events, func(int) *v1.Event { return eventFor(one) })
	},
	"shutdown-loss": shutdownLoss,
}

func pod(i int) *v1.ObjectReference {
	return &v1.ObjectReference{Kind: "Pod", APIVersion: "v1", Namespace: "default", Name: fmt.Sprintf("pod-%d", i), UID: types.UID(fmt.Sprintf("uid-%d", i))}
}

func eventFor(reference *v1.ObjectReference) *v1.Event {
	now := metav1.Now()
	return &v1.Event{
		ObjectMeta:          metav1.ObjectMeta{Name: reference.Name + ".1", Namespace: "default"},
		InvolvedObject:      *reference,
		Reason:              "Reason",
		Message:             "message",
		Source:              v1.EventSource{Component: "bench", Host: "host"},
		FirstTimestamp:      now,
		LastTimestamp:       now,
		Count:               1,
		Type:                v1.EventTypeNormal,
		ReportingController: "bench",
		ReportingInstance:   "host",
	}
}

// memorySink returns each event at once.
type memorySink struct {
	writes atomic.Int64
}

func (s *memorySink) Create(event *v1.Event) (*v1.Event, error) {
	s.writes.Add(1)
	return event, nil
}

func (s *memorySink) Update(event *v1.Event) (*v1.Event, error) {
	s.writes.Add(1)
	return event, nil
}

func (s *memorySink) Patch(event *v1.Event, _ []byte) (*v1.Event, error) {
	s.writes.Add(1)
	return event, nil
}

// recordCase: the whole path from the recorder to the sink. The spam key function, which is called once for each correlated event, slows the
// producer down, so that nothing is dropped.
func recordCase(events int, options record.CorrelatorOptions, next func(i int) (*v1.ObjectReference, string)) measured {
	correlated := make(chan struct{}, outstanding)
	options.SpamKeyFunc = func(event *v1.Event) string {
		<-correlated
		o := event.InvolvedObject
		return event.Source.Component + event.Source.Host + o.Kind + o.Namespace + o.Name + string(o.UID) + o.APIVersion + event.Type
	}
	sink := &memorySink{}
	broadcaster := record.NewBroadcasterWithCorrelatorOptions(options)
	broadcaster.StartRecordingToSink(sink)
	recorder := broadcaster.NewRecorder(scheme.Scheme, v1.EventSource{Component: "bench", Host: "host"})
	start := time.Now()
	for i := range events {
		object, message := next(i)
		correlated <- struct{}{}
		recorder.Event(object, v1.EventTypeNormal, "Reason", message)
	}
	for len(correlated) > 0 {
		time.Sleep(50 * time.Microsecond)
	}
	elapsed := time.Since(start)
	broadcaster.Shutdown()
	return measured{events: events, deliveries: int(sink.writes.Load()), elapsed: elapsed}
}

// correlatorCase: correlation alone, with the state updated as after a write.
func correlatorCase(events int, next func(i int) *v1.Event) measured {
	correlator := record.NewEventCorrelatorWithOptions(record.CorrelatorOptions{BurstSize: noLimit, Clock: clock.RealClock{}})
	deliveries := 0
	start := time.Now()
	for i := range events {
		answer, err := correlator.EventCorrelate(next(i))
		if err != nil {
			panic(err)
		}
		if !answer.Skip {
			correlator.UpdateState(answer.Event)
			deliveries++
		}
	}
	return measured{events: events, deliveries: deliveries, elapsed: time.Since(start)}
}

// slowSink takes as long for a write as an API server may.
type slowSink struct {
	memorySink
}

func (s *slowSink) Create(event *v1.Event) (*v1.Event, error) {
	time.Sleep(50 * time.Millisecond)
	return s.memorySink.Create(event)
}

// shutdownLoss: how many of the events recorded right before the shutdown arrive.
func shutdownLoss(events int) measured {
	sink := &slowSink{}
	broadcaster := record.NewBroadcaster()
	broadcaster.StartRecordingToSink(sink)
	recorder := broadcaster.NewRecorder(scheme.Scheme, v1.EventSource{Component: "bench", Host: "host"})
	start := time.Now()
	for i := range events {
		recorder.Event(pod(i), v1.EventTypeNormal, "Reason", "message")
	}
	broadcaster.Shutdown()
	elapsed := time.Since(start)
	// Events in flight when Shutdown returns may still arrive.
	time.Sleep(200 * time.Millisecond)
	return measured{events: events, deliveries: int(sink.writes.Load()), elapsed: elapsed}
}
