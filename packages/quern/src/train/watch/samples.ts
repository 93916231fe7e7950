import * as z from 'zod';
import type { SampleAnswer, SampledQuestion, SampleSteps } from './wire.ts';
import { namesInside, readInside } from '../../inside-folder.ts';

const mostBytes = 8 << 20;

const sampleSchema = z.object({
  question: z.string(),
  id: z.string().optional(),
  prompt: z.string().optional(),
  completions: z.array(
    z.object({
      text: z.string(),
      tokens: z.number().optional(),
      finish: z.string().optional(),
      reward: z.number().optional(),
      parts: z.record(z.string(), z.number()).optional(),
      advantage: z.number().optional(),
      failure: z.string().optional(),
    }),
  ),
});

/** What samples are of: the rollout that a step learns from, or the validation after it. */
export const sampleKinds = ['step', 'validation'] as const;

export type SampleKind = (typeof sampleKinds)[number];

/** The steps of which a run has kept samples. */
export async function sampleSteps(folder: string): Promise<SampleSteps> {
  const names = await namesInside(folder, 'samples');
  const stepsOf = (kind: SampleKind): number[] =>
    names
      .flatMap((name) => {
        const [, of, step] = /^(step|validation)-(0|[1-9]\d{0,8})\.jsonl$/.exec(name) ?? [];
        return of === kind ? [Number(step)] : [];
      })
      .sort((a, b) => a - b);
  return { steps: stepsOf('step'), validated: stepsOf('validation') };
}

/** The samples of a step, of the first 8 MiB of their file; undefined where there are none. */
export async function samplesOf(
  folder: string,
  step: number,
  kind: SampleKind = 'step',
): Promise<SampleAnswer | undefined> {
  const file = await readInside(mostBytes, folder, 'samples', `${kind}-${step}.jsonl`);
  if (file === undefined) return undefined;
  const lines = file.text.split('\n');
  if (file.isCut) lines.pop();
  const texts = lines.filter((line) => line.trim() !== '');
  const questions = texts.flatMap(sample);
  return { questions, isCut: file.isCut, unreadable: texts.length - questions.length };
}

function sample(line: string): SampledQuestion[] {
  try {
    const { success, data } = sampleSchema.safeParse(JSON.parse(line));
    return success ? [data] : [];
  } catch {
    return [];
  }
}
