/** How a hit of one ranking stands against another ranking. */
export type Movement =
  | { readonly kind: 'same' | 'new' }
  /** By so many ranks. */
  | { readonly kind: 'up' | 'down'; readonly by: number };

/** The ranks of hits by their ids. */
export function ranksOf(
  hits: readonly { readonly id: string; readonly rank: number }[],
): Map<string, number> {
  return new Map(hits.map(({ id, rank }) => [id, rank]));
}

/** How a rank compares with the one before; without one before, the hit is new. */
export function movement(rank: number, before: number | undefined): Movement {
  if (before === undefined) return { kind: 'new' };
  if (rank === before) return { kind: 'same' };
  return rank < before ? { kind: 'up', by: before - rank } : { kind: 'down', by: rank - before };
}

/** A movement in words, for who does not see the arrow. */
export function movementWords(moved: Movement): string {
  switch (moved.kind) {
    case 'new':
      return 'new: not among these without reasoning';
    case 'same':
      return 'the same rank as without reasoning';
    default:
      return `${moved.kind} ${moved.by} against the ranking without reasoning`;
  }
}
