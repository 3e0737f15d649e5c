// readConfig: the command line and the environment as a frozen Config. Nothing else reads process.env.
//   Every option is also an environment variable: `--log-level debug` is BITCOIN_CONTROLLER_LOG_LEVEL=debug. The command line wins.
import { randomUUID } from 'node:crypto';
import { parseArgs } from 'node:util';
import * as z from 'zod';
import { withoutKinds } from '../controller/child-kinds.ts';
import { defaultPodTemplate, parsePodTemplate } from '../bitcoin/resources/pod-template.ts';
import { type ClusterEnvironment, clusterVariables } from '../kube/auth/kubeconfig.ts';

/** An option or environment variable is invalid. The message names it, the given value and what is expected. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}

// Each message names what is expected; it follows "must be".
const text = (what: string) => z.string().min(1, what);
const namespaceName = z
  .string()
  .regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, 'a namespace: at most 63 lower-case letters, digits and "-"');
const oneOf = <const T extends readonly string[]>(values: T) => z.enum(values, `one of ${values.join(', ')}`);
const boolean = z.enum(['true', 'false'], 'true or false').transform(value => value === 'true');
const wholeNumber = (minimum: number, maximum: number) => {
  const what = `a whole number from ${minimum} to ${maximum}`;
  return z.string().regex(/^\d+$/, what).transform(Number).pipe(z.number().min(minimum, what).max(maximum, what));
};
const address = z.string().refine(given => {
  const [, port] = /^.*:(\d{1,5})$/.exec(given) ?? [];
  return given === '0' || given === 'off' || Number(port) <= 65_535;
}, 'ADDRESS:PORT or :PORT, with a port up to 65535, or off');

const podTemplate = z.string().transform((given, context) => {
  const parsed = parsePodTemplate(given);
  if ('template' in parsed) return parsed.template;
  context.addIssue({ code: 'custom', message: `JSON of what is added to the pods, but ${parsed.fault}` });
  return z.NEVER;
});

const loopbackAddress = address.refine(
  given => given === '0' || given === 'off' || /^(localhost|127\.\d+\.\d+\.\d+|\[::1\]):/.test(given),
  'a loopback address such as 127.0.0.1:8081, or off',
);

interface Option {
  readonly schema: z.ZodType;
  readonly value: string;
  readonly help: string;
}

const option = <S extends z.ZodType>(schema: S, value: string, help: string) => ({ schema, value, help });

/** The version of the bundle: a build-time constant. */
declare const BITCOIN_CONTROLLER_VERSION: string | undefined;
export const version = typeof BITCOIN_CONTROLLER_VERSION === 'string' ? BITCOIN_CONTROLLER_VERSION : '0.0.0-dev';

const options = {
  kubeconfig: option(
    text('a file name').optional(),
    'FILE',
    "kubeconfig file; default: KUBECONFIG, then the pod's service account, then ~/.kube/config",
  ),
  context: option(text('the name of a context').optional(), 'NAME', 'context of the kubeconfig; default: its current-context'),
  namespace: option(
    z
      .array(z.string().transform(list => list.split(',')))
      .transform(lists => [...new Set(lists.flat())])
      .pipe(z.array(namespaceName))
      .default([]),
    'NS',
    'namespace to watch, repeatable or comma-separated; default: all',
  ),
  'bitcoind-image': option(
    text('the name of an image').default(`bitcoin-controller-bitcoind:${version}`),
    'IMAGE',
    'image of the bitcoind containers',
  ),
  'bitcoind-image-pull-policy': option(
    oneOf(['Always', 'IfNotPresent', 'Never']).default('IfNotPresent'),
    'POLICY',
    'Always, IfNotPresent or Never',
  ),
  'bitcoind-pod-template': option(
    podTemplate.default(defaultPodTemplate),
    'JSON',
    'what is added to the pods of all networks: labels, annotations, imagePullSecrets, nodeSelector, tolerations, securityContext, resources, dataSizeLimit',
  ),
  'pod-labels': option(
    z
      .string()
      .default('')
      .transform(list => (list === '' ? [] : list.split(',').map(label => label.split('='))))
      .refine(labels => labels.every(({ length }) => length === 2), 'labels as KEY=VALUE,KEY=VALUE')
      .transform(labels => Object.fromEntries(labels) as Record<string, string>),
    'LABELS',
    "labels of the controller's own pods, as KEY=VALUE,…: the NetworkPolicies of networks let them in; default: none",
  ),
  'without-kinds': option(
    z
      .string()
      .default('')
      .transform(list => (list === '' ? [] : list.split(',')))
      .pipe(z.array(oneOf(withoutKinds))),
    'KINDS',
    'kinds of objects that the controller has no rights to, comma-separated: configMaps, networkPolicies, podDisruptionBudgets (networks that need one report it), bitcoinExperiments',
  ),
  'delete-networks': option(
    boolean.default(false),
    'true|false',
    'delete networks when their ttlSecondsAfterCreation is over; needs the right to delete them',
  ),
  'expand-volumes': option(
    boolean.default(false),
    'true|false',
    'whether the controller may read and change PersistentVolumeClaims, so that volumes grow with spec.storage.size, and follow spec.storage.retention',
  ),
  concurrency: option(wholeNumber(1, 10_000).default(100), 'N', 'maximum number of concurrent reconciles'),
  'recheck-seconds': option(
    wholeNumber(1, 86_400).default(120),
    'N',
    'how often the peers of a stable network are re-checked, in seconds',
  ),
  'watch-idle-seconds': option(
    wholeNumber(1, 86_400).default(150),
    'N',
    'restart a watch that has received no event or bookmark for N seconds (the API server sends a bookmark every minute)',
  ),
  'kube-api-qps': option(wholeNumber(1, 100_000).default(200), 'N', 'sustained requests a second to the API server'),
  'kube-api-burst': option(wholeNumber(1, 100_000).default(400), 'N', 'requests that may be sent to the API server at once'),
  'leader-elect': option(
    boolean.default(false),
    'true|false',
    'reconcile only while holding a Lease; required for several replicas',
  ),
  'leader-elect-namespace': option(namespaceName.optional(), 'NS', "namespace of the Lease; default: the pod's namespace"),
  'leader-elect-lease-name': option(text('the name of a Lease').default('bitcoin-controller'), 'NAME', 'name of the Lease'),
  'health-address': option(
    address.default('off'),
    'ADDRESS:PORT',
    'address of /healthz, /readyz and /metrics, such as :8080; default: off',
  ),
  'log-level-address': option(
    loopbackAddress.default('off'),
    'ADDRESS:PORT',
    'loopback address of /loglevel, which reads and sets the log level, such as 127.0.0.1:8081; default: off',
  ),
  'events-api': option(
    oneOf(['core', 'events']).default('core'),
    'API',
    'API in which events are recorded: core (v1) or events (events.k8s.io/v1)',
  ),
  'log-level': option(oneOf(['debug', 'info', 'warn', 'error']).default('info'), 'LEVEL', 'debug, info, warn or error'),
  'log-format': option(oneOf(['json', 'text']).default('json'), 'FORMAT', 'json or text'),
} satisfies Record<string, Option>;

type Options = typeof options;
type CamelCase<S extends string> = S extends `${infer Head}-${infer Tail}` ? `${Head}${Capitalize<CamelCase<Tail>>}` : S;
export type Config = { readonly [K in keyof Options as CamelCase<K>]: z.output<Options[K]['schema']> } & {
  /** The identity of this replica: in a cluster the name of its pod. */
  readonly identity: string;
  /** The namespace of this replica's pod, if it runs in a cluster. */
  readonly podNamespace: string | undefined;
  /** The variables that loadKubeConfig reads, and no others: a Config may be logged. */
  readonly environment: ClusterEnvironment;
};

const environmentName = (name: string): string => `BITCOIN_CONTROLLER_${name.toUpperCase().replaceAll('-', '_')}`;
const camelCase = (name: string): string => name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());

/** The text of --help. */
export function usage(): string {
  const lines = Object.entries<Option>(options).map(([name, { value, help }]) => `  --${`${name} ${value}`.padEnd(38)} ${help}`);
  return `bitcoin-controller ${version}: runs the bitcoin networks that BitcoinNetwork resources declare.

Usage: bitcoin-controller [OPTION…]

${lines.join('\n')}
  --${'help'.padEnd(38)} print this text
  --${'version'.padEnd(38)} print the version

Every option is also an environment variable, e.g. ${environmentName('log-level')}=debug. The command line wins.
`;
}

/**
 * Reads the configuration.
 * @throws UsageError
 */
export function readConfig(
  argv: readonly string[],
  hostname: string,
  environment: NodeJS.ProcessEnv = process.env,
): Config | 'help' | 'version' {
  const values = parsed(argv);
  if (values.help === true) return 'help';
  if (values.version === true) return 'version';
  const entries = Object.entries<Option>(options).map(([name, { schema }]) => {
    const variable = environmentName(name);
    const fromEnvironment = environment[variable] || undefined;
    const value = values[name] ?? (name === 'namespace' && fromEnvironment !== undefined ? [fromEnvironment] : fromEnvironment);
    const result = schema.safeParse(value);
    if (result.success) return [camelCase(name), result.data];
    const given = `${values[name] === undefined ? `${variable}=` : `--${name} `}${String(value) || "''"}`;
    throw new UsageError(`${given}: must be ${result.error.issues[0]?.message ?? 'something else'}`);
  });
  const fixed = {
    // Not the process id: in a container that is always the same.
    identity: environment.POD_NAME || `${hostname}_${randomUUID()}`,
    podNamespace: environment.POD_NAMESPACE || undefined,
    environment: Object.fromEntries(clusterVariables.map(name => [name, environment[name]])),
  };
  return Object.freeze({ ...Object.fromEntries(entries), ...fixed } as Config);
}

function parsed(argv: readonly string[]): Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>> {
  const flags = { help: { type: 'boolean', short: 'h' }, version: { type: 'boolean' } } as const;
  const strings = Object.fromEntries(
    Object.keys(options).map(name => [name, { type: 'string', ...(name === 'namespace' ? { multiple: true } : {}) }]),
  );
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: { ...strings, ...flags },
      allowPositionals: false,
    });
    return values;
  } catch (error) {
    // The other sentences are about positional arguments, which do not exist here.
    const [what = ''] = (error instanceof Error ? error.message : String(error)).split(/\.(?:\s|$)/);
    throw new UsageError(`${what}. See --help`);
  }
}
