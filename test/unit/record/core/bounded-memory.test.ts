// How much memory a storm of events takes: processes with little of it record one, each event of which is kept somewhere or counted as lost.
import { expect } from 'chai';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const module = new URL('../../../../src/record/core/event-broadcaster.ts', import.meta.url).href;
const events = 100_000;
/** For the program, its caches and a thousand events; 100,000 events alone are several times as much. */
const heapMiB = 32;

/** Records all at once, each about another object and with another message, and prints what became of them. */
function storm(options: string, sink: string): string {
  return `
    import { EventBroadcaster } from ${JSON.stringify(module)};
    const events = new EventBroadcaster(${options});
    ${sink === '' ? '' : `events.startRecordingToSink({ create: ${sink}, patch: ${sink} });`}
    const recorder = events.newRecorder({ component: 'c' });
    for (let index = 0; index < ${events}; index += 1) {
      const metadata = { name: 'pod-' + index, namespace: 'default', uid: 'uid of pod ' + index };
      recorder.event({ apiVersion: 'v1', kind: 'Pod', metadata }, 'Normal', 'Storm', 'what happened was number ' + index);
    }
    await events.shutdown({ drainTimeoutMs: 100 });
    const { recorded, delivered, dropped } = events.counts;
    console.log(JSON.stringify([recorded, delivered + Object.values(dropped).reduce((sum, count) => sum + count, 0)]));
  `;
}

describe('The memory of a storm of events', () => {
  for (const [what, options, sink, underWay] of [
    ['a sink that never answers', '{}', '() => new Promise(() => undefined)', 0],
    ['no sink', '{}', '', 0],
    // An attempt that is under way goes on after shutdown there.
    ['a sink that never answers, as in client-go', '{ clientGoCompatible: true }', '() => new Promise(() => undefined)', 1],
  ] as const)
    it(`is bounded with ${what}, and every lost event is counted`, async function () {
      // So many take long on a busy machine; how long is not what is tested.
      this.timeout(60_000);
      const args = [`--max-old-space-size=${heapMiB}`, '--max-semi-space-size=2', '--input-type=module', '--eval'];
      const { stdout } = await promisify(execFile)(process.execPath, [...args, storm(options, sink)]);
      expect(JSON.parse(stdout)).to.deep.equal([events, events - underWay]);
    });
});
