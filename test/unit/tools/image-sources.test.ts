import { expect } from 'chai';
import { isLoopback } from '../../../tools/buildah-builder.ts';
import { defaultBaseImage, imageSources } from '../../../tools/image-sources.ts';

const digest = `sha256:${'0'.repeat(64)}`;

describe('imageSources', () => {
  it('are the default base image and its own package sources if nothing is pinned', () => {
    expect(imageSources()).to.deep.equal({ baseImage: defaultBaseImage, packageSnapshot: undefined });
  });

  it('takes a base image by tag, by digest and from a registry with a port', () => {
    for (const image of ['debian:forky-slim', `docker.io/library/debian@${digest}`, `127.0.0.1:5000/x/debian:1@${digest}`])
      expect(imageSources(image).baseImage).to.equal(image);
  });

  it('takes the URL of a snapshot', () => {
    const snapshot = 'http://127.0.0.1:3142/archive/debian/20261101T000000Z';
    expect(imageSources(undefined, snapshot).packageSnapshot).to.equal(snapshot);
  });

  for (const image of ['', 'debian;reboot', '--pull', 'debian@sha256:12', 'a b'])
    it(`refuses the base image "${image}", naming the option`, () => {
      expect(() => imageSources(image)).to.throw(/--base-image.*expected NAME:TAG or NAME@sha256:DIGEST/);
    });

  for (const url of ['', 'snapshot', 'file:///archive', 'http://host/a b', 'http://host/"$(reboot)"'])
    it(`refuses the snapshot "${url}", naming the option`, () => {
      expect(() => imageSources(undefined, url)).to.throw(/--package-snapshot.*expected the URL of a snapshot/);
    });
});

describe('isLoopback', () => {
  it('accepts plain HTTP for registries of this machine only', () => {
    for (const target of ['127.0.0.1:5000/x/y:1', 'localhost/x/y:1', 'localhost:5000/y:1', '[::1]:5000/y:1'])
      expect(isLoopback(target), target).to.equal(true);
    for (const target of ['127.0.0.1.example:5000/y:1', 'localhost.example/y:1', 'registry.example/127.0.0.1/y:1', 'y:1'])
      expect(isLoopback(target), target).to.equal(false);
  });
});
