import { expect } from 'chai';
import { FakeRecorder, newFakeRecorder } from '../../../../src/record/events/fake-recorder.ts';
import { podNamed } from './fakes.ts';

const node = { kind: 'Node', apiVersion: 'v1', name: 'node-1' };

describe('FakeRecorder of events.k8s.io/v1', () => {
  it('keeps type, reason and note, and takes a % in the first two literally', () => {
    const recorder = newFakeRecorder();
    recorder.eventf(podNamed('a'), node, 'Normal', 'Half%d', 'Acting', '%d%% of %s', 50, 'it');
    expect(recorder.events).to.deep.equal(['Normal Half%d 50% of it']);
  });

  it('keeps the action, the kinds of the objects and the annotations too if verbose', () => {
    const recorder = new FakeRecorder({ verbose: true });
    recorder.annotatedEventf(podNamed('a'), node, { b: '2', a: '1' }, 'Warning', 'Reason', 'Acting', 'note');
    recorder.eventf({ metadata: {} }, null, 'Normal', 'Reason', 'Acting', 'note');
    recorder.eventf({ kind: 'Pod', metadata: {} }, undefined, 'Normal', 'Reason', 'Acting', 'note');
    expect(recorder.events).to.deep.equal([
      'Warning Reason Acting note {kind=Pod,apiVersion=v1} {kind=Node,apiVersion=v1} map[a:1 b:2]',
      'Normal Reason Acting note',
      'Normal Reason Acting note {kind=Pod,apiVersion=}',
    ]);
  });

  it('emits each event as it is recorded, and returns itself for another logger', () => {
    const recorder = new FakeRecorder();
    const seen: string[] = [];
    recorder.events$.subscribe(event => seen.push(event));
    recorder.withLogger().eventf(undefined, undefined, 'Normal', 'Reason', 'Acting', 'note');
    expect(seen).to.deep.equal(recorder.events).and.have.length(1);
  });
});
