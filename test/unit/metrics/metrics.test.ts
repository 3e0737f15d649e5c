import { expect } from 'chai';
import { Metrics } from '../../../src/metrics/prometheus.ts';

describe('Metrics', () => {
  it("uses upstream's names, so that dashboards for client-go and controller-runtime work", async () => {
    const text = await new Metrics().text();
    const names = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name]) => name);
    expect(names).to.include.members([
      'rest_client_requests_total',
      'rest_client_request_duration_seconds',
      'rest_client_request_retries_total',
      'workqueue_depth',
      'workqueue_adds_total',
      'workqueue_queue_duration_seconds',
      'workqueue_work_duration_seconds',
      'workqueue_unfinished_work_seconds',
      'workqueue_longest_running_processor_seconds',
      'workqueue_retries_total',
      'leader_election_master_status',
      'controller_runtime_reconcile_total',
      'controller_runtime_reconcile_errors_total',
      'controller_runtime_terminal_reconcile_errors_total',
      'controller_runtime_reconcile_time_seconds',
      'controller_runtime_max_concurrent_reconciles',
      'controller_runtime_active_workers',
    ]);
  });

  it('initializes each result of a controller with 0 at its start', async () => {
    const metrics = new Metrics();
    metrics.controller.started('networks', 100);
    expect(await metrics.text()).to.include('controller_runtime_reconcile_total{controller="networks",result="success"} 0');
    metrics.controller.reconciled('networks', 'error', 0.2);
    const text = await metrics.text();
    expect(text).to.include('controller_runtime_reconcile_total{controller="networks",result="error"} 1');
    expect(text).to.include('controller_runtime_reconcile_errors_total{controller="networks"} 1');
    expect(text).to.include('controller_runtime_terminal_reconcile_errors_total{controller="networks"} 0');
  });

  it('sums the informers of several namespaces under the name of their resource', async () => {
    const metrics = new Metrics();
    metrics.reflector.watch('pods', () => ({ hasSynced: true, objects: 3, lastEventAgeSeconds: 1 }));
    metrics.reflector.watch('pods', () => ({ hasSynced: false, objects: 4, lastEventAgeSeconds: 9 }));
    const text = await metrics.text();
    expect(text).to.include('reflector_unsynced_namespaces{name="pods"} 1');
    expect(text).to.include('reflector_store_objects{name="pods"} 7');
    expect(text).to.include('reflector_last_event_age_seconds{name="pods"} 9');
  });

  it('reports the counts of the broadcaster at each scrape, dropped events by cause', async () => {
    const metrics = new Metrics();
    const totals = { recorded: 5, aggregated: 1, filtered: 2, written: 3, delivered: 3, dropped: { queue_full: 2, shutdown: 0 } };
    metrics.events.observe(totals);
    await metrics.text();
    totals.recorded = 6;
    const text = await metrics.text();
    expect(text.match(/^events_.*$/gm)).to.have.members([
      'events_recorded_total 6',
      'events_aggregated_total 1',
      'events_filtered_total 2',
      'events_written_total 3',
      'events_delivered_total 3',
      'events_dropped_total{cause="queue_full"} 2',
      'events_dropped_total{cause="shutdown"} 0',
    ]);
  });
});
