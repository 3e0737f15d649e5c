// An event as Go's encoder prints it: empty fields left out or kept as the Go struct's tags say, core/v1 times with whole seconds.

type Json = Readonly<Record<string, unknown>>;

const emptyCoreEvent: Json = {
  metadata: {},
  involvedObject: {},
  source: {},
  firstTimestamp: null,
  lastTimestamp: null,
  eventTime: null,
  reportingComponent: '',
  reportingInstance: '',
};

/** The body of a create. */
export function goBody(event: object): Json {
  const fields = Object.entries(JSON.parse(JSON.stringify(event)) as Json)
    .map(([key, value]) => [key, goValue(key, value)] as const)
    .filter(([, value]) => !isEmpty(value));
  return { ...emptyCoreEvent, ...Object.fromEntries(fields) };
}

/** JSON as Go's encoder writes it: what HTML and JavaScript trip over is escaped. */
export function goString(value: object): string {
  return JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function goValue(key: string, value: unknown): unknown {
  if (key.endsWith('Timestamp') && typeof value === 'string') return value.replace(/\.\d+Z$/, 'Z');
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([name, inner]: [string, unknown]) => [name, name === 'annotations' ? inner : goValue(name, inner)] as const)
      .filter(([, inner]) => !isEmpty(inner)),
  );
}

function isEmpty(value: unknown): boolean {
  return (
    value === null ||
    value === undefined ||
    value === '' ||
    value === 0 ||
    (typeof value === 'object' && Object.keys(value).length === 0)
  );
}
