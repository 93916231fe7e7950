import { byteSize } from '../../byte-size.ts';
import { QuernError } from '../../errors.ts';
import type { TrainConfig } from './train-config.ts';
import { trainingMemory, type TrainingMemory } from './training-memory.ts';

type Change = Partial<TrainConfig>;

/**
 * Throws `OUT_OF_MEMORY` where a training needs more than is available, with both and the largest part, and a hint that says
 * which change alone would do, or which together: first those that change nothing but the time, at last LoRA.
 */
export function checkFits(memory: TrainingMemory): void {
  const { subject, total, available, rows } = memory;
  if (total <= available) return;
  const largest = rows.reduce((a, b) => (b.bytes > a.bytes ? b : a));
  const part = `the largest part is ${largest.what}, ${byteSize(largest.bytes)}`;
  throw new QuernError(
    'OUT_OF_MEMORY',
    `training needs ${byteSize(total)}, and ${byteSize(Math.max(0, available))} are free; ${part}`,
    { where: subject.config.model_name_or_path, hint: hintOf(memory) },
  );
}

function hintOf({ subject, available }: TrainingMemory): string {
  const { config } = subject;
  const fits = (change: Change): boolean =>
    trainingMemory({ ...subject, config: { ...config, ...change } }, available).total <= available;
  const frugal = frugalChoices(config);
  const others = methodChoices(config);
  const allFrugal: Change = Object.assign({}, ...frugal.map((choice) => choice.at(-1)));
  const changes = [
    ...frugal.flat(),
    ...together(frugal),
    ...others.flat(),
    ...others.flat().map((change) => ({ ...allFrugal, ...change })),
    ...together([...frugal, ...others]),
  ];
  const change = changes.find(fits);
  return change === undefined
    ? 'Take a smaller model, or a device with more memory'
    : `${changeText(config, change)} would do`;
}

/** What changes nothing but the time, each in steps to less memory. */
function frugalChoices(config: TrainConfig): Change[][] {
  // A micro-batch holds the longest sequence at least.
  const longest = config.max_prompt_length + config.max_completion_length;
  const tokens = halves(config.tokens_per_micro_batch, longest);
  return newChoices(config, [
    [{ generation_rows: 'auto' }],
    [{ gradient_checkpointing: true }],
    tokens.map((each) => ({ tokens_per_micro_batch: each })),
  ]);
}

/** What changes what is learnt from, or how. */
function methodChoices(config: TrainConfig): Change[][] {
  const tokens = halves(config.max_prompt_length, 512);
  const drawn = halves(config.max_completion_length, 256);
  return newChoices(config, [
    tokens.map((each) => ({ max_prompt_length: each })),
    drawn.map((each) => ({ max_completion_length: each })),
    config.use_peft ? halves(config.lora_r, 16).map((each) => ({ lora_r: each })) : [],
    [{ beta: 0 }],
    [{ use_peft: true }],
  ]);
}

/** The changes of each choice together with the last of all choices before it. */
function together(choices: readonly Change[][]): Change[] {
  let before: Change = {};
  return choices.flatMap((choice) => {
    const changes = choice.map((change) => ({ ...before, ...change }));
    before = changes.at(-1) ?? before;
    return changes;
  });
}

/** Choices without what the configuration says already. */
function newChoices(config: TrainConfig, choices: readonly Change[][]): Change[][] {
  const isNew = (change: Change): boolean =>
    Object.entries(change).some(([name, value]) => config[name as keyof Change] !== value);
  return choices.map((choice) => choice.filter(isNew)).filter((choice) => choice.length > 0);
}

/** A half of a number, a quarter and so on, and at last `least`; empty where the number is not above it. */
function halves(of: number, least: number): number[] {
  if (of <= least) return [];
  const half = Math.max(least, Math.floor(of / 2));
  return [half, ...halves(half, least)];
}

/** `tokens_per_micro_batch: 16384 → 4096`. */
function changeText(config: TrainConfig, change: Change): string {
  return Object.entries(change)
    .map(([name, value]) => `${name}: ${String(config[name as keyof TrainConfig])} → ${String(value)}`)
    .join(', ');
}
