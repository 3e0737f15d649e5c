// The work of the stages of an experiment's steps: what each does with the nodes, and when it is done. A stage may be called again at any
// time, also by another process: what was done before is read from the nodes and the cluster.
import type { BitcoinExperiment } from '../../bitcoin/api/bitcoin-experiment.ts';
import type { BitcoinNetwork } from '../../bitcoin/api/bitcoin-network.ts';
import { needsWork } from '../../bitcoin/resources/chain-parameters.ts';
import { isBusyScanning, markedScript } from '../../bitcoin/rpc/marked-blocks.ts';
import { BitcoinTransportError } from '../../bitcoin/rpc/rpc-errors.ts';
import { isReachable, type Node } from '../../bitcoin/topology/peer-plan.ts';
import { messageOf } from '../../runtime/controller.ts';
import type { NetworkPlan } from '../network-plan.ts';
import type { ObservedNetwork } from '../nodes/node-monitor.ts';
import { hashOf } from '../partition-clock.ts';
import { conditionIn } from '../status/condition.ts';
import type { ExperimentCalls } from './experiment-calls.ts';
import { isLevel, isOneTip, type NodeChain, ordinalsIn } from './observed-chains.ts';
import type { Failure, Position, StageResult } from './progress.ts';
import type { Stage } from './step-stages.ts';

/** What a stage works with. */
export interface StageContext {
  readonly experiment: BitcoinExperiment;
  readonly network: BitcoinNetwork;
  readonly observed: ObservedNetwork;
  /** The network's plan, with the parts of its cut. */
  readonly plan: NetworkPlan;
  /** Whether the nodes are asked as the experiment demands. */
  readonly isMet: boolean;
  readonly position: Position;
  readonly calls: ExperimentCalls;
  /** Lets the loop that watches the nodes ask these, by name. */
  readonly askNow: (names: readonly string[]) => void;
  readonly nowMs: () => number;
  readonly signal: AbortSignal;
}

export type StageOutcome =
  { readonly done: StageResult } | { readonly failed: Failure } | { readonly waitMs: number; readonly message?: string };

/** How often nodes are asked that are about to change: as often as this, and less often the more there are. */
const lookMs = 100;
const lookMsPerNode = 5;
const leaseMs = 500;
const retryMs = 1_000;
/** So long a stage waits until the network has noted what it has done, for the sake of events. */
const longestNoteMs = 5_000;
/** bitcoind makes the blocks of a call one after another, also when nobody waits for them any more. */
const maxBatch = 100;

export const readyNodes = ({ nodes }: ObservedNetwork): Node[] => nodes.filter(isReachable);

/** All ready nodes have reported the peers that they should have now, and no others. */
export function areComplete(observed: ObservedNetwork): boolean {
  const complete = new Set(observed.reports.filter(({ isComplete }) => isComplete).map(({ node }) => node.name));
  return readyNodes(observed).every(({ name }) => complete.has(name));
}

const sinceMs = ({ position, nowMs }: StageContext): number => nowMs() - Date.parse(position.step.stageTime);
const pollMs = (context: StageContext): number => Math.max(lookMs, context.observed.nodes.length * lookMsPerNode);
const look = (context: StageContext): Promise<NodeChain[]> => context.calls.chains(readyNodes(context.observed), context.signal);

/** Connects or cuts: the loops of the network do the work, and this waits for them. */
export async function connectStage(
  context: StageContext,
  { joins, timeoutSeconds, stage, ordinal }: Extract<Stage, { work: 'connect' }>,
): Promise<StageOutcome> {
  const waitMs = pollMs(context);
  const late = timeoutSeconds !== undefined && sinceMs(context) >= timeoutSeconds * 1_000;
  const failed = (what: string): StageOutcome => ({
    failed: { reason: 'NotHealed', message: `after ${timeoutSeconds} s ${what}` },
  });
  const isConnected = context.isMet && areComplete(context.observed);
  if (!isConnected) {
    if (late) return failed('nodes are not connected yet');
    return { waitMs, message: stage === 'Cutting' ? 'until no connection crosses the parts' : 'until the nodes are connected' };
  }
  const chains = await look(context);
  if (!isShown(context) && sinceMs(context) < longestNoteMs)
    return { waitMs, message: 'until the status of the network shows it' };
  if (stage === 'Cutting') return { done: { chains } };
  const isSettled = chains.length > 0 && chains.length === readyNodes(context.observed).length && isLevel(chains);
  if (joins && !isSettled)
    return late ? failed('nodes lack blocks of the longest chain') : { waitMs, message: 'until no node lacks a block' };
  const ownReorgDepth = ordinal === undefined ? undefined : await ownDepth(context, ordinal);
  if (ordinal !== undefined && ownReorgDepth === undefined)
    return late ? failed(`node ${ordinal} does not answer`) : { waitMs, message: `until node ${ordinal} answers` };
  return { done: { chains, ownReorgDepth, ...(await measured(context, chains)) } };
}

/** The status of the network has what the experiment demands, and with it the event. */
function isShown({ experiment, network }: StageContext): boolean {
  const { cut } = experiment.status ?? {};
  return network.status?.partition?.specHash === (cut && hashOf(cut));
}

export async function waitStage(context: StageContext, { seconds }: Extract<Stage, { work: 'wait' }>): Promise<StageOutcome> {
  const leftMs = seconds * 1_000 - sinceMs(context);
  if (leftMs > 0) return { waitMs: leftMs };
  const chains = await look(context);
  return { done: { chains, reorgDepth: await reorgDepth(context) } };
}

export async function awaitStage(context: StageContext, { condition }: Extract<Stage, { work: 'await' }>): Promise<StageOutcome> {
  const { network } = context;
  const found = conditionIn(network.status, condition);
  const message = `until the network has ${condition}=True`;
  const isTrue = found?.status === 'True' && (found.observedGeneration ?? 0) >= (network.metadata.generation ?? 0);
  if (condition !== 'ChainsAgree') {
    // A change of the status requests the experiment.
    if (!isTrue || !context.isMet) return { waitMs: retryMs, message };
    return { done: { chains: await look(context), reorgDepth: await reorgDepth(context) } };
  }
  const chains = await look(context);
  const agree = chains.length > 0 && isOneTip(chains);
  // The status may not show yet what the nodes have just done.
  if (agree && !isTrue) askUnseen(context, chains);
  if (!agree || !isTrue || !context.isMet) return { waitMs: pollMs(context), message };
  return { done: { chains, ...(await measured(context, chains)) } };
}

async function measured(context: StageContext, chains: readonly NodeChain[]): Promise<Omit<StageResult, 'chains'>> {
  const wasOneTip = context.position.step.tips.length === 1;
  const convergenceMilliseconds = isOneTip(chains) ? (wasOneTip ? 0 : Math.max(0, Math.round(sinceMs(context)))) : undefined;
  return { convergenceMilliseconds, reorgDepth: await reorgDepth(context) };
}

/** The most blocks that a node replaced since the stage began. Undefined if no node knows. */
async function reorgDepth({ position, observed, calls, signal }: StageContext): Promise<number | undefined> {
  const ready = new Map(readyNodes(observed).map(node => [node.ordinal, node]));
  const depths = await Promise.all(
    position.step.tips.map(async tip => {
      for (const ordinal of ordinalsIn(tip.nodes)) {
        const node = ready.get(ordinal);
        const depth = node === undefined ? undefined : await calls.replacedBlocks(node, tip, signal).catch(() => undefined);
        signal.throwIfAborted();
        if (depth !== undefined) return depth;
      }
      return undefined;
    }),
  );
  const known = depths.filter(depth => depth !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}

/** How many blocks this node replaced since the stage began: none if it lost its chain. Undefined while it does not answer. */
async function ownDepth({ position, observed, calls, signal }: StageContext, ordinal: number): Promise<number | undefined> {
  const node = readyNodes(observed).find(each => each.ordinal === ordinal);
  const tip = position.step.tips.find(({ nodes }) => ordinalsIn(nodes).includes(ordinal));
  if (node === undefined) return undefined;
  if (tip === undefined) return 0;
  try {
    return (await calls.replacedBlocks(node, tip, signal)) ?? 0;
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}

/**
 * Makes blocks, and not one more: they pay to a script of this stage alone, and those in the chain are counted before each call. A call is
 * sent only while the Lease lasts longer than it may take, and not before an earlier one has ended.
 */
export async function mineStage(context: StageContext, stage: Extract<Stage, { work: 'mine' }>): Promise<StageOutcome> {
  const { experiment, calls, signal, position, isMet } = context;
  const waitMs = pollMs(context);
  if (!isMet) return { waitMs, message: 'until the blockProduction of the network rests' };
  const found = minerOf(context, stage);
  if (found === undefined) return { waitMs: retryMs, message: `until node ${stage.ordinal ?? 'of the others'} is ready` };
  const { miner, side } = found;
  const chains = await calls.chains(side, signal);
  const own = chains.find(({ ordinal }) => ordinal === miner.ordinal);
  if (own === undefined) return { waitMs: retryMs, message: `until ${miner.name} answers` };
  if (chains.some(({ isGenerating }) => isGenerating)) return { waitMs, message: 'until no node is making a block' };
  const highest = Math.max(...chains.map(({ height }) => height));
  const expected = startHeightOf(position, miner.ordinal);
  if (highest < expected && chains.length === side.length)
    return {
      failed: {
        reason: 'ChainLost',
        message: `${miner.name} and the nodes that it is connected with have lost blocks: height ${highest} instead of ${expected}`,
      },
    };
  if (own.height < highest || highest < expected)
    return { waitMs, message: `until ${miner.name} has the blocks of the nodes that it is connected with` };
  const script = markedScript([experiment.metadata.uid, position.step.name, stage.stage]);
  try {
    const left = stage.blocks - (await calls.countMarked(miner, script, signal));
    if (left <= 0) return await minedStage(context);
    if (!calls.mayGenerate()) return { waitMs: leaseMs };
    await calls.generate(miner, needsWork(context.network.spec) ? 1 : Math.min(left, maxBatch), script, signal);
    return { waitMs: 1 };
  } catch (error) {
    signal.throwIfAborted();
    // Whether blocks were made is counted. What bitcoind refuses it would refuse again.
    if (error instanceof BitcoinTransportError || isBusyScanning(error))
      return { waitMs: retryMs, message: `${miner.name}: ${messageOf(error)}` };
    return { failed: { reason: 'MiningFailed', message: `${miner.name}: ${messageOf(error)}` } };
  }
}

/**
 * The loop that watches the nodes has seen the blocks: it reports forks, and the blocks that are replaced later. Those that the node of a
 * step `reorg` replaces are counted from the tip that it has now.
 */
async function minedStage(context: StageContext): Promise<StageOutcome> {
  const { experiment, position } = context;
  const chains = await look(context);
  const own = experiment.spec.steps[position.index]?.reorg?.ordinal;
  if (own !== undefined && !chains.some(({ ordinal }) => ordinal === own))
    return { waitMs: pollMs(context), message: `until node ${own} answers` };
  if (sinceMs(context) >= longestNoteMs || !askUnseen(context, chains)) return { done: { chains } };
  return { waitMs: pollMs(context) };
}

/** Lets nodes be asked that have not reported their chain yet. @returns whether there are some */
function askUnseen({ observed, askNow }: StageContext, chains: readonly NodeChain[]): boolean {
  const reported = new Map(observed.reports.map(({ node, chain }) => [node.ordinal, chain?.tip]));
  const unseen = readyNodes(observed).filter(({ ordinal }) =>
    chains.some(chain => chain.ordinal === ordinal && chain.tip !== reported.get(ordinal)),
  );
  askNow(unseen.map(({ name }) => name));
  return unseen.length > 0;
}

/** The node that makes the blocks, and the ready nodes of its part. Undefined while it is not ready. */
function minerOf({ observed, plan, experiment }: StageContext, { ordinal, apartFrom }: Extract<Stage, { work: 'mine' }>) {
  const ready = readyNodes(observed);
  const partOf = (node: Node) => (experiment.status?.cut === undefined ? undefined : plan.partition?.partOf.get(node.ordinal));
  const miner = ready.find(node => (ordinal === undefined ? node.ordinal !== apartFrom : node.ordinal === ordinal));
  return miner && { miner, side: ready.filter(node => partOf(node) === partOf(miner)) };
}

/** The height that the node had when the stage began. */
const startHeightOf = ({ step }: Position, ordinal: number): number =>
  step.tips.find(({ nodes }) => ordinalsIn(nodes).includes(ordinal))?.height ?? 0;
