package oracle

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/events"
	"k8s.io/client-go/tools/record"
	"k8s.io/client-go/tools/record/util"
	"k8s.io/klog/v2"
)

type output struct {
	Calls []call `json:"calls"`
}

// TestOracle reads the file ORACLE_SCENARIOS, one scenario a line, and prints what came of each to ORACLE_OUTPUT, one line each.
func TestOracle(t *testing.T) {
	name := os.Getenv("ORACLE_SCENARIOS")
	if name == "" {
		t.Skip("ORACLE_SCENARIOS names no file")
	}
	klog.SetLogger(klog.Logger{})
	data, err := os.ReadFile(name)
	must(err)
	out, err := os.Create(os.Getenv("ORACLE_OUTPUT"))
	must(err)
	defer out.Close()
	for _, text := range strings.Split(strings.TrimSpace(string(data)), "\n") {
		var s scenario
		must(json.Unmarshal([]byte(text), &s))
		line, err := json.Marshal(map[string]any{"scenario": s.Name, "outputs": outputs(t, &s)})
		must(err)
		_, err = fmt.Fprintln(out, hideHost(string(line)))
		must(err)
	}
}

func hideHost(line string) string {
	host, err := os.Hostname()
	must(err)
	line = strings.ReplaceAll(line, "-"+host+`"`, `-<hostname>"`)
	return regexp.MustCompile(`"name":"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"`).ReplaceAllString(line, `"name":"<uuid>"`)
}

func outputs(t *testing.T, s *scenario) map[string]output {
	modes := map[string]func(*scenario, *journal){"broadcaster": runBroadcaster}
	if s.API == "events" {
		modes = map[string]func(*scenario, *journal){"events": runEvents}
	} else if !s.lifecycle() {
		modes["correlator"] = runCorrelator
	}
	result := map[string]output{}
	for mode, run := range modes {
		synctest.Test(t, func(t *testing.T) {
			j := &journal{
				start: time.Now(), origins: map[*byte]origin{}, attempts: map[any]*attempt{}, calls: []call{}, counts: map[string]int{},
				server: newServer(s), errors: s.SinkErrors, correlator: mode == "correlator", alwaysJitter: mode == "events", sleep: 10 * time.Second,
			}
			if s.Broadcaster.SleepMs > 0 && mode == "broadcaster" {
				j.sleep = milliseconds(s.Broadcaster.SleepMs)
			}
			run(s, j)
			result[mode] = output{Calls: j.calls}
		})
	}
	return result
}

// play runs the steps in order; each settles before the next unless it says otherwise.
func (s *scenario) play(j *journal, record func(*step), act func(string)) {
	for i, raw := range s.Steps {
		for rep := range repetitions(raw) {
			at := occurrence(raw, rep)
			time.Sleep(milliseconds(at.AfterMs))
			if !at.NoSettle {
				synctest.Wait()
			}
			j.mu.Lock()
			j.now = origin{i, rep}
			j.mu.Unlock()
			switch at.Action {
			case "":
				record(&at)
			case "deleteAll":
				j.mu.Lock()
				j.server.deleteAll()
				j.mu.Unlock()
			default:
				act(at.Action)
			}
			if !at.NoSettle {
				synctest.Wait()
			}
		}
	}
	time.Sleep(s.drain())
	synctest.Wait()
}

func (s *scenario) correlatorOptions() record.CorrelatorOptions {
	return record.CorrelatorOptions{
		LRUCacheSize: s.Options.LRUCacheSize, BurstSize: s.Options.BurstSize, QPS: s.Options.QPS,
		MaxEvents: s.Options.MaxEvents, MaxIntervalInSeconds: s.Options.MaxIntervalInSeconds,
	}
}

type coreSink struct{ j *journal }

func (s coreSink) Create(event *corev1.Event) (*corev1.Event, error) {
	return s.j.coreCall("create", event, nil)
}
func (s coreSink) Update(event *corev1.Event) (*corev1.Event, error) { panic("update is never called") }
func (s coreSink) Patch(event *corev1.Event, data []byte) (*corev1.Event, error) {
	return s.j.coreCall("patch", event, data)
}

func runBroadcaster(s *scenario, j *journal) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	broadcaster := record.NewBroadcaster(record.WithContext(ctx), record.WithCorrelatorOptions(s.correlatorOptions()), record.WithSleepDuration(j.sleep))
	defer broadcaster.Shutdown()
	var watching watch.Interface
	start := func() { watching = broadcaster.StartRecordingToSink(coreSink{j}) }
	if !s.hasTag("startWithoutSink") {
		start()
	}
	s.play(j, func(at *step) {
		recorder := broadcaster.NewRecorder(nil, corev1.EventSource{Component: at.Recorder.Component, Host: at.Recorder.Host})
		recordCore(j, recorder, at)
	}, func(action string) {
		switch action {
		case "startSink":
			start()
		case "stopSink":
			watching.Stop()
		case "shutdown":
			broadcaster.Shutdown()
		case "cancel":
			cancel()
		}
	})
}

func recordCore(j *journal, recorder record.EventRecorder, at *step) {
	var object runtime.Object
	if at.Object != nil {
		ref := at.Object.object()
		j.mu.Lock()
		j.mark(ref)
		j.mu.Unlock()
		object = ref
	}
	if at.Annotations != nil {
		recorder.AnnotatedEventf(object, at.Annotations, at.EventType, at.Reason, "%s", at.Message)
		return
	}
	recorder.Event(object, at.EventType, at.Reason, at.Message)
}

func runCorrelator(s *scenario, j *journal) {
	correlator := record.NewEventCorrelatorWithOptions(s.correlatorOptions())
	s.play(j, func(at *step) {
		if at.Object == nil || !util.ValidateEventType(at.EventType) {
			j.calls = append(j.calls, call{Step: j.now.step, Rep: j.now.rep, Verb: "reject"})
			return
		}
		event := coreEvent(at)
		result, err := correlator.EventCorrelate(event)
		must(err)
		if result.Skip {
			j.calls = append(j.calls, call{Step: j.now.step, Rep: j.now.rep, Verb: "skip"})
			return
		}
		event = result.Event
		var answer *corev1.Event
		if event.Count > 1 {
			answer, err = j.coreCall("patch", event, result.Patch)
		}
		if event.Count <= 1 || util.IsKeyNotFoundError(err) {
			event.ResourceVersion = ""
			fallback := event.Count > 1
			answer, err = j.coreCall("create", event, nil)
			j.calls[len(j.calls)-1].Fallback = fallback
		}
		if err == nil {
			correlator.UpdateState(answer)
		}
	}, func(string) {})
}

func coreEvent(at *step) *corev1.Event {
	now := metav1.Now()
	namespace := at.Object.Namespace
	if namespace == "" {
		namespace = "default"
	}
	return &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{
			Name: util.GenerateEventName(at.Object.Name, now.UnixNano()), Namespace: namespace, Annotations: at.Annotations,
		},
		InvolvedObject: *at.Object.object(), Reason: at.Reason, Message: at.Message, FirstTimestamp: now, LastTimestamp: now, Count: 1,
		Type: at.EventType, Source: corev1.EventSource{Component: at.Recorder.Component, Host: at.Recorder.Host},
		ReportingController: at.Recorder.Component, ReportingInstance: at.Recorder.Host,
	}
}

type eventsSink struct{ j *journal }

func (s eventsSink) Create(_ context.Context, event *eventsv1.Event) (*eventsv1.Event, error) {
	return s.j.eventsCall("create", event, nil)
}
func (s eventsSink) Update(context.Context, *eventsv1.Event) (*eventsv1.Event, error) {
	panic("update is never called")
}
func (s eventsSink) Patch(_ context.Context, event *eventsv1.Event, data []byte) (*eventsv1.Event, error) {
	return s.j.eventsCall("patch", event, data)
}

func runEvents(s *scenario, j *journal) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	broadcaster := events.NewBroadcaster(eventsSink{j})
	defer broadcaster.Shutdown()
	sinkCtx, stop := context.WithCancel(ctx)
	start := func() {
		sinkCtx, stop = context.WithCancel(ctx)
		_ = broadcaster.StartRecordingToSinkWithContext(sinkCtx)
	}
	defer func() { stop() }()
	if !s.hasTag("startWithoutSink") {
		start()
	}
	s.play(j, func(at *step) {
		recorder := broadcaster.NewRecorder(nil, at.Recorder.Component)
		recordEvents(recorder, at)
	}, func(action string) {
		switch action {
		case "startSink":
			start()
		case "stopSink":
			stop()
		case "shutdown":
			broadcaster.Shutdown()
		case "cancel":
			cancel()
		}
	})
}

func recordEvents(recorder events.EventRecorderLogger, at *step) {
	var regarding, related runtime.Object
	if at.Object != nil {
		regarding = at.Object.object()
	}
	if at.Related != nil {
		related = at.Related.object()
	}
	if annotated, ok := recorder.(events.AnnotatedEventRecorder); ok && at.Annotations != nil {
		annotated.AnnotatedEventf(regarding, related, at.Annotations, at.EventType, at.Reason, at.EventAction, "%s", at.Message)
		return
	}
	recorder.Eventf(regarding, related, at.EventType, at.Reason, at.EventAction, "%s", at.Message)
}
