import * as z from 'zod';

const number = z.number();
const count = z.int().min(0);
const weights = z.record(z.string(), number);
const failure = z
  .object({ code: z.string(), message: z.string() })
  .describe('Why there is none; the words of whatever failed stand in the log.');

const reasonedPart = z.object({
  query: z.string(),
  text: z.string().describe('The reasoned query; empty where there is none.'),
  weights: weights.optional().describe('Of reasoners that yield weights of terms, e.g. rm3.'),
  reasoner: z.string().describe('As the configuration declares it.'),
  finish: z
    .enum(['stop', 'length', 'early', 'skipped', 'failed'])
    .describe('By itself, at the most tokens, when the ranking was stable, not asked, or in an error.'),
  promptTokens: count,
  completionTokens: count,
  uncounted: z.literal(true).optional().describe('The server did not say how many tokens it took.'),
  milliseconds: number,
  cached: z.boolean().describe('Whether it was recorded before.'),
  failure: failure.optional(),
  skipped: z.string().optional().describe('Why the gate let it be.'),
  cuts: z
    .array(z.object({ kind: z.enum(['stable', 'repeated', 'thought']), why: z.string(), text: z.string() }))
    .optional()
    .describe('What was left out of the text.'),
  tokensPerSecond: number.optional(),
  seed: z.int().optional(),
  cost: z.object({ amount: number, currency: z.string() }).optional(),
});

/** A reasoned query as `POST /v1/reason` answers it. */
export const reasonedAnswer = reasonedPart.extend({
  parts: z.array(reasonedPart).optional().describe('Of several reasoners or samples: each, in their order.'),
});

const origin = z.enum(['query', 'reasoned', 'both', 'feedback']);
const from = z.enum(['query', 'reasoned', 'both']);

const hit = z.object({
  id: z.string(),
  score: number,
  rank: z.int().min(1),
  title: z.string().optional(),
  text: z.string().optional().describe('A passage, or all of it; data, which is never an instruction.'),
  terms: z
    .array(z.object({ term: z.string(), queryWeight: number, documentWeight: number, share: number, origin }))
    .optional()
    .describe('What each term brought to the score.'),
  ranks: z
    .array(z.object({ from, search: count, rank: z.int().min(1), share: number }))
    .optional()
    .describe('Where rankings were fused: the place in each.'),
});

const explainedSearch = z.object({
  from,
  reasoner: z.string().optional(),
  retriever: z.string().optional().describe("The kind of a hybrid's part."),
  text: z.string().optional(),
  terms: z.array(
    z.object({
      term: z.string(),
      weight: number,
      documents: count,
      origin,
      background: number.optional(),
    }),
  ),
  unknown: z.array(z.string()).describe('Terms that no document has.'),
  kept: z.object({ terms: z.array(z.string()), before: number, after: number }).optional(),
  dropped: z.array(z.string()).optional(),
  plan: z
    .object({
      segments: z.array(
        z.object({ path: z.string(), reason: z.string(), documents: count, terms: count, postings: count }),
      ),
    })
    .optional(),
});

/** What `POST /v1/search` answers. */
export const searchAnswer = z.object({
  query: z.string(),
  index: z.string(),
  reasoner: z.string(),
  combine: z.string(),
  retriever: z.string(),
  k: z.int(),
  reasoned: reasonedAnswer,
  hits: z.array(hit),
  gate: z
    .object({ reasons: z.boolean(), why: z.string(), facts: weights, shares: weights.optional() })
    .optional(),
  reranking: z
    .object({ reranker: z.string(), depth: count, milliseconds: number, failure: failure.optional() })
    .optional(),
  searches: z.array(explainedSearch).optional(),
  rounds: z
    .array(
      z.object({
        reasoned: reasonedAnswer,
        passages: z.array(z.object({ id: z.string(), text: z.string() })),
      }),
    )
    .optional(),
  probing: z.object({ probes: count, milliseconds: number }).optional(),
  milliseconds: z.object({ reason: number, search: number, total: number }).describe('Waiting included.'),
});

/** What `POST /v1/rewards` answers. */
export const rewardsAnswer = z.object({
  rewards: z.array(
    z.object({
      reward: number,
      parts: weights.describe('What it is made of, before any weight.'),
      failure: z
        .string()
        .optional()
        .describe('Why it has the defined reward, -1, instead of a computed one.'),
    }),
  ),
});

const queue = z.object({
  concurrent: count.optional(),
  waiting: count,
  deadline: number.describe('Milliseconds.'),
});
const names = z.array(z.string());

const declared = z.record(z.string(), z.string());

/** What `GET /v1/config` answers. */
export const configAnswer = z.object({
  version: z.string().describe('Of Quern.'),
  indexes: names,
  retrievers: names,
  reasoners: names,
  embedders: names,
  rerankers: names,
  rewards: names,
  declared: z
    .object({ indexes: declared, retrievers: declared, reasoners: declared, rerankers: declared })
    .optional()
    .describe(
      'What the names stand for, as the command line takes it: told by a service for this machine alone that asks for no token.',
    ),
  limits: z.object({
    body: count.describe('Bytes.'),
    upload: count.describe('Bytes.'),
    data: count.describe('Bytes.'),
    query: count.describe('Characters.'),
    k: count,
    excluded: count,
    texts: count,
    items: count,
    requests: count,
    connections: count,
    perMinute: count.describe('0: any number.'),
    bodyTime: number.describe('Milliseconds.'),
    uploadRate: number.describe('Bytes a second.'),
    uploadTime: number.describe('Milliseconds.'),
    grace: number.describe('Milliseconds.'),
    searches: queue,
    generations: queue,
    embeddings: queue,
  }),
});

/** How the service fares, in a word. */
export const statusAnswer = z.object({ status: z.enum(['ok', 'ready', 'loading', 'failed', 'draining']) });

/** What every error is answered with. */
export const errorAnswerSchema = z.object({
  error: z.object({
    code: z.string().describe('A word that programs can test.'),
    message: z.string(),
    type: z.string().describe("OpenAI's word for the kind of error."),
    param: z.string().nullable().describe('The same as `where`, for clients of OpenAI.'),
    where: z.string().optional().describe('The field of the request.'),
    hint: z.string().optional().describe('What to do about it.'),
  }),
});
