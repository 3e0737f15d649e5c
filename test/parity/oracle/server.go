package oracle

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	restclient "k8s.io/client-go/rest"
)

var eventResource = schema.GroupResource{Resource: "events"}

// server stores events as JSON, as an API server does; an echo server stores nothing and answers what it was given.
type server struct {
	echo            bool
	ttl             time.Duration
	stored          map[string]storedEvent
	resourceVersion int
}

type storedEvent struct {
	data    []byte
	written time.Time
}

func newServer(s *scenario) *server {
	return &server{echo: s.Server.Kind == "echo", ttl: milliseconds(s.Server.TTLMs), stored: map[string]storedEvent{}}
}

func (s *server) deleteAll() { s.stored = map[string]storedEvent{} }

func (s *server) get(key string) ([]byte, bool) {
	entry, ok := s.stored[key]
	if ok && s.ttl > 0 && time.Since(entry.written) >= s.ttl {
		delete(s.stored, key)
		return nil, false
	}
	return entry.data, ok
}

func (s *server) put(key string, data []byte) []byte {
	var object map[string]any
	must(json.Unmarshal(data, &object))
	s.resourceVersion++
	object["metadata"].(map[string]any)["resourceVersion"] = fmt.Sprint(s.resourceVersion)
	data, err := json.Marshal(object)
	must(err)
	s.stored[key] = storedEvent{data: data, written: time.Now()}
	return data
}

func create[T any](s *server, event *T, meta *metav1.ObjectMeta) (*T, error) {
	if s.echo {
		return event, nil
	}
	key := meta.Namespace + "/" + meta.Name
	if _, exists := s.get(key); exists {
		return nil, apierrors.NewAlreadyExists(eventResource, meta.Name)
	}
	data, err := json.Marshal(event)
	must(err)
	answer := new(T)
	must(json.Unmarshal(s.put(key, data), answer))
	return answer, nil
}

func patch[T any](s *server, event *T, meta *metav1.ObjectMeta, body []byte) (*T, error) {
	if s.echo {
		return event, nil
	}
	key := meta.Namespace + "/" + meta.Name
	old, exists := s.get(key)
	if !exists {
		return nil, apierrors.NewNotFound(eventResource, meta.Name)
	}
	merged, err := strategicpatch.StrategicMergePatch(old, body, *new(T))
	must(err)
	answer := new(T)
	must(json.Unmarshal(s.put(key, merged), answer))
	return answer, nil
}

func connectionRefused() error {
	return &net.OpError{
		Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 443},
		Err: os.NewSyscallError("connect", syscall.ECONNREFUSED),
	}
}

func status(code int32, reason metav1.StatusReason) error {
	return &apierrors.StatusError{ErrStatus: metav1.Status{Status: metav1.StatusFailure, Code: code, Reason: reason, Message: string(reason)}}
}

func wrapped(err error) error { return fmt.Errorf("wrapped: %w", err) }

func namespaceTerminating() error {
	err := apierrors.NewForbidden(eventResource, "event", errors.New("namespace is being terminated"))
	err.ErrStatus.Details.Causes = append(err.ErrStatus.Details.Causes, metav1.StatusCause{Type: corev1.NamespaceTerminatingCause})
	return err
}

// scriptedErrors are what a scenario's sinkErrors name.
var scriptedErrors = map[string]func() error{
	"notFound":              func() error { return apierrors.NewNotFound(eventResource, "event") },
	"notFoundCodeOnly":      func() error { return status(404, "") },
	"notFoundReasonOnly":    func() error { return status(0, metav1.StatusReasonNotFound) },
	"wrappedNotFound":       func() error { return wrapped(apierrors.NewNotFound(eventResource, "event")) },
	"alreadyExists":         func() error { return apierrors.NewAlreadyExists(eventResource, "event") },
	"conflict":              func() error { return apierrors.NewConflict(eventResource, "event", errors.New("modified")) },
	"forbidden":             func() error { return apierrors.NewForbidden(eventResource, "event", errors.New("denied")) },
	"wrappedForbidden":      func() error { return wrapped(apierrors.NewForbidden(eventResource, "event", errors.New("denied"))) },
	"namespaceTerminating":  namespaceTerminating,
	"unauthorized":          func() error { return apierrors.NewUnauthorized("no") },
	"badRequest":            func() error { return apierrors.NewBadRequest("no") },
	"invalid":               func() error { return status(422, metav1.StatusReasonInvalid) },
	"tooManyRequests":       func() error { return apierrors.NewTooManyRequests("later", 1) },
	"internal":              func() error { return apierrors.NewInternalError(errors.New("oops")) },
	"serviceUnavailable":    func() error { return apierrors.NewServiceUnavailable("later") },
	"timeout":               func() error { return apierrors.NewTimeoutError("late", 1) },
	"gone":                  func() error { return status(410, metav1.StatusReasonGone) },
	"requestEntityTooLarge": func() error { return apierrors.NewRequestEntityTooLargeError("big") },
	"requestConstruction":   func() error { return &restclient.RequestConstructionError{Err: errors.New("bad request")} },
	"unexpectedObject":      func() error { return &apierrors.UnexpectedObjectError{} },
	"network":               connectionRefused,
	"appliedThenNetwork":    connectionRefused,
}

// resultOf names the outcome of a call.
func resultOf(err error) string {
	switch e := err.(type) {
	case nil:
		return "ok"
	case *apierrors.StatusError:
		return statusResult(e)
	case *restclient.RequestConstructionError:
		return "requestConstruction"
	case *apierrors.UnexpectedObjectError:
		return "unexpectedObject"
	}
	var e *apierrors.StatusError
	if errors.As(err, &e) {
		return "wrapped " + statusResult(e)
	}
	return "network"
}

func statusResult(e *apierrors.StatusError) string {
	return fmt.Sprintf("status %d %s", e.ErrStatus.Code, e.ErrStatus.Reason)
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
