import { readJsonl } from '../collections/jsonl.ts';
import { join } from 'node:path';
import { writeLines } from '../whole-file.ts';
import type { QuestionSet } from './question-set.ts';
import type { Dropped } from './stage-record.ts';

const fileName = 'dropped.jsonl';

/** The questions that a stage leaves out, each with the reason: marked in the set, and kept for the stage's file. */
export class Dropping {
  readonly #set: QuestionSet;
  readonly #dropped: Dropped[] = [];
  readonly #before: number;

  constructor(set: QuestionSet) {
    this.#set = set;
    this.#before = set.left;
  }

  drop(dropped: Dropped): void {
    this.#set.dropped[dropped.n] = 1;
    this.#dropped.push(dropped);
  }

  /** Writes the stage's file, in the order of the questions, and returns the counts of its record. */
  async finish(
    folder: string,
  ): Promise<{ questionsIn: number; questionsOut: number; dropped: Record<string, number> }> {
    this.#dropped.sort((a, b) => a.n - b.n);
    await writeLines(join(folder, fileName), lines(this.#dropped));
    const dropped: Record<string, number> = {};
    for (const { reason } of this.#dropped) dropped[reason] = (dropped[reason] ?? 0) + 1;
    return {
      questionsIn: this.#before,
      questionsOut: this.#before - this.#dropped.length,
      dropped: Object.fromEntries(Object.entries(dropped).sort(([, a], [, b]) => b - a)),
    };
  }
}

function* lines(dropped: readonly Dropped[]): Generator<string> {
  for (const each of dropped) yield JSON.stringify(each);
}

/** The questions that a finished stage left out. */
export async function* readDropped(folder: string): AsyncGenerator<Dropped> {
  for await (const { record } of readJsonl(join(folder, fileName))) yield record as unknown as Dropped;
}

/** Marks in the set what a finished stage left out. */
export async function markDropped(set: QuestionSet, folder: string): Promise<void> {
  for await (const { n } of readDropped(folder)) set.dropped[n] = 1;
}
