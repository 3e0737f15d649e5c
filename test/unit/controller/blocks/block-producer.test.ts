import { expect } from 'chai';
import type { Part, PartitionPlan } from '../../../../src/bitcoin/topology/partition.ts';
import type { Node } from '../../../../src/bitcoin/topology/peer-plan.ts';
import { BlockProducer, type ProductionRequest } from '../../../../src/controller/blocks/block-producer.ts';
import type { ProducerCalls } from '../../../../src/controller/blocks/production-side.ts';
import { WorkQueue } from '../../../../src/runtime/work-queue.ts';
import { network, node } from '../../../support/builders.ts';
import { RecordingLogger } from '../../../support/fakes/recording-logger.ts';
import { until } from '../../../support/until.ts';

const producers = [0, 1, 2].map(ordinal => ({ ordinal, weight: 1 }));

/** Nodes that do not share their blocks. */
class FakeNodes implements ProducerCalls {
  readonly #heights = new Map<number, number>();
  /** The ordinals of the nodes that were asked for their tips. */
  readonly looks: number[] = [];
  /** The ordinals of the nodes that were asked to make a block. */
  readonly calls: number[] = [];
  /** What looks wait for. */
  held: Promise<void> | undefined;

  look = async ({ ordinal }: Node) => {
    this.looks.push(ordinal);
    await this.held;
    const height = this.#heights.get(ordinal) ?? 0;
    return { chain: { height, tip: `block-${height}`, timeSeconds: 0 }, isGenerating: false };
  };

  generate = ({ ordinal }: Node) => {
    this.calls.push(ordinal);
    this.#heights.set(ordinal, (this.#heights.get(ordinal) ?? 0) + 1);
    return Promise.resolve([`block-${this.#heights.get(ordinal)}`]);
  };

  mayGenerate = () => true;
}

/** A cut into parts with these ordinals. */
function cut(...ordinals: readonly (readonly number[])[]): PartitionPlan {
  const parts = ordinals.map((each, index): Part => ({ name: `part-${index}`, ordinals: each }));
  return { parts, partOf: new Map(parts.flatMap(part => part.ordinals.map(ordinal => [ordinal, part]))), problems: [] };
}

interface Observed {
  readonly partition?: PartitionPlan;
  /** The height at which it was cut. */
  readonly startHeight?: number;
  /** Of the status. */
  readonly height?: number;
  readonly paused?: boolean;
  /** The ordinal of a node that is not ready. */
  readonly unready?: number;
}

describe('BlockProducer', () => {
  let nodes: FakeNodes;
  let producer: BlockProducer;
  let abort: AbortController;
  let ended: Promise<void>;

  beforeEach(() => {
    nodes = new FakeNodes();
    const options = { leadsForMs: () => Infinity, onFailure: () => undefined, callsOf: () => nodes };
    producer = new BlockProducer({ name: 'blocks', queue: new WorkQueue(), logger: new RecordingLogger(), ...options });
    abort = new AbortController();
    ended = producer.run(abort.signal);
  });
  afterEach(async () => {
    abort.abort();
    await ended;
  });

  /** A reconcile of the network, whose blocks are one initial one. */
  function observe({ partition, startHeight = 0, height = 0, paused = false, unready }: Observed = {}) {
    const request: ProductionRequest = {
      nodes: producers.map(({ ordinal }) => node(ordinal, { isReady: ordinal !== unready })),
      credentials: { user: 'u', password: 'p' },
      plan: { producers, ordinals: new Set([0, 1, 2]) },
      cut: partition && { plan: partition, startHeight },
    };
    const spec = { blockProduction: { initialBlocks: 1, paused } };
    const chain = { name: 'regtest', height, tip: 'tip', tips: 1, forkDepth: 0 };
    const of = { ...network(spec, { generation: paused ? 2 : 1 }), status: { chain } };
    return producer.observe(of, request)?.state.reason;
  }

  it('makes the blocks of each part on its own nodes when one cut follows another in one generation', async () => {
    observe({ partition: cut([0, 1], [2]) });
    await until(() => observe({ partition: cut([0, 1], [2]) }) === 'InitialBlocksMined');
    expect(nodes.calls.toSorted()).to.deep.equal([1, 2]);
    await until(() => {
      observe({ partition: cut([0], [1, 2]) });
      return nodes.calls.length > 2;
    });
    expect(nodes.calls[2], 'the part of node 0 has no block').to.equal(0);
  });

  it('asks a node that comes from another part whether it is still making a block, also if it is not ready', async () => {
    await until(() => observe({ partition: cut([0, 1], [2]) }) === 'InitialBlocksMined');
    nodes.looks.length = 0;
    observe({ partition: cut([0], [1, 2]), unready: 1 });
    await until(() => nodes.looks.includes(1));
  });

  it('makes no block on a part that has lost those from before the cut, until no part has them', async () => {
    const lost = { partition: cut([0], [1, 2]), startHeight: 1 };
    await until(() => observe({ ...lost, height: 1 }) === 'ProducerNotReady');
    expect(nodes.calls).to.deep.equal([]);
    await until(() => observe({ ...lost, height: 0 }) === 'InitialBlocksMined');
    expect(nodes.calls).to.include(0);
  });

  for (const [title, change] of [
    ['paused', () => observe({ paused: true })],
    ['forgotten', () => producer.forget('default/alice')],
    ['cut', () => observe({ partition: cut([0], [2]) })],
  ] as const)
    it(`makes no block by a step that is in progress when the network is ${title}`, async () => {
      let release = (): void => undefined;
      nodes.held = new Promise(resolve => (release = resolve));
      observe();
      await until(() => nodes.looks.length > 0);
      nodes.held = undefined;
      change();
      release();
      // A side has one step at a time.
      await until(() => observe({ paused: true }) === 'Paused');
      expect(nodes.calls).to.not.include(1);
    });
});
