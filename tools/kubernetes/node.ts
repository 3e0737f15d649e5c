// The node of the one-node cluster: kubelet and kube-proxy.
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { stringify } from 'yaml';
import { network } from './cluster-network.ts';
import { cgroupName, createCgroup } from './cgroups.ts';
import { containerdSocket } from './containerd.ts';
import type { ControlPlane } from './control-plane.ts';
import { assertRuns } from './etcd.ts';
import { freePort } from './free-port.ts';
import type { RunningProgram } from './process.ts';
import { waitUntil } from './wait-until.ts';

export const nodeName = 'local';
const readyTimeoutMs = 120_000;
const maxPods = 250;

/** Resolves when the node is Ready and accepts pods. */
export async function startNode(
  controlPlane: ControlPlane,
  stateFolder: string,
  programs: { kubelet: string; 'kube-proxy': string },
): Promise<void> {
  await createCgroup();
  const [kubelet, kubeProxy] = await Promise.all([
    startKubelet(controlPlane, stateFolder, programs.kubelet),
    startKubeProxy(controlPlane, stateFolder, programs['kube-proxy']),
  ]);
  await waitUntil('the node to be Ready', readyTimeoutMs, async () => {
    assertRuns(kubelet);
    assertRuns(kubeProxy);
    const answer = await controlPlane.client.ask('GET', `/api/v1/nodes/${nodeName}`);
    return answer.status === 200 && takesPods(JSON.parse(answer.body) as KubeNode);
  });
}

interface KubeNode {
  spec: { taints?: object[] };
  status?: { conditions?: { type: string; status: string }[] };
}

const takesPods = (node: KubeNode): boolean =>
  (node.spec.taints ?? []).length === 0 &&
  (node.status?.conditions ?? []).some(({ type, status }) => type === 'Ready' && status === 'True');

async function startKubelet(controlPlane: ControlPlane, stateFolder: string, program: string): Promise<RunningProgram> {
  const folder = path.join(stateFolder, 'kubelet');
  await mkdir(folder, { recursive: true });
  const [kubeconfig, serving] = await Promise.all([
    controlPlane.kubeconfigFor('kubelet', { organization: 'system:nodes', commonName: `system:node:${nodeName}` }),
    controlPlane.authority.issue('kubelet-serving', {
      commonName: nodeName,
      alternativeNames: [`DNS:${nodeName}`, `IP:${network.nodeAddress}`],
    }),
  ]);
  // Pods cannot reach the machine's name servers.
  const resolvConf = path.join(stateFolder, 'resolv.conf');
  await writeFile(resolvConf, '');
  const configuration = {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    address: network.nodeAddress,
    healthzPort: 0,
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: controlPlane.authority.certificate },
    },
    authorization: { mode: 'Webhook' },
    tlsCertFile: serving.certificate,
    tlsPrivateKeyFile: serving.key,
    containerRuntimeEndpoint: `unix://${containerdSocket(stateFolder)}`,
    cgroupDriver: 'cgroupfs',
    cgroupRoot: `/${cgroupName}`,
    failCgroupV1: false,
    failSwapOn: false,
    enforceNodeAllocatable: [],
    oomScoreAdj: 0,
    makeIPTablesUtilChains: false,
    clusterDNS: [network.dnsAddress],
    clusterDomain: 'cluster.local',
    resolvConf,
    podLogsDir: path.join(stateFolder, 'pod-logs'),
    volumePluginDir: path.join(stateFolder, 'volume-plugins'),
    maxPods,
    kubeAPIQPS: 200,
    kubeAPIBurst: 400,
    // A cluster for development does not evict pods or delete images because the disk is nearly full.
    evictionHard: {
      'memory.available': '0%',
      'nodefs.available': '0%',
      'nodefs.inodesFree': '0%',
      'imagefs.available': '0%',
      'imagefs.inodesFree': '0%',
    },
    imageGCHighThresholdPercent: 100,
    imageGCLowThresholdPercent: 99,
  };
  const file = path.join(stateFolder, 'kubelet.yaml');
  await writeFile(file, stringify(configuration));
  return await controlPlane.run({
    name: 'kubelet',
    file: program,
    args: [
      `--config=${file}`,
      `--kubeconfig=${kubeconfig}`,
      `--root-dir=${folder}`,
      `--cert-dir=${folder}`,
      `--hostname-override=${nodeName}`,
      `--node-ip=${network.nodeAddress}`,
    ],
  });
}

async function startKubeProxy(controlPlane: ControlPlane, stateFolder: string, program: string): Promise<RunningProgram> {
  const configuration = {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    mode: 'iptables',
    clientConnection: { kubeconfig: await controlPlane.kubeconfigFor('kube-proxy', { commonName: 'system:kube-proxy' }) },
    hostnameOverride: nodeName,
    clusterCIDR: network.podRange,
    bindAddress: network.nodeAddress,
    healthzBindAddress: `127.0.0.1:${await freePort('127.0.0.1')}`,
    metricsBindAddress: `127.0.0.1:${await freePort('127.0.0.1')}`,
    conntrack: { maxPerCore: 0, min: 0 },
    iptables: {
      // Pods share the bridge: without this an answer would go to the client pod directly, from an address that it did not connect to.
      masqueradeAll: true,
      localhostNodePorts: false,
      minSyncPeriod: '0s',
    },
  };
  const file = path.join(stateFolder, 'kube-proxy.yaml');
  await writeFile(file, stringify(configuration));
  return await controlPlane.run({ name: 'kube-proxy', file: program, args: [`--config=${file}`] });
}
