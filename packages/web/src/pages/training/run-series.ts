import type { MetricsAnswer, MetricsLine } from '../../../../quern/src/train/watch/wire.ts';

/** The values of one metric of a run, by steps. */
export interface Curve {
  readonly steps: readonly number[];
  /** In milliseconds since 1970; where lines tell none, undefined. */
  readonly times: readonly (number | undefined)[];
  readonly values: readonly number[];
  /** Of the same steps: another metric, if it was asked for and is there. */
  readonly deviations?: readonly number[];
}

/** What a page has of a run's metrics so far. */
export class RunSeries {
  /** What to ask for what is newer with. */
  after = '';
  stride = 1;
  unreadable = 0;
  /** Another one after each change. */
  version = 0;
  readonly #lines: Record<MetricsLine['kind'], MetricsLine[]> = { train: [], eval: [] };

  /** Takes an answer in. */
  add({ after, isStart, stride, unreadable, lines }: MetricsAnswer): void {
    const hadLines = this.#lines.train.length + this.#lines.eval.length > 0;
    this.after = after;
    this.stride = stride;
    this.unreadable = unreadable;
    if (isStart) {
      this.#lines.train = [];
      this.#lines.eval = [];
    }
    for (const line of lines) {
      const known = this.#lines[line.kind];
      // A run that goes on from an earlier step takes what came after it back.
      while (known.length > 0 && known.at(-1)!.step >= line.step) known.pop();
      known.push(line);
    }
    if (lines.length > 0 || (isStart && hadLines)) this.version++;
  }

  /** The lines of training, in their order. */
  get trained(): readonly MetricsLine[] {
    return this.#lines.train;
  }

  /** The lines of validation, in their order. */
  get validated(): readonly MetricsLine[] {
    return this.#lines.eval;
  }

  /** The names of metrics of a kind, as they come. */
  names(kind: MetricsLine['kind']): string[] {
    const names = new Set<string>();
    for (const { values } of this.#lines[kind]) for (const name of Object.keys(values)) names.add(name);
    return [...names];
  }

  /** The steps that have a metric, and its values there; `deviation` names another, which is 0 where it is missing. */
  curve(kind: MetricsLine['kind'], name: string, deviation?: string): Curve {
    const known = this.#lines[kind].filter(({ values }) => Object.hasOwn(values, name));
    return {
      steps: known.map(({ step }) => step),
      times: known.map(({ time }) => time),
      values: known.map(({ values }) => values[name]!),
      ...(deviation !== undefined && { deviations: known.map(({ values }) => values[deviation] ?? 0) }),
    };
  }

  /** The first and the last lines, of training and of validation. */
  get firstAndLast(): readonly MetricsLine[] {
    return Object.values(this.#lines).flatMap((lines) => [...lines.slice(0, 1), ...lines.slice(-1)]);
  }

  /** When the first line was written. */
  get start(): number | undefined {
    const times = this.firstAndLast.flatMap(({ time }) => (time === undefined ? [] : [time]));
    return times.length === 0 ? undefined : Math.min(...times);
  }
}
