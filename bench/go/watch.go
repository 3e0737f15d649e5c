package main

import (
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/watch"
)

// watchCase: one producer, n consumers which count what they get; nothing may be lost.
func watchCase(watchers, queueLength, events int) measured {
	broadcaster := watch.NewBroadcaster(queueLength, watch.WaitIfChannelFull)
	counts := make([]int, watchers)
	var consumers sync.WaitGroup
	for i := range watchers {
		watcher, err := broadcaster.Watch()
		if err != nil {
			panic(err)
		}
		consumers.Add(1)
		go func() {
			defer consumers.Done()
			count := 0
			for range watcher.ResultChan() {
				count++
			}
			counts[i] = count
		}()
	}
	object := &v1.Event{}
	start := time.Now()
	for range events {
		if err := broadcaster.Action(watch.Added, object); err != nil {
			panic(err)
		}
	}
	broadcaster.Shutdown()
	consumers.Wait()
	elapsed := time.Since(start)
	deliveries := 0
	for _, count := range counts {
		deliveries += count
	}
	return measured{events: events, deliveries: deliveries, elapsed: elapsed}
}
