import { describe, expect, it } from 'vitest';
import { QuernError } from '../errors.ts';
import type { ReasonedQuery, Reasoner, ReasonOptions } from './reasoner.ts';
import { reasonSamples } from './samples.ts';

/** A reasoner whose calls end when the test says so, unless it is told to answer by itself. */
class HeldReasoner implements Reasoner {
  readonly id = 'held';
  readonly calls: { options: ReasonOptions; end: () => void; fail: (error: Error) => void }[] = [];
  readonly parallel?: number;
  readonly #answers: boolean;

  constructor(parallel?: number, answers = false) {
    this.parallel = parallel;
    this.#answers = answers;
  }

  reason(query: string, options: ReasonOptions = {}): Promise<ReasonedQuery> {
    return new Promise((resolve, reject) => {
      const end = (): void =>
        resolve({
          query,
          text: `sample ${options.sample}`,
          reasoner: this.id,
          finish: 'stop',
          promptTokens: 0,
          completionTokens: 0,
          milliseconds: 0,
          cached: false,
        });
      this.calls.push({ options, end, fail: reject });
      if (this.#answers) end();
    });
  }

  async close(): Promise<void> {}
}

describe('samples of a query', () => {
  it('come in the order of their numbers, in whichever they end', async () => {
    const reasoner = new HeldReasoner(8);
    const samples = reasonSamples(reasoner, 'q', 3);
    for (const index of [2, 0, 1]) reasoner.calls[index]!.end();
    expect((await samples).map(({ text }) => text)).toEqual(['sample 0', 'sample 1', 'sample 2']);
  });

  it('are asked for as many at once as the reasoner answers', async () => {
    const reasoner = new HeldReasoner(2);
    const samples = reasonSamples(reasoner, 'q', 5);
    expect(reasoner.calls).toHaveLength(2);
    reasoner.calls[0]!.end();
    await expect.poll(() => reasoner.calls.length, { interval: 5 }).toBe(3);
    for (let index = 1; index < 5; index++) {
      await expect.poll(() => reasoner.calls.length, { interval: 5 }).toBeGreaterThan(index);
      reasoner.calls[index]!.end();
    }
    expect(await samples).toHaveLength(5);
    expect(reasoner.calls.map(({ options }) => options.sample)).toEqual([0, 1, 2, 3, 4]);
  });

  it('are asked for one by one where the reasoner says nothing, with the options of the caller', async () => {
    const reasoner = new HeldReasoner();
    const samples = reasonSamples(reasoner, 'q', 2, { excluded: ['d1'] });
    expect(reasoner.calls).toHaveLength(1);
    expect(reasoner.calls[0]!.options.excluded).toEqual(['d1']);
    reasoner.calls[0]!.end();
    await expect.poll(() => reasoner.calls.length, { interval: 5 }).toBe(2);
    reasoner.calls[1]!.end();
    await samples;
  });

  it('are no leak to Node, however many are under way', async () => {
    const warnings: Error[] = [];
    const listen = (warning: Error): void => void warnings.push(warning);
    process.on('warning', listen);
    await reasonSamples(new HeldReasoner(30, true), 'q', 30);
    await new Promise(setImmediate);
    process.off('warning', listen);
    expect(warnings).toEqual([]);
  });

  it('are none where none are asked for', async () => {
    expect(await reasonSamples(new HeldReasoner(), 'q', 0)).toEqual([]);
  });

  it.each([-1, 1.5, NaN, Infinity])('cannot be %s', async (count) => {
    await expect(reasonSamples(new HeldReasoner(1, true), 'q', count)).rejects.toMatchObject({
      code: 'USAGE',
    });
  });

  it('end with the first error, which stops the others and asks for no more', async () => {
    const reasoner = new HeldReasoner(2);
    const samples = reasonSamples(reasoner, 'q', 5);
    reasoner.calls[1]!.fail(new QuernError('NETWORK', 'gone'));
    await expect(samples).rejects.toMatchObject({ code: 'NETWORK' });
    expect(reasoner.calls.map(({ options }) => options.signal?.aborted)).toEqual([true, true]);
  });

  it('end when they are stopped, even by a reasoner that does not look', async () => {
    const reasoner = new HeldReasoner(2);
    const stopping = new AbortController();
    const samples = reasonSamples(reasoner, 'q', 5, { signal: stopping.signal });
    stopping.abort();
    await expect(samples).rejects.toMatchObject({ code: 'ABORTED' });
    expect(reasoner.calls.map(({ options }) => options.signal?.aborted)).toEqual([true, true]);
    const none = new HeldReasoner();
    await expect(reasonSamples(none, 'q', 5, { signal: stopping.signal })).rejects.toMatchObject({
      code: 'ABORTED',
    });
    expect(none.calls).toEqual([]);
  });
});
