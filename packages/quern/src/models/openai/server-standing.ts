/** How one of several servers stands. */
export interface ServerStanding {
  readonly name: string;
  /** `in` the pool, `paused` for as long as it asks to be left alone, or `out` of the pool. */
  readonly state: 'in' | 'paused' | 'out';
  /** Requests under way. */
  readonly underWay: number;
  /** Requests that it has answered so far, and those that came to nothing. */
  readonly answered: number;
  readonly failed: number;
  /** What is wrong with it, where it is not `in`. */
  readonly why?: string;
}
