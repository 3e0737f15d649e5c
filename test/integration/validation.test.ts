// A real API server validates a BitcoinNetwork by the generated CustomResourceDefinition.
import { expect } from 'chai';
import { customResourceDefinition } from '../../src/bitcoin/api/custom-resource-definition.ts';
import { startControlPlane, type TestControlPlane } from '../support/cluster/api-server.ts';

const apiVersion = 'bitcoincontroller.christianb93.github.com/v1';
const long = 'a'.repeat(300);

/** The fault, the object, and the field that the message must name. */
const refused: readonly (readonly [string, Record<string, unknown>, RegExp])[] = [
  ['no spec', { spec: undefined }, /spec: Required/],
  ['no nodes', { spec: {} }, /spec\.nodes: Required/],
  ['a negative number of nodes', { spec: { nodes: -1 } }, /spec\.nodes.*greater than or equal to 0/],
  ['half a node', { spec: { nodes: 2.5 } }, /spec\.nodes.*integer|spec\.nodes.*int32/],
  ['more nodes than a network can join', { spec: { nodes: 1001 } }, /spec\.nodes.*less than or equal to 1000/],
  ['a number beyond 32 bits', { spec: { nodes: 4294967296 } }, /spec\.nodes/],
  ['nodes as text', { spec: { nodes: '3' } }, /spec\.nodes.*integer/],
  ['nodes as truth', { spec: { nodes: true } }, /spec\.nodes/],
  ['nodes as list', { spec: { nodes: [3] } }, /spec\.nodes.*integer/],
  ['nodes as null', { spec: { nodes: null } }, /spec\.nodes/],
  ['a Secret with capital letters', { spec: { nodes: 1, secret: 'MySecret' } }, /spec\.secret.*must be the name of a Secret/],
  ['a Secret with a blank', { spec: { nodes: 1, secret: 'my secret' } }, /spec\.secret.*must be the name of a Secret/],
  ['a Secret of another namespace', { spec: { nodes: 1, secret: 'other/secret' } }, /spec\.secret.*must be the name of a Secret/],
  ['a Secret that ends with a dash', { spec: { nodes: 1, secret: 'secret-' } }, /spec\.secret.*must be the name of a Secret/],
  ['a Secret with a name too long', { spec: { nodes: 1, secret: long } }, /spec\.secret.*(Too long|may not be more than 253)/],
  ['a Secret as number', { spec: { nodes: 1, secret: 5 } }, /spec\.secret.*string/],
  ['a Secret as object', { spec: { nodes: 1, secret: { name: 'x' } } }, /spec\.secret/],
  ['a mistyped field', { spec: { nodes: 1, secrets: 'x' } }, /unknown field "spec\.secrets"/],
  ['the spec of another kind', { spec: { nodes: 1, replicas: 3 } }, /unknown field "spec\.replicas"/],
  [
    'a name too long for its pods',
    { metadata: { name: 'a'.repeat(49) }, spec: { nodes: 1 } },
    /metadata\.name must be at most 48 characters/,
  ],
  ['a name that starts with a digit', { metadata: { name: '1st' }, spec: { nodes: 1 } }, /metadata\.name must be/],
  ['a name with a dot', { metadata: { name: 'a.b' }, spec: { nodes: 1 } }, /metadata\.name must be/],
];

const accepted: readonly (readonly [string, Record<string, unknown>])[] = [
  ['no nodes at all', { spec: { nodes: 0 } }],
  ['an empty Secret name', { spec: { nodes: 1, secret: '' } }],
  ['a Secret name with dots and dashes', { spec: { nodes: 3, secret: 'my-secret.v2' } }],
  ['the longest name', { metadata: { name: `a${'b'.repeat(47)}` }, spec: { nodes: 1 } }],
  ['as many nodes as there may be', { spec: { nodes: 1000 } }],
];

describe('a BitcoinNetwork that cannot be', function () {
  this.timeout(0);
  let server: TestControlPlane;

  before(async () => {
    server = await startControlPlane();
    await server.kubectlWithInput(JSON.stringify(customResourceDefinition()), 'apply', '--server-side', '-f', '-');
    await server.kubectl(
      'wait',
      '--for=condition=Established',
      'crd/bitcoinnetworks.bitcoincontroller.christianb93.github.com',
      '--timeout=60s',
    );
  });
  after(() => server.stop());

  const create = (fields: Record<string, unknown>): Promise<string> =>
    server
      .kubectlWithInput(
        JSON.stringify({ apiVersion, kind: 'BitcoinNetwork', metadata: { name: 'n' }, ...fields }),
        'create',
        '--dry-run=server',
        '-f',
        '-',
      )
      .catch((error: unknown) => String(error));

  for (const [what, fields, field] of refused)
    it(`is refused with the field's name: ${what}`, async () => expect(await create(fields)).to.match(field));

  for (const [what, fields] of accepted)
    it(`is accepted: ${what}`, async () => expect(await create(fields)).to.match(/created \(server dry run\)/));
});
