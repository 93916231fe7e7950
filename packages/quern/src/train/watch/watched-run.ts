import { basename, sep } from 'node:path';
import { parse } from 'yaml';
import * as z from 'zod';
import type { ListedRun, RunState } from './wire.ts';
import { readInside, writtenInside } from '../../inside-folder.ts';
import { sampleSteps } from './samples.ts';
import { isAlive } from '../../process-state.ts';

/** A run that is watched. */
export interface WatchedRun {
  readonly name: string;
  /** Its real path. */
  readonly folder: string;
}

const mostBytes = 1 << 20;

/** What of a configuration tells runs apart, in the order that it is shown in. */
const summarized = [
  'method',
  'model_name_or_path',
  'reward',
  'prompt',
  'max_steps',
  'generation_batch_size',
  'num_generations',
  'num_iterations',
  'max_completion_length',
  'learning_rate',
  'loss_type',
  'beta',
  'epsilon',
  'scale_rewards',
  'use_peft',
  'lora_r',
  'seed',
];

/** What each of several folders is called: its own name, with as many of those above as tell it from the others. */
export function runNames(folders: readonly string[]): string[] {
  const parts = folders.map((folder) => folder.split(sep).filter((part) => part !== ''));
  const counts = new Map<string, number>();
  for (const name of parts.flatMap(namesOf)) counts.set(name, (counts.get(name) ?? 0) + 1);
  return parts.map(
    (own, i) =>
      namesOf(own).find((name) => counts.get(name) === 1) ?? (own.join('/') || basename(folders[i]!)),
  );
}

/** From the shortest to the longest. */
function namesOf(parts: readonly string[]): string[] {
  return parts.map((_, i) => parts.slice(parts.length - 1 - i).join('/'));
}

/** A run as it is now. */
export async function listedRun({ name, folder }: WatchedRun): Promise<ListedRun> {
  const { state, pid } = await stateOf(folder);
  const written = await Promise.all(
    ['metrics.jsonl', 'state.json'].map((file) => writtenInside(folder, file)),
  );
  const times = written.filter((time) => time !== undefined);
  const { steps, validated } = await sampleSteps(folder);
  return {
    name,
    ...(state && { state }),
    ...(state?.status === 'running' && pid !== undefined && { isAlive: isAlive(pid) }),
    ...(times.length > 0 && { written: Math.max(...times) }),
    hasSamples: steps.length + validated.length > 0,
    summary: await configurationSummary(folder),
  };
}

const stateSchema = z.object({
  status: z.string(),
  step: z.number(),
  max_steps: z.number(),
  best: z.object({ step: z.number(), metric: z.string(), value: z.number() }).optional().catch(undefined),
  error: z.string().optional().catch(undefined),
  pid: z.int().positive().optional().catch(undefined),
});

async function stateOf(folder: string): Promise<{ readonly state?: RunState; readonly pid?: number }> {
  const file = await readInside(mostBytes, folder, 'state.json');
  if (file === undefined) return {};
  try {
    const { pid, best, error, ...rest } = stateSchema.parse(JSON.parse(file.text));
    return { state: { ...rest, ...(best && { best }), ...(error !== undefined && { error }) }, pid };
  } catch {
    return {};
  }
}

async function configurationSummary(folder: string): Promise<[string, string][]> {
  const file = await readInside(mostBytes, folder, 'config.yaml');
  if (file === undefined) return [];
  let configuration: unknown;
  try {
    configuration = parse(file.text, { logLevel: 'silent' });
  } catch {
    return [];
  }
  if (typeof configuration !== 'object' || configuration === null) return [];
  const values = new Map(Object.entries(configuration));
  return summarized.flatMap((name): [string, string][] => {
    const value: unknown = values.get(name);
    return ['string', 'number', 'boolean'].includes(typeof value) ? [[name, withoutKeys(String(value))]] : [];
  });
}

/** Addresses without what may be a password or a key in them. */
function withoutKeys(value: string): string {
  if (!/^https?:/iu.test(value)) return value;
  if (!URL.canParse(value)) return '(an address)';
  const { origin, pathname } = new URL(value);
  return origin + pathname;
}
