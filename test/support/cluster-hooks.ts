// Root hooks of the e2e rung: the shared cluster is there before the first test and gone after the last.
import type { RootHookObject } from 'mocha';
import { releaseSharedCluster, sharedCluster } from './cluster.ts';

export const mochaHooks: RootHookObject = {
  async beforeAll(this: Mocha.Context) {
    // The programs may have to be built first.
    this.timeout(0);
    await sharedCluster();
  },
  async afterAll(this: Mocha.Context) {
    this.timeout(120_000);
    await releaseSharedCluster();
  },
};
