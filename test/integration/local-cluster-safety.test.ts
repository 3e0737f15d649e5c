// The local cluster must neither end processes nor remove rules of others on its machine.
import { chmod, chown, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { run } from '../../tools/command.ts';
import { killProcessesOf } from '../../tools/kubernetes/cgroups.ts';
import { kill } from '../../tools/kubernetes/process.ts';
import { refuseOtherServiceRules, removeServiceRules } from '../../tools/kubernetes/service-rules.ts';
import { providePrograms } from '../../tools/programs.ts';

const tools = path.resolve(import.meta.dirname, '../../tools');
const programs = path.join(tools, 'programs.ts');
const cacheModule = path.join(tools, 'cache-folder.ts');

const failureOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'no failure',
    (error: unknown) => String(error),
  );

describe('The processes of the local cluster', () => {
  let group: string;

  beforeEach(async () => {
    group = await mkdtemp(path.join(tmpdir(), 'bitcoin-controller-cgroup-'));
    await mkdir(path.join(group, 'kubepods', 'pod'), { recursive: true });
  });
  afterEach(() => rm(group, { recursive: true }));

  for (const text of ['0', '-1', '1', 'x'])
    it(`are not killed if their control group names one as ${text}`, async () => {
      await writeFile(path.join(group, 'cgroup.procs'), '');
      await writeFile(path.join(group, 'kubepods', 'pod', 'cgroup.procs'), `${text}\n`);
      expect(await failureOf(killProcessesOf([group])))
        .to.include(path.join(group, 'kubepods', 'pod'))
        .and.to.include('another process-id namespace');
    });

  it('are killed one by one: a signal never goes to a group', () => {
    for (const pid of [0, 1, -1, -process.pid, Number.NaN, 1.5])
      expect(() => {
        kill(pid, 'SIGKILL');
      }, String(pid)).to.throw('is not the id of a process');
  });
});

describe('The rules of the local cluster', () => {
  const namespace = `bitcoin-controller-test-${process.pid}`;
  let folder: string;
  let ip: string;
  let iptables: string;

  /** In a network namespace of the test's own. */
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'bitcoin-controller-rules-'));
    const programs = await providePrograms(['ip', 'iptables']);
    ip = programs.ip;
    await run(ip, ['netns', 'add', namespace]);
    for (const name of ['iptables', 'ip6tables', 'iptables-restore', 'ip6tables-restore']) {
      const real = path.join(path.dirname(programs.iptables), name);
      await writeFile(path.join(folder, name), `#!/bin/sh\nexec ${ip} netns exec ${namespace} ${real} "$@"\n`);
      await chmod(path.join(folder, name), 0o755);
    }
    iptables = path.join(folder, 'iptables');
  });
  after(async () => {
    await run(ip, ['netns', 'delete', namespace]);
    await rm(folder, { recursive: true });
  });
  afterEach(async () => {
    await run(`${iptables}-restore`, [], { input: ['*nat', 'COMMIT', '*filter', 'COMMIT', ''].join('\n') });
  });

  /** Rules as kube-proxy writes them for a service at `address`. */
  const write = (address: string): Promise<string> =>
    run(`${iptables}-restore`, ['--noflush'], {
      input: [
        '*nat',
        ':KUBE-SERVICES - [0:0]',
        ':KUBE-SVC-ONE - [0:0]',
        ':OTHER - [0:0]',
        '-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
        '-A PREROUTING -j OTHER',
        `-A KUBE-SERVICES -d ${address}/32 -p tcp -m comment --comment "default/kubernetes:https cluster IP" -m tcp --dport 443 -j KUBE-SVC-ONE`,
        '-A KUBE-SERVICES ! -d 127.0.0.0/8 -m comment --comment "kubernetes service nodeports" -j OTHER',
        'COMMIT',
        '*filter',
        ':KUBE-FIREWALL - [0:0]',
        '-A INPUT -j KUBE-FIREWALL',
        'COMMIT',
        '',
      ].join('\n'),
    });
  const rules = async (): Promise<string> =>
    (await run(iptables, ['--table', 'nat', '--list-rules'])) + (await run(iptables, ['--list-rules']));

  it('are not written where another Kubernetes has rules for services', async () => {
    await refuseOtherServiceRules(iptables);
    await write('10.43.0.1');
    expect(await failureOf(refuseOtherServiceRules(iptables)))
      .to.include('KUBE-SERVICES')
      .and.to.include('npm start -- --context NAME');
  });

  it('are removed with every jump to them, and no other rule is', async () => {
    await write('10.96.0.1');
    await removeServiceRules(iptables);
    const left = await rules();
    expect(left).not.to.include('KUBE');
    expect(left).to.include('-A PREROUTING -j OTHER');
    await refuseOtherServiceRules(iptables);
  });

  it('are kept if one of them is for a service of another Kubernetes', async () => {
    await write('10.43.0.1');
    const before = await rules();
    await removeServiceRules(iptables);
    expect(await rules()).to.equal(before);
  });

  it("do not include the firewall of another Kubernetes' kubelet", async () => {
    await write('10.96.0.1');
    await run(iptables, ['--append', 'KUBE-FIREWALL', '--destination', '127.0.0.0/8', '--jump', 'DROP']);
    await removeServiceRules(iptables);
    expect(await rules()).to.include('-A KUBE-FIREWALL -d 127.0.0.0/8 -j DROP');
  });
});

describe("The tools' files", () => {
  it('have no fixed name in a folder that other users can write to', async () => {
    const root = path.resolve(import.meta.dirname, '..', '..');
    const names = await run('git', ['ls-files', 'tools', 'test', 'bench', 'src', 'examples', '.ci', 'images'], { cwd: root });
    const files = names.split('\n').filter(name => /\.(ts|mjs|sh)$|\/run$/.test(name) && !import.meta.filename.endsWith(name));
    const faults: string[] = [];
    for (const name of files)
      for (const line of (await readFile(path.join(root, name), 'utf8')).split('\n'))
        if (/\/tmp\b|\/dev\/shm/.test(line) || /(?<!mkdtemp(Sync)?\()path\.join\((os\.)?tmpdir\(\)/.test(line))
          faults.push(`${name}: ${line.trim()}`);
    expect(faults).to.deep.equal([]);
    expect(files).not.to.deep.equal([]);
  });

  it('are not run as root where another user can change them', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'bitcoin-controller-cache-'));
    const inCache = (): Promise<string> =>
      failureOf(run(process.execPath, [programs, 'kubectl'], { environment: { XDG_CACHE_HOME: folder } }));
    try {
      const cache = path.join(folder, 'bitcoin-controller');
      await mkdir(cache);
      await chmod(cache, 0o777);
      expect(await inCache()).to.include(`Root would run programs from ${cache}`);
      await chmod(cache, 0o755);
      await chown(cache, 65_534, 65_534);
      expect(await inCache()).to.include(`Root would run programs from ${cache}`);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('are in the home folder of root where sudo has kept the HOME of another user', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'bitcoin-controller-home-'));
    try {
      await chown(folder, 65_534, 65_534);
      const code = `console.log((await import(${JSON.stringify(cacheModule)})).cacheFolder)`;
      const environment = { HOME: folder, XDG_CACHE_HOME: '' };
      const printed = await run(process.execPath, ['--input-type=module', '--eval', code], { environment });
      expect(printed.trim()).to.equal(path.join(userInfo().homedir, '.cache', 'bitcoin-controller'));
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
