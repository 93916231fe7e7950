import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { QuernError } from '../../errors.ts';
import { errorObject, printable, statusError } from '../../models/openai/openai-failure.ts';
import { Reply } from './openai-reply.ts';

const server = { baseUrl: 'http://h/v1', where: 'openai:m@http://h/v1', secret: 'sk-secret', idle: 1000 };

/** Chunks that look like those of the protocol, with anything in any place. */
const chunk = fc.oneof(
  fc.jsonValue(),
  fc.record(
    {
      choices: fc.oneof(
        fc.jsonValue(),
        fc.array(
          fc.oneof(
            fc.jsonValue(),
            fc.record(
              {
                index: fc.oneof(fc.constant(0), fc.jsonValue()),
                delta: fc.oneof(
                  fc.jsonValue(),
                  fc.record({ content: fc.oneof(fc.string(), fc.jsonValue()) }),
                ),
                message: fc.jsonValue(),
                finish_reason: fc.oneof(
                  fc.constantFrom('stop', 'length', 'content_filter', null),
                  fc.jsonValue(),
                ),
              },
              { requiredKeys: [] },
            ),
          ),
          { maxLength: 2 },
        ),
      ),
      usage: fc.oneof(
        fc.jsonValue(),
        fc.record({ prompt_tokens: fc.jsonValue(), completion_tokens: fc.jsonValue() }),
      ),
    },
    { requiredKeys: [] },
  ),
);

describe('a reply', () => {
  it('made of any JSON is a text of its pieces, or BAD_REPLY', () => {
    fc.assert(
      fc.property(fc.array(chunk, { maxLength: 5 }), (chunks) => {
        const reply = new Reply(1000, server);
        const pieces: string[] = [];
        let thrown: unknown;
        try {
          for (const one of chunks) pieces.push(reply.add(one));
          reply.check();
        } catch (error) {
          thrown = error;
        }
        expect(reply.text).toBe(pieces.join(''));
        const isWhole = reply.finish !== undefined && reply.text.trim() !== '';
        expect(thrown instanceof QuernError ? thrown.code : thrown).toBe(
          isWhole && thrown === undefined ? undefined : 'BAD_REPLY',
        );
      }),
      { numRuns: 300 },
    );
  });

  it('may be as long as its bound and no longer', () => {
    const reply = new Reply(5, server);
    expect(reply.add({ choices: [{ delta: { content: 'abcde' } }] })).toBe('abcde');
    expect(() => reply.add({ choices: [{ delta: { content: 'f' } }] })).toThrow(/longer than 5 characters/);
  });

  it('keeps the last count of tokens that makes sense', () => {
    const reply = new Reply(5, server);
    reply.add({ choices: [], usage: { prompt_tokens: 1, completion_tokens: 1 } });
    reply.add({ choices: [], usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 } });
    reply.add({ choices: [], usage: { prompt_tokens: -1, completion_tokens: 0.5 } });
    reply.add({ choices: [], usage: null });
    expect(reply.usage).toEqual({ promptTokens: 1, completionTokens: 2 });
  });
});

describe('what a server says is wrong', () => {
  it('is one short line without the key, whatever it is', () => {
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.constant(`a sk-secret ${'b'.repeat(400)}`));
    fc.assert(
      fc.property(fc.oneof(text, fc.jsonValue()), fc.integer({ min: 300, max: 599 }), (body, status) => {
        const sent = typeof body === 'string' ? body : JSON.stringify(body);
        for (const { message, kind } of [
          statusError(status, new Headers(), sent, 'sk-secret'),
          errorObject(body, 'sk-secret'),
        ]) {
          for (const shown of [message, kind]) {
            expect(shown).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}]|sk-secret/u);
            expect([...shown].length).toBeLessThanOrEqual(300);
          }
        }
      }),
    );
  });

  it('is cut between characters, after the key is taken out', () => {
    expect(printable(`${'x'.repeat(295)}sk-secret`, 'sk-secret')).toBe(`${'x'.repeat(295)}(the…`);
    expect([...printable('😀'.repeat(400))]).toEqual([...'😀'.repeat(299), '…']);
  });
});
