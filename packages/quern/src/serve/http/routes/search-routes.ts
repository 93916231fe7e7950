import * as z from 'zod';
import { questionSchema, searchSchema } from '../../service/search-request.ts';
import { reason, reasoned } from '../../service/reason.ts';
import { search } from '../../service/search.ts';
import type { ServiceLimits } from '../../configuration/service-config.ts';
import type { Service } from '../../service/service.ts';
import { reasonedAnswer, searchAnswer } from '../answers.ts';
import { answerEvents } from '../event-stream.ts';
import { withLog } from '../logged-service.ts';
import { route, type Call, type Route } from '../route.ts';
import { watchedSearch } from './watched-search.ts';

const reasonedExample = {
  query: 'why does my bread not rise',
  text: 'Yeast needs warmth, time and sugar; salt and heat stop it …',
  reasoner: 'qr',
  finish: 'stop',
  promptTokens: 68,
  completionTokens: 212,
  milliseconds: 2210.4,
  cached: false,
};

const searchExample = {
  query: 'why does my bread not rise',
  index: 'notes',
  reasoner: 'qr',
  combine: 'replace',
  retriever: 'bm25q',
  k: 10,
  reasoned: reasonedExample,
  hits: [{ id: 'yeast.txt', score: 12.5, rank: 1, title: 'Yeast', text: 'Yeast that is too old …' }],
  milliseconds: { reason: 2210.4, search: 1.2, total: 2211.7 },
};

/** Searching and reasoning. */
export function searchRoutes(service: Service): Route[] {
  const { limits } = service.config;
  const reasonSchema = z.strictObject({
    query: questionSchema(limits),
    reasoner: z
      .string()
      .describe('The name of a reasoner.')
      .meta({ examples: ['qr'] }),
    sample: z.int().min(0).max(63).optional().describe('Which of several samples, from 0.'),
    deadline: z.int().min(1).optional().describe('Milliseconds; what is not done by then has failed.'),
    stream: z
      .boolean()
      .optional()
      .describe('Whether the text comes as it grows; the same as the header Accept: text/event-stream.'),
  });
  return [
    route({
      method: 'POST',
      path: '/v1/search',
      scope: 'read',
      tag: 'Search',
      summary: 'Answer a question from an index.',
      description:
        'The reasoner, where one is named, reasons about the question; its text and the question are combined, and the retriever ranks. Where the reasoner fails or is late, the question is searched as it is, which `reasoned.finish` says. With the header `Accept: text/event-stream` the answer is watched as it comes to be: server-sent events with the text as it is written, and with the ranking at every few words of it.',
      body: searchSchema(limits),
      bodyLimit: questionBody(limits),
      examples: {
        plain: { query: 'why does my bread not rise', index: 'notes' },
        reasoned: {
          query: 'why does my bread not rise',
          index: 'notes',
          reasoner: 'qr',
          k: 5,
          explain: true,
        },
      },
      answers: {
        200: {
          description: 'The ranking, and what led to it.',
          schema: searchAnswer,
          example: searchExample,
          events: {
            description:
              '`piece`, with `{"text", "part"}`, as a text grows (with `"isStart": true` where it comes anew); `ranking`, with `{"lengths", "tokens", "milliseconds", "hits"}`: what would be found if the texts ended there; `reasoned`, with the reasoned query; then `done`, with the answer, or `error`.',
          },
        },
      },
      handle: async (call) => {
        const { body, signal, request } = call;
        logQuestion(service, request.log, body);
        const logged = withLog(service, request.log, body.query);
        return accepts(call) ? watchedSearch(logged, call, body) : search(logged, body, signal);
      },
    }),
    route({
      method: 'POST',
      path: '/v1/reason',
      scope: 'read',
      tag: 'Search',
      summary: 'Reason about a question.',
      description:
        'As JSON, or, with `stream` or the header `Accept: text/event-stream`, as server-sent events: `piece` with `{"text"}` as the text grows, then `done` with the whole, or `error`. Pieces can run past the place at which the text is then cut.',
      body: reasonSchema,
      bodyLimit: questionBody(limits),
      examples: { whole: { query: 'why does my bread not rise', reasoner: 'qr' } },
      answers: {
        200: {
          description: 'The reasoned query.',
          schema: reasonedAnswer,
          example: reasonedExample,
          events: {
            description: '`piece`, with `{"text"}`, then `done`, with the whole as JSON, or `error`.',
          },
        },
      },
      handle: async (call) => {
        const { body, signal, request } = call;
        logQuestion(service, request.log, body);
        const { stream = accepts(call), ...asked } = body;
        const logged = withLog(service, request.log, body.query);
        return stream ? streamed(logged, call, asked) : reason(logged, asked, signal);
      },
    }),
  ];
}

/**
 * The most bytes of a body that asks one question: what is read as JSON holds the event loop, and a question with all that goes with
 * it has no megabytes.
 */
export function questionBody({ body, query, excluded }: ServiceLimits): number {
  return Math.min(body, Math.max(1 << 19, 8 * query + 512 * excluded));
}

/** Whether a client asks for events. */
export function accepts({ request }: Pick<Call<unknown>, 'request'>): boolean {
  return (request.headers.accept ?? '').includes('text/event-stream');
}

function streamed(
  service: Service,
  { reply, signal }: Call<unknown>,
  asked: Parameters<typeof reasoned>[1],
): Promise<unknown> {
  const pieces = reasoned(service, asked, signal);
  return answerEvents(
    reply,
    signal,
    () => pieces.next(),
    async ({ send }, first) => {
      for (let next = first; ; next = await pieces.next()) {
        if (next.done === true) {
          send('done', next.value);
          return;
        }
        send('piece', { text: next.value });
      }
    },
  );
}

/** Logs what was asked, where the configuration says so. */
export function logQuestion(
  { config }: Service,
  log: Call<unknown>['request']['log'],
  { query, ...rest }: { readonly query: string },
): void {
  if (config.log.questions) log.info({ query, ...rest }, 'asked');
}
