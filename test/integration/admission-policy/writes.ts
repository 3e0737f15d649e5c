// Requests of the controller's account, and the objects in them: what the controller writes, and the same with something else in it.
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { json } from 'node:stream/consumers';
import {
  KubeConfig,
  type V1ConfigMap,
  type V1NetworkPolicy,
  type V1PodDisruptionBudget,
  type V1PodSpec,
  type V1PodTemplateSpec,
  type V1Service,
  type V1StatefulSet,
} from '@kubernetes/client-node';
import { apiVersion, type BitcoinNetwork, kind } from '../../../src/bitcoin/api/bitcoin-network.ts';
import { configMapFor } from '../../../src/bitcoin/resources/config-map.ts';
import { networkPolicyFor } from '../../../src/bitcoin/resources/network-policy.ts';
import { nodeSetsOf } from '../../../src/bitcoin/resources/node-sets.ts';
import { podDisruptionBudgetFor } from '../../../src/bitcoin/resources/pod-disruption-budget.ts';
import { headlessService, nodeServices, rpcService } from '../../../src/bitcoin/resources/service.ts';
import { statefulSetFor } from '../../../src/bitcoin/resources/stateful-set.ts';
import type { KubeObject, ResourceType } from '../../../src/kube/client.ts';
import { resourcePath } from '../../../src/kube/resource.ts';
import { chartNamespace } from '../../support/cluster/chart.ts';
import { statefulSetOf } from '../../support/builders.ts';

export const namespace = 'networks';
export const account = 'bitcoin-controller';
export const listedSecret = 'bitcoin-default-secret';
export const image = 'bitcoin-controller-bitcoind:0.1.0';
/** Which the values allow besides. */
export const mirroredImage = 'mirror.example/bitcoind:1';
export const allowedBeginning = 'registry.example/bitcoin/*';
export const allowedByBeginning = 'registry.example/bitcoin/knots:29.3';

export interface Write {
  readonly type: ResourceType;
  readonly namespace: string;
  /** Of the object in the path; a create has none. */
  readonly name?: string;
  readonly subresource?: string;
  readonly method: 'POST' | 'PATCH' | 'DELETE';
  readonly body: unknown;
}

export const create = (type: ResourceType, object: KubeObject): Write => ({
  type,
  namespace: object.metadata?.namespace ?? '',
  method: 'POST',
  body: object,
});

export const patch = (type: ResourceType, name: string, body: object, at: { readonly subresource?: string } = {}): Write => ({
  ...at,
  type,
  namespace,
  name,
  method: 'PATCH',
  body,
});

export const remove = (type: ResourceType, name: string, propagationPolicy: 'Orphan' | 'Background' = 'Orphan'): Write => ({
  type,
  namespace,
  name,
  method: 'DELETE',
  // The API server ignores the query of a deletion with a body.
  body: { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy, dryRun: ['All'] },
});

/** The eviction of a pod. */
export const evict = (name: string): Write => ({
  type: { group: '', version: 'v1', plural: 'pods', kind: 'Pod', namespaced: true },
  ...{ namespace, name, subresource: 'eviction', method: 'POST' },
  body: { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { namespace, name }, deleteOptions: { dryRun: ['All'] } },
});

/** Who sends requests: the user of a kubeconfig. The controller's own client has no dry run but for creates. */
export class Sender {
  readonly #kubeConfig = new KubeConfig();

  constructor(kubeconfig: string) {
    this.#kubeConfig.loadFromFile(kubeconfig);
  }

  /** Sends it as a dry run, which goes through all of admission and changes nothing. Resolves with 'allowed' or what the API server says. */
  async outcomeOf({ type, namespace, name, subresource, method, body }: Write): Promise<string> {
    const path = resourcePath(type, { namespace, subresource, ...(name === undefined ? {} : { name }) });
    const url = new URL(`${path}?dryRun=All`, this.#kubeConfig.getCurrentCluster()?.server);
    const contentType = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
    const text = JSON.stringify(body);
    const headers = { 'Content-Type': contentType, 'Content-Length': Buffer.byteLength(text) };
    const options = { method, agent: false, headers };
    await this.#kubeConfig.applyToHTTPSOptions(options);
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      request(url, options, resolve).once('error', reject).end(text);
    });
    const { reason = '', message = '' } = (await json(answer)) as { readonly reason?: string; readonly message?: string };
    const { statusCode = 0 } = answer;
    return statusCode < 300 ? 'allowed' : `${statusCode} ${reason}: ${message}`;
  }
}

/** A network; the policy cannot see whether it exists. */
export const named = (name: string, spec: Partial<BitcoinNetwork['spec']> = {}): BitcoinNetwork => ({
  apiVersion,
  kind,
  metadata: { namespace, name, uid: `uid-of-${name}` },
  spec: { nodes: 3, ...spec },
});

/** A network that asks for every kind of object. */
const richNetwork = (name: string): BitcoinNetwork =>
  named(name, {
    groups: [{ name: 'old', nodes: 1, ordinals: { start: 100 }, image: allowedByBeginning }],
    services: { p2pPerNode: { type: 'NodePort' }, rpc: { type: 'LoadBalancer' } },
    networkPolicy: { rpcFrom: [{ namespaceSelector: { matchLabels: { team: 'wallet' } } }] },
    podDisruptionBudget: {},
  });

/** The objects of such a network besides those that every network has. */
export function richObjects(name: string): {
  readonly set: V1StatefulSet;
  readonly rpc: V1Service;
  readonly p2p: V1Service;
  readonly p2pOfGroup: V1Service;
  readonly configMap: V1ConfigMap;
  readonly networkPolicy: V1NetworkPolicy;
  readonly budget: V1PodDisruptionBudget;
} {
  const network = richNetwork(name);
  const [, group] = nodeSetsOf(network);
  const [p2p, p2pOfGroup] = [nodeServices(network).at(0), nodeServices(network).at(-1)];
  const set = group && statefulSetFor(network, group, 'a-version', { image, imagePullPolicy: 'IfNotPresent' });
  const [rpc, configMap] = [rpcService(network), configMapFor(network)];
  const [networkPolicy, budget] = [networkPolicyFor(network, []), podDisruptionBudgetFor(network)];
  if (!set || !rpc || !p2p || !p2pOfGroup || !configMap || !networkPolicy || !budget) throw new Error('an object is missing');
  return { set, rpc, p2p, p2pOfGroup, configMap, networkPolicy, budget };
}

export const withSpec = <T extends KubeObject & { readonly spec?: object }>(object: T, fields: object): T => ({
  ...object,
  spec: { ...object.spec, ...fields },
});

export const service = (name: string, spec: object = {}): V1Service => withSpec(headlessService(named(name)), spec);

export const statefulSet = (name: string, changed: Partial<BitcoinNetwork['spec']> = {}, of = image): V1StatefulSet => {
  const network = named(name);
  const options = { image: of, imagePullPolicy: 'IfNotPresent' };
  return statefulSetOf({ ...network, spec: { ...network.spec, ...changed } }, 'a-version', options);
};

export type Container = V1PodSpec['containers'][number];
export const containersOf = (name: string): readonly Container[] => statefulSet(name).spec?.template.spec?.containers ?? [];

export function withTemplate(name: string, change: (template: V1PodTemplateSpec) => V1PodTemplateSpec): V1StatefulSet {
  const set = statefulSet(name);
  return { ...set, spec: { ...set.spec!, template: change(set.spec!.template) } };
}

export const withPod = (name: string, fields: Partial<V1PodSpec>): V1StatefulSet =>
  withTemplate(name, template => ({ ...template, spec: { ...template.spec!, ...fields } }));

export const withContainer = (name: string, fields: Partial<Container>): V1StatefulSet =>
  withPod(name, { containers: containersOf(name).map(container => ({ ...container, ...fields })) });

export const withPodLabels = (name: string, labels: Record<string, string>): V1StatefulSet =>
  withTemplate(name, template => {
    const { metadata } = template;
    return { ...template, metadata: { ...metadata, labels: { ...metadata?.labels, ...labels } } };
  });

export const withPodAnnotations = (name: string, annotations: Record<string, string>): V1StatefulSet =>
  withTemplate(name, template => {
    const { metadata } = template;
    return { ...template, metadata: { ...metadata, annotations: { ...metadata?.annotations, ...annotations } } };
  });

export function withMetadata<T extends KubeObject>(object: T, fields: NonNullable<KubeObject['metadata']>): T {
  return { ...object, metadata: { ...object.metadata, ...fields } };
}

export const withOwner = <T extends KubeObject>(object: T, fields: object): T => {
  const owners = object.metadata?.ownerReferences ?? [];
  return withMetadata(object, { ownerReferences: owners.map(owner => ({ ...owner, ...fields })) });
};

/** Of core/v1, about the network alice. */
export const event = (fields: object = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Event',
  metadata: { namespace, name: 'an-event' },
  ...{ involvedObject: { apiVersion, kind, namespace, name: 'alice' }, reason: 'NodeReady', message: 'ready', type: 'Normal' },
  ...fields,
});

/** Of events.k8s.io/v1. */
export const newEvent = (regarding: object): KubeObject => ({
  apiVersion: 'events.k8s.io/v1',
  kind: 'Event',
  metadata: { namespace, name: 'a-new-event' },
  ...{ regarding, reason: 'NodeReady', note: 'ready', type: 'Normal', action: 'Reconcile' },
  ...{ reportingController: account, reportingInstance: 'one', eventTime: '2026-01-01T00:00:00.000000Z' },
});

export const lease = (name: string): KubeObject => ({
  metadata: { namespace: chartNamespace, name },
  ...{ spec: { holderIdentity: 'one' } },
});
