/** Rollouts as TRL logs them (`log_completions`), with the columns that quern_trl.py adds. */
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pathKindIfAny } from '../../collections/files.ts';
import { readJsonl } from '../../collections/jsonl.ts';
import { readParquet } from '../../collections/parquet.ts';
import type { TrainConfig } from '../configuration/train-config.ts';
import type { EngineSamples } from './engine.ts';

/** The rollouts in a job's folder that are written to their end, the first one first. */
export async function trlSamples(folder: string, config: TrainConfig): Promise<EngineSamples[]> {
  const root = join(folder, 'checkpoints', 'completions');
  const names = (await pathKindIfAny(root))?.isFolder ? await readdir(root) : [];
  const found: EngineSamples[] = [];
  for (const name of names) {
    const number = /^completions_(\d+)\.parquet$/.exec(name)?.[1];
    const path = join(root, name);
    if (number === undefined || (await pathKindIfAny(path))?.isFolder || !(await isWhole(path))) continue;
    const step = Number(number);
    found.push({ step, path, records: () => recordsOf(path, step, { folder, config }) });
  }
  return found.sort((a, b) => a.step - b.step);
}

/** Whether a Parquet file was written to its end, where its magic number stands a second time. */
async function isWhole(path: string): Promise<boolean> {
  const magic = 'PAR1';
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const end = Buffer.alloc(magic.length);
    await file.read(end, 0, end.length, Math.max(0, size - end.length));
    return size > 2 * magic.length && end.toString('latin1') === magic;
  } finally {
    await file.close();
  }
}

async function recordsOf(
  path: string,
  step: number,
  { folder, config }: { readonly folder: string; readonly config: TrainConfig },
): Promise<unknown[]> {
  const rows = new Map<string, Record<string, unknown>>();
  for await (const { record } of readJsonl(join(folder, 'data.jsonl')))
    rows.set(String(record['id']), record);
  const groups: { id: string; completions: unknown[]; [name: string]: unknown }[] = [];
  const columns = ['completion', 'quern', 'advantage', 'id', 'tokens', 'finish', 'parts'];
  for await (const { record } of readParquet(path, columns, { optional: ['failure'] })) {
    const id = String(record['id']);
    let group = groups.at(-1);
    if (group?.id !== id || group.completions.length === config.num_generations) {
      const row = rows.get(id);
      const tokens = row?.['prompt_ids'];
      group = {
        step,
        id,
        question: row?.['question'] ?? id,
        prompt_tokens: Array.isArray(tokens) ? tokens.length : 0,
        completions: [],
      };
      groups.push(group);
    }
    group.completions.push({
      text: record['completion'],
      tokens: Number(record['tokens']),
      finish: record['finish'],
      reward: record['quern'],
      parts: JSON.parse(String(record['parts'])) as unknown,
      advantage: record['advantage'],
      ...(typeof record['failure'] === 'string' && { failure: record['failure'] }),
    });
  }
  return groups;
}
