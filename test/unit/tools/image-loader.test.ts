// Which tool loads the images into a local cluster. The tools are stand-ins that record how they are called: they need an engine with
// nested containers.
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { findImageLoader } from '../../../tools/image-loader.ts';

describe('findImageLoader', () => {
  let folder: string;
  const searchPath = process.env.PATH;

  /** A program that records its arguments, and prints `output` for a call that lists clusters. */
  async function standIn(name: string, output: string, exitCode = 0): Promise<void> {
    const file = path.join(folder, name);
    const script = `#!/bin/sh\necho "${name} $*" >>"${folder}/calls"\ncat <<'END'\n${output}\nEND\nexit ${exitCode}\n`;
    await writeFile(file, script);
    await chmod(file, 0o755);
  }
  const calls = async (): Promise<string[]> => (await readFile(path.join(folder, 'calls'), 'utf8')).trim().split('\n');

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'bitcoin-controller-stand-ins-'));
    process.env.PATH = `${folder}${path.delimiter}${searchPath ?? ''}`;
  });
  afterEach(async () => {
    process.env.PATH = searchPath;
    await rm(folder, { recursive: true });
  });

  const owners: readonly (readonly [string, string, string, string, readonly string[]])[] = [
    [
      'kind',
      'kind-dev',
      'other\ndev',
      'the kind cluster dev',
      ['kind get clusters', 'kind load image-archive /a.tar --name dev'],
    ],
    [
      'k3d',
      'k3d-dev',
      '[{"name":"other"},{"name":"dev"}]',
      'the k3d cluster dev',
      ['k3d cluster list --output json', 'k3d image import /a.tar --cluster dev'],
    ],
    [
      'minikube',
      'dev',
      '{"invalid":[],"valid":[{"Name":"minikube"},{"Name":"dev"}]}',
      'the minikube cluster dev',
      ['minikube profile list --output json', 'minikube image load /a.tar --profile dev'],
    ],
  ];
  for (const [program, context, output, description, expected] of owners)
    it(`loads an archive by ${program} into the cluster of the context ${context}`, async () => {
      await standIn(program, output);
      const loader = await findImageLoader(context);
      expect(loader?.description).to.equal(description);
      await loader?.load('/a.tar');
      expect(await calls()).to.deep.equal(expected);
    });

  it('finds none for a context that only looks like one of kind', async () => {
    await standIn('kind', 'other');
    expect(await findImageLoader('kind-dev')).to.equal(undefined);
  });

  it('finds none where the tool cannot list its clusters', async () => {
    for (const name of ['kind', 'k3d', 'minikube']) await standIn(name, 'no engine', 1);
    expect(await findImageLoader('kind-dev')).to.equal(undefined);
    expect(await findImageLoader('k3d-dev')).to.equal(undefined);
  });

  it('passes on what the tool printed if loading fails', async () => {
    await standIn('kind', 'dev');
    const loader = await findImageLoader('kind-dev');
    await standIn('kind', 'no space left on device', 1);
    const error = await loader?.load('/a.tar').catch((reason: unknown) => reason);
    expect(String(error)).to.include('no space left on device');
  });
});
