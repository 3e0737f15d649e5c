package oracle

import (
	"encoding/json"
	"regexp"
	"strconv"
	"sync"
	"time"
	"unsafe"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

type origin struct{ step, rep int }

type series struct {
	Count  int32   `json:"count"`
	LastMs float64 `json:"lastMs"`
}

type call struct {
	Step      int             `json:"step"`
	Rep       int             `json:"rep"`
	Verb      string          `json:"verb"`
	Result    string          `json:"result,omitempty"`
	Fallback  bool            `json:"fallback,omitempty"`
	Attempt   int             `json:"attempt,omitempty"`
	Delay     any             `json:"delay,omitempty"`
	AtMs      *float64        `json:"atMs,omitempty"`
	Name      string          `json:"name,omitempty"`
	NameMs    *float64        `json:"nameMs,omitempty"`
	Namespace string          `json:"namespace,omitempty"`
	Count     int32           `json:"count,omitempty"`
	Type      string          `json:"type,omitempty"`
	Reason    string          `json:"reason,omitempty"`
	Message   string          `json:"message,omitempty"`
	FirstMs   *float64        `json:"firstMs,omitempty"`
	LastMs    *float64        `json:"lastMs,omitempty"`
	Series    *series         `json:"series,omitempty"`
	Patch     string          `json:"patch,omitempty"`
	Body      json.RawMessage `json:"body,omitempty"`
}

// journal is what the sinks of a scenario saw.
type journal struct {
	mu           sync.Mutex
	start        time.Time
	sleep        time.Duration
	now          origin
	origins      map[*byte]origin
	attempts     map[any]*attempt
	calls        []call
	counts       map[string]int
	randomSeen   bool
	correlator   bool
	alwaysJitter bool
	server       *server
	errors       []sinkError
}

type attempt struct {
	number  int
	last    time.Time
	patched bool
	origin  origin
}

var suffix = regexp.MustCompile(`^(.*)\.([0-9a-f]{12,16})$`)
var random = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

func (j *journal) ms(t time.Time) *float64 {
	ms := float64(t.Sub(j.start).Microseconds()) / 1000
	return &ms
}

// mark remembers which step a reference came from: copies of an event share the bytes of its reference's strings.
func (j *journal) mark(ref *corev1.ObjectReference) {
	if field := markedField(ref); field != nil {
		*field = string([]byte(*field))
		j.origins[unsafe.StringData(*field)] = j.now
	}
}

func (j *journal) originOf(ref corev1.ObjectReference) origin {
	if field := markedField(&ref); field != nil {
		if o, ok := j.origins[unsafe.StringData(*field)]; ok {
			return o
		}
	}
	return j.now
}

// markedField is the first that can be marked.
func markedField(ref *corev1.ObjectReference) *string {
	for _, field := range []*string{&ref.Kind, &ref.Name, &ref.APIVersion, &ref.Namespace, &ref.FieldPath, (*string)(&ref.UID)} {
		// Go has each string of one byte once.
		if len(*field) > 1 {
			return field
		}
	}
	return nil
}

// named fills in the part of a call that its event's name says.
func (j *journal) named(c *call, name string) {
	c.Name = name
	if random.MatchString(name) {
		c.Name = "<uuid>"
		return
	}
	if m := suffix.FindStringSubmatch(name); m != nil {
		nano, err := strconv.ParseInt(m[2], 16, 64)
		must(err)
		c.Name, c.NameMs = m[1], j.ms(time.Unix(0, nano))
	}
}

// timed numbers the attempts at one event and measures the pause before each.
func (j *journal) timed(c *call, event any, first origin, isPatch bool) {
	if j.correlator {
		c.Step, c.Rep = j.now.step, j.now.rep
		return
	}
	a := j.attempts[event]
	if a == nil {
		a = &attempt{origin: first}
		j.attempts[event] = a
	}
	now := time.Now()
	if c.Fallback = a.patched && !isPatch; !c.Fallback {
		a.number++
		if a.number > 1 {
			c.Delay = j.delay(a.number, now.Sub(a.last))
		}
		a.last = now
	}
	a.patched = isPatch
	c.Step, c.Rep, c.Attempt = a.origin.step, a.origin.rep, a.number
	if !j.randomSeen {
		c.AtMs = j.ms(now)
	}
}

func (j *journal) delay(attempt int, d time.Duration) any {
	if j.alwaysJitter && d >= j.sleep && d < j.sleep*5/4 {
		j.randomSeen = true
		return "jitter[1,1.25)"
	}
	if !j.alwaysJitter && attempt == 2 && d < j.sleep {
		j.randomSeen = true
		return "jitter[0,1)"
	}
	return float64(d.Microseconds()) / 1000
}

// answer is what the sink does with a call: the scripted error, or what the server says.
func answer[T any](j *journal, verb string, do func() (*T, error)) (*T, error) {
	j.counts[verb]++
	j.counts["any"]++
	for _, e := range j.errors {
		times := max(e.Times, 1)
		if n := j.counts[e.On]; (e.On == verb || e.On == "any") && n >= e.From && n < e.From+times {
			if e.Error == "appliedThenNetwork" {
				_, _ = do()
			}
			return nil, scriptedErrors[e.Error]()
		}
	}
	return do()
}

func (j *journal) coreCall(verb string, event *corev1.Event, patchBody []byte) (*corev1.Event, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	c := call{
		Verb: verb, Namespace: event.Namespace, Count: event.Count, Type: event.Type, Reason: event.Reason, Message: event.Message,
		FirstMs: j.ms(event.FirstTimestamp.Time), LastMs: j.ms(event.LastTimestamp.Time),
	}
	j.named(&c, event.Name)
	j.timed(&c, event, j.originOf(event.InvolvedObject), verb == "patch")
	c.describe(verb, event, patchBody)
	got, err := answer(j, verb, func() (*corev1.Event, error) {
		if verb == "patch" {
			return patch(j.server, event, &event.ObjectMeta, patchBody)
		}
		return create(j.server, event, &event.ObjectMeta)
	})
	c.Result = resultOf(err)
	j.calls = append(j.calls, c)
	return got, err
}

func (j *journal) eventsCall(verb string, event *eventsv1.Event, patchBody []byte) (*eventsv1.Event, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	c := call{
		Verb: verb, Namespace: event.Namespace, Type: event.Type, Reason: event.Reason, Message: event.Note, FirstMs: j.ms(event.EventTime.Time),
	}
	if event.Series != nil {
		c.Series = &series{Count: event.Series.Count, LastMs: *j.ms(event.Series.LastObservedTime.Time)}
	}
	j.named(&c, event.Name)
	j.timed(&c, event, j.now, verb == "patch")
	c.describe(verb, event, patchBody)
	got, err := answer(j, verb, func() (*eventsv1.Event, error) {
		if verb == "patch" {
			return patch(j.server, event, &event.ObjectMeta, patchBody)
		}
		return create(j.server, event, &event.ObjectMeta)
	})
	c.Result = resultOf(err)
	j.calls = append(j.calls, c)
	return got, err
}

func (c *call) describe(verb string, event metav1.Object, patchBody []byte) {
	if verb == "patch" {
		c.Patch = string(patchBody)
		return
	}
	data, err := json.Marshal(event)
	must(err)
	c.Body = data
}
