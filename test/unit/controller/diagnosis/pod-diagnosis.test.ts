import type { V1StatefulSet } from '@kubernetes/client-node';
import { expect } from 'chai';
import { PodDiagnosis } from '../../../../src/controller/diagnosis/pod-diagnosis.ts';
import type { PodStart } from '../../../../src/controller/diagnosis/pod-start.ts';
import type { ObservedPod } from '../../../../src/controller/pod-cache.ts';
import { answer, FakeApiServer } from '../../../support/fakes/fake-api-server.ts';
import { network, pod } from '../../../support/builders.ts';
import { RecordingLogger } from '../../../support/fakes/recording-logger.ts';

const statefulSet: V1StatefulSet = {
  metadata: { namespace: 'default', name: 'alice-sts', uid: 'uid-sts', generation: 1 },
  spec: { replicas: 3, selector: {}, template: {}, serviceName: 'alice-svc' },
  status: { replicas: 0, observedGeneration: 1 },
};
const refusal = (name: string) => ({
  type: 'Warning',
  reason: 'FailedCreate',
  message: `create Pod ${name} in StatefulSet alice-sts failed error: pods "${name}" is forbidden: exceeded quota: q`,
  lastTimestamp: new Date().toISOString(),
});
const mount = { type: 'Warning', reason: 'FailedMount', message: 'no such volume', lastTimestamp: new Date().toISOString() };
const starting = (ordinal: number, start: PodStart = { stage: 'scheduled', sinceMs: 0 }): ObservedPod => ({
  ...pod(`alice-sts-${ordinal}`, { isReady: false }),
  start,
});
const ready = (ordinal: number): ObservedPod => pod(`alice-sts-${ordinal}`);

describe('PodDiagnosis', () => {
  let server: FakeApiServer;
  let logger: RecordingLogger;
  let diagnosis: PodDiagnosis;
  let nowMs: number;
  /** What the API server answers to a list of Events. */
  let items: readonly object[];

  beforeEach(async () => {
    server = await FakeApiServer.start();
    server.handler = (request, response) => answer(response, 200, request.method === 'GET' ? { items } : {});
    logger = new RecordingLogger();
    nowMs = 0;
    items = [];
    diagnosis = new PodDiagnosis({ client: server.client(), logger, nowMs: () => nowMs });
  });
  afterEach(() => server.stop());

  const diagnose = (pods: readonly ObservedPod[], sets: readonly V1StatefulSet[] = [statefulSet]) =>
    diagnosis.diagnose(network(), { statefulSets: sets, pods });
  /** Looks as often as the diagnosis asks for, for so long. */
  const diagnoseFor = async (ms: number, pods: readonly ObservedPod[]) => {
    const untilMs = nowMs + ms;
    let last = await diagnose(pods);
    while (last.lookAgainMs !== undefined && nowMs + last.lookAgainMs <= untilMs) {
      nowMs += last.lookAgainMs;
      last = await diagnose(pods);
    }
    nowMs = untilMs;
    return last;
  };

  it('asks nothing about a network whose pods are all ready', async () => {
    expect(await diagnose([ready(0), ready(1), ready(2)])).to.deep.equal({ problems: [], lookAgainMs: undefined });
    expect(server.requests).to.deep.equal([]);
  });

  it('says at once what pods show themselves', async () => {
    const problem = { subject: 'alice-sts-0', reason: 'NodeExited', cause: 'c' } as const;
    const { problems, lookAgainMs } = await diagnose([{ ...starting(0), problem }, ready(1), ready(2)]);
    expect(problems).to.deep.equal([problem]);
    expect(lookAgainMs).to.equal(undefined);
    expect(server.requests).to.deep.equal([]);
  });

  it('says it by ordinal, in whatever order the pods are known', async () => {
    const pods = [10, 2, 0].map((ordinal): ObservedPod => {
      const one = starting(ordinal);
      return { ...one, problem: { subject: one.metadata?.name ?? '', reason: 'NodeExited', cause: 'c' } };
    });
    const { problems } = await diagnose(pods, [{ ...statefulSet, spec: { ...statefulSet.spec!, replicas: 1 } }]);
    expect(problems.map(({ subject }) => subject)).to.deep.equal(['alice-sts-0', 'alice-sts-2', 'alice-sts-10']);
  });

  it('gives pods a second to be created, and then says why they are not', async () => {
    items = [refusal('alice-sts-0')];
    expect((await diagnose([])).problems).to.deep.equal([]);
    expect(server.requests).to.deep.equal([]);
    const { problems } = await diagnoseFor(1_000, []);
    expect(problems.map(({ subject, cause }) => `${subject}: ${cause}`)).to.deep.equal(
      [0, 1, 2].map(ordinal => `alice-sts-${ordinal}: pods are forbidden: exceeded quota: q`),
    );
    expect(server.requests[0]).to.include('fieldSelector=involvedObject.uid%3Duid-sts%2Ctype%3DWarning');
  });

  it('makes the StatefulSet controller retry, so that a fix takes effect soon', async () => {
    items = [refusal('alice-sts-0')];
    await diagnoseFor(1_000, []);
    expect(server.requests.filter(request => request.startsWith('PATCH'))).to.deep.equal([
      'PATCH /apis/apps/v1/namespaces/default/statefulsets/alice-sts?fieldManager=bitcoin-controller-retry',
    ]);
  });

  it('changes no StatefulSet whose controller was refused nothing', async () => {
    await diagnoseFor(10_000, []);
    expect(server.requests.filter(request => !request.startsWith('GET'))).to.deep.equal([]);
  });

  it('says nothing more of pods that exist by now', async () => {
    items = [refusal('alice-sts-0')];
    await diagnoseFor(1_000, []);
    const { problems } = await diagnose([starting(0), starting(1)]);
    expect(problems.map(({ subject }) => subject)).to.deep.equal(['alice-sts-2']);
    expect((await diagnose([ready(0), ready(1), ready(2)])).problems).to.deep.equal([]);
  });

  it('looks every few seconds for a quarter of an hour and twice a minute in the long run', async () => {
    items = [refusal('alice-sts-0')];
    await diagnoseFor(900_000, []);
    expect(server.requests.length).to.be.within(400, 515);
    await diagnoseFor(3_600_000, []);
    const later = server.requests.length;
    await diagnoseFor(3_600_000, []);
    expect(server.requests.length - later).to.be.within(230, 242);
  });

  it('does not take pods for missing before the StatefulSet controller has seen what is asked for', async () => {
    items = [refusal('alice-sts-0')];
    const changed = { ...statefulSet, metadata: { ...statefulSet.metadata, generation: 2 } };
    for (nowMs = 0; nowMs < 10_000; nowMs += 1_000) expect((await diagnose([], [changed])).problems).to.deep.equal([]);
    // The watch of StatefulSets reports when it has.
    expect((await diagnose([], [changed])).lookAgainMs).to.equal(undefined);
    expect(server.requests).to.deep.equal([]);
  });

  it('gives pods that second from when the StatefulSet controller has seen what is asked for', async () => {
    items = [refusal('alice-sts-0')];
    await diagnose([], [{ ...statefulSet, metadata: { ...statefulSet.metadata, generation: 2 } }]);
    nowMs += 60_000;
    expect(await diagnose([])).to.deep.equal({ problems: [], lookAgainMs: 1_000 });
    expect(server.requests).to.deep.equal([]);
  });

  it('says what keeps a pod from starting only after it had time to start', async () => {
    items = [mount];
    const pods = [starting(0), ready(1), ready(2)];
    expect((await diagnoseFor(3_000, pods)).problems).to.deep.equal([]);
    expect(server.requests).to.deep.equal([]);
    expect((await diagnoseFor(1_000, pods)).problems).to.deep.equal([
      { subject: 'alice-sts-0', reason: 'VolumeMountFailed', cause: 'FailedMount: no such volume' },
    ]);
  });

  it('drops a cause when the pod has got further, and looks for another one', async () => {
    items = [mount];
    await diagnoseFor(4_000, [starting(0), ready(1), ready(2)]);
    const further = [starting(0, { stage: 'started', sinceMs: 0 }), ready(1), ready(2)];
    expect((await diagnose(further)).problems).to.deep.equal([]);
    expect((await diagnoseFor(30_000, further)).problems).to.deep.equal([]);
  });

  it('keeps the causes that it knows when a list fails', async () => {
    items = [refusal('alice-sts-1'), mount];
    const pods = [starting(0)];
    const known = (await diagnoseFor(4_500, pods)).problems;
    expect(known.map(({ reason }) => reason)).to.deep.equal(['PodCreateFailed', 'PodCreateFailed', 'VolumeMountFailed']);
    server.handler = (_, response) => answer(response, 500, { kind: 'Status', message: 'no' });
    expect((await diagnoseFor(30_000, pods)).problems).to.deep.equal(known);
  });

  it('names the cause of a volume that is not provisioned, which is recorded about its claim', async () => {
    const failure = { ...mount, reason: 'ProvisioningFailed', message: 'no space' };
    server.handler = ({ url = '' }, response) =>
      answer(response, 200, { items: url.includes('PersistentVolumeClaim') ? [failure] : [] });
    const template = { metadata: { name: 'data' } };
    const sets = [{ ...statefulSet, spec: { ...statefulSet.spec!, replicas: 1, volumeClaimTemplates: [template] } }];
    const pods = [starting(0, { stage: 'unscheduled', sinceMs: 0 })];
    await diagnose(pods, sets);
    nowMs = 4_000;
    expect((await diagnose(pods, sets)).problems).to.deep.equal([
      { subject: 'alice-sts-0', reason: 'VolumeMountFailed', cause: 'ProvisioningFailed: no space' },
    ]);
    expect(decodeURIComponent(server.requests.at(-1) ?? '')).to.include('involvedObject.name=data-alice-sts-0,');
  });

  it('reports what pods wait for once they have waited for a minute, of all at once, if no Event gives a cause', async () => {
    const problem = { reason: 'ContainerNotStarted', cause: 'init container fetch is still running' } as const;
    const pods = [0, 1, 2].map(ordinal => starting(ordinal, { stage: 'scheduled', sinceMs: 0, fallback: problem }));
    expect((await diagnoseFor(59_000, pods)).problems).to.deep.equal([]);
    expect((await diagnoseFor(30_000, pods)).problems.map(({ cause }) => cause)).to.deep.equal(pods.map(() => problem.cause));
  });

  it('names a pod whose deletion does not end, and none that the network does not want', async () => {
    const deletionTimestamp = '2026-01-01T00:00:00Z';
    const pods = [0, 1, 7].map(ordinal => (ordinal === 1 ? ready(1) : pod(`alice-sts-${ordinal}`, { deletionTimestamp })));
    const { problems } = await diagnose([...pods, ready(2)]);
    expect(problems.map(({ subject, reason }) => `${subject} ${reason}`)).to.deep.equal(['alice-sts-0 WaitingForDeletion']);
  });

  describe('when a pod was evicted and the StatefulSet controller has deleted it', () => {
    const problem = { subject: 'alice-sts-0', reason: 'PodFailed', cause: 'Evicted: no memory' } as const;
    const failed = { ...ready(0), status: { phase: 'Failed' }, problem };
    const evict = () => diagnosis.notePod('default/alice', { type: 'updated', object: failed, old: ready(0) });

    it('names the cause for five seconds', async () => {
      evict();
      const { problems, lookAgainMs } = await diagnose([starting(0), ready(1), ready(2)]);
      expect(problems).to.deep.equal([{ ...problem, mayPass: true }]);
      expect(lookAgainMs).to.equal(3_500);
      nowMs = 5_000;
      expect((await diagnose([starting(0), ready(1), ready(2)])).problems).to.deep.equal([]);
    });

    it('names the cause once while the pod still exists, and no more when the next one is ready', async () => {
      evict();
      expect((await diagnose([failed, ready(1), ready(2)])).problems).to.deep.equal([problem]);
      evict();
      expect((await diagnose([ready(0), ready(1), ready(2)])).problems).to.deep.equal([]);
    });
  });

  describe('with another pod of the name of a missing one', () => {
    const patches = () => server.requests.filter(request => request.startsWith('PATCH'));
    const present = [ready(1), ready(2)];

    it('names it from the cache, and makes the StatefulSet controller retry until after it is gone', async () => {
      let blockers = [pod('alice-sts-0')];
      const podNamed = (name: string) => blockers.find(({ metadata }) => metadata?.name === name);
      const diagnoseNow = () => diagnosis.diagnose(network(), { statefulSets: [statefulSet], pods: present, podNamed });
      await diagnoseNow();
      nowMs = 1_000;
      expect((await diagnoseNow()).problems.map(({ reason }) => reason)).to.deep.equal(['NameTaken']);
      expect(patches()).to.have.length(1);
      blockers = [];
      nowMs = 5_000;
      expect((await diagnoseNow()).problems).to.deep.equal([]);
      expect(patches()).to.have.length(2);
    });

    it('asks for it if no cache has it, since it lacks the labels of the controller', async () => {
      server.handler = ({ url = '' }, response) =>
        answer(response, 200, { items: url.includes('/pods') ? [pod('alice-sts-0')] : [] });
      expect((await diagnoseFor(1_000, present)).problems.map(({ subject, reason }) => `${subject} ${reason}`)).to.deep.equal([
        'alice-sts-0 NameTaken',
      ]);
      expect(server.requests).to.include('GET /api/v1/namespaces/default/pods?fieldSelector=metadata.name%3Dalice-sts-0');
    });
  });

  it('lists Events for a thousand broken networks at a limited rate', async () => {
    const broken = Array.from({ length: 1_000 }, (_, index) => network({}, { name: `n${index}`, uid: `u${index}` }));
    for (; nowMs < 10_000; nowMs += 1_000)
      for (const one of broken) await diagnosis.diagnose(one, { statefulSets: [statefulSet], pods: [] });
    expect(server.requests.length).to.be.within(20, 70);
  });

  it('continues, and logs it once, when it may not list Events', async () => {
    server.handler = (_, response) => answer(response, 403, { kind: 'Status', reason: 'Forbidden', message: 'no' });
    const { problems, lookAgainMs } = await diagnoseFor(30_000, []);
    expect(problems).to.deep.equal([]);
    expect(lookAgainMs).to.be.a('number');
    expect(logger.entries.filter(({ level }) => level === 'warn')).to.have.length(1);
  });

  it('starts from scratch with a new network of the same name', async () => {
    items = [refusal('alice-sts-0')];
    await diagnoseFor(1_000, []);
    const other = await diagnosis.diagnose(network({}, { uid: 'another' }), { statefulSets: [statefulSet], pods: [] });
    expect(other.problems).to.deep.equal([]);
  });
});
