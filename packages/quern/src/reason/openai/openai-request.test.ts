import { describe, expect, it } from 'vitest';
import { errorObject, statusError, type ServerError } from '../../models/openai/openai-failure.ts';
import { refusedFields, type OptionalField } from './openai-request.ts';

function told(body: unknown, status = 400): ServerError {
  return statusError(status, new Headers(), JSON.stringify(body));
}

const none: ReadonlySet<OptionalField> = new Set();

describe('the fields that an error refuses', () => {
  it.each<[string, unknown, OptionalField[]]>([
    ['OpenAI', { error: { message: 'Unrecognized request argument supplied: top_k' } }, ['top_k']],
    [
      'two at once',
      { error: { message: 'Unrecognized request arguments supplied: repetition_penalty, top_k' } },
      ['top_k', 'repetition_penalty'],
    ],
    ['by param', { error: { message: 'Unknown parameter.', param: 'seed' } }, ['seed']],
    [
      'FastAPI',
      {
        detail: [
          { type: 'extra_forbidden', loc: ['body', 'top_k'], msg: 'Extra inputs are not permitted' },
          { type: 'extra_forbidden', loc: ['body', 'seed'], msg: 'Extra inputs are not permitted' },
        ],
      },
      ['top_k', 'seed'],
    ],
    [
      'a value',
      {
        error: {
          message: "Unsupported value: 'temperature' does not support 0.7 with this model.",
          param: 'temperature',
          code: 'unsupported_value',
        },
      },
      ['temperature'],
    ],
    [
      'the limit',
      {
        error: {
          message:
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
          param: 'max_tokens',
        },
      },
      ['max_tokens'],
    ],
    ['the usage', { error: { message: 'stream_options: extra fields not permitted' } }, ['stream_options']],
    ['no name', { error: { message: 'unknown field' } }, ['top_k', 'repetition_penalty']],
    [
      'Mistral',
      {
        object: 'error',
        message: { detail: [] },
        detail: [{ type: 'extra_forbidden', loc: ['body', 'repetition_penalty'], msg: 'Extra' }],
      },
      ['repetition_penalty'],
    ],
  ])('are found in the words of %s', (_, body, fields) => {
    expect(refusedFields(told(body), none)).toEqual(fields);
    expect(refusedFields(told(body, 422), none)).toEqual(fields);
    expect(refusedFields(told(body, 500), none)).toEqual([]);
  });

  it.each<[string, unknown]>([
    [
      'a query that is too long',
      { error: { message: "This model's maximum context length is 4096 tokens.", param: 'messages' } },
    ],
    [
      'a limit that is too large',
      {
        error: { message: "'max_tokens' or 'max_completion_tokens' is too large: 500.", param: 'max_tokens' },
      },
    ],
    [
      'a temperature out of range',
      {
        error: { message: "Invalid 'temperature': expected a value <= 2, but got 3.", param: 'temperature' },
      },
    ],
    ['a field that nobody can leave out', { error: { message: 'Unsupported parameter', param: 'messages' } }],
    ['nothing at all', {}],
    ['a text', 'Bad Request'],
  ])('are none where the error is about %s', (_, body) => {
    expect(refusedFields(told(body), none)).toEqual([]);
  });

  it('are none that were not sent', () => {
    const sent: ReadonlySet<OptionalField> = new Set(['top_k', 'repetition_penalty']);
    expect(refusedFields(told({ error: { message: 'unknown field top_k' } }), sent)).toEqual([]);
    expect(refusedFields(told({ error: { message: 'unknown field' } }), sent)).toEqual([]);
  });
});

describe('an error object', () => {
  it.each<[unknown, number | undefined]>([
    [{ code: 503 }, 503],
    [{ code: '429' }, 429],
    [{ status: 404 }, 404],
    [{ code: 'rate_limit_exceeded' }, undefined],
    [{ code: 200 }, undefined],
    [{ code: 1e9 }, undefined],
    [{ code: [500] }, undefined],
    [
      { code: { toString: 1, valueOf: 1 }, type: { toString: 1 }, param: [], message: { toString: 1 } },
      undefined,
    ],
    ['text', undefined],
    [null, undefined],
    [7, undefined],
  ])('%j tells the status %s', (error, status) => {
    expect(errorObject(error).status).toBe(status);
  });
});
