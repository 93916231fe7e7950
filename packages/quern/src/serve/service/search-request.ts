import * as z from 'zod';
import { combineNamed } from '../../search/combine.ts';
import { earlyStopNamed } from '../../search/early-stop.ts';
import { joins } from '../../search/join.ts';
import { QuernError } from '../../errors.ts';
import type { ServiceLimits } from '../configuration/service-config.ts';

/** A text that `parse` takes. */
const parsable = (parse: (text: string) => unknown) =>
  z.string().superRefine((text, context) => {
    try {
      parse(text);
    } catch (error) {
      if (!(error instanceof QuernError)) throw error;
      context.addIssue({ code: 'custom', message: error.what, params: { hint: error.hint } });
    }
  });

/** A question of at most `query` characters that holds more than white space. */
export const questionSchema = ({ query }: Pick<ServiceLimits, 'query'>) =>
  z
    .string()
    .max(query, `is longer than ${query} characters`)
    .regex(/\S/u, 'holds nothing but white space')
    .describe('The question.');

/** A text that names how writing stops early. Each look at the ranking is a search that waits for no place. */
const earlyStopText = parsable((text) => {
  const { every, depth } = earlyStopNamed(text);
  if (every < 5) throw new QuernError('BAD_INPUT', 'every is 5 or more');
  if (depth > 100) throw new QuernError('BAD_INPUT', 'depth is at most 100');
});

/** How many times as long as the longest question one may be that `concat:N` repeats. */
const mostRepeated = 4;

/** The most times that a model is asked for one question. */
const mostRounds = 5;
/** The most hits that are taken apart, or read again: each of them takes longer than finding it. */
const mostLookedAt = 100;

/** What a request for a search may hold. */
export const searchSchema = (limits: ServiceLimits) =>
  z
    .strictObject({
      query: questionSchema(limits),
      index: z
        .string()
        .describe('The name of an index.')
        .meta({ examples: ['notes'] }),
      k: z.int().min(1).max(limits.k).default(10).describe('How many hits at most.'),
      reasoner: z.string().default('none').describe('The name of a reasoner.'),
      retriever: z
        .string()
        .optional()
        .describe("The name of a retriever; the index's own where it is left out."),
      combine: parsable(combineNamed)
        .default('replace')
        .describe(
          'replace, concat:N, interpolate:W or rrf: how the question and its reasoned query are joined.',
        ),
      join: z.enum(joins).optional().describe('How several reasoned queries become one search.'),
      reranker: z.string().optional().describe('The name of a reranker.'),
      rerankDepth: z.int().min(1).max(mostLookedAt).optional().describe('How many hits it reads.'),
      gate: z
        .boolean()
        .default(true)
        .describe(
          "Whether the reasoner's gate, where one is declared, may decide that the question stands alone.",
        ),
      earlyStop: z
        .union([z.boolean(), earlyStopText])
        .default(false)
        .describe('Whether writing stops when the ranking is stable; or settings such as every=25,checks=3.'),
      rounds: z
        .int()
        .min(1)
        .max(mostRounds)
        .optional()
        .describe('How often the model is asked, each time with new passages that were found.'),
      keyTerms: z
        .number()
        .min(0)
        .lt(1)
        .optional()
        .describe("The least share of the weight that the question's five rarest terms have."),
      deadline: z
        .int()
        .min(1)
        .optional()
        .describe(
          'Milliseconds for the reasoner, at most those that it is declared with; then the question stands alone.',
        ),
      excluded: z.array(z.string()).max(limits.excluded).default([]).describe('Ids that are left out.'),
      texts: z
        .enum(['passage', 'whole', 'none'])
        .default('passage')
        .describe(
          'What is told of the documents: the passage that fits best (of the first 100 hits), all of their text, or nothing.',
        ),
      explain: z
        .boolean()
        .default(false)
        .describe(
          `Whether every stage is told: texts, terms, their weights; of at most ${mostLookedAt} hits.`,
        ),
    })
    .refine(({ explain, k }) => !explain || k <= mostLookedAt, {
      path: ['k'],
      message: `is at most ${mostLookedAt} where the answer is explained`,
    })
    .superRefine(({ query, combine }, context) => {
      const times = Number(/^concat:(\d+)$/.exec(combine)?.[1] ?? 1);
      const most = mostRepeated * limits.query;
      if (times === 1 || query.length * times <= most) return;
      context.addIssue({
        code: 'custom',
        path: ['combine'],
        message: `repeats the question to more than ${most} characters`,
      });
    });

/** A search as it is asked for: the body of `POST /v1/search` with its defaults. */
export type SearchRequest = z.infer<ReturnType<typeof searchSchema>>;
