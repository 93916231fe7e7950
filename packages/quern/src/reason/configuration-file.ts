import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { shownKey } from '../collections/jsonl.ts';
import { QuernError } from '../errors.ts';
import type { Configuration, ReasonerConfiguration } from './configuration.ts';
import { openAiAddresses } from '../models/openai/openai-address.ts';
import { readYamlFile } from '../yaml-file.ts';

const seconds = (most: number): z.ZodType<number> => z.number().positive().max(most);

const sampling = z.strictObject({
  temperature: z.number().min(0).optional(),
  topP: z.number().positive().max(1).optional(),
  topK: z.int().min(0).optional(),
  repetitionPenalty: z.number().positive().optional(),
  maxTokens: z.int().min(1).optional(),
});

const reasonerSchema: z.ZodType<ReasonerConfiguration> = z.strictObject({
  keyVariable: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'is the name of an environment variable, never the key itself')
    .optional(),
  concurrency: z.int().min(1).max(1024).optional(),
  retries: z.int().min(0).max(100).optional(),
  timeout: seconds(300).optional(),
  totalTimeout: seconds(86_400).optional(),
  outage: seconds(86_400).optional(),
  prices: z
    .strictObject({
      input: z.number().min(0),
      output: z.number().min(0),
      currency: z
        .string()
        .regex(/^[A-Z]{3}$/, 'is three capital letters, e.g. USD')
        .optional(),
    })
    .optional(),
  sampling: sampling.optional(),
});

const localSchema: z.ZodType<ReasonerConfiguration> = z.strictObject({
  concurrency: z.int().min(1).max(256).optional(),
  sampling: sampling.optional(),
  threads: z.int().min(1).max(1024).optional(),
  adapters: z.array(z.string().min(1)).optional(),
});

const configurationSchema = z.strictObject({
  reasoners: z.record(z.string(), z.unknown()).optional(),
});

/** What `readConfiguration` returns and throws. */
export async function configurationIn(path: string): Promise<Configuration> {
  const { value, place } = await readYamlFile(path, 'configuration');
  // Names first: one with a password in it must not come up in what the schema says.
  for (const name of declaredNames(value)) checkName(name, place(['reasoners', name]));
  const checked = configurationSchema.safeParse(value);
  if (!checked.success) throw configurationIssue(checked.error.issues[0]!, place);
  const reasoners = new Map<string, ReasonerConfiguration>();
  const folder = dirname(path);
  for (const [name, declared] of Object.entries(checked.data.reasoners ?? {})) {
    const at = ['reasoners', name];
    reasoners.set(name, checkedReasonerConfiguration(name, declared, { folder, place, at }));
  }
  return { reasoners };
}

/** Where in a file a configuration of a reasoner stands. */
interface DeclaredPlace {
  /** What paths count from. */
  readonly folder: string;
  readonly place: (at: readonly PropertyKey[]) => string;
  /** The keys that lead to it. */
  readonly at: readonly string[];
}

/** What is declared of the reasoner of a name, checked. Throws `BAD_INPUT` at the place. */
export function checkedReasonerConfiguration(
  name: string,
  declared: unknown,
  { folder, place, at }: DeclaredPlace,
): ReasonerConfiguration {
  const entry = (isLocal(name) ? localSchema : reasonerSchema).safeParse(declared);
  if (!entry.success) throw configurationIssue(entry.error.issues[0]!, place, at);
  const { adapters, ...rest } = entry.data;
  const found = adapters?.map((adapter) => resolve(folder, adapter));
  return found ? { ...rest, adapters: found } : rest;
}

function declaredNames(value: unknown): string[] {
  const reasoners = (value as { reasoners?: unknown } | null | undefined)?.reasoners;
  return typeof reasoners === 'object' && reasoners !== null ? Object.keys(reasoners) : [];
}

/** Whether a name is that of a model in this process. */
function isLocal(name: string): boolean {
  return /^(llama|torch):./s.test(name);
}

function checkName(name: string, where: string): void {
  if (isLocal(name)) return;
  try {
    openAiAddresses(name, {});
  } catch (error) {
    const { what, where: part, hint } = error as QuernError;
    throw new QuernError('BAD_INPUT', part === undefined ? what : `${part} ${what}`, { where, hint });
  }
}

/** The error for the first thing that is wrong with a configuration, at its place. */
export function configurationIssue(
  issue: z.core.$ZodIssue,
  place: (at: readonly PropertyKey[]) => string,
  under: readonly PropertyKey[] = [],
): QuernError {
  const path = [...under, ...issue.path];
  if (issue.code === 'unrecognized_keys') {
    const at = [...path, issue.keys[0]!];
    const key = [...path.map(String), shownKey(issue.keys[0])].join(' › ');
    return new QuernError('BAD_INPUT', `unknown key ${key}`, { where: place(at) });
  }
  const name = path.length === 0 ? 'the configuration' : path.map(String).join(' › ');
  return new QuernError('BAD_INPUT', `${name}: ${issue.message}`, { where: place(path) });
}
