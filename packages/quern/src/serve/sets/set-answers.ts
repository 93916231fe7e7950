/** What is told of sets: the schemas of the answers, and of the record that they are made of. */
import * as z from 'zod';

const count = z.int().min(0);
const counts = z.record(z.string(), count);
const splits = z.object({ train: count, validation: count, test: count });
const histogram = z.object({
  edges: z
    .array(z.number().nullable())
    .describe('One more than there are counts; the last may be null: without end.'),
  counts: z.array(count),
});

/** What stands in a record before its posts. */
export const headSchema = z.object({
  name: z.string(),
  licence: counts,
  attribution: z.string(),
  sources: z.array(
    z.object({
      title: z.string(),
      kind: z.string(),
      bytes: z.number().nullable(),
      sha256: z.string().nullable(),
      site: z.string().nullable(),
    }),
  ),
  options: z.record(
    z.string(),
    z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(z.string())]),
  ),
  against: z.array(z.object({ collection: z.string(), texts: count })),
  stages: z.array(
    z.object({
      stage: z.string(),
      questionsIn: count,
      questionsOut: count,
      dropped: counts,
      counts,
      faults: z.array(z.object({ kind: z.string(), count, places: z.array(z.string()) })).optional(),
    }),
  ),
  splits,
  positives: count,
});

/** What stands after them. */
export const tailSchema = z.object({
  domains: z.array(z.object({ domain: z.string(), read: count, kept: count, splits })),
  /** Sets of earlier versions have none. */
  histograms: z
    .object({ question: histogram, positive: histogram, positives: histogram, score: histogram })
    .optional(),
});

/** What `dataset.json` says of a set, without its posts. */
const setRecordSchema = headSchema.extend(tailSchema.shape);

export type SetRecord = z.infer<typeof setRecordSchema>;

const listed = z.object({
  id: z.string(),
  name: z.string().describe('Its folder, with as many of those above as tell it from the others.'),
  questions: count,
  read: count.describe('Questions before any was left out.'),
  positives: count,
  splits: splits,
  domains: z.array(z.string()).describe('The first 20.'),
  domainCount: count,
  written: z.number().describe('When its record was written, in milliseconds since 1970.'),
});
const unreadable = z.object({ id: z.string(), name: z.string(), problem: z.string() });

/** What `GET /v1/sets` answers. */
export const setsAnswer = z.object({ sets: z.array(z.union([listed, unreadable])), isCut: z.boolean() });

/** What `GET /v1/sets/:id` answers. */
export const setAnswer = listed.extend({
  record: setRecordSchema.describe('What `dataset.json` says, without its posts, folders and addresses.'),
  command: z.string().describe('What makes such a set; names stand for folders.'),
});

const cutText = z.object({ text: z.string(), isCut: z.boolean() });

/** What `GET /v1/sets/:id/questions` answers. */
export const questionsAnswer = z.object({
  total: count.describe('Rows of the split.'),
  questions: z.array(
    z.object({
      row: count.describe('From 0.'),
      id: z.string(),
      domain: z.string(),
      url: z
        .string()
        .nullable()
        .describe('Where it was asked; data of the source, which nobody has checked.'),
      question: cutText,
      positives: z.array(cutText).describe('The best first.'),
      morePositives: count,
    }),
  ),
  next: count.nullable().describe('`from` of what comes next; null at the end.'),
  looked: count.describe('Rows that were looked at.'),
  unreadable: count,
});
