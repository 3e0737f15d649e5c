// Whatever nodes and leaders do, no two nodes are ever at work for a network at the same time, and each height is made once.
import { expect } from 'chai';
import fc from 'fast-check';
import type { Side } from '../../../../src/bitcoin/chain/block-schedule.ts';
import { BitcoinTransportError } from '../../../../src/bitcoin/rpc/rpc-errors.ts';
import type { Node } from '../../../../src/bitcoin/topology/peer-plan.ts';
import { type ProducerCalls, ProductionSide } from '../../../../src/controller/blocks/production-side.ts';
import { node } from '../../../support/builders.ts';

const { signal } = new AbortController();
const startMs = Date.UTC(2026, 0, 1);
const count = 4;
const side: Side = { name: '', producers: Array.from({ length: count }, (_, ordinal) => ({ ordinal, weight: 1 })), share: 1 };
const nodes: readonly Node[] = side.producers.map(({ ordinal }) => node(ordinal));
const timeout = new BitcoinTransportError('timeout', 'no answer within 6000 ms');

/** How a call goes: it is answered, it is not and has made its block or none, or bitcoind goes on with it for some seconds. */
type Course = 'answered' | 'made' | 'not made' | 'goes on';

/** Nodes that share each block at once. */
class World implements ProducerCalls {
  nowMs = startMs;
  height = 0;
  tipSeconds = startMs / 1_000 - 3_600;
  courses: Course[] = [];
  leads = true;
  /** The node that a call is still at work on, until when, and for which height. */
  working: { readonly ordinal: number; readonly untilMs: number; readonly height: number } | undefined;
  readonly made: number[] = [];
  readonly faults: string[] = [];

  pass(ms: number): void {
    this.nowMs += ms;
    const { working } = this;
    if (working === undefined || working.untilMs > this.nowMs) return;
    this.working = undefined;
    this.#append(working.height);
  }

  look = async ({ ordinal }: Node) => {
    await Promise.resolve();
    const chain = { height: this.height, tip: `block-${this.height}`, timeSeconds: this.tipSeconds };
    return { chain, isGenerating: this.working?.ordinal === ordinal };
  };

  generate = async ({ ordinal }: Node) => {
    await Promise.resolve();
    if (!this.leads) this.faults.push('a call without the Lease');
    if (this.working !== undefined) this.faults.push(`a call to node ${ordinal} while node ${this.working.ordinal} is at work`);
    const course = this.courses.shift() ?? 'answered';
    const height = this.height + 1;
    if (course === 'goes on') this.working = { ordinal, height, untilMs: this.nowMs + 20_000 };
    else if (course !== 'not made') this.#append(height);
    if (course === 'answered') return [`block-${height}`];
    this.pass(6_000);
    throw timeout;
  };

  mayGenerate = () => this.leads;

  #append(height: number): void {
    this.made.push(height);
    this.height = height;
    this.tipSeconds = Math.floor(this.nowMs / 1_000);
  }
}

const anyCourse = fc.constantFrom<Course>('answered', 'answered', 'made', 'not made', 'goes on');
const anyAct = fc.oneof(
  fc.record({ kind: fc.constant('step' as const), courses: fc.array(anyCourse, { maxLength: 3 }) }),
  fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 15_000 }) }),
  fc.record({ kind: fc.constantFrom('replace' as const, 'lose' as const, 'gain' as const, 'refresh' as const) }),
);

describe('ProductionSide in any history', () => {
  it('makes each height once, never has two nodes at work, and makes blocks again when all is well', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyAct, { maxLength: 40 }), async acts => {
        const world = new World();
        const start = () => new ProductionSide(world, () => world.nowMs);
        let production = start();
        const step = () => production.step({ intervalSeconds: 2 }, side, nodes, signal);
        for (const act of acts) {
          if (act.kind === 'replace') production = start();
          if (act.kind === 'refresh') production.refresh();
          if (act.kind === 'lose' || act.kind === 'gain') world.leads = act.kind === 'gain';
          if (act.kind === 'pass') world.pass(act.ms);
          if (act.kind !== 'step') continue;
          world.courses = [...act.courses];
          await step();
        }
        [world.leads, world.courses] = [true, []];
        const before = world.height;
        for (let seconds = 0; seconds < 60; seconds += 1) {
          await step();
          world.pass(1_000);
        }
        expect(world.faults).to.deep.equal([]);
        expect(world.made).to.deep.equal(world.made.map((_, index) => index + 1));
        expect(world.height - before).to.be.at.least(15);
      }),
      { numRuns: 500 },
    );
  });
});
