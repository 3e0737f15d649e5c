// The chart as Helm renders it, for tests that install a part of it or read what it grants.
import path from 'node:path';
import { parseAllDocuments } from 'yaml';
import { run } from '../../../tools/command.ts';
import { controllerNamespace } from '../../../tools/installation.ts';
import { providePrograms } from '../../../tools/programs.ts';

export const chartFolder = path.join(import.meta.dirname, '..', '..', '..', 'charts', 'bitcoin-controller');
export const chartNamespace = controllerNamespace;

/** Values as in values.yaml; what is left out is as it is there. */
export type ChartValues = Readonly<Record<string, unknown>>;

export interface RenderedObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: Record<string, string> };
  readonly [field: string]: unknown;
}

/** What `helm install bitcoin-controller` in `chartNamespace` would create. @throws CommandFailedError if the values are refused */
export async function renderChart(values: ChartValues = {}): Promise<readonly RenderedObject[]> {
  const { helm } = await providePrograms(['helm']);
  const args = ['template', 'bitcoin-controller', chartFolder, '--namespace', chartNamespace, '--values', '-'];
  const text = await run(helm, args, { input: JSON.stringify(values) });
  return parseAllDocuments(text)
    .map(document => document.toJS() as RenderedObject | null)
    .filter(object => object !== null);
}

/** One of a kind; if there are several, the one of that name. */
export function rendered(objects: readonly RenderedObject[], kind: string, name?: string): RenderedObject {
  const found = objects.filter(object => object.kind === kind && (name === undefined || object.metadata.name === name));
  const [object] = found;
  if (object === undefined || found.length > 1) throw new Error(`the chart has ${found.length} ${kind} ${name ?? ''}`);
  return object;
}

/** The arguments that the chart's Deployment gives to the controller. */
export function controllerArguments(objects: readonly RenderedObject[]): readonly string[] {
  const { spec } = rendered(objects, 'Deployment') as unknown as {
    spec: { template: { spec: { containers: { args: string[] }[] } } };
  };
  return spec.template.spec.containers[0]?.args ?? [];
}
