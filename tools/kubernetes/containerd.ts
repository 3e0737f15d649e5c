// containerd for the one-node cluster, with its own folders, socket and network configuration. It pulls from registries, and without TLS from
// one on loopback, as Docker does.
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { run } from '../command.ts';
import { network } from './cluster-network.ts';
import { assertRuns } from './etcd.ts';
import { pauseImage, writePauseImage } from './pause-image.ts';
import { RunningProgram } from './process.ts';
import { waitUntil } from './wait-until.ts';

const startTimeoutMs = 60_000;
/** The containerd namespace in which the kubelet looks for images and containers. */
const namespace = 'k8s.io';

export interface ContainerdPrograms {
  containerd: string;
  ctr: string;
  runc: string;
  'cni-plugins': string;
  pause: string;
}

export interface ContainerdSettings {
  stateFolder: string;
  programs: ContainerdPrograms;
}

export const containerdSocket = (stateFolder: string): string => path.join(stateFolder, 'containerd.sock');

/** Resolves when containerd answers and has the image of the pods' pause container. */
export async function startContainerd(settings: ContainerdSettings): Promise<RunningProgram> {
  const { stateFolder, programs } = settings;
  await mkdir(path.join(stateFolder, 'cni'), { recursive: true });
  await writeFile(
    path.join(stateFolder, 'cni', '10-bridge.conflist'),
    JSON.stringify(cniConfiguration(stateFolder), undefined, 2),
  );
  const configuration = path.join(stateFolder, 'containerd.toml');
  await writeFile(configuration, containerdConfiguration(settings));
  const program = await RunningProgram.start({
    name: 'containerd',
    file: programs.containerd,
    args: ['--config', configuration],
    logFile: path.join(stateFolder, 'logs', 'containerd.log'),
    // For containerd-shim-runc-v2, and for iptables, which the CNI plugins call.
    environment: {
      PATH: `${path.dirname(programs.containerd)}:${process.env.PATH ?? ''}:/usr/sbin:/sbin`,
      NO_PROXY: '*',
      no_proxy: '*',
    },
  });
  await waitUntil('containerd', startTimeoutMs, async () => {
    assertRuns(program);
    await run(programs.ctr, ['--address', containerdSocket(stateFolder), 'version']);
    return true;
  });
  const archive = path.join(stateFolder, 'pause.tar');
  await writePauseImage(programs.pause, archive);
  await importImage(programs.ctr, stateFolder, archive);
  await rm(archive);
  return program;
}

/** Imports the images of a docker-archive or OCI archive. */
export async function importImage(ctr: string, stateFolder: string, archive: string): Promise<void> {
  await run(ctr, ['--address', containerdSocket(stateFolder), '--namespace', namespace, 'images', 'import', archive]);
}

/** The names of the images that the cluster has. */
export async function listImages(ctr: string, stateFolder: string): Promise<string[]> {
  const names = await run(ctr, [
    '--address',
    containerdSocket(stateFolder),
    '--namespace',
    namespace,
    'images',
    'list',
    '--quiet',
  ]);
  return names.split('\n').filter(name => name !== '' && !name.startsWith('sha256:') && !name.includes('@'));
}

function containerdConfiguration({ stateFolder, programs }: ContainerdSettings): string {
  const at = (name: string): string => path.join(stateFolder, name);
  return `version = 3
root = '${at('containerd')}'
state = '${at('containerd-run')}'
disabled_plugins = ['io.containerd.nri.v1.nri', 'io.containerd.tracing.processor.v1.otlp', 'io.containerd.internal.v1.tracing']

[grpc]
  address = '${containerdSocket(stateFolder)}'
[ttrpc]
  address = '${at('containerd-ttrpc.sock')}'
[plugins.'io.containerd.internal.v1.opt']
  path = '${at('containerd-opt')}'
[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = '${pauseImage}'
[plugins.'io.containerd.cri.v1.runtime']
  disable_apparmor = true
  # Without CAP_SYS_RESOURCE, as in many containers and virtual machines, a lower score cannot be set.
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
[plugins.'io.containerd.cri.v1.runtime'.cni]
  bin_dirs = ['${programs['cni-plugins']}']
  conf_dir = '${at('cni')}'
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
  runtime_type = 'io.containerd.runc.v2'
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
  BinaryName = '${programs.runc}'
  Root = '${at('runc')}'
  SystemdCgroup = false
`;
}

const cniConfiguration = (stateFolder: string): object => ({
  cniVersion: '1.0.0',
  name: 'local',
  plugins: [
    {
      type: 'bridge',
      bridge: network.bridge,
      isGateway: false,
      hairpinMode: true,
      ipam: {
        type: 'host-local',
        dataDir: path.join(stateFolder, 'cni-addresses'),
        ranges: [
          [
            {
              subnet: network.podRange,
              rangeStart: network.firstPodAddress,
              rangeEnd: network.lastPodAddress,
              gateway: network.nodeAddress,
            },
          ],
        ],
        routes: [{ dst: '0.0.0.0/0' }],
      },
    },
  ],
});
