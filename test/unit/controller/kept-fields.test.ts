import { expect } from 'chai';
import fc from 'fast-check';
import type { V1StatefulSet } from '@kubernetes/client-node';
import { appliedAnnotation, lastEventAnnotation, managedByLabel, pausedAnnotation } from '../../../src/bitcoin/api/names.ts';
import { maxNetworkPolicyBytes, maxServiceAnnotationsBytes } from '../../../src/bitcoin/api/spec-size.ts';
import { configMapFor } from '../../../src/bitcoin/resources/config-map.ts';
import { networkPolicyFor } from '../../../src/bitcoin/resources/network-policy.ts';
import { podDisruptionBudgetFor } from '../../../src/bitcoin/resources/pod-disruption-budget.ts';
import { headlessService, nodeServices, rpcService } from '../../../src/bitcoin/resources/service.ts';
import { keepConfigMap, keepNetwork, keepService, keepSpec, keepStatefulSet } from '../../../src/controller/kept-fields.ts';
import { keepExperiment } from '../../../src/controller/experiments/kept-experiment.ts';
import { podCacheOptions } from '../../../src/controller/pod-cache.ts';
import type { KubeObject } from '../../../src/kube/resource.ts';
import { holds } from '../../../src/runtime/field-comparison.ts';
import { network, pod, statefulSetOf } from '../../support/builders.ts';

type Keep = (object: never) => object;
const alice = network({ nodes: 3 });
const declared = network({ chain: 'regtest', networkPolicy: {}, podDisruptionBudget: {} });
const annotations = { [appliedAnnotation]: 'digest', [lastEventAnnotation]: '{}' };

/** One object of each cache as the controller has it, and what the cache keeps of it. */
const caches: Readonly<Record<string, { readonly keep: Keep; readonly object: KubeObject }>> = {
  networks: {
    keep: keepNetwork,
    object: { ...alice, metadata: { ...alice.metadata, annotations: { [pausedAnnotation]: 'true' } } },
  },
  configMaps: { keep: keepConfigMap, object: withAnnotations(configMapFor(declared)!) },
  networkPolicies: { keep: keepSpec, object: withAnnotations(networkPolicyFor(declared, [])!) },
  podDisruptionBudgets: { keep: keepSpec, object: withAnnotations(podDisruptionBudgetFor(declared)!) },
  services: { keep: keepService, object: withAnnotations(headlessService(alice)) },
  statefulSets: {
    keep: keepStatefulSet,
    object: withAnnotations(statefulSetOf(alice, 'version', { image: 'i', imagePullPolicy: 'Never' })),
  },
  pods: { keep: podCacheOptions.transform, object: pod('alice-sts-0', { isReady: true }) },
};

function withAnnotations<T extends KubeObject>(object: T): T {
  return { ...object, metadata: { ...object.metadata, annotations } };
}

const bytes = (object: object): number => Buffer.byteLength(JSON.stringify(object));
/** Whatever an object carried. */
const bound = 128 * 1024;

describe('what a cache keeps of an object', () => {
  /** Anything that a writer of the object can add, up to the 1.5 MB that etcd takes. */
  const text = fc.oneof(
    fc.string(),
    fc.integer({ min: 1, max: 300_000 }).map(length => 'x'.repeat(length)),
  );
  const map = fc.dictionary(
    fc.oneof(fc.string(), fc.constantFrom('app', managedByLabel, ...Object.keys(annotations), pausedAnnotation)),
    text,
  );
  const owner = fc.record({ apiVersion: text, kind: text, name: text, uid: text, controller: fc.boolean() });
  const additions = fc.record({
    annotations: map,
    ownerReferences: fc.array(owner, { maxLength: 5 }),
    finalizers: fc.array(text),
    managedFields: fc.array(fc.record({ manager: text })),
    unknown: fc.dictionary(fc.string(), text),
  });

  for (const [name, { keep, object }] of Object.entries(caches))
    it(`has a bounded size, whatever the object carried: ${name}`, () => {
      fc.assert(
        fc.property(additions, ({ unknown, ...metadata }) => {
          const spec = { ...(object as { spec?: object }).spec, ...unknown };
          const whole = { ...object, ...unknown, spec, metadata: { ...object.metadata, ...metadata } };
          expect(bytes(keep(whole as never))).to.be.at.most(bound);
        }),
        { numRuns: 200 },
      );
    });

  it('has the annotations, labels and owner that the controller reads, and no others', () => {
    for (const [name, { keep, object }] of Object.entries(caches)) {
      if (name === 'services') continue;
      const metadata = { ...object.metadata, annotations: { ...object.metadata?.annotations, other: 'x' } };
      const kept = keep({ ...object, metadata } as never) as KubeObject;
      expect(kept.metadata?.name).to.equal(object.metadata?.name);
      expect(kept.metadata?.uid).to.equal(object.metadata?.uid);
      expect(kept.metadata?.annotations).to.deep.equal(object.metadata?.annotations ?? {});
    }
  });

  it('has all annotations of a Service, of which the spec of a network sets some, up to 16 KiB', () => {
    const { metadata } = headlessService(alice);
    const keptOf = (other: string) => keepService({ metadata: { ...metadata, annotations: { ...annotations, other } } }).metadata;
    expect(keptOf('x')?.annotations).to.deep.equal({ ...annotations, other: 'x' });
    expect(keptOf('x'.repeat(16 * 1024))?.annotations).to.deep.equal(annotations);
  });

  it('holds the largest Services and NetworkPolicy that a spec can ask for, also beside a long annotation of another writer', () => {
    const count = 24;
    const key = (index: number) => `example.com/key-${index}`;
    // With the quotes, the colon and the comma of each.
    const texts = (bytes: number) =>
      Object.fromEntries(
        Array.from({ length: count }, (_, index) => [key(index), 'x'.repeat(bytes / count - key(index).length - 7)]),
      );
    const rpc = { type: 'LoadBalancer' as const, annotations: texts(maxServiceAnnotationsBytes) };
    const rpcFrom = [{ podSelector: { matchLabels: texts(maxNetworkPolicyBytes - 100) } }];
    const zmq = { topics: ['rawtx' as const] };
    const largest = network({ services: { p2pPerNode: rpc, rpc }, networkPolicy: { rpcFrom, egress: 'Restricted' }, zmq });
    expect(keepNetwork(largest).unusableSpec).to.equal(undefined);
    const own = { [appliedAnnotation]: 'digest', [lastEventAnnotation]: 'x'.repeat(2048) };
    for (const wanted of [rpcService(largest)!, ...nodeServices(largest)]) {
      const written = { ...wanted.metadata?.annotations, ...own };
      const applied = {
        ...wanted,
        metadata: { ...wanted.metadata, annotations: { 'a.example/long': 'x'.repeat(8192), ...written } },
      };
      const desired = { ...wanted, metadata: { ...wanted.metadata, annotations: written } };
      expect(holds(desired, keepService(applied)), wanted.metadata?.name).to.equal(true);
    }
    const policy = withAnnotations(networkPolicyFor(largest, [])!);
    expect(holds(policy, keepSpec(policy))).to.equal(true);
  });

  it('has the finalizers that hold an object while it is deleted, and the generation that the StatefulSet controller has seen', () => {
    const finalizers = ['example.com/hold'];
    const kept = keepStatefulSet({
      metadata: { name: 's', finalizers, deletionTimestamp: '2026-01-01T00:00:00Z' as unknown as Date },
      status: { observedGeneration: 2, replicas: 1, conditions: [] },
    });
    expect(kept.metadata?.finalizers).to.deep.equal(finalizers);
    expect(kept.status).to.deep.equal({ observedGeneration: 2, replicas: 1 });
    expect(keepService({ metadata: { name: 's', finalizers } }).metadata?.finalizers).to.equal(undefined);
  });

  it('still holds what was applied, so that no drift is seen', () => {
    for (const name of ['configMaps', 'services', 'networkPolicies', 'podDisruptionBudgets', 'statefulSets']) {
      const { keep, object } = caches[name]!;
      expect(holds(object, keep(object as never)), name).to.equal(true);
    }
  });

  it('keeps the whole spec of a network, whatever feature it uses', () => {
    const spec = {
      nodes: 3,
      chain: 'signet',
      topology: { type: 'Ring' },
      groups: [],
      networkPolicy: {},
      zmq: { topics: ['rawtx'] },
    };
    const kept = keepNetwork({ ...alice, spec: { ...spec, pruned: 1 } } as never);
    expect(kept.spec).to.deep.equal(spec);
    expect(kept.unusableSpec).to.equal(undefined);
  });

  it('keeps the small fields of a spec that is too large, and the reason why the others are missing', () => {
    const affinity = { nodeAffinity: { note: 'x'.repeat(300_000) } };
    const spec = { ...alice.spec, secret: 's', podTemplate: { spec: { affinity } } } as never;
    const kept = keepNetwork({ ...alice, spec });
    expect(kept.spec).to.deep.equal({ nodes: 3, secret: 's' });
    expect(kept.unusableSpec?.reason).to.equal('SpecTooLarge');
    expect(kept.unusableSpec?.message).to.match(/^spec has 300\d\d\d bytes as JSON: at most 262144 bytes are allowed$/);
  });

  for (const [what, spec, message] of [
    ['is missing', undefined, 'spec: Invalid input: expected object, received undefined'],
    ['is no object', 'three nodes', 'spec: Invalid input: expected object, received string'],
    ['lacks the number of nodes', {}, 'spec.nodes: Invalid input: expected number, received undefined'],
    ['has groups that are no list', { nodes: 3, groups: 'old' }, 'spec.groups: Invalid input: expected array, received string'],
    [
      'has a group that is no object',
      { nodes: 3, groups: [7] },
      'spec.groups.0: Invalid input: expected object, received number',
    ],
  ] as const)
    it(`keeps a network whose spec ${what}, and names the field`, () => {
      const kept = keepNetwork({ ...alice, spec } as never);
      expect(kept).to.deep.include({ spec: { nodes: 0 }, unusableSpec: { reason: 'SpecMalformed', message } });
    });

  it('has no experiment that names no network', () => {
    for (const spec of [undefined, {}, { network: { name: 7 } }])
      expect(() => keepExperiment({ metadata: { name: 'e' }, spec } as never)).to.throw(TypeError);
  });

  it('does not match the desired state when another writer made the spec too large', () => {
    const set = caches['statefulSets']!.object as V1StatefulSet;
    const template = {
      ...set.spec?.template,
      metadata: { ...set.spec?.template.metadata, annotations: { x: 'x'.repeat(120_000) } },
    };
    const kept = keepStatefulSet({ ...set, spec: { ...set.spec!, template } });
    expect(kept.spec).to.equal(undefined);
    expect(holds(set, kept)).to.equal(false);
  });

  it('keeps another owner another owner, however long its name is', () => {
    const owner = { apiVersion: 'v1', kind: 'X', name: 'x'.repeat(100_000), uid: 'u', controller: true };
    const { metadata } = keepService({ metadata: { name: 's', ownerReferences: [owner] } });
    expect(metadata?.ownerReferences).to.deep.equal([{ ...owner, name: 'x'.repeat(253) }]);
  });
});
