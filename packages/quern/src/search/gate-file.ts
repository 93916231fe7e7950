import { z } from 'zod';
import { shownKey } from '../collections/jsonl.ts';
import { kindOf } from '../collections/record-fields.ts';
import { QuernError } from '../errors.ts';
import { scorings } from '../lexical/bm25.ts';
import { readSmallText } from '../small-text.ts';
import { writeLines } from '../whole-file.ts';
import { factNames, factSettings } from './query-facts.ts';

/** What is larger than any figure of a ranking could make sums of weights infinite. */
const finite = z.number().min(-1e100).max(1e100);
const share = z.number().min(0).max(1);
const count = z.int().min(0);
const fact = z.enum(factNames);
const interval = z.strictObject({ low: finite, high: finite }).nullable();
const difference = z.strictObject({ mean: finite, interval, p: share });

const rule = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.enum(['always', 'never']) }),
  z.strictObject({
    kind: z.literal('threshold'),
    fact,
    reasons: z.enum(['below', 'from']),
    threshold: finite,
  }),
  z.strictObject({
    kind: z.literal('linear'),
    worth: finite,
    intercept: finite,
    facts: z
      .array(z.strictObject({ fact, mean: finite, deviation: z.number().positive(), weight: finite }))
      .refine((facts) => new Set(facts.map((each) => each.fact)).size === facts.length, 'a fact stands twice')
      .readonly(),
  }),
]);

const record = z.strictObject({
  format: z.literal('quern gate'),
  version: z.literal(1),
  rule,
  /** How the facts are computed. */
  facts: z.strictObject({
    depth: count,
    wigDepth: count,
    clarityDocuments: count,
    clarityDocumentWeight: share,
  }),
  /** What it was calibrated on, and how. */
  calibration: z.strictObject({
    collection: z.string(),
    split: z.string().optional(),
    topics: count,
    index: z.strictObject({
      analyzer: z.string(),
      documents: count,
      documentsWithTerms: count,
      averageLength: finite,
    }),
    scoring: z.enum(scorings),
    /** BM25's k1 and b. */
    parameters: z.strictObject({ k1: finite.min(0), b: share }),
    reasoner: z.string(),
    combine: z.string(),
    measure: z.string(),
    /** The least gain in the measure that a call had to bring. */
    worth: finite,
    folds: count,
    seed: z.int(),
  }),
  /** What gates that were calibrated in the same way brought on topics that they had not seen. */
  evidence: z.strictObject({
    /** Mean of the measure with the gate, its 95 % bootstrap interval, and the share of topics reasoned about. */
    gated: finite,
    interval,
    share,
    /** The same without reasoning, with reasoning about all, and with a gate that knew the gains. */
    never: finite,
    always: finite,
    oracle: finite,
    oracleShare: share,
    /** Expected where as many topics, drawn by chance, are reasoned about. */
    sameCost: finite,
    /** Of the topics reasoned about, and of those left alone: how many gain by reasoning, lose, or neither. */
    reasoned: z.strictObject({ gain: count, even: count, lose: count }),
    aside: z.strictObject({ gain: count, even: count, lose: count }),
    /** The gate less each: mean difference, its 95 % interval, p of the paired randomisation test. */
    differences: z.strictObject({ sameCost: difference, always: difference, never: difference }),
  }),
});

/** What a gate's file holds. */
export type GateRecord = Readonly<z.infer<typeof record>>;

/**
 * The record in a gate's file. Reading is strict: what is missing, unknown or of another type is named. Throws
 * `BAD_INPUT`, `WRONG_VERSION` for a file of another version and for facts that are computed otherwise today, and what
 * opening a file throws.
 */
export async function readGateRecord(path: string): Promise<GateRecord> {
  const text = await readSmallText(path, 'gate');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new QuernError('BAD_INPUT', `is not JSON: ${(error as Error).message}`, { where: path, hint });
  }
  const { format, version } = (value ?? {}) as { readonly format?: unknown; readonly version?: unknown };
  if (format !== 'quern gate') throw new QuernError('BAD_INPUT', 'is not a gate', { where: path, hint });
  if (version !== 1) {
    const found = typeof version === 'number' ? version : kindOf(version);
    const what = `is a gate of version ${found}, and this is version 1`;
    throw new QuernError('WRONG_VERSION', what, { where: path, hint });
  }
  const checked = record.safeParse(value);
  if (!checked.success) throw issueError(checked.error.issues[0], path);
  for (const [name, known] of Object.entries(factSettings)) {
    const found = checked.data.facts[name as keyof typeof factSettings];
    if (found === known) continue;
    throw new QuernError('WRONG_VERSION', `its facts were computed with ${name} ${found}, and now ${known}`, {
      where: path,
      hint,
    });
  }
  return checked.data;
}

/** Writes a gate's file, whole or not at all. */
export async function writeGateRecord(path: string, gate: GateRecord): Promise<void> {
  await writeLines(path, [JSON.stringify(gate, null, 2)]);
}

const hint = 'quern tune COLLECTION --reasoner R --out FILE writes gates';

function issueError(issue: z.core.$ZodIssue, where: string): QuernError {
  const path = issue.path.map(String);
  const what =
    issue.code === 'unrecognized_keys'
      ? `unknown key ${[...path, shownKey(issue.keys[0])].join(' › ')}`
      : `${path.join(' › ')}: ${issue.message}`;
  return new QuernError('BAD_INPUT', what, { where, hint });
}
