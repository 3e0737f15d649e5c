// The package that other controllers install: what is in it, that it compiles and runs where they have it, and what it brings with it.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { runInNewContext } from 'node:vm';
import { expect } from 'chai';
import * as esbuild from 'esbuild';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { run } from '../../tools/command.ts';
import { startControlPlane, type TestControlPlane } from '../support/cluster/api-server.ts';
import { answer, FakeApiServer, kubeConfigFor } from '../support/fakes/fake-api-server.ts';
import {
  ConsumerProject,
  nodeExecutable,
  packedPackage,
  remove,
  scratchFolder,
  type PackedPackage,
} from '../support/package/packed-package.ts';

const programs = path.join(import.meta.dirname, 'package');
const root = path.resolve(import.meta.dirname, '..', '..');
/** The oldest that package.json allows (the next one for arm64, which npm has not), the one of this repository, and the newest. */
const nodeVersions = [process.arch === 'arm64' ? '22.20.0' : '22.19.0', '24.21.0', '26.10.0'];
const clientNodeVersions = ['1.4.0', '2.0.1'] as const;
const typescript = 'typescript@6.0.3';
const oldestTypescript = 'typescript-5.2';
const entries = ['broadcaster', 'record', 'record/events', 'runtime'];
/** Those that need neither client-node nor the types of Node.js. */
const portableEntries = entries.filter(entry => entry !== 'runtime');
/** What with-client-node.ts prints. */
const outputOfConsumer = 'broadcaster 1 web-0\nrecord web-0 3\nrecord/events 1 0\nruntime settings default/settings\n';
const node10 = { moduleResolution: 'node10', ignoreDeprecations: '6.0' } as const;
const moduleKinds = {
  nodenext: { module: 'nodenext' },
  node16: { module: 'node16' },
  bundler: { module: 'esnext', moduleResolution: 'bundler' },
  node10: { module: 'esnext', ...node10 },
  commonjs: { module: 'commonjs', ...node10 },
} as const;

interface Item {
  readonly count: number;
  readonly series: { readonly count: number };
  readonly [field: string]: unknown;
}

const textOf = (file: string): string => readFileSync(path.join(packed.unpacked, file), 'utf8');

/** The anchors of a page's headings. */
const headingsOf = (page: string): readonly string[] =>
  [...page.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(' ', '-')
      .replace(/[^\w-]/g, ''),
  );

async function itemsOf(resource: string, reason: string): Promise<readonly Item[]> {
  const list = await controlPlane.kubectl('-n', 'default', 'get', resource, '--field-selector', `reason=${reason}`, '-o', 'json');
  return (JSON.parse(list) as { items: readonly Item[] }).items;
}

interface Bundle {
  readonly text: string;
  /** Those of which the bundle holds something. */
  readonly files: readonly string[];
}

/** Bundles a program of a project. For a browser an import of a Node.js module fails it. */
async function bundleOf({ folder: where }: ConsumerProject, program: string, target: esbuild.BuildOptions): Promise<Bundle> {
  const { outputFiles, metafile } = await esbuild.build({
    stdin: { contents: program, resolveDir: where },
    absWorkingDir: where,
    bundle: true,
    write: false,
    metafile: true,
    logLevel: 'silent',
    platform: target.platform ?? 'browser',
    format: target.format ?? 'iife',
  });
  const [output] = Object.values(metafile.outputs);
  const files = Object.entries(output?.inputs ?? {}).flatMap(([file, { bytesInOutput }]) => (bytesInOutput > 0 ? [file] : []));
  return { text: outputFiles[0]?.text ?? '', files };
}

const ofPackage = (files: readonly string[]): readonly string[] =>
  files.flatMap(file => /node_modules\/bitcoin-controller\/dist\/(.*)\.js$/.exec(file)?.slice(1) ?? []).sort();

let folder: string;
let packed: PackedPackage;
let controlPlane: TestControlPlane;
before(async function () {
  this.timeout(0);
  controlPlane = await startControlPlane();
  folder = scratchFolder();
  packed = await packedPackage();
});
after(async () => {
  await controlPlane.stop();
  remove(folder);
});

describe('the packed package', () => {
  it('holds the compiled modules with their declarations, the license, the notice and the pages, and nothing else', () => {
    const modules = packed.files.filter(file => file.startsWith('dist/'));
    expect(packed.files.filter(file => !modules.includes(file))).to.deep.equal([
      'LICENSE',
      'NOTICE',
      'README.md',
      'docs/porting.md',
      'docs/recording-events.md',
      'docs/writing-a-controller.md',
      'package.json',
    ]);
    for (const module of modules) {
      expect(module).to.match(
        /^dist\/(broadcaster|collections|kube|kube\/auth|logging|record|record\/[a-z-]+|runtime|time)\/[a-z0-9-]+(\.d\.ts|\.js)$/,
      );
      expect(packed.files).to.include(module.endsWith('.d.ts') ? module.replace('.d.ts', '.js') : module.replace('.js', '.d.ts'));
    }
    for (const entry of entries) expect(modules).to.include(`dist/${entry}/entry.js`);
  });

  it('has the page of the package for its README, whose commands its users have; the README of the repository is restored', () => {
    const readme = textOf('README.md');
    expect(readme).to.equal(readFileSync(path.join(root, 'docs', 'package.md'), 'utf8'));
    expect(readme).not.to.include('npm run');
    const read = (folder: string): string => readFileSync(path.join(folder, 'README.md'), 'utf8');
    expect(read(packed.folder)).to.equal(read(root));
  });

  it('names the repository that it was packed from, without the password of its address', () => {
    const manifestOf = (folder: string) => JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as object;
    const address = 'https://git.example/alice/bitcoin-controller';
    expect(manifestOf(packed.unpacked)).to.deep.equal({
      ...manifestOf(root),
      repository: { type: 'git', url: `git+${address}.git` },
      homepage: `${address}#readme`,
      bugs: { url: `${address}/issues` },
    });
    expect(manifestOf(packed.folder)).to.deep.equal(manifestOf(root));
  });

  it('has every page and heading that its pages link to', () => {
    for (const page of packed.files.filter(file => file.endsWith('.md'))) {
      const links = [...textOf(page).matchAll(/\[[^\]\n]+\]\(([\w./#-]+)\)/g)].map(([, link = '']) => link);
      for (const [file = '', heading] of links.map(link => link.split('#'))) {
        const target = file === '' ? page : path.join(path.dirname(page), file);
        expect(packed.files, page).to.include(target);
        if (heading !== undefined) expect(headingsOf(textOf(target)), page).to.include(heading);
      }
    }
  });

  it('imports rxjs, client-node and Node.js alone, and holds nothing of bitcoin', () => {
    const modules = packed.files.filter(file => file.endsWith('.js')).map(textOf);
    const imports = modules.flatMap(text =>
      [...text.matchAll(/^(?:import|export) .*? from '([^.][^']*)';$/gm)].map(([, from = '']) => from),
    );
    expect([...new Set(imports)].filter(from => !from.startsWith('node:'))).to.have.members(['@kubernetes/client-node', 'rxjs']);
    for (const text of modules) expect(text).not.to.match(/winston|prom-client|\bzod\b|bitcoin(?!-controller)/i);
  });

  it('names its entries for every way to find types', () => {
    const manifest = JSON.parse(textOf('package.json')) as {
      exports: Record<string, { types: string; default: string }>;
      typesVersions: { '*': Record<string, string[]> };
    };
    expect(Object.keys(manifest.exports)).to.deep.equal(entries.map(entry => `./${entry}`));
    for (const entry of entries) {
      const types = `./dist/${entry}/entry.d.ts`;
      expect(manifest.exports[`./${entry}`]).to.deep.equal({ types, default: `./dist/${entry}/entry.js` });
      expect(manifest.typesVersions['*'][entry]).to.deep.equal([types]);
    }
  });

  it('satisfies publint in its strict mode', async () => {
    const { messages, pkg } = await publint({ pkgDir: packed.folder, strict: true });
    expect(messages.map(message => formatMessage(message, pkg))).to.deep.equal([]);
  });

  it('resolves to the right types in every module system of its Node.js versions', async () => {
    const attw = path.join(root, 'node_modules', '@arethetypeswrong', 'cli', 'dist', 'index.js');
    const output = await run(process.execPath, [
      attw,
      packed.tarball,
      '--profile',
      'strict',
      '--ignore-rules',
      'cjs-resolves-to-esm',
      '--format',
      'json',
    ]);
    const { analysis } = JSON.parse(output) as { analysis: { entrypoints: Record<string, unknown> } };
    expect(Object.keys(analysis.entrypoints)).to.deep.equal(entries.map(entry => `./${entry}`));
  });
});

for (const version of clientNodeVersions) {
  describe(`a project with client-node ${version}`, function () {
    this.timeout(300_000);
    let project: ConsumerProject;
    let server: FakeApiServer;
    let contentTypes: (string | undefined)[];
    let kubeconfig: string;
    before(async function () {
      this.timeout(0);
      // client-node's own declarations need those of ws, which it does not bring.
      const packages = [packed.tarball, `@kubernetes/client-node@${version}`, typescript, '@types/ws@8.18.1'];
      project = await ConsumerProject.create(path.join(folder, `client-node-${version}`), packages);
      project.copy(path.join(programs, 'with-client-node.ts'));
      project.copy(path.join(programs, 'with-client-node.ts'), 'with-client-node.cts');
      const types = { types: ['node'], lib: ['es2023', 'esnext.disposable'] };
      for (const [name, kind] of Object.entries(moduleKinds))
        await project.compile('with-client-node.ts', name, { ...kind, ...types });
      await project.compile('with-client-node.cts', 'nodenext', { ...moduleKinds.nodenext, ...types });
      kubeconfig = path.join(project.folder, 'kubeconfig');
    });
    beforeEach(async () => {
      server = await FakeApiServer.start();
      project.write('kubeconfig', kubeConfigFor(server.url).exportConfig());
      contentTypes = [];
      server.handler = (request, response, body) => {
        contentTypes.push(request.headers['content-type']);
        answer(response, request.method === 'POST' ? 201 : 200, JSON.parse(body));
      };
    });
    afterEach(async () => {
      await server.stop();
    });

    it('compiles in every way to find modules, with every declaration checked, and runs on each Node.js', async () => {
      for (const node of nodeVersions) {
        server.requests.length = contentTypes.length = 0;
        const output = await project.run(await nodeExecutable(node), path.join('nodenext', 'with-client-node.js'), kubeconfig);
        expect(output, node).to.equal(outputOfConsumer);
        expect(
          server.requests.map(request => request.replace(/\/[^/]+\.[0-9a-f]+$/, '/NAME')),
          node,
        ).to.have.members([
          'POST /api/v1/namespaces/default/events',
          'PATCH /api/v1/namespaces/default/events/NAME',
          'POST /api/v1/namespaces/default/events',
          'POST /apis/events.k8s.io/v1/namespaces/default/events',
          'PATCH /apis/events.k8s.io/v1/namespaces/default/events/NAME',
          'POST /api/v1/namespaces/default/configmaps?dryRun=All',
        ]);
        expect(
          contentTypes.filter(type => type === 'application/strategic-merge-patch+json'),
          node,
        ).to.have.length(2);
      }
    });

    for (const program of ['commonjs/with-client-node.js', 'nodenext/with-client-node.cjs'])
      it(`runs as a CommonJS module on each Node.js: ${program}`, async () => {
        for (const node of nodeVersions)
          expect(await project.run(await nodeExecutable(node), program, kubeconfig), node).to.equal(outputOfConsumer);
      });

    it('bundles the runtime without the packages that it does not need, and leaves out what it does not use', async () => {
      const target = { platform: 'node', format: 'esm' } as const;
      const unused = await bundleOf(project, `import 'bitcoin-controller/runtime';`, target);
      expect(ofPackage(unused.files)).to.deep.equal([]);
      const queue = await bundleOf(project, `export { WorkQueue } from 'bitcoin-controller/runtime';`, target);
      expect(ofPackage(queue.files)).to.include('runtime/work-queue').and.not.include('kube/client');
      expect(queue.files.filter(file => file.includes('client-node'))).to.deep.equal([]);
      const whole = await bundleOf(project, `export * from 'bitcoin-controller/runtime';`, target);
      // client-node 1.4 brings a node-fetch, which a bundler may take along; none is needed.
      expect(whole.files.filter(file => /winston|prom-client|zod/.test(file))).to.deep.equal([]);
    });

    it('has its events on a real API server, repetitions counted, in both APIs', async () => {
      await project.run(process.execPath, path.join('nodenext', 'with-client-node.js'), controlPlane.kubeconfigPath);
      const core = await itemsOf('events', 'Repeated');
      expect(core.map(({ count, type, message }) => ({ count, type, message }))).to.deep.equal([
        { count: 2, type: 'Warning', message: 'it happened' },
      ]);
      const series = await itemsOf('events.events.k8s.io', 'InSeries');
      expect(series.map(({ series: { count }, action, note, related }) => ({ count, action, note, related }))).to.deep.equal([
        { count: 2, action: 'Testing', note: 'it happened', related: { kind: 'Node', name: 'node-1' } },
      ]);
      await controlPlane.kubectl('delete', 'events', '--all', '--namespace', 'default');
    });
  });
}

describe('a project without client-node', function () {
  this.timeout(300_000);
  let project: ConsumerProject;
  before(async function () {
    this.timeout(0);
    const packages = [packed.tarball, typescript, `${oldestTypescript}@npm:typescript@5.2.2`];
    project = await ConsumerProject.create(path.join(folder, 'no-client-node'), packages);
    project.copy(path.join(programs, 'without-client-node.ts'));
  });

  it('gets rxjs and nothing else with the package', () => {
    expect(project.installed).to.have.members(['bitcoin-controller', 'rxjs', 'tslib', 'typescript', oldestTypescript]);
  });

  it('compiles with no types but those of the language and the web, in TypeScript from 5.2, and runs on each Node.js', async function () {
    this.timeout(120_000);
    const types = { types: [], lib: ['es2022', 'dom'] };
    await project.compile('without-client-node.ts', 'nodenext', { ...moduleKinds.nodenext, ...types });
    await project.compile('without-client-node.ts', 'bundler', { ...moduleKinds.bundler, ...types }, oldestTypescript);
    for (const node of nodeVersions) {
      const output = await project.run(await nodeExecutable(node), path.join('nodenext', 'without-client-node.js'));
      expect(output, node).to.equal('broadcaster 42\nrecord Started it runs\nrecord/events Starting it runs\n');
    }
  });

  it('can require the entries in a CommonJS module on each Node.js', async () => {
    const names = portableEntries.map(entry => `typeof require('bitcoin-controller/${entry}')`);
    project.write('consumer.cjs', `console.log(${names.join(', ')});`);
    for (const node of nodeVersions)
      expect(await project.run(await nodeExecutable(node), 'consumer.cjs'), node).to.equal('object object object\n');
  });

  const bundle = (program: string): Promise<Bundle> => bundleOf(project, program, { platform: 'browser', format: 'iife' });

  it('leaves out of a bundle whatever it does not use', async () => {
    const reference = await bundle(
      `import { getReference } from 'bitcoin-controller/record'; console.log(getReference({ kind: 'Pod' }));`,
    );
    expect(ofPackage(reference.files)).to.deep.equal(['record/pipeline/reference']);
    expect(reference.files.filter(file => file.includes('rxjs'))).to.deep.equal([]);
    const recorder = await bundle(`import { FakeRecorder } from 'bitcoin-controller/record'; console.log(new FakeRecorder());`);
    expect(ofPackage(recorder.files)).to.include('record/core/fake-recorder');
    expect(recorder.files.filter(file => /dist\/broadcaster|write-queue|correlator/.test(file))).to.deep.equal([]);
    const unused = await bundle(portableEntries.map(entry => `import 'bitcoin-controller/${entry}';`).join('\n'));
    expect(unused.files.filter(file => file.includes('node_modules'))).to.deep.equal([]);
  });

  it('bundles the entries with rxjs and tslib alone', async () => {
    const all = await bundle(
      portableEntries.map(entry => `export * as ${entry.replace('/', '_')} from 'bitcoin-controller/${entry}';`).join('\n'),
    );
    const packages = all.files.flatMap(file => /node_modules\/([^/]+)\//.exec(file)?.slice(1) ?? []);
    expect([...new Set(packages)]).to.have.members(['bitcoin-controller', 'rxjs', 'tslib']);
    expect(ofPackage(all.files).filter(file => !/^(broadcaster|collections|logging|record|time)\//.test(file))).to.deep.equal([
      'kube/api-error',
      'kube/client-node-patch',
    ]);
  });

  it('runs the broadcaster in a browser, where there is no process and no Buffer', async () => {
    const { text, files } = await bundle(`
      import { Broadcaster } from 'bitcoin-controller/broadcaster';
      result = (async () => {
        const broadcaster = new Broadcaster({ queueLength: 10 });
        const pushed = [], pulled = [];
        broadcaster.events$.subscribe(({ object }) => pushed.push(object));
        const watcher = broadcaster.watch();
        for (const number of [1, 2, 3]) await broadcaster.action('ADDED', number);
        await broadcaster.shutdown();
        for await (const { object } of watcher) pulled.push(object);
        return JSON.stringify([pushed, pulled, typeof process, typeof Buffer, typeof setTimeout]);
      })();`);
    expect(ofPackage(files)).to.deep.equal([
      'broadcaster/broadcaster',
      'broadcaster/options',
      'broadcaster/watcher',
      'collections/fifo',
    ]);
    const context: { result?: Promise<string> } = {};
    runInNewContext(text, context);
    expect(JSON.parse((await context.result) ?? '')).to.deep.equal([[1, 2, 3], [1, 2, 3], 'undefined', 'undefined', 'undefined']);
  });

  it('records in a browser too', async () => {
    const { text } = await bundle(`
      import { EventBroadcaster } from 'bitcoin-controller/record';
      result = (async () => {
        const events = new EventBroadcaster(), created = [];
        events.startRecordingToSink({ create: async event => (created.push(event.message), event), patch: async event => event });
        events.newRecorder({ component: 'page' }).eventf({ kind: 'Node', name: 'node-1' }, 'Normal', 'Seen', 'on %s', 'a page');
        const { delivered } = await events.shutdown();
        return JSON.stringify([created, delivered, typeof process, typeof Buffer]);
      })();`);
    const context: { result?: Promise<string> } & Record<string, unknown> = { AbortController, setTimeout, clearTimeout };
    runInNewContext(text, context);
    expect(JSON.parse((await context.result) ?? '')).to.deep.equal([['on a page'], 1, 'undefined', 'undefined']);
  });
});
