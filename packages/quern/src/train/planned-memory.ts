/** Where a training computes, and the memory that it would take there. */
import { checkpointFolder } from '../models/checkpoint-folder.ts';
import { tinyModelName } from '../models/checkpoint-parts.ts';
import type { Qwen2Config } from '../models/checkpoint/qwen2-config.ts';
import { torchDevice } from '../models/torch/device.ts';
import type { OnWork } from '../work.ts';
import type { TrainConfig } from './configuration/train-config.ts';
import { memoryText, trainingMemory, type TrainingMemory } from './configuration/training-memory.ts';
import { freeDeviceMemory } from './free-device-memory.ts';
import { openPrompts } from './prompts.ts';
import { tinyModelConfig } from './tiny-model.ts';

/** What a run would need, and that as a table: no weights are loaded, and no folder is made. */
export async function plannedMemory(
  config: TrainConfig,
  options: { readonly onWork?: OnWork; readonly signal?: AbortSignal } = {},
): Promise<{ readonly memory: TrainingMemory; readonly text: string }> {
  const device = deviceOf(config);
  const prompts =
    config.model_name_or_path === tinyModelName
      ? undefined
      : await openPrompts(
          await checkpointFolder(config.model_name_or_path, options),
          config.prompt,
          options.signal,
        );
  const memory = await memoryOf(config, prompts?.config ?? tinyModelConfig, device);
  return { memory, text: memoryText(memory) };
}

/** The device that is asked for. Throws as {@link torchDevice} does. */
export function deviceOf(config: TrainConfig): string {
  return torchDevice(
    config.device === undefined ? process.env : { ...process.env, QUERN_DEVICE: config.device },
  );
}

/** Whether products are in bfloat16. */
export function usesBf16({ bf16 }: TrainConfig, device: string): boolean {
  return bf16 === 'auto' ? device !== 'cpu' : bf16;
}

/** The memory of a training of a model of that shape, beside what is free. */
export async function memoryOf(
  config: TrainConfig,
  model: Qwen2Config,
  device: string,
): Promise<TrainingMemory> {
  const subject = {
    config,
    model,
    device: device === 'cpu' ? ('cpu' as const) : ('cuda' as const),
    dtype: usesBf16(config, device) ? ('bfloat16' as const) : ('float32' as const),
  };
  return trainingMemory(subject, await freeDeviceMemory(device));
}
