import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { reasonedQuery } from '../../test/reasoned-query.ts';
import { QuernError } from '../errors.ts';
import type { Reasoner, ReasonOptions, ReasonedQuery } from './reasoner.ts';
import { reasonedByEach, SeveralReasoner } from './several.ts';

/** Says its name and sample, and remembers how it was asked. */
function member(
  id: string,
  changes: Partial<Reasoner> = {},
): Reasoner & { asked: ReasonOptions[]; closed: number; made: number } {
  const own = {
    id,
    asked: [] as ReasonOptions[],
    closed: 0,
    made: 0,
    reason: async (query: string, options: ReasonOptions = {}): Promise<ReasonedQuery> => {
      own.asked.push(options);
      return reasonedQuery(query, { reasoner: id, text: `${id}${options.sample}` });
    },
    ready: async () => void own.made++,
    close: async () => void own.closed++,
    ...changes,
  };
  return own;
}

function waiting(id: string): ReturnType<typeof member> {
  const own = member(id, {
    reason: (_, options = {}) => {
      own.asked.push(options);
      return new Promise((__, reject) => {
        options.signal?.addEventListener('abort', () => reject(new QuernError('ABORTED', 'stopped')));
      });
    },
  });
  return own;
}

function several(...members: readonly [Reasoner, number][]): SeveralReasoner {
  return new SeveralReasoner(
    'join:all',
    members.map(([reasoner, sample]) => ({ reasoner, sample })),
  );
}

describe('several reasoners', () => {
  it('are each asked for their sample with the same options, and joined in their order', async () => {
    const [a, b] = [member('a'), member('b')];
    const excluded = ['d1'];
    const { text, parts, reasoner } = await several([a, 0], [b, 0], [a, 1]).reason('why', {
      excluded,
      passages: ['p'],
      sample: 7,
    });
    expect(text).toBe('a0\n\nb0\n\na1');
    expect(reasoner).toBe('join:all');
    expect(parts?.map(({ text: each }) => each)).toEqual(['a0', 'b0', 'a1']);
    expect(a.asked).toMatchObject([
      { excluded, passages: ['p'], sample: 0 },
      { excluded, passages: ['p'], sample: 1 },
    ]);
  });

  it('can each be asked in a way of their own', async () => {
    const [a, b] = [member('a'), member('b')];
    await reasonedByEach(
      several([a, 0], [b, 2]),
      'why',
      ({ reasoner, sample }, signal) =>
        reasoner.reason('why', { passages: [`${reasoner.id}${sample}`], signal }),
      undefined,
    );
    expect([a, b].map(({ asked }) => asked[0].passages)).toEqual([['a0'], ['b2']]);
  });

  it('are asked at the same time, and all stop when one of them fails', async () => {
    const slow = waiting('slow');
    const broken = member('broken', {
      reason: async () => {
        await turn();
        throw new QuernError('NETWORK', 'gone');
      },
    });
    await expect(several([slow, 0], [broken, 0], [slow, 1]).reason('why')).rejects.toMatchObject({
      code: 'NETWORK',
    });
    expect(slow.asked.map(({ signal }) => signal?.aborted)).toEqual([true, true]);
  });

  it('all stop when they are told to', async () => {
    const slow = waiting('slow');
    const controller = new AbortController();
    const asked = several([slow, 0], [slow, 1]).reason('why', { signal: controller.signal });
    controller.abort();
    await expect(asked).rejects.toMatchObject({ code: 'ABORTED' });
    expect(slow.asked.map(({ signal }) => signal?.aborted)).toEqual([true, true]);
  });

  it('are made ready and closed once each, also where closing one fails', async () => {
    const [a, b] = [member('a'), member('b')];
    const broken = member('broken', {
      close: async () => {
        throw new QuernError('IO', 'stuck');
      },
    });
    const all = several([broken, 0], [a, 0], [b, 0], [a, 1]);
    await all.ready();
    expect([a.made, b.made]).toEqual([1, 1]);
    await expect(all.close()).rejects.toMatchObject({ code: 'IO' });
    expect([a.closed, b.closed]).toEqual([1, 1]);
  });

  it('take as many queries at once as the slowest, and passages where one of them does', () => {
    const fast = member('fast', { parallel: 8, takesPassages: true });
    expect(several([fast, 0], [member('slow', { parallel: 3 }), 0]).parallel).toBe(3);
    expect(several([fast, 0], [member('one'), 0]).parallel).toBe(1);
    expect(several([fast, 0], [member('one'), 0]).takesPassages).toBe(true);
    expect(several([member('one'), 0]).takesPassages).toBe(false);
  });

  it('are at least one', () => {
    expect(() => several()).toThrow(expect.objectContaining({ code: 'USAGE' }) as Error);
  });
});
