/** How many places are kept of each kind of fault. */
const mostPlaces = 3;

/** A kind of fault in the data, how often it was met, and where first. */
export interface Fault {
  readonly kind: string;
  readonly count: number;
  readonly places: readonly string[];
}

/** Counts the faults of data that the reading passes over, by their kinds. */
export class FaultCounts {
  readonly #byKind = new Map<string, { count: number; places: string[] }>();

  constructor(faults: readonly Fault[] = []) {
    for (const { kind, count, places } of faults) this.#byKind.set(kind, { count, places: [...places] });
  }

  add(kind: string, where: string): void {
    const seen = this.#byKind.get(kind);
    if (!seen) this.#byKind.set(kind, { count: 1, places: [where] });
    else if (++seen.count <= mostPlaces) seen.places.push(where);
  }

  /** All kinds, in the order in which they were first met. */
  list(): Fault[] {
    return Array.from(this.#byKind, ([kind, { count, places }]) => ({ kind, count, places: [...places] }));
  }
}
