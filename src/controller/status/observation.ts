// What a reconcile observed of a network: the input of its status.
import type { NodeReorg } from '../../bitcoin/chain/reorg.ts';
import type { NodeReport } from '../../bitcoin/topology/connect-node.ts';
import type { ShownBlock } from '../../bitcoin/chain/recent-blocks.ts';
import type { Node } from '../../bitcoin/topology/peer-plan.ts';
import type { Applied } from '../../runtime/apply.ts';
import type { ProductionObserved } from '../blocks/block-producer.ts';
import type { Problem } from '../diagnosis/pod-problems.ts';
import type { LossVerdict } from '../chain-loss.ts';
import type { ExpiryState } from '../expiry.ts';
import type { PartitionState } from '../partition-clock.ts';
import type { RolloutState } from '../rollout/rollout-input.ts';
import type { CredentialsState } from '../steps/credentials.ts';
import type { BootstrapObserved } from './bootstrap.ts';
import type { WalletsObserved } from '../wallets/wallet-keeper.ts';
import type { ChainsObserved } from './chains.ts';
import type { Growth } from '../volumes/volume-growth.ts';
import type { EdgesStatus } from './edges.ts';
import type { ExternalAddresses } from './external-addresses.ts';
import type { SpecFault } from './spec-faults.ts';

/** What a reconcile found out about a network. */
export interface Observation {
  readonly nodes: readonly Node[];
  /** Default: no node is reached from outside. */
  readonly externalAddresses?: ExternalAddresses;
  /** The last report of each ready node that has given one. */
  readonly reports: readonly NodeReport[];
  /** The newest reorganisations that nodes reported, oldest first, whether an event was stored for them or not. Default: none. */
  readonly reorgs?: readonly NodeReorg[];
  readonly credentials: CredentialsState;
  /** The outcomes of applying the Service and the StatefulSet; undefined if one was not applied. */
  readonly children: readonly (Applied<unknown> | undefined)[];
  /** What keeps nodes from existing or from becoming ready. */
  readonly problems: readonly Problem[];
  /** What of the spec is not applied. Default: nothing. */
  readonly specFaults?: readonly SpecFault[];
  /** The edges of the topology, as the nodes report them. Default: there is none. */
  readonly edges?: EdgesStatus | undefined;
  /** Those for the status: edges that no node can report are as they were. Default: `edges`. */
  readonly shownEdges?: EdgesStatus | undefined;
  /** Why edges that the topology asks for are not among them. Default: none is left out. */
  readonly unplanned?: SpecFault | undefined;
  /** The rollout. Default: not known. */
  readonly rollout?: RolloutState | undefined;
  /** Volumes that do not have the size of the spec yet. Default: all have it. */
  readonly growth?: Growth | undefined;
  /** Why volumes of nodes that do not run may be deleted although the spec keeps them. Default: none may, or it is not known. */
  readonly unkept?: string | undefined;
  /** The chains of the nodes. Default: no node has reported one. */
  readonly chains?: ChainsObserved | undefined;
  /** Default: the spec sets no time at which the network is deleted. */
  readonly expiry?: ExpiryState | undefined;
  /** Whether the chain of the status is gone. Default: it is not. */
  readonly chainLoss?: LossVerdict | undefined;
  /** The newest blocks. Default: they have not been read. */
  readonly blocks?: readonly ShownBlock[];
  /** Default: the spec does not cut the network. */
  readonly partition?: PartitionState | undefined;
  /** Default: no blocks are made, or it is not known yet. */
  readonly production?: ProductionObserved | undefined;
  /** Default: no blocks are copied, or it is not known. */
  readonly bootstrap?: BootstrapObserved | undefined;
  /** Default: there are none, or it is not known. */
  readonly wallets?: WalletsObserved | undefined;
}

/** What is seen of a network that is left alone. */
export interface PausedObservation {
  readonly isPaused: true;
  readonly nodes: readonly Node[];
  /** Default: no node is reached from outside. */
  readonly externalAddresses?: ExternalAddresses;
  /** Why it is left alone, if not for the annotation. */
  readonly specFault?: SpecFault;
}
