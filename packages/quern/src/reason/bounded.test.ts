import { describe, expect, it } from 'vitest';
import { QuernError } from '../errors.ts';
import { BoundedReasoner } from './bounded.ts';
import type { ReasonedQuery, ReasonOptions, Reasoner } from './reasoner.ts';

const reasoned: ReasonedQuery = {
  query: 'q',
  text: 'because of this',
  reasoner: 'inner',
  finish: 'stop',
  promptTokens: 3,
  completionTokens: 4,
  milliseconds: 5,
  cached: false,
};

/** A reasoner that does what `reason` does, and remembers the signals it was given. */
function inner(
  reason: (query: string, options: ReasonOptions) => Promise<ReasonedQuery>,
): Reasoner & { readonly signals: AbortSignal[] } {
  const signals: AbortSignal[] = [];
  return {
    id: 'inner',
    signals,
    reason: (query, options = {}) => {
      if (options.signal) signals.push(options.signal);
      return reason(query, options);
    },
    close: async () => undefined,
  };
}

/** Never ends, whatever the signal says. */
const endless = (): Promise<never> => new Promise(() => undefined);

const failing = (): Promise<never> =>
  Promise.reject(new QuernError('NETWORK', 'nothing answers', { where: 'http://localhost:9' }));

describe('a bounded reasoner', () => {
  it('passes on what the inner one yields', async () => {
    expect(await new BoundedReasoner(inner(async () => reasoned)).reason('q')).toBe(reasoned);
  });

  it('leaves the query as it is where the inner one fails, and says why', async () => {
    expect(await new BoundedReasoner(inner(failing)).reason('q')).toMatchObject({
      query: 'q',
      text: '',
      reasoner: 'inner',
      finish: 'failed',
      cached: false,
      failure: { code: 'NETWORK', message: 'http://localhost:9: nothing answers' },
    });
  });

  it('ends at its deadline though the inner one does not, which is told to stop', async () => {
    const slow = inner(endless);
    const found = await new BoundedReasoner(slow, { deadline: 1 }).reason('q');
    expect(found).toMatchObject({ finish: 'failed', text: '', failure: { code: 'TIMEOUT' } });
    expect(found.failure?.message).toContain('within 1 ms');
    expect(slow.signals.map(({ aborted }) => aborted)).toEqual([true]);
  });

  it.each(['', ' \n\t', '…—!', '```\n```'])('takes a text without a word for a failure: %j', async (text) => {
    const found = await new BoundedReasoner(inner(async () => ({ ...reasoned, text }))).reason('q');
    expect(found).toMatchObject({ finish: 'failed', text: '', failure: { code: 'BAD_REPLY' } });
  });

  it.each([
    ['skipped', { ...reasoned, text: '', finish: 'skipped' as const }],
    ['weights', { ...reasoned, text: '', weights: new Map([['term', 1]]) }],
    ['a text in any script', { ...reasoned, text: '因为' }],
  ])('takes %s for an answer', async (_, answer) => {
    expect(
      await new BoundedReasoner(
        inner(async () => answer),
        { strict: true },
      ).reason('q'),
    ).toBe(answer);
  });

  it('throws what went wrong when it is strict', async () => {
    const strict = { strict: true, deadline: 1 };
    await expect(new BoundedReasoner(inner(failing), strict).reason('q')).rejects.toMatchObject({
      code: 'NETWORK',
    });
    await expect(new BoundedReasoner(inner(endless), strict).reason('q')).rejects.toMatchObject({
      code: 'TIMEOUT',
    });
  });

  it.each(['USAGE', 'ABORTED'] as const)('throws %s, strict or not', async (code) => {
    const wrong = inner(() => Promise.reject(new QuernError(code, 'the caller knows')));
    await expect(new BoundedReasoner(wrong).reason('q')).rejects.toMatchObject({ code });
  });

  it('ends when its caller aborts, which is no failure to be left open', async () => {
    const controller = new AbortController();
    const slow = inner(endless);
    const asked = new BoundedReasoner(slow, { deadline: 60_000 }).reason('q', { signal: controller.signal });
    controller.abort();
    await expect(asked).rejects.toMatchObject({ code: 'ABORTED' });
    expect(slow.signals[0].aborted).toBe(true);
  });

  it('tells a defect of a reasoner of somebody else as a failure', async () => {
    const broken = inner(() => Promise.reject(new TypeError('x is undefined')));
    expect(await new BoundedReasoner(broken).reason('q')).toMatchObject({
      finish: 'failed',
      failure: { code: 'BAD_REPLY', message: 'x is undefined' },
    });
  });

  it.each([0, -1, Number.NaN])('has no deadline of %s ms', (deadline) => {
    expect(() => new BoundedReasoner(inner(endless), { deadline })).toThrow(
      expect.objectContaining({ code: 'USAGE' }),
    );
  });
});

async function told(
  pieces: AsyncGenerator<string, ReasonedQuery, undefined>,
): Promise<{ texts: string[]; end: ReasonedQuery }> {
  const texts: string[] = [];
  let next = await pieces.next();
  for (; next.done !== true; next = await pieces.next()) texts.push(next.value);
  return { texts, end: next.value };
}

describe('a bounded stream', () => {
  it('is the text in one piece where the inner reasoner does not stream', async () => {
    const { texts, end } = await told(new BoundedReasoner(inner(async () => reasoned)).stream('q'));
    expect(texts).toEqual([reasoned.text]);
    expect(end).toBe(reasoned);
  });

  it('breaks off at the deadline, and the end says so', async () => {
    const stuck: Reasoner = {
      ...inner(endless),
      async *stream() {
        yield 'because ';
        return endless();
      },
    };
    const { texts, end } = await told(new BoundedReasoner(stuck, { deadline: 20 }).stream('q'));
    expect(texts).toEqual(['because ']);
    expect(end).toMatchObject({ finish: 'failed', text: '', failure: { code: 'TIMEOUT' } });
  });

  it('ends the generation when nobody listens any more', async () => {
    let signal: AbortSignal | undefined;
    const talking: Reasoner = {
      ...inner(endless),
      async *stream(_, options) {
        signal = options?.signal;
        for (;;) yield 'and ';
      },
    };
    for await (const piece of new BoundedReasoner(talking).stream('q')) {
      expect(piece).toBe('and ');
      break;
    }
    expect(signal?.aborted).toBe(true);
  });
});
