// Where the nodes of a network are reached from outside the cluster: by the Services of services.p2pPerNode. Pure.
import type { V1Pod, V1Service } from '@kubernetes/client-node';
import { nodeServiceName } from '../../bitcoin/api/names.ts';

/** By the name of the pod: as `host:port`, or `[v6]:port`. */
export type ExternalAddresses = ReadonlyMap<string, string>;

/**
 * Those that are known by now.
 * @param services the network's own
 */
export function externalAddressesOf(pods: readonly V1Pod[], services: readonly V1Service[]): ExternalAddresses {
  const lasting = services.filter(({ metadata }) => metadata?.deletionTimestamp === undefined);
  const byName = new Map(lasting.map(service => [service.metadata?.name, service]));
  const found = pods.flatMap(pod => {
    const { name = '' } = pod.metadata ?? {};
    const address = addressOf(pod, byName.get(nodeServiceName(name)));
    return address === undefined ? [] : [[name, address] as const];
  });
  return new Map(found);
}

/** A NodePort answers on every machine, with `externalTrafficPolicy: Local` only on that of the pod. */
function addressOf({ status }: V1Pod, service: V1Service | undefined): string | undefined {
  const [port] = service?.spec?.ports ?? [];
  if (service?.spec?.type === 'NodePort') return joined(status?.hostIP, port?.nodePort);
  if (service?.spec?.type !== 'LoadBalancer') return undefined;
  const [host] = service.status?.loadBalancer?.ingress?.flatMap(({ ip, hostname }) => ip ?? hostname ?? []) ?? [];
  return joined(host, port?.port);
}

function joined(host: string | undefined, port: number | undefined): string | undefined {
  if (host === undefined || host === '' || port === undefined) return undefined;
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
