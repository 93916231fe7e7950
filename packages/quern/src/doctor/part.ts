/** A part of what Quern can use on a machine, and how it is there. */
export interface Part {
  readonly part: string;
  /** `stale` is there, but of another version than it has to be. */
  readonly state: 'ok' | 'missing' | 'stale';
  /** What is there, or what is not and what it would be for; one line. */
  readonly what: string;
  /** The command that mends it, where there is one. */
  readonly mend?: string;
}
