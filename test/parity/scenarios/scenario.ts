// Scenario: the input of a parity replay: what a controller records, step by step, and how the sink answers.

export interface ScenarioReference {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly name?: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly fieldPath?: string;
  readonly resourceVersion?: string;
}

export interface ScenarioStep {
  /** Fake time that passes before the step. */
  readonly afterMs?: number;
  readonly action?: 'sleep' | 'deleteAll' | 'shutdown' | 'startSink' | 'stopSink' | 'cancel';
  readonly recorder?: { readonly component?: string; readonly host?: string };
  readonly object?: ScenarioReference | null;
  readonly related?: ScenarioReference | null;
  readonly eventtype?: string;
  readonly reason?: string;
  /** The events.k8s.io/v1 action; `message` is then its note. */
  readonly eventAction?: string;
  readonly message?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  /** How often the step happens, `afterMs` before each; `{i}` in its strings counts from 0. */
  readonly repeat?: number;
  /** The next step does not wait until this one has reached the sink. */
  readonly noSettle?: boolean;
}

export interface SinkErrorRule {
  readonly on: 'create' | 'patch' | 'any';
  /** The first call of that kind that fails, counted from 1. */
  readonly from: number;
  readonly times?: number;
  readonly error: string;
}

export interface Scenario {
  readonly name: string;
  readonly description?: string;
  readonly api?: 'core' | 'events';
  readonly tags?: readonly string[];
  /** The correlator's; 0 or absent means client-go's default, a negative value is taken as it is. */
  readonly options?: {
    readonly lruCacheSize?: number;
    readonly burstSize?: number;
    readonly qps?: number;
    readonly maxEvents?: number;
    readonly maxIntervalInSeconds?: number;
  };
  readonly broadcaster?: { readonly sleepMs?: number };
  readonly server?: { readonly kind?: 'roundtrip' | 'echo'; readonly ttlMs?: number };
  readonly sinkErrors?: readonly SinkErrorRule[] | null;
  readonly steps: readonly ScenarioStep[];
  readonly drainMs?: number;
}

export type Mode = 'correlator' | 'broadcaster' | 'events';

/** Where a call comes from: the step and its repetition. */
export interface Origin {
  readonly step: number;
  readonly rep: number;
}

const defaultDrainMs = 400_000;

export function repetitionsOf(step: ScenarioStep): number {
  return step.repeat === undefined || step.repeat === 0 ? 1 : step.repeat;
}

/** One repetition of a step: `{i}` replaced in all of its strings, keys included. What is null, and an empty action, is as if not there, as in Go. */
export function occurrenceOf(step: ScenarioStep, rep: number): ScenarioStep {
  const text = JSON.stringify(step).replaceAll('{i}', String(rep));
  const { action, ...rest } = JSON.parse(text, (_, value: unknown) => value ?? undefined) as Omit<ScenarioStep, 'action'> & {
    action?: ScenarioStep['action'] | '';
  };
  return action === undefined || action === '' ? rest : { ...rest, action };
}

export function hasTag(scenario: Scenario, tag: string): boolean {
  return scenario.tags?.includes(tag) ?? false;
}

/** Fake time that passes after the last step: long enough for all attempts if the sink fails. */
export function drainMsOf(scenario: Scenario): number {
  return scenario.drainMs ?? ((scenario.sinkErrors ?? []).length > 0 ? defaultDrainMs : 0);
}

const lifecycleActions: readonly (string | undefined)[] = ['shutdown', 'startSink', 'stopSink', 'cancel'];

/**
 * The modes in which a scenario has a meaning. The correlator alone has no sink that fails, no start and no end, so such scenarios
 * are the broadcaster's.
 */
export function modesOf(scenario: Scenario): readonly Mode[] {
  if (scenario.api === 'events') return ['events'];
  const needsSink =
    (scenario.sinkErrors ?? []).length > 0 ||
    hasTag(scenario, 'startWithoutSink') ||
    scenario.steps.some(step => lifecycleActions.includes(step.action));
  return needsSink ? ['broadcaster'] : ['broadcaster', 'correlator'];
}
