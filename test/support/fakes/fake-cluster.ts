// FakeCluster: the objects of a cluster in memory, behind the calls that a reconciler makes. For unit tests of code above the client.
import { isDeepStrictEqual } from 'node:util';
import { ApiError } from '../../../src/kube/api-error.ts';
import {
  apiVersionOf,
  keyOf,
  type KubeList,
  type KubeObject,
  type ObjectName,
  type ResourceType,
} from '../../../src/kube/resource.ts';
import type { ApplyClient } from '../../../src/runtime/apply.ts';
import { managedFieldsOf } from '../../../src/runtime/managed-fields.ts';

type Verb = keyof ApplyClient | 'list' | 'evict';

export interface FakeCall {
  readonly verb: Verb;
  /** The resource and the object's key. */
  readonly key: string;
  readonly options?: unknown;
}

export class FakeCluster implements ApplyClient {
  /** The calls that were made, in order. */
  readonly calls: FakeCall[] = [];
  /** Called with each call before it has an effect; a test may wait or throw in it. */
  onCall: (call: FakeCall) => Promise<void> | void = () => undefined;
  /** Called with each object that is stored, and the former one. */
  onStored: (plural: string, object: KubeObject, old: KubeObject | undefined) => void = () => undefined;
  /** Called with the key of each pod that is evicted. */
  onEvicted: (key: string) => Promise<void> | void = () => undefined;
  readonly #objects = new Map<string, KubeObject>();
  readonly #failures = new Map<string, Error>();
  #version = 100;

  /** The object that is stored; undefined if there is none. */
  object(plural: string, key: string): KubeObject | undefined {
    return this.#objects.get(`${plural} ${key}`);
  }

  /** All objects of a resource. */
  all(plural: string): KubeObject[] {
    return [...this.#objects].flatMap(([key, object]) => (key.startsWith(`${plural} `) ? [object] : []));
  }

  /** Stores the object as it is, or with a new resource version if it has none. */
  put<T extends KubeObject>(plural: string, object: T): T {
    const stored = {
      ...object,
      metadata: { ...object.metadata, resourceVersion: object.metadata?.resourceVersion ?? this.#next() },
    };
    const key = `${plural} ${keyOf(object)}`;
    const old = this.#objects.get(key);
    this.#objects.set(key, stored);
    this.onStored(plural, stored, old);
    return stored;
  }

  remove(plural: string, key: string): void {
    this.#objects.delete(`${plural} ${key}`);
  }

  /** Every call of the verb, of the resource if it is given, fails: with the status code, or with the error. */
  fail(verb: Verb, failure: number | Error, plural = ''): void {
    const error = typeof failure === 'number' ? new ApiError(`${verb} ${plural}`, failure, { message: 'refused' }) : failure;
    this.#failures.set(`${verb} ${plural}`, error);
  }

  /** Ends what `fail` began. */
  succeed(): void {
    this.#failures.clear();
  }

  /** The calls that write, as "verb resource key". */
  get writes(): string[] {
    return this.calls.filter(({ verb }) => verb !== 'get' && verb !== 'list').map(({ verb, key }) => `${verb} ${key}`);
  }

  async get<T extends KubeObject>(type: ResourceType<T>, name: ObjectName): Promise<T> {
    await this.#call('get', type, keyOf({ metadata: { ...name } }));
    return this.#existing(type, keyOf({ metadata: { ...name } }));
  }

  /** All objects of the resource: selectors are not evaluated. */
  async list<T extends KubeObject>(type: ResourceType<T>): Promise<KubeList<T>> {
    await this.#call('list', type, '');
    const items = [...this.#objects].flatMap(([key, object]) => (key.startsWith(`${type.plural} `) ? [object as T] : []));
    return { apiVersion: apiVersionOf(type), kind: `${type.kind}List`, metadata: {}, items };
  }

  async create<T extends KubeObject>(
    type: ResourceType<T>,
    object: T,
    options: { readonly isDryRun?: boolean } = {},
  ): Promise<T> {
    const key = keyOf(object);
    await this.#call('create', type, key, options);
    if (this.object(type.plural, key) !== undefined) throw new ApiError(`create ${key}`, 409, { reason: 'AlreadyExists' });
    if (options.isDryRun === true) return object;
    return this.put(type.plural, { ...object, metadata: { uid: `uid-${this.#next()}`, ...object.metadata } });
  }

  async apply<T extends KubeObject>(type: ResourceType<T>, object: T, options: unknown): Promise<T> {
    const key = keyOf(object);
    await this.#call('apply', type, key, options);
    const before = this.#existing(type, key);
    return this.put(type.plural, {
      ...before,
      ...object,
      metadata: { ...before.metadata, ...object.metadata, resourceVersion: this.#next() },
    });
  }

  /** Notes the field manager as the owner of the fields. */
  async patch<T extends KubeObject>(
    type: ResourceType<T>,
    name: ObjectName,
    body: object,
    { fieldManager }: { readonly fieldManager?: string | undefined } = {},
  ): Promise<T> {
    const key = keyOf({ metadata: { ...name } });
    await this.#call('patch', type, key, body);
    const before = this.#existing(type, key);
    const { metadata = {}, ...fields } = body as KubeObject;
    const { resourceVersion = before.metadata?.resourceVersion, uid = before.metadata?.uid, ...others } = metadata;
    if (!isDeepStrictEqual([resourceVersion, uid], [before.metadata?.resourceVersion, before.metadata?.uid]))
      throw new ApiError(`patch ${key}`, 409, { reason: 'Conflict' });
    const managed = { manager: fieldManager, operation: 'Update', fieldsV1: fieldsV1Of(fields) };
    const owners = fieldManager === undefined ? {} : { managedFields: [...managedFieldsOf(before), managed] };
    return this.put(type.plural, {
      ...(mergePatched(before, fields) as T),
      metadata: { ...before.metadata, ...mergedMetadata(before.metadata, others), ...owners, resourceVersion: this.#next() },
    });
  }

  /** Calls `onEvicted`. */
  async evict(name: ObjectName): Promise<unknown> {
    const key = keyOf({ metadata: { ...name } });
    await this.#call('evict', { plural: 'pods' }, key);
    await this.onEvicted(key);
    return {};
  }

  async delete(type: ResourceType, name: ObjectName, options: unknown): Promise<unknown> {
    const key = keyOf({ metadata: { ...name } });
    await this.#call('delete', type, key, options);
    this.#existing(type, key);
    this.remove(type.plural, key);
    return {};
  }

  async #call(verb: Verb, { plural }: Pick<ResourceType, 'plural'>, key: string, options?: unknown): Promise<void> {
    const call: FakeCall = { verb, key: `${plural} ${key}`, ...(options === undefined ? {} : { options }) };
    this.calls.push(call);
    await this.onCall(call);
    const failure = this.#failures.get(`${verb} ${plural}`) ?? this.#failures.get(`${verb} `);
    if (failure !== undefined) throw failure;
  }

  #existing<T extends KubeObject>({ plural }: ResourceType<T>, key: string): T {
    const object = this.object(plural, key);
    if (object === undefined) throw new ApiError(`get ${plural} ${key}`, 404, { reason: 'NotFound' });
    return object as T;
  }

  #next(): string {
    return String((this.#version += 1));
  }
}

/** The metadata of a merge patch: null removes an annotation. */
function mergedMetadata(before: KubeObject['metadata'], { annotations, ...others }: object & KubeObject['metadata']): object {
  if (annotations === undefined) return others;
  const merged = Object.entries<string | null>({ ...before?.annotations, ...annotations });
  return { ...others, annotations: Object.fromEntries(merged.filter(([, value]) => value !== null)) };
}

/** RFC 7396: null removes a field. */
function mergePatched(before: object, patch: object): object {
  const merged = new Map<string, unknown>(Object.entries(before));
  for (const [field, value] of Object.entries(patch)) {
    const former = merged.get(field);
    if (value === null) merged.delete(field);
    else merged.set(field, isMap(value) ? mergePatched(isMap(former) ? former : {}, value) : value);
  }
  return Object.fromEntries(merged);
}

/** As the API server names the fields of an owner. */
const fieldsV1Of = (fields: object): object =>
  Object.fromEntries(Object.entries(fields).map(([field, value]) => [`f:${field}`, isMap(value) ? fieldsV1Of(value) : {}]));

const isMap = (value: unknown): value is object => typeof value === 'object' && value !== null && !Array.isArray(value);
