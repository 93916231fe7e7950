import { describe, expect, it } from 'vitest';
import { reasonedQuery } from '../../test/reasoned-query.ts';
import { essence, inPieces, scripted, type Script } from '../../test/scripted-reasoner.ts';
import { textsInLanguages } from '../../test/texts-in-languages.ts';
import type { Enough, ReasonedQuery, Reasoner, ReasonOptions } from './reasoner.ts';
import { ScreenedReasoner, type ScreenSettings } from './screened-reasoner.ts';

const query = 'Why do the leaves of some trees turn red in autumn?';
const head = 'In summer the green of the leaves hides all other colours. ';
const sentence = 'The tree takes back what it can use.';
const looping = head + `${sentence} `.repeat(40);

/** What comes of one text in one piece. */
function screened(
  text: string,
  { settings, ...script }: Omit<Script, 'pieces'> & { settings?: ScreenSettings } = {},
  options?: ReasonOptions,
): Promise<ReasonedQuery> {
  return new ScreenedReasoner(scripted({ pieces: [text], ...script }), settings).reason(query, options);
}

/** Enough after the second sentence, which is known when it has ended. */
const second: Enough = (text) => {
  const end = /^[^.]*\.[^.]*\./.exec(text)?.[0].length;
  return end === undefined ? undefined : { length: end, why: 'two sentences' };
};

/** Cannot say. */
const throwing: Enough = () => {
  throw new TypeError('no');
};

describe('a screened reasoner', () => {
  it('is named and asked as the inner one', async () => {
    const reasoner = new ScreenedReasoner(scripted({ pieces: [] }));
    expect(reasoner).toMatchObject({ id: 'scripted', parallel: 3, takesPassages: true });
    expect(await reasoner.cacheKey?.('q')).toBe('key of q');
    const plain: Reasoner = { id: 'plain', reason: async (asked) => reasonedQuery(asked), async close() {} };
    expect(new ScreenedReasoner(plain).cacheKey).toBeUndefined();
    await new ScreenedReasoner(plain).ready();
  });

  it('leaves a text alone that has nothing to leave out', async () => {
    const found = await screened(head);
    expect(found).toMatchObject({ text: head, finish: 'stop' });
    expect(found).not.toHaveProperty('cuts');
  });

  it.each([
    ['weights', { text: '', weights: new Map([['term', 1]]) }],
    ['a skipped query', { text: '', finish: 'skipped' as const }],
    ['a failed query', { text: '', finish: 'failed' as const }],
  ])('leaves %s alone', async (_, changes) => {
    const reasoned = reasonedQuery(query, changes);
    const inner: Reasoner = { id: 'inner', reason: async () => reasoned, async close() {} };
    expect(await new ScreenedReasoner(inner, { strict: true }).reason(query)).toBe(reasoned);
  });
});

describe('the thoughts before an answer', () => {
  it('are cut, and their tokens counted', async () => {
    const found = await screened(`<think>\nLet me see.\n</think>\n\n${head}`);
    expect(found).toMatchObject({
      text: head,
      finish: 'stop',
      completionTokens: 30,
      cuts: [{ kind: 'thought', why: 'it thought before its answer', text: 'Let me see.' }],
    });
  });

  it('leave no answer where they were cut at the most tokens', async () => {
    expect(await screened('<think>Let me see', { finish: 'length' })).toMatchObject({
      text: '',
      finish: 'failed',
      completionTokens: 30,
      failure: {
        code: 'BAD_REPLY',
        message: 'scripted: the model was still thinking at the most tokens. Give it more tokens',
      },
      cuts: [{ kind: 'thought', text: 'Let me see' }],
    });
    const found = await screened('<think>So.</think>\n');
    expect(found.failure?.message).toBe('scripted: the model thought, and gave no answer');
  });

  it('are an error where the screen is strict', async () => {
    await expect(screened('<think>Hm', { settings: { strict: true } })).rejects.toMatchObject({
      code: 'BAD_REPLY',
    });
  });

  it('end the generation where they go round in circles, and there is no answer', async () => {
    const pieces = inPieces(`<think>${looping}</think>${head}`, 5);
    const inner = scripted({ pieces });
    const found = await new ScreenedReasoner(inner).reason(query);
    expect(inner.written).toBeLessThan(pieces.length / 2);
    expect(found).toMatchObject({ text: '', finish: 'failed' });
    expect(found.failure?.message).toMatch(
      /round in circles while it thought: the same 8 words came 6 times/,
    );
    expect(essence(await screened(pieces.join(''), { heeds: false }))).toEqual({
      ...(essence(found) as object),
    });
  });

  it('may be said again in the answer', async () => {
    const thought = `${head}${sentence}`;
    expect(await screened(`<think>${thought}</think>${thought}`)).toMatchObject({
      text: thought,
      finish: 'stop',
    });
  });

  it('and what follows the answer are no part of it', async () => {
    const found = await screened(`<think>So.</think> <answer>${head}</answer> That was it.`);
    expect(found.text).toBe(head);
    expect(found.cuts?.map(({ why, text }) => [why, text])).toEqual([
      ['it thought before its answer', 'So.'],
      ['it went on after its answer', 'That was it.'],
    ]);
    expect(await screened(`<answer>${head}</answer>\n`)).not.toHaveProperty('cuts');
  });
});

describe('a text that goes round in circles', () => {
  it('is ended as soon as that is certain, and cut after the first round', async () => {
    const pieces = inPieces(looping, 6);
    const inner = scripted({ pieces });
    const found = await new ScreenedReasoner(inner).reason(query);
    expect(inner.written).toBeLessThan(pieces.length / 4);
    expect(found).toMatchObject({
      text: head + sentence,
      finish: 'early',
      cuts: [{ kind: 'repeated', why: 'the same 8 words came 6 times' }],
    });
    expect(found.text + found.cuts![0].text).toBe(pieces.slice(0, inner.written).join(''));
  });

  it('comes to the same where the inner reasoner goes on', async () => {
    const heeding = await screened(looping);
    const found = await screened(looping, { heeds: false });
    expect(essence(found)).toEqual(essence(heeding));
    expect(found.text + found.cuts![0].text).toBe(looping);
  });

  it('is left whole where that is asked for', async () => {
    const settings = { cutRepetition: false };
    expect(await screened(looping, { settings })).toMatchObject({ text: looping, finish: 'stop' });
  });
});

describe('an answer in another language', () => {
  const german = textsInLanguages.find(({ language }) => language === 'German')!.answer;
  const message = 'scripted: the reasoned query is in German, the query in English';

  it('is a failure, and its tokens are counted', async () => {
    expect(await screened(german)).toMatchObject({
      text: '',
      finish: 'failed',
      completionTokens: 30,
      failure: { code: 'BAD_REPLY', message },
    });
  });

  it('is one whatever language its thoughts are in', async () => {
    expect((await screened(`<think>${head.repeat(3)}</think>${german}`)).failure?.message).toBe(message);
    expect((await screened(`<think>${german}</think>${head}`)).text).toBe(head);
  });

  it('is an error where the screen is strict, and an answer where any language will do', async () => {
    const failed = screened(german, { settings: { strict: true } });
    await expect(failed).rejects.toMatchObject({ code: 'BAD_REPLY', message });
    expect((await screened(german, { settings: { sameLanguage: false } })).text).toBe(german);
  });
});

describe("a caller's enough", () => {
  it.each([true, false])(
    'is asked about the answer alone, heeded by the inner one or not: %s',
    async (heeds) => {
      const asked: string[] = [];
      const enough: Enough = async (text) => {
        asked.push(text);
        return second(text);
      };
      const text = `<think>One. Two. Three.</think>\n\n${head}${sentence} And so on.`;
      const inner = scripted({ pieces: inPieces(text, 4), heeds });
      const found = await new ScreenedReasoner(inner).reason(query, { enough });
      expect(found).toMatchObject({
        text: head + sentence,
        finish: 'early',
        cuts: [{ kind: 'thought' }, { kind: 'stable', why: 'two sentences' }],
      });
      expect(asked.every((part) => `${head}${sentence} And so on.`.startsWith(part))).toBe(true);
      expect(found.cuts![1].text.startsWith(' And so on.'.slice(0, found.cuts![1].text.length))).toBe(true);
    },
  );

  it('comes before a loop that is seen later', async () => {
    expect(await screened(looping, {}, { enough: second })).toMatchObject({
      text: head + sentence,
      cuts: [{ kind: 'stable' }],
    });
  });

  it('is heard where loops are not cut, and what it throws is thrown', async () => {
    const settings = { cutRepetition: false };
    expect((await screened(looping, { settings }, { enough: second })).finish).toBe('early');
    await expect(screened(head, {}, { enough: throwing })).rejects.toThrow(TypeError);
  });
});
