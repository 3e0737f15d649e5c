// The shapes that follow from the order of the ordinals alone. Each takes ordinals in ascending order.
import { elementAt } from '../../collections/element-at.ts';
import { dialOf } from './dialling.ts';
import type { Dial } from './topology-plan.ts';

/** Every node with every other. */
export const fullMesh = (ordinals: readonly number[]): Dial[] =>
  ordinals.flatMap((one, index) => ordinals.slice(index + 1).map(other => dialOf(one, other)));

/** Each node with the next. */
export const line = (ordinals: readonly number[]): Dial[] =>
  ordinals.slice(1).map((ordinal, index) => dialOf(elementAt(ordinals, index), ordinal));

/** A line whose ends are connected. */
export function ring(ordinals: readonly number[]): Dial[] {
  const isClosed = ordinals.length > 2;
  return isClosed
    ? [...line(ordinals), dialOf(elementAt(ordinals, 0), elementAt(ordinals, ordinals.length - 1))]
    : line(ordinals);
}

/** Every node dials the hub, which is one of them. */
export const star = (ordinals: readonly number[], hub: number): Dial[] =>
  ordinals.filter(ordinal => ordinal !== hub).map(from => ({ from, to: hub }));

/** The first node is the root. Every other one dials its parent, which has up to `arity` of them. */
export const tree = (ordinals: readonly number[], arity: number): Dial[] =>
  ordinals.slice(1).map((from, index) => ({ from, to: elementAt(ordinals, Math.floor(index / arity)) }));
