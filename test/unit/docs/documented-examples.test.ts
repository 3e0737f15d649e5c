import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { run } from '../../../tools/command.ts';
import '../../../tools/package-sources.ts';
import { answer, FakeApiServer, kubeConfigFor } from '../../support/fakes/fake-api-server.ts';
import { type DocumentedExample, examplesOf, printedBy } from './documented-example.ts';

const root = path.resolve(import.meta.dirname, '..', '..', '..');
const sources = globSync('src/{broadcaster,record,runtime}/**/*.ts', { cwd: root }).sort();
const pages = ['docs/recording-events.md', 'docs/writing-a-controller.md', 'docs/package.md'];
const examples = [...sources, ...pages].flatMap(examplesOf);

describe('the examples of the documentation', () => {
  let folder: string;
  let server: FakeApiServer;
  const { KUBECONFIG } = process.env;
  /** In the repository, so that they find its packages as any program of it does. */
  const fileOf = (example: DocumentedExample): string => path.join(folder, `example-${examples.indexOf(example)}.ts`);
  before(async () => {
    mkdirSync(path.join(root, 'build'), { recursive: true });
    folder = mkdtempSync(path.join(root, 'build', 'examples-'));
    for (const example of examples) writeFileSync(fileOf(example), `${example.code}\nexport {};\n`);
    server = await FakeApiServer.start();
    server.handler = ({ method }, response, body) =>
      method === 'GET' ? answer(response, 200, discovery) : answer(response, method === 'POST' ? 201 : 200, JSON.parse(body));
    process.env.KUBECONFIG = path.join(folder, 'kubeconfig');
    writeFileSync(process.env.KUBECONFIG, kubeConfigFor(server.url).exportConfig());
  });
  after(async () => {
    if (KUBECONFIG === undefined) delete process.env.KUBECONFIG;
    else process.env.KUBECONFIG = KUBECONFIG;
    await server.stop();
    rmSync(folder, { recursive: true });
  });

  it('are there for everything that a consumer begins with', () => {
    const all = examples.map(({ code }) => code).join('\n');
    for (const name of beginnings) expect(all).to.include(name);
  });

  it('are all run: each @example is a block of TypeScript', () => {
    for (const file of sources) {
      const announced = readFileSync(path.join(root, file), 'utf8').match(/\* @example\b/g) ?? [];
      expect(examplesOf(file), file).to.have.length(announced.length);
    }
  });

  it('satisfy the compiler at its strictest', async function () {
    this.timeout(120_000);
    const config = { extends: '../../tsconfig.json', compilerOptions: { noUnusedLocals: false }, include: ['*.ts'] };
    writeFileSync(path.join(folder, 'tsconfig.json'), JSON.stringify(config));
    await run(process.execPath, [path.join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', folder]);
  });

  for (const example of examples) {
    it(`${example.name} prints what it says`, async () => {
      expect(example.prints).to.not.be.empty;
      expect(await printedBy(pathToFileURL(fileOf(example)).href)).to.deep.equal(example.prints);
    }).timeout(20_000);
  }
});

const discovery = { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: 'events.k8s.io/v1', resources: [] };

const beginnings: readonly string[] = [
  'new Broadcaster',
  'watch',
  'watchWithPrefix',
  'for await',
  'forEach',
  'results',
  'events$',
  '.action(',
  'actionOrDrop',
  'drops',
  'new EventBroadcaster',
  'startRecordingToSink',
  'new CoreV1EventSink',
  'newRecorder',
  '.event(',
  '.eventf(',
  '.annotatedEvent(',
  'startEventWatcher',
  'startLogging',
  'startStructuredLogging',
  '.flush(',
  '.shutdown(',
  '.counts',
  'new FakeRecorder',
  'getReference',
  'getPartialReference',
  'new EventsV1Broadcaster',
  'new EventsV1ApiSink',
];
