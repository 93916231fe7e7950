/** What the service answers of runs, and its pages read. */

/** What a run says of itself, as far as it does. */
export interface RunState {
  readonly status: string;
  readonly step: number;
  readonly max_steps: number;
  readonly best?: { readonly step: number; readonly metric: string; readonly value: number };
  readonly error?: string;
}

/** A run as `GET /v1/runs` lists it. */
export interface ListedRun {
  readonly name: string;
  /** Absent while the run has written none. */
  readonly state?: RunState;
  /** Whether the process that trains is one of this machine; absent where the run does not say that it is running. */
  readonly isAlive?: boolean;
  /** When the run last wrote its metrics or its state, in milliseconds since 1970. */
  readonly written?: number;
  /** Whether it has kept any samples. */
  readonly hasSamples: boolean;
  /** Names and values of its configuration, those that tell runs apart. */
  readonly summary: readonly (readonly [name: string, value: string])[];
}

/** One line of a run's metrics, with those of its values that are numbers. */
export interface MetricsLine {
  readonly kind: 'train' | 'eval';
  readonly step: number;
  /** In milliseconds since 1970. */
  readonly time?: number;
  readonly values: Readonly<Record<string, number>>;
  /** Names of what was to be a number and is none: NaN, or beyond all numbers. Absent where there are none. */
  readonly notFinite?: readonly string[];
}

/** What `GET /v1/runs/ID/metrics?after=…` answers: lines that the page does not have yet. */
export interface MetricsAnswer {
  /** To be sent the next time. */
  readonly after: string;
  /** Whether the lines are from the start on, and what the page has is to be forgotten. */
  readonly isStart: boolean;
  /** Whether there are more lines already. */
  readonly more: boolean;
  /** Of so many lines of training one is among these. */
  readonly stride: number;
  /** Lines that could not be read. */
  readonly unreadable: number;
  readonly lines: readonly MetricsLine[];
}

/** A completion as it was kept. */
export interface SampledCompletion {
  readonly text: string;
  readonly tokens?: number;
  /** Why it ended: `stop` or `length`. */
  readonly finish?: string;
  readonly reward?: number;
  readonly parts?: Readonly<Record<string, number>>;
  readonly advantage?: number;
  /** Why no reasoned query could be read from it. */
  readonly failure?: string;
}

/** A question and what was made of it. */
export interface SampledQuestion {
  readonly question: string;
  readonly id?: string;
  readonly prompt?: string;
  readonly completions: readonly SampledCompletion[];
}

/** What `GET /v1/runs/ID/samples` answers. */
export interface SampleSteps {
  /** Of rollouts, ascending. */
  readonly steps: readonly number[];
  /** Of validations, which have the same questions each time; ascending. */
  readonly validated: readonly number[];
}

/** What `GET /v1/runs/ID/samples/STEP` answers. */
export interface SampleAnswer {
  readonly questions: readonly SampledQuestion[];
  /** Whether the file is larger than what is shown of it. */
  readonly isCut: boolean;
  /** Lines that could not be read. */
  readonly unreadable: number;
}
