// The errors that a scenario scripts for its sink, as a client throws them, and the words by which a call's outcome is printed.
import { ApiError } from '../../../src/kube/api-error.ts';

interface ScriptedError {
  /** How the outcome of the call is printed. */
  readonly result: string;
  readonly create: () => Error;
}

function status(code: number, reason: string, causes?: readonly { reason: string }[]): ScriptedError {
  const details = causes === undefined ? {} : { details: { causes } };
  return {
    result: `status ${code} ${reason}`,
    create: () => new ApiError('write event', code, { kind: 'Status', code, reason, message: reason, ...details }),
  };
}

function wrapped(inner: ScriptedError): ScriptedError {
  return { result: `wrapped ${inner.result}`, create: () => new Error('wrapped', { cause: inner.create() }) };
}

const network: ScriptedError = {
  result: 'network',
  create: () => Object.assign(new Error('connect ECONNREFUSED 10.0.0.1:443'), { code: 'ECONNREFUSED', syscall: 'connect' }),
};

const scriptedErrors: Readonly<Record<string, ScriptedError>> = {
  notFound: status(404, 'NotFound'),
  notFoundCodeOnly: status(404, ''),
  notFoundReasonOnly: status(0, 'NotFound'),
  wrappedNotFound: wrapped(status(404, 'NotFound')),
  alreadyExists: status(409, 'AlreadyExists'),
  conflict: status(409, 'Conflict'),
  forbidden: status(403, 'Forbidden'),
  wrappedForbidden: wrapped(status(403, 'Forbidden')),
  namespaceTerminating: status(403, 'Forbidden', [{ reason: 'NamespaceTerminating' }]),
  unauthorized: status(401, 'Unauthorized'),
  badRequest: status(400, 'BadRequest'),
  invalid: status(422, 'Invalid'),
  tooManyRequests: status(429, 'TooManyRequests'),
  internal: status(500, 'InternalError'),
  serviceUnavailable: status(503, 'ServiceUnavailable'),
  timeout: status(504, 'Timeout'),
  gone: status(410, 'Gone'),
  requestEntityTooLarge: status(413, 'RequestEntityTooLarge'),
  // What no attempt can send: an object that JSON cannot hold, a malformed path. JavaScript's own error for it.
  requestConstruction: { result: 'requestConstruction', create: () => new TypeError('Converting circular structure to JSON') },
  unexpectedObject: { result: 'unexpectedObject', create: () => new SyntaxError('unexpected object in the answer') },
  network,
  appliedThenNetwork: network,
};

/** Every error that a scenario may script. */
export const scriptedErrorNames: readonly string[] = Object.keys(scriptedErrors);

export function scriptedError(name: string): ScriptedError {
  const error = scriptedErrors[name];
  if (error === undefined) throw new RangeError(`unknown sink error ${name}`);
  return error;
}

/** The outcome of a call that failed by the server's own rules. */
export function resultOf(error: unknown): string {
  if (error instanceof ApiError) return `status ${error.code} ${error.reason ?? ''}`;
  throw error;
}
