// The command lines of the control plane's programs.
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { stringify } from 'yaml';
import type { CertificateFiles } from './certificates.ts';
import type { ControlPlaneSettings } from './control-plane.ts';

/** Requests per second of the controllers. With the defaults of 20 and 50 a test of scale would measure these limits. */
const controllerQps = 500;
const issuer = 'https://kubernetes.default.svc.cluster.local';

export interface ApiServerInputs {
  settings: ControlPlaneSettings;
  port: number;
  etcdEndpoint: string;
  authority: string;
  serving: CertificateFiles;
  tokenKeys: { privateKey: string; publicKey: string };
  kubeletClient: CertificateFiles | undefined;
}

export function apiServerArguments(inputs: ApiServerInputs): string[] {
  const { settings, serving, tokenKeys, kubeletClient } = inputs;
  const args = [
    ...[`--bind-address=${settings.address}`, `--secure-port=${inputs.port}`, `--advertise-address=${settings.address}`],
    ...[
      `--tls-cert-file=${serving.certificate}`,
      `--tls-private-key-file=${serving.key}`,
      `--client-ca-file=${inputs.authority}`,
    ],
    ...[
      `--etcd-servers=${inputs.etcdEndpoint}`,
      '--etcd-prefix=/registry',
      '--storage-media-type=application/vnd.kubernetes.protobuf',
    ],
    ...[`--service-account-issuer=${issuer}`, `--service-account-key-file=${tokenKeys.publicKey}`],
    ...[`--service-account-signing-key-file=${tokenKeys.privateKey}`, `--service-cluster-ip-range=${settings.serviceRange}`],
    ...['--authorization-mode=Node,RBAC', '--enable-admission-plugins=NodeRestriction', '--allow-privileged=true'],
  ];
  // Pods need a service account, which only a controller manager creates.
  if (!settings.controllerManager) args.push('--disable-admission-plugins=ServiceAccount');
  // The API server refuses an endpoint with a loopback address, and no pod could reach it.
  if (settings.address.startsWith('127.')) args.push('--endpoint-reconciler-type=none');
  if (settings.audit) {
    args.push(
      `--audit-policy-file=${path.join(settings.folder, 'audit-policy.yaml')}`,
      `--audit-log-path=${path.join(settings.folder, 'audit.log')}`,
    );
  }
  if (kubeletClient !== undefined) {
    args.push(`--kubelet-client-certificate=${kubeletClient.certificate}`, `--kubelet-client-key=${kubeletClient.key}`);
    // By name, the API server would need a name server that knows the node.
    args.push(`--kubelet-certificate-authority=${inputs.authority}`, '--kubelet-preferred-address-types=InternalIP');
  }
  return args;
}

export function controllerManagerArguments(inputs: {
  readonly kubeconfig: string;
  readonly authority: string;
  readonly tokenKey: string;
  readonly hasKubelets: boolean;
}): string[] {
  const { kubeconfig, authority, tokenKey, hasKubelets } = inputs;
  return [
    // Simulated nodes live as long as the test. Their simulator may renew a lease too late, and does not make their pods ready again.
    ...(hasKubelets ? [] : ['--node-monitor-grace-period=24h']),
    ...[`--kubeconfig=${kubeconfig}`, '--leader-elect=false', '--secure-port=0', '--use-service-account-credentials=true'],
    ...[`--root-ca-file=${authority}`, `--service-account-private-key-file=${tokenKey}`],
    ...[`--kube-api-qps=${controllerQps}`, `--kube-api-burst=${controllerQps}`],
  ];
}

/** Writes the scheduler's configuration file too. */
export async function schedulerArguments(kubeconfig: string, folder: string): Promise<string[]> {
  const file = path.join(folder, 'scheduler.yaml');
  const configuration = {
    apiVersion: 'kubescheduler.config.k8s.io/v1',
    kind: 'KubeSchedulerConfiguration',
    clientConnection: { kubeconfig, qps: controllerQps, burst: controllerQps },
    leaderElection: { leaderElect: false },
  };
  await writeFile(file, stringify(configuration));
  return [`--config=${file}`, '--secure-port=0'];
}
