import * as z from 'zod';
import { durationNamed, sizeNamed } from '../../durations.ts';
import { QuernError } from '../../errors.ts';
import { namePattern, nameWords } from './names.ts';
import { scopes } from './service-config.ts';

/** A text that `parse` makes a number of, or the number itself. */
const amount = (parse: (text: string) => number): z.ZodType<number> =>
  z.union([z.number(), z.string()]).transform((value, context) => {
    try {
      const number = parse(String(value));
      if (number > 0) return number;
      context.addIssue('is more than 0');
    } catch (error) {
      context.addIssue(error instanceof QuernError ? error.message : String(error));
    }
    return z.NEVER;
  }) as unknown as z.ZodType<number>;

const duration = amount(durationNamed);
const size = amount(sizeNamed);
const count = z.int().min(1);
const text = z.string().min(1);

const name = z.string().regex(namePattern, `a name is ${nameWords}`);

/** Things by their names; a text stands for an object with that text under `short`. */
const named = <T extends z.ZodType>(short: string, schema: T) =>
  z
    .record(
      name,
      z.preprocess((value) => (typeof value === 'string' ? { [short]: value } : value), schema),
    )
    .default({});

const variable = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'is the name of an environment variable, never the secret itself');

const model = (what: string) => z.strictObject({ [what]: text, keyVariable: variable.optional() });

const queue = (waiting: number, deadline: number) =>
  z
    .strictObject({
      concurrent: count.optional(),
      waiting: z.int().min(0).default(waiting),
      deadline: duration.default(deadline),
    })
    .prefault({});

const mebibyte = 2 ** 20;

/** What a configuration file holds; values that are absent are the defaults. */
export const configSchema = z.strictObject({
  listen: z
    .strictObject({
      host: text.default('127.0.0.1'),
      port: z.int().min(0).max(65_535).default(8080),
      hosts: z.array(text).default([]),
      origins: z
        .array(z.string().regex(/^https?:\/\/[^/\s]+$/, 'an origin is e.g. https://search.example.org'))
        .default([]),
      proxy: z.boolean().default(false),
    })
    .prefault({}),
  data: text.optional(),
  cache: text.optional(),
  indexes: named(
    'index',
    z.strictObject({
      index: text,
      retriever: name.default('bm25'),
      k1: z.number().min(0).optional(),
      b: z.number().min(0).max(1).optional(),
    }),
  ),
  retrievers: named('retriever', z.strictObject({ retriever: text })),
  /** What else a reasoner has is its own configuration, which is checked where its name is known. */
  reasoners: named(
    'reasoner',
    z.looseObject({
      reasoner: text,
      deadline: duration.optional(),
      seed: z.int().optional(),
      gate: text.optional(),
      cached: z.boolean().default(true),
    }),
  ),
  embedders: named('embedder', model('embedder')),
  rerankers: named('reranker', model('reranker')),
  rewards: named('reward', z.strictObject({ reward: text, index: name.optional() })),
  runs: z.array(text).default([]),
  tokens: z
    .array(
      z.strictObject({
        name,
        scope: z.enum(scopes),
        hash: z
          .string()
          .regex(
            /^sha256:[0-9a-f]{64}$/,
            'is sha256: and 64 hexadecimal digits, as quern serve token prints it',
          )
          .optional(),
        file: text.optional(),
        variable: variable.optional(),
      }),
    )
    .default([]),
  limits: z
    .strictObject({
      body: size.default(4 * mebibyte),
      upload: size.default(2048 * mebibyte),
      uploadRate: size.default(1024),
      uploadTime: duration.default(60_000),
      data: size.default(16_384 * mebibyte),
      query: count.default(16_000),
      k: count.max(100_000).default(1000),
      excluded: z.int().min(0).default(1000),
      texts: count.default(256),
      items: count.default(1024),
      requests: count.default(1024),
      connections: count.default(4096),
      perMinute: z.int().min(0).default(0),
      bodyTime: duration.default(10_000),
      grace: duration.default(25_000),
      searches: queue(512, 2000),
      generations: queue(64, 30_000),
      embeddings: queue(64, 10_000),
    })
    .prefault({}),
  log: z
    .strictObject({
      level: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
      questions: z.boolean().default(false),
    })
    .prefault({}),
});

export type ConfigFile = z.infer<typeof configSchema>;
