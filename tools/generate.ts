// `npm run generate`: writes the files that are made from the schema, from the chart's values and from the start script of bitcoind. `--check` writes nothing and fails if one of them is out of date.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import {
  customResourceDefinition,
  experimentDefinition,
  jsonSchemaOfExperiments,
  jsonSchemaOfNetworks,
} from '../src/bitcoin/api/custom-resource-definition.ts';
import { bitcoinConf } from '../src/bitcoin/resources/bitcoin-conf.ts';
import type { JsonSchema } from '../src/bitcoin/api/structural-schema.ts';
import { experimentFieldReference, fieldReference } from './field-reference.ts';

const root = path.resolve(import.meta.dirname, '..');

/** A CRD as a chart template. It is kept when the chart is uninstalled: deleting it would delete every object of its kind. */
function chartTemplate(definition: JsonSchema): string {
  const name = (definition.metadata as { name: string }).name;
  const head = `{{- include "bitcoin-controller.fillDefaults" . }}
{{- if .Values.crds.enabled }}
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: ${name}
  labels:
    {{- include "bitcoin-controller.labels" . | nindent 4 }}
  annotations:
    {{- if .Values.crds.keep }}
    helm.sh/resource-policy: keep
    {{- end }}
    bitcoincontroller.christianb93.github.com/generated-from: src/bitcoin/api
`;
  return `# Generated from src/bitcoin/api by \`npm run generate\`; do not edit.\n${head}${stringify({ spec: definition.spec }, { lineWidth: 0 })}{{- end }}\n`;
}

/** The chart's values as a template, for those that a release lacks: `helm upgrade --reuse-values` brings those of an older chart. */
function chartDefaults(): string {
  const values = parse(readFileSync(path.join(root, 'charts/bitcoin-controller/values.yaml'), 'utf8')) as object;
  const head =
    '{{/* Generated from values.yaml by `npm run generate`; do not edit. */}}\n{{- define "bitcoin-controller.defaults" -}}\n';
  return `${head}${stringify(values, { lineWidth: 0 })}{{- end -}}\n`;
}

/** A script as a module, which both Node.js and the bundle load without a file beside them. */
function scriptModule(file: string, constant: string): string {
  const lines = readFileSync(path.join(root, file), 'utf8').split('\n');
  const head = `// Generated from ${file} by \`npm run generate\`; do not edit.\n`;
  return `${head}export const ${constant}: string = [\n${lines.map(line => `  ${JSON.stringify(line)},\n`).join('')}].join('\\n');\n`;
}

const files: Readonly<Record<string, string>> = {
  // The admission policy compares what the controller writes with it.
  'charts/bitcoin-controller/files/start.sh': readFileSync(path.join(root, 'images/bitcoind/start.sh'), 'utf8'),
  'charts/bitcoin-controller/files/volume.sh': readFileSync(path.join(root, 'images/bitcoind/volume.sh'), 'utf8'),
  'charts/bitcoin-controller/files/rpcauth.sh': readFileSync(path.join(root, 'images/bitcoind/rpcauth.sh'), 'utf8'),
  'charts/bitcoin-controller/templates/crd.yaml': chartTemplate(customResourceDefinition()),
  'charts/bitcoin-controller/templates/crd-experiments.yaml': chartTemplate(experimentDefinition()),
  'charts/bitcoin-controller/templates/_defaults.tpl': chartDefaults(),
  'docs/fields.md': fieldReference(jsonSchemaOfNetworks()),
  'docs/experiment-fields.md': experimentFieldReference(jsonSchemaOfExperiments()),
  'images/bitcoind/bitcoin.conf': `# Generated from src/bitcoin/resources/bitcoin-conf.ts by \`npm run generate\`; do not edit.\n${bitcoinConf({})}`,
  'src/bitcoin/resources/start-script.ts': scriptModule('images/bitcoind/start.sh', 'startScript'),
  'src/bitcoin/resources/rpc-auth-script.ts': scriptModule('images/bitcoind/rpcauth.sh', 'rpcAuthScript'),
  'src/bitcoin/resources/volume-script.ts': scriptModule('images/bitcoind/volume.sh', 'volumeScript'),
};

function current(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

const isCheck = process.argv.includes('--check');
let stale = 0;
for (const [file, content] of Object.entries(files)) {
  const target = path.join(root, file);
  if (current(target) === content) continue;
  if (isCheck) {
    process.stderr.write(`${file} is out of date: run \`npm run generate\`\n`);
    stale += 1;
  } else {
    mkdirSync(path.dirname(target), { recursive: true });
    writeFileSync(target, content);
    process.stdout.write(`wrote ${file}\n`);
  }
}
process.exitCode = stale === 0 ? 0 : 1;
