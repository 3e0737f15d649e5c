// How the settings of a group are merged over those of its network.
//   Maps merge by key (labels, annotations, nodeSelector, requests, limits), and so do the fields of a securityContext.
//   Lists and scalars replace (tolerations, containers, volumes, image, …), and so do affinity, zmq and storage, which make sense as a whole only.
//   bitcoinConf merges by option: the lines of the group replace all lines of the network for the same option.
import type { NodeSettings } from '../api/node-settings.ts';
import type { NetworkPodTemplate } from '../api/pod-template.ts';
import { definedOnly } from '../../collections/defined-only.ts';

/** Pure. The settings of a group's nodes; `group` wins. */
export function mergedSettings(network: NodeSettings, group: NodeSettings): NodeSettings {
  return definedOnly({
    image: group.image ?? network.image,
    imagePullPolicy: group.imagePullPolicy ?? network.imagePullPolicy,
    resources: mergedResources(network.resources, group.resources),
    bitcoinConf: mergedBitcoinConf(network.bitcoinConf, group.bitcoinConf),
    zmq: group.zmq ?? network.zmq,
    storage: group.storage ?? network.storage,
    podTemplate: mergedPodTemplate(network.podTemplate, group.podTemplate),
  });
}

/** The option that a line of bitcoinConf sets: `nolisten=1` is the option `listen` too. */
export function optionOf(line: string): string {
  const [key = ''] = line.split('=', 1);
  return key.replace(/^no/, '');
}

function mergedBitcoinConf(network: readonly string[] | undefined, group: readonly string[] | undefined): string[] | undefined {
  if (group === undefined || network === undefined) return (group ?? network)?.slice();
  const replaced = new Set(group.map(optionOf));
  return [...network.filter(line => !replaced.has(optionOf(line))), ...group];
}

const mergedResources = (network: NodeSettings['resources'], group: NodeSettings['resources']): NodeSettings['resources'] =>
  network === undefined || group === undefined
    ? (group ?? network)
    : definedOnly({
        requests: mergedMap(network.requests, group.requests),
        limits: mergedMap(network.limits, group.limits),
      });

function mergedPodTemplate(
  network: NetworkPodTemplate | undefined,
  group: NetworkPodTemplate | undefined,
): NetworkPodTemplate | undefined {
  if (network === undefined || group === undefined) return group ?? network;
  return {
    metadata: definedOnly({
      labels: mergedMap(network.metadata?.labels, group.metadata?.labels),
      annotations: mergedMap(network.metadata?.annotations, group.metadata?.annotations),
    }),
    spec: {
      ...definedOnly(network.spec ?? {}),
      ...definedOnly(group.spec ?? {}),
      ...definedOnly({
        nodeSelector: mergedMap(network.spec?.nodeSelector, group.spec?.nodeSelector),
        securityContext: mergedMap(network.spec?.securityContext, group.spec?.securityContext),
      }),
    },
  };
}

const mergedMap = <T extends object>(network: T | undefined, group: T | undefined): T | undefined =>
  network === undefined || group === undefined ? (group ?? network) : { ...network, ...group };
