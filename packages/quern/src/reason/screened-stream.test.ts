import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { essence, inPieces, scripted, told } from '../../test/scripted-reasoner.ts';
import type { Enough, FinishReason, Reasoner } from './reasoner.ts';
import { ScreenedReasoner } from './screened-reasoner.ts';

const query = 'Why do the leaves of some trees turn red in autumn?';
const head = 'In summer the green of the leaves hides all other colours. ';
const sentence = 'The tree takes back what it can use.';
const looping = head + `${sentence} `.repeat(40);

describe('the stream of a screened reasoner', () => {
  it('is the answer, whatever the pieces in which its tags come', async () => {
    const text = `<think>So: <answer> it is.</think>\n<answer>\n${head}</answer>`;
    for (let length = 1; length <= text.length; length++) {
      const reasoner = new ScreenedReasoner(scripted({ pieces: inPieces(text, length) }));
      const { pieces, end } = await told(reasoner.stream(query));
      expect(pieces.join('')).toBe(head);
      expect(end.text).toBe(head);
    }
  });

  it.each([true, false])('says nothing more once a loop is seen, heeded or not: %s', async (heeds) => {
    const inner = scripted({ pieces: inPieces(looping, 7), heeds });
    const { pieces, end } = await told(new ScreenedReasoner(inner).stream(query));
    expect(end.text).toBe(head + sentence);
    expect(pieces.join('').length).toBeLessThan(looping.length / 4);
    expect(pieces.join('').startsWith(end.text)).toBe(true);
  });

  it('asks no caller twice about the same', async () => {
    const asked: string[] = [];
    const enough: Enough = (text) => {
      asked.push(text);
      return undefined;
    };
    const reasoner = new ScreenedReasoner(scripted({ pieces: inPieces(`<think>So.</think>${head}`, 3) }));
    await told(reasoner.stream(query, { enough }));
    expect(new Set(asked).size).toBe(asked.length);
    expect(asked.at(-1)).toBe(head);
  });

  it('cuts a loop that comes in one piece before it is said', async () => {
    const reasoner = new ScreenedReasoner(scripted({ pieces: [looping], heeds: false }));
    const { pieces } = await told(reasoner.stream(query));
    expect(pieces).toEqual([head + sentence]);
  });

  it('says nothing of thoughts, and nothing where there is no answer', async () => {
    const reasoner = new ScreenedReasoner(scripted({ pieces: ['<think>', 'Let me see'], finish: 'length' }));
    const { pieces, end } = await told(reasoner.stream(query));
    expect(pieces).toEqual([]);
    expect(end.finish).toBe('failed');
  });

  it('takes back thoughts that the prompt has opened, in what it returns', async () => {
    const reasoner = new ScreenedReasoner(scripted({ pieces: ['Let me see.', '\n</think>', '\n\n', head] }));
    const { pieces, end } = await told(reasoner.stream(query));
    expect(pieces).toEqual(['Let me see.', head]);
    expect(end).toMatchObject({ text: head, cuts: [{ kind: 'thought', text: 'Let me see.' }] });
  });

  it('is one piece where the inner reasoner does not stream', async () => {
    const reasoner = new ScreenedReasoner(scripted({ pieces: [`<think>a</think>${head}`], streams: false }));
    expect((await told(reasoner.stream(query))).pieces).toEqual([head]);
  });

  it('ends the inner one when nobody listens any more', async () => {
    let isOver = false;
    const talking: Reasoner = {
      ...scripted({ pieces: [] }),
      async *stream() {
        try {
          for (let n = 0; ; n++) yield `word${n} `;
        } finally {
          isOver = true;
        }
      },
    };
    for await (const piece of new ScreenedReasoner(talking).stream(query)) {
      expect(piece).toBe('word0 ');
      break;
    }
    expect(isOver).toBe(true);
  });
});

describe('what comes of a text', () => {
  const part = fc.constantFrom(
    '<think>',
    '</think>',
    '<answer>',
    '</answer>',
    '\n',
    'Leaves. ',
    'Red ',
    `${sentence} `.repeat(9),
    'so '.repeat(70),
  );
  const cutAt = fc.option(fc.nat(60), { nil: undefined });

  it('is the same in any pieces, heeded or not, and a part of the text', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(part, { maxLength: 7 }),
        fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 10 }),
        cutAt,
        fc.constantFrom<FinishReason>('stop', 'length'),
        async (parts, steps, most, finish) => {
          const text = parts.join('');
          // Until thoughts end that the prompt has opened, they are the answer.
          fc.pre(most === undefined || !/^(?:(?!<think>)[^])*<\/think>/.test(text));
          const enough: Enough | undefined =
            most === undefined
              ? undefined
              : (answer) => (answer.length > most ? { length: most, why: 'long' } : undefined);
          const pieces: string[] = [];
          for (let at = 0, turn = 0; at < text.length; turn++) {
            const piece = text.slice(at, at + steps[turn % steps.length]);
            pieces.push(piece);
            at += piece.length;
          }
          const whole = await new ScreenedReasoner(scripted({ pieces: [text], heeds: false, finish })).reason(
            query,
            { enough },
          );
          const heeding = new ScreenedReasoner(scripted({ pieces, finish }));
          const going = new ScreenedReasoner(scripted({ pieces, finish, heeds: false }));
          expect(essence(await heeding.reason(query, { enough }))).toEqual(essence(whole));
          expect(essence((await told(heeding.stream(query, { enough }))).end)).toEqual(essence(whole));
          expect(essence((await told(going.stream(query, { enough }))).end)).toEqual(essence(whole));
          expect(text).toContain(whole.text);
          expect(whole.cuts?.every((cut) => text.includes(cut.text)) ?? true).toBe(true);
        },
      ),
      { numRuns: 500 },
    );
  });
});
