import * as z from 'zod';
import { durationNamed, sizeNamed } from '../../durations.ts';
import { QuernError } from '../../errors.ts';
import { namePattern, nameWords } from './names.ts';
import { scopes } from './service-config.ts';

/** What a key of the configuration is, beside what its schema says of it. */
export interface KeyFacts {
  readonly description: string;
  /** What its values are, where its type does not say enough. */
  readonly must?: string;
  /** Whether it is a path, which counts from the folder of the file. */
  readonly isPath?: boolean;
}

/** What a timer can wait, in milliseconds: 24 days. */
const longestTimer = 2 ** 31 - 1;

/** A text that `parse` makes a number of, or the number itself. */
const amount = (parse: (text: string) => number, most: number, words: string): z.ZodType<number> =>
  z.union([z.number(), z.string()], { error: `must be ${words}` }).transform((value, context) => {
    try {
      const number = parse(String(value));
      if (number > 0 && number <= most) return number;
      context.addIssue(number > 0 ? `is more than ${most}` : 'must be more than 0');
    } catch (error) {
      context.addIssue(error instanceof QuernError ? error.message : String(error));
    }
    return z.NEVER;
  }) as unknown as z.ZodType<number>;

const duration = amount(durationNamed, longestTimer, 'milliseconds, or such as 250ms, 2s or 5m');
const size = amount(sizeNamed, Number.MAX_SAFE_INTEGER, 'bytes, or such as 64kB or 4MiB');
const count = z.int().min(1);
const text = z.string().min(1);

const name = z.string().regex(namePattern, `a name is ${nameWords}`);

/** What is documented of a key. */
const says = (description: string, rest: Omit<KeyFacts, 'description'> = {}): KeyFacts => ({
  description,
  ...rest,
});
const time = (description: string): KeyFacts => says(description, { must: 'duration' });
const bytes = (description: string): KeyFacts => says(description, { must: 'size' });
const path = (description: string): KeyFacts => says(description, { must: 'path', isPath: true });
const meta = <T extends z.ZodType>(schema: T, facts: KeyFacts): T => schema.meta({ ...facts });

/** Things by their names; a text stands for an object with that text under `short`. */
const named = <T extends z.ZodType>(short: string, schema: T, description: string) =>
  meta(
    z
      .record(
        name,
        z.preprocess((value) => (typeof value === 'string' ? { [short]: value } : value), schema),
      )
      .default({}),
    says(`${description} A text alone is its \`${short}\`.`, { must: 'objects by name' }),
  );

const variable = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'is the name of an environment variable, never the secret itself');
const keyVariable = meta(
  variable.optional(),
  says('The environment variable that holds the key of its server.', { must: 'name of a variable' }),
);

const queue = (what: string, concurrent: string, waiting: number, deadline: number) =>
  z
    .strictObject({
      concurrent: meta(count.optional(), says(`${what} at once. Default: ${concurrent}.`)),
      waiting: meta(
        z.int().min(0).default(waiting),
        says(`${what} that may wait; more are refused with 429.`),
      ),
      deadline: meta(duration.default(deadline), time('How long one may wait; then it is refused with 429.')),
    })
    .prefault({});

const mebibyte = 2 ** 20;

/** What a configuration file holds; values that are absent are the defaults. */
export const configSchema = z.strictObject({
  listen: z
    .strictObject({
      host: meta(
        text.default('127.0.0.1'),
        says('The address at which it listens. One that others reach needs a token, or `--allow-anonymous`.'),
      ),
      port: meta(z.int().min(0).max(65_535).default(8080), says('The port. 0: one that is free.')),
      hosts: meta(
        z.array(text).default([]),
        says(
          'Names by which clients reach it, as in the header `Host`, beside those of this machine; without them requests under other names are refused with 421.',
        ),
      ),
      origins: meta(
        z
          .array(z.string().regex(/^https?:\/\/[^/\s]+$/, 'an origin is such as https://search.example.org'))
          .default([]),
        says('Origins of pages elsewhere that may ask it, such as `https://search.example.org` (CORS).'),
      ),
      proxy: meta(
        z.boolean().default(false),
        says(
          'Whether the last address in `X-Forwarded-For`, which a proxy before it adds, says who asks. Only where nobody reaches it past that proxy.',
        ),
      ),
    })
    .prefault({}),
  data: meta(text.optional(), path('The folder of what is uploaded and built. Without one nothing can be.')),
  cache: meta(
    text.optional(),
    path('The folder of reasoned queries and converted models. Default: that of the command line.'),
  ),
  indexes: named(
    'index',
    z.strictObject({
      index: meta(text, path('Its folder, or `opensearch:INDEX@URL`.')),
      retriever: meta(name.default('bm25'), says('The name of the retriever where a request names none.')),
      k1: meta(z.number().min(0).optional(), says("BM25's k1. Default: 0.9.")),
      b: meta(z.number().min(0).max(1).optional(), says("BM25's b. Default: 0.4.")),
      questions: meta(
        text.optional(),
        path('Questions that the playground offers: JSON lines with a `text`, as `queries.jsonl` of BEIR.'),
      ),
    }),
    'Indexes that can be searched.',
  ),
  retrievers: named(
    'retriever',
    z.strictObject({
      retriever: meta(text, says('As on the command line, such as `hybrid:bm25q+dense:onnx:MODEL`.')),
    }),
    'Retrievers beside `bm25` and `bm25q`, which any service has.',
  ),
  /** What else a reasoner has is its own configuration, which is checked where its name is known. */
  reasoners: named(
    'reasoner',
    z.looseObject({
      reasoner: meta(text, says('As on the command line, such as `llama:./qr.gguf` or `openai:MODEL@URL`.')),
      deadline: meta(
        duration.optional(),
        time('How long it may take for a question, its waiting included; then the question stands alone.'),
      ),
      seed: meta(z.int().optional(), says('The number that its samples are derived from. Default: 0.')),
      gate: meta(text.optional(), path('A gate that `quern tune` wrote: which questions it is asked about.')),
      cached: meta(
        z.boolean().default(true),
        says('Whether what it writes is kept, and taken from the cache.'),
      ),
    }),
    'Reasoners beside `none` and `rm3`, which any service has. Other keys are those of a reasoner in any configuration (REASONERS.md): `keyVariable`, `concurrency`, `retries`, `timeout`, `sampling`, `adapters` and so on.',
  ),
  embedders: named(
    'embedder',
    z.strictObject({
      embedder: meta(text, says('As on the command line, such as `onnx:HUB_ID`.')),
      keyVariable,
    }),
    'Embedders that can be asked for vectors.',
  ),
  rerankers: named(
    'reranker',
    z.strictObject({
      reranker: meta(text, says('As on the command line, such as `onnx:HUB_ID`.')),
      keyVariable,
    }),
    'Rerankers that searches may name.',
  ),
  rewards: named(
    'reward',
    z.strictObject({
      reward: meta(text, says('As on the command line, such as `similarity:onnx:HUB_ID`.')),
      index: meta(name.optional(), says('The name of the index in which `retrieval:MEASURE` ranks.')),
    }),
    'Rewards that completions can be scored by.',
  ),
  runs: meta(
    z.array(text).default([]),
    says('Folders of runs of training and of evaluations.', { must: 'list of paths', isPath: true }),
  ),
  sets: meta(
    z.array(text).default([]),
    says('Folders of curated training sets.', { must: 'list of paths', isPath: true }),
  ),
  tokens: meta(
    z
      .array(
        z.strictObject({
          name: meta(name, says('What the log calls it.')),
          scope: meta(
            z.enum(scopes),
            says('`read` asks, `write` also uploads and builds, `admin` also deletes.'),
          ),
          hash: meta(
            z
              .string()
              .regex(
                /^sha256:[0-9a-f]{64}$/,
                'is sha256: and 64 hexadecimal digits, as quern serve token prints it',
              )
              .optional(),
            says('`sha256:` and the SHA-256 of the token, as `quern serve token` prints it.'),
          ),
          file: meta(text.optional(), path('Instead: a file that holds the token.')),
          variable: meta(
            variable.optional(),
            says('Instead: the environment variable that holds the token.', { must: 'name of a variable' }),
          ),
        }),
      )
      .default([]),
    says('Tokens that requests may show. With none, whoever reaches the service may do all.', {
      must: 'list of objects',
    }),
  ),
  limits: z
    .strictObject({
      body: meta(size.default(4 * mebibyte), bytes('Bytes of a JSON body; more is refused with 413.')),
      upload: meta(size.default(2048 * mebibyte), bytes('Bytes of an uploaded file.')),
      uploadRate: meta(
        size.default(1024),
        bytes(
          'Bytes a second that an upload must make, over `uploadTime`; slower ones are refused with 408.',
        ),
      ),
      uploadTime: meta(duration.default(60_000), time('The time over which `uploadRate` is counted.')),
      data: meta(size.default(16_384 * mebibyte), bytes('Bytes of the folder `data`.')),
      query: meta(count.default(16_000), says('Characters of a question, or of a text to be embedded.')),
      k: meta(count.max(100_000).default(1000), says('Hits of a search.')),
      excluded: meta(z.int().min(0).default(1000), says('Ids that a search leaves out.')),
      texts: meta(count.default(256), says('Texts of a request for embeddings.')),
      items: meta(count.default(1024), says('Completions of a request for rewards.')),
      requests: meta(count.default(1024), says('Requests under way; more are refused with 429.')),
      connections: meta(count.default(4096), says('Open connections; more are turned away.')),
      perMinute: meta(
        z.int().min(0).default(0),
        says(
          'Requests a minute of one token, or of one address where none is asked for or it is wrong; more are refused with 429. 0: any number.',
        ),
      ),
      bodyTime: meta(duration.default(10_000), time('How long the body of a request may take to come.')),
      grace: meta(
        duration.default(25_000),
        time('How long accepted requests may take at a shutdown before they are broken off.'),
      ),
      searches: queue('Searches', '4', 512, 2000),
      generations: queue(
        'Generations of each reasoner',
        'as many as its model answers at once: its `concurrency`, or one',
        64,
        30_000,
      ),
      embeddings: queue('Requests for embeddings', '2', 64, 10_000),
    })
    .prefault({}),
  log: z
    .strictObject({
      level: meta(
        z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
        says('The least that is logged, to stderr, as lines of JSON.'),
      ),
      questions: meta(
        z.boolean().default(false),
        says('Whether questions are logged, which may be private.'),
      ),
    })
    .prefault({}),
});

export type ConfigFile = z.infer<typeof configSchema>;
