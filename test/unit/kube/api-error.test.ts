import { expect } from 'chai';
import {
  ApiError,
  apiStatusCode,
  isAlreadyExists,
  isConflict,
  isForbidden,
  isGone,
  isInvalid,
  isNotFound,
  parsedStatus,
  type ApiStatus,
} from '../../../src/kube/api-error.ts';

/** As client-node throws it: the body is the text or the object. */
class ApiException extends Error {
  readonly code: number;
  readonly body: unknown;

  constructor(code: number, body: unknown) {
    super(`HTTP-Code: ${code}`);
    this.code = code;
    this.body = body;
  }
}

describe('API errors', () => {
  const predicates = { isNotFound, isConflict, isAlreadyExists, isForbidden, isGone };
  const holding = (error: unknown): string[] =>
    Object.entries(predicates)
      .filter(([, holds]) => holds(error))
      .map(([name]) => name);

  it('show what a server said without control characters, and bear any type in the place of a text or a list', () => {
    expect(new ApiError('get pods', 403, { reason: 'Forbidden', message: `\u001b[2J${'x'.repeat(9_000)}` }).message)
      .to.match(/^get pods: 403 Forbidden: \ufffd\[2Jx+…$/)
      .and.have.length.below(1_100);
    const strange = { reason: {}, message: 5, details: { causes: [null, 1, { reason: 'FieldValueInvalid' }] } } as unknown;
    const error = new ApiError('get pods', 500, strange as ApiStatus);
    expect(error.message).to.equal('get pods: 500');
    expect(error.causes).to.deep.equal([{ reason: 'FieldValueInvalid' }]);
  });

  for (const [code, reason, expected] of [
    [404, 'NotFound', ['isNotFound']],
    [409, 'Conflict', ['isConflict']],
    [409, 'AlreadyExists', ['isAlreadyExists']],
    [403, 'Forbidden', ['isForbidden']],
    [410, 'Expired', ['isGone']],
    [410, 'Gone', ['isGone']],
    [500, 'InternalError', []],
  ] as const) {
    it(`recognizes ${code} ${reason} whichever client threw it, and however deep it is wrapped`, () => {
      const status = { kind: 'Status', code, reason };
      for (const error of [
        new ApiError('get pods a', code, status),
        new ApiException(code, status),
        new ApiException(code, JSON.stringify(status)),
      ]) {
        const wrapped = new Error('reconcile failed', { cause: new Error('apply failed', { cause: error }) });
        expect(holding(error)).to.deep.equal(expected);
        expect(holding(wrapped)).to.deep.equal(expected);
        expect(apiStatusCode(wrapped)).to.equal(code);
      }
    });
  }

  for (const [what, code, message, expected] of [
    ['a value that is not allowed', 422, 'spec.replicas: Invalid value', true],
    ['a create with an unknown field', 400, 'strict decoding error: unknown field "spec.typo"', true],
    [
      'an apply with an unknown field',
      500,
      'failed to create typed patch object (a/b; apps/v1): .spec.typo: field not declared',
      true,
    ],
    [
      'a create with a value of another type',
      400,
      'StatefulSet in version "v1" cannot be handled as a StatefulSet: json: cannot unmarshal number into Go struct field Container.image of type string',
      true,
    ],
    [
      'an apply with a quantity that is none',
      500,
      "failed to convert new object (a/b; apps/v1, Kind=StatefulSet) to proper version: unable to convert unstructured object to apps/v1, Kind=StatefulSet: quantities must match the regular expression '…'",
      true,
    ],
    ['another bad request', 400, 'the body is empty', false],
    ['a refusal of a webhook', 400, 'admission webhook "a.example" denied the request: no', false],
    ['a failed conversion', 500, 'conversion webhook for example.org/v1, Kind=Thing failed: Post "https://a.b.svc": EOF', false],
    ['another failure', 500, 'etcdserver: request timed out', false],
  ] as const)
    it(`${expected ? 'takes' : 'does not take'} ${what} for an invalid object`, () => {
      expect(isInvalid(new ApiError('create', code, { message }))).to.equal(expected);
    });

  it('does not take any other error for a response of the API server', () => {
    const refused = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
    const bitcoind = Object.assign(new Error('loading'), { code: -28 });
    const circular = new Error('a');
    circular.cause = circular;
    for (const error of [refused, bitcoind, circular, { code: 404 }, 404, 'NotFound', null, undefined])
      expect(apiStatusCode(error)).to.equal(undefined);
  });

  it("contains the attempted call, the code, the reason and the server's message", () => {
    const status = { reason: 'NotFound', message: 'secrets "x" not found' };
    expect(new ApiError('get secrets default/x', 404, status).message).to.equal(
      'get secrets default/x: 404 NotFound: secrets "x" not found',
    );
    expect(new ApiError('get secrets default/x', 502).message).to.equal('get secrets default/x: 502');
  });

  it('treats a null in a Status as absent', () => {
    const text = '{"kind":"Status","reason":null,"message":null,"details":{"causes":null,"retryAfterSeconds":null}}';
    for (const status of [parsedStatus(text), parsedStatus('{"kind":"Status","details":null}')]) {
      const error = new ApiError('get pods a', 500, status);
      expect(error.message).to.equal('get pods a: 500');
      expect(error).to.deep.include({ reason: undefined, retryAfterSeconds: undefined, causes: [] });
    }
  });

  it("keeps the causes of a conflict and the server's Retry-After", () => {
    const causes = [{ reason: 'FieldManagerConflict', field: '.spec.replicas' }];
    const error = new ApiError('apply', 409, { reason: 'Conflict', details: { causes, retryAfterSeconds: 3 } });
    expect(error).to.deep.include({ causes, retryAfterSeconds: 3, name: 'ApiError' });
  });

  it('truncates a long message', () => {
    expect(new ApiError('apply', 422, { message: 'x'.repeat(1_000_000) }).message).to.have.length.below(1_100);
  });
});
