import { expect } from 'chai';
import type { BitcoinNetwork } from '../../../../src/bitcoin/api/bitcoin-network.ts';
import { NetworkState } from '../../../../src/controller/network-state.ts';
import { LostStatus } from '../../../../src/controller/status/lost-status.ts';
import { expire } from '../../../../src/controller/steps/expire.ts';
import { FakeRecorder } from '../../../../src/record/core/fake-recorder.ts';
import { network } from '../../../support/builders.ts';
import { FakeCluster } from '../../../support/fakes/fake-cluster.ts';
import { RecordingLogger } from '../../../support/fakes/recording-logger.ts';

const recheckMs = 120_000;

describe('the deletion of a network whose time is over', () => {
  let cluster: FakeCluster;
  let recorder: FakeRecorder;
  let state: NetworkState;
  let mayfly: BitcoinNetwork;
  beforeEach(() => {
    [cluster, recorder] = [new FakeCluster(), new FakeRecorder()];
    const creationTimestamp = '2026-01-01T00:00:00Z' as unknown as Date;
    mayfly = cluster.put('bitcoinnetworks', network({ ttlSecondsAfterCreation: 60 }, { creationTimestamp }));
    state = new NetworkState(mayfly, recorder);
  });

  const run = (of = mayfly) => {
    const lost = new LostStatus(new RecordingLogger());
    return expire({ client: cluster, network: of, recorder, lost, signal: new AbortController().signal, recheckMs }, state);
  };
  const stored = () => cluster.object('bitcoinnetworks', 'default/alice') as BitcoinNetwork | undefined;

  it('comes after the write of the condition and the event, and is of that version of that network alone', async () => {
    const versions: unknown[] = [];
    cluster.onCall = ({ verb }) => {
      if (verb === 'delete') versions.push(stored()?.metadata.resourceVersion, stored()?.status);
    };
    expect(await run()).to.deep.equal({});
    expect(cluster.writes).to.deep.equal(['patch bitcoinnetworks default/alice', 'delete bitcoinnetworks default/alice']);
    const [resourceVersion, status] = versions;
    expect(cluster.calls.at(-1)?.options).to.deep.include({
      propagationPolicy: 'Background',
      preconditions: { uid: 'uid-alice', resourceVersion },
    });
    expect(JSON.stringify(status)).to.include('"type":"Expired"').and.include('"status":"True"').and.include('lastEvents');
    expect(recorder.events).to.have.length(1);
    expect(recorder.events[0]).to.include('Expired Deleting the network and its objects, 60 s after its creation');
  });

  it('is done by the next process, without a second event, if the first one ended before it', async () => {
    cluster.fail('delete', new Error('the process ends'));
    await run().catch(() => undefined);
    const next = stored();
    if (next === undefined) throw new Error('it is gone');
    cluster.succeed();
    [cluster.calls.length, recorder] = [0, new FakeRecorder()];
    state = new NetworkState(next, recorder);
    expect(await run(next)).to.deep.equal({});
    expect(cluster.writes).to.deep.equal(['delete bitcoinnetworks default/alice']);
    expect(recorder.events).to.deep.equal([]);
  });

  it('is given up for the moment when another writer was faster', async () => {
    cluster.fail('delete', 409);
    expect(await run()).to.deep.equal({ requeueAfterMs: 500 });
    cluster.fail('patch', 409);
    expect(await run(mayfly)).to.deep.equal({ requeueAfterMs: 500 });
  });

  it('is no error if somebody has deleted the network', async () => {
    cluster.fail('delete', 404);
    expect(await run()).to.deep.equal({});
  });

  it('is tried again after a recheck, without another event, when the API server refuses it', async () => {
    cluster.fail('delete', 403);
    const startMs = Date.now();
    expect(await run()).to.equal(undefined);
    const at = (ms: number) => state.expiry.observe(mayfly, true, ms);
    expect(at(startMs + 60_000)).to.deep.include({ isDue: false });
    expect(at(startMs + 60_000)?.obstacle?.reason).to.equal('DeletionRefused');
    expect(at(Date.now() + recheckMs)?.isDue).to.equal(true);
    expect(await run(stored())).to.equal(undefined);
    expect(recorder.events).to.have.length(1);
  });

  it('throws any other error, so that it is retried with backoff', async () => {
    cluster.fail('delete', 500);
    const error = await run().catch((thrown: unknown) => thrown);
    expect(error).to.be.an('error');
  });
});
