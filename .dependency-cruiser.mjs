// Which folder may import which, each rule with its reason: `npm run check` runs it as "imports". Types count like values, except where a rule says otherwise.

/** The folders of src/, lowest layer first, with the folders of lower layers that each may import. docs/architecture.md describes them. */
const folders = {
  collections: { below: [], reason: 'collections/ holds plain data structures.' },
  time: { below: ['collections'], reason: 'time/ holds timers, backoff and rate limits of general use.' },
  logging: { below: [], reason: 'logging/ is the one place that knows winston; everybody else takes a Logger.' },
  broadcaster: {
    below: ['collections'],
    reason: 'broadcaster/ is published for any program and runs in a browser too: rxjs and plain collections.',
  },
  kube: {
    below: ['collections', 'time', 'logging'],
    reason: 'kube/ is a Kubernetes client for any program. It knows no controller, no event recorder and nothing of bitcoin.',
  },
  bitcoin: {
    below: ['collections', 'time', 'logging'],
    reason:
      'bitcoin/ computes what should exist and talks to bitcoind. It makes no Kubernetes call, so the kubectl plugin can use it.',
  },
  record: {
    below: ['broadcaster', 'collections', 'time', 'logging'],
    reason: 'record/ is published for any controller: nothing of bitcoin, of this controller or of its Kubernetes client.',
  },
  runtime: {
    below: ['collections', 'time', 'logging', 'kube'],
    reason:
      'runtime/ is published for a controller of any resource. It declares the metrics that it reports and knows nothing of bitcoin.',
  },
  metrics: {
    below: ['collections', 'time', 'logging', 'kube', 'runtime', 'record'],
    reason: 'metrics/ implements the metrics interfaces that kube/, runtime/ and record/ declare.',
  },
  controller: {
    below: ['collections', 'time', 'logging', 'kube', 'bitcoin', 'runtime'],
    reason: 'controller/ reconciles BitcoinNetworks. It records events and reports metrics, and does not know where they go.',
  },
  app: {
    below: ['collections', 'time', 'logging', 'broadcaster', 'kube', 'bitcoin', 'record', 'runtime', 'metrics', 'controller'],
    reason: 'app/ wires one process together.',
  },
};

const folderRules = Object.entries(folders).map(([folder, { below, reason }]) => ({
  name: `${folder}-imports-only-lower-layers`,
  comment: reason,
  severity: 'error',
  from: { path: `^src/${folder}/` },
  to: { path: '^src/', pathNot: `^src/(${[folder, ...below].join('|')})/${exceptionsOf(folder)}` },
}));

/** What a folder may import of a folder that is not in a lower layer. */
function exceptionsOf(folder) {
  // An error's status code decides whether a write is retried, and a consumer's own client-node sends the patches; neither file needs the client.
  if (folder === 'record') return '|^src/kube/(api-error|client-node-patch).ts$';
  // The type of an EventRecorder, which is handed in: see recorder-is-a-type.
  if (folder === 'runtime' || folder === 'controller') return '|^src/record/core/';
  return '';
}

/** A package and the places that may import it. */
const packageRule = (name, places, comment, types = {}) => ({
  name: `${name.replace(/[^a-z-]/g, '')}-has-its-place`,
  comment,
  severity: 'error',
  from: { path: '^src/', pathNot: places },
  to: { path: `^node_modules/${name}/`, ...types },
});

export default {
  forbidden: [
    {
      name: 'no-circular',
      comment: 'A cycle has no bottom: a reader cannot begin anywhere. Type-only cycles count too.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'nobody-imports-main',
      comment: 'main.ts starts and ends the process; importing it would do so.',
      severity: 'error',
      from: {},
      to: { path: '^src/main.ts$' },
    },
    {
      name: 'main-imports-app',
      comment: 'main.ts reads arguments and signals; app/ does the wiring.',
      severity: 'error',
      from: { path: '^src/main.ts$' },
      to: { path: '^src/', pathNot: '^src/(app|logging)/' },
    },
    {
      name: 'recorder-is-a-type',
      comment: 'An EventRecorder is handed in: its type is all that runtime/ and controller/ know of record/.',
      severity: 'error',
      from: { path: '^src/(runtime|controller)/' },
      to: { path: '^src/record/', dependencyTypesNot: ['type-only'] },
    },
    ...folderRules,
    {
      name: 'pipeline-serves-both-apis',
      comment: 'record/pipeline/ serves both APIs of events: it knows neither of them.',
      severity: 'error',
      from: { path: '^src/record/pipeline/' },
      to: { path: '^src/record/(core|events)/' },
    },
    packageRule(
      'winston',
      '^src/logging/winston-logger.ts$',
      'One logger can be replaced by another: only its adapter knows it.',
    ),
    packageRule('prom-client', '^src/metrics/', 'One metrics library can be replaced by another: only metrics/ knows it.'),
    packageRule(
      '@kubernetes/client-node',
      '^src/kube/',
      'Only its types elsewhere: the consumer of the package brings its own version.',
      {
        dependencyTypesNot: ['type-only'],
      },
    ),
    {
      name: 'browser-safe',
      comment: 'broadcaster/ runs in a browser: no module of Node.js.',
      severity: 'error',
      from: { path: '^src/(broadcaster|collections)/' },
      to: { dependencyTypes: ['core'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    // Types count: a type-only cycle is a cycle too.
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'types'] },
  },
};
