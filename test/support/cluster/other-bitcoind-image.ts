// An image of bitcoind as another maker has it: another build of bitcoind than that of the controller's own image, in another place, as
// root, without a start script. It is built once, and kept in the cache.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { cached, digestOf } from '../../../tools/cache.ts';
import { cacheFolder } from '../../../tools/cache-folder.ts';
import { debianMirror } from '../../../tools/debian-programs.ts';
import { imageBuilder } from '../../../tools/image-builder.ts';
import { defaultSources } from '../../../tools/image-sources.ts';
import { loadImages } from '../../../tools/kubernetes/one-node-cluster.ts';
import { Progress } from '../../../tools/progress.ts';

export const otherBitcoindImage = 'docker.io/library/bitcoind-of-another-maker:test';

/** Debian's newest build. */
const suite = 'sid';

const dockerfile = (mirror: string): string => `ARG BASE_IMAGE
FROM \${BASE_IMAGE}
ARG CHECK_VALID_UNTIL=true
RUN rm -rf /etc/apt/sources.list.d/* \\
    && echo "deb ${mirror} ${suite} main" >/etc/apt/sources.list \\
    && apt-get -o "Acquire::Check-Valid-Until=$CHECK_VALID_UNTIL" update \\
    && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends bitcoin-knots systemd-standalone-sysusers \\
    && rm -rf /var/lib/apt/lists/* /var/cache/* /var/log/* /usr/share/doc/* /usr/share/man/* /usr/share/locale/* \\
    && mkdir -p /opt/bitcoin-${suite}/bin \\
    && mv /usr/bin/bitcoind /usr/bin/bitcoin-cli /opt/bitcoin-${suite}/bin/
CMD ["/opt/bitcoin-${suite}/bin/bitcoind"]
`;

/** Makes the image available in the cluster, which must be up. */
export async function loadOtherBitcoind(progress = new Progress()): Promise<void> {
  const text = dockerfile(await debianMirror());
  const folder = path.join(cacheFolder, 'images', `other-bitcoind-${digestOf(text)}`);
  await cached(folder, `building ${otherBitcoindImage}`, async target => {
    const context = await mkdtemp(path.join(tmpdir(), 'bitcoin-controller-image-'));
    try {
      await mkdir(target);
      await writeFile(path.join(context, 'Dockerfile'), text);
      const builder = await imageBuilder(progress);
      await builder.provideBase(defaultSources);
      const image = { name: otherBitcoindImage, context, version: 'test', sources: defaultSources };
      await progress.step(`Building the image ${otherBitcoindImage}`, () =>
        builder.build({ ...image, archive: path.join(target, 'image.tar') }),
      );
    } finally {
      await rm(context, { recursive: true, force: true });
    }
  });
  await loadImages([path.join(folder, 'image.tar')], progress);
}
