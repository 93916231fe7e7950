/** Where a training computes, and the memory that it would take there. */
import { join } from 'node:path';
import { checkParts, tinyModelName } from '../models/checkpoint-parts.ts';
import { pathKindIfAny } from '../collections/files.ts';
import { readJsonObject } from '../models/checkpoint/json-file.ts';
import { parseQwen2Config, type Qwen2Config } from '../models/checkpoint/qwen2-config.ts';
import { resolveModel } from '../models/hub.ts';
import { parseCheckpointName } from '../models/model-name.ts';
import { QuernError } from '../errors.ts';
import { torchDevice } from '../models/torch/device.ts';
import type { TrainConfig } from './configuration/train-config.ts';
import { memoryText, trainingMemory, type TrainingMemory } from './configuration/training-memory.ts';
import { freeDeviceMemory } from './free-device-memory.ts';
import { openPrompts } from './prompts.ts';
import { startingParts, type StartingOptions } from './starting-checkpoint.ts';
import { tinyModelConfig } from './tiny-model.ts';

/** What a run would need, and that as a table: no weights are loaded, and no folder is made. */
export async function plannedMemory(
  config: TrainConfig,
  options: StartingOptions = {},
): Promise<{ readonly memory: TrainingMemory; readonly text: string }> {
  const memory = await memoryOf(config, await plannedModel(config, options), deviceOf(config));
  return { memory, text: memoryText(memory) };
}

/** The shape of the model that would be trained, after a look at whether it could be; of one of the hub its configuration alone is fetched. */
async function plannedModel(config: TrainConfig, options: StartingOptions): Promise<Qwen2Config> {
  const { model_name_or_path: name, prompt } = config;
  if (name === tinyModelName) return tinyModelConfig;
  // What a run that is taken up was begun with need not be there any more.
  const named = options.resume ? undefined : await parseCheckpointName(name);
  if (named?.kind === 'hub') {
    return hubConfig(named.at, options);
  }
  const parts = await startingParts(config, options);
  await checkParts(parts, options.signal);
  return (await openPrompts(parts.folder, prompt, options.signal)).config;
}

/** The configuration of a model of the hub, or of the one that an adapter of the hub changes; nothing else is fetched. */
async function hubConfig(name: string, options: StartingOptions): Promise<Qwen2Config> {
  const { folder } = await resolveModel(name, {
    ...options,
    files: (file) => file === 'config.json' || file === 'adapter_config.json',
  });
  const path = join(folder, 'config.json');
  if (await pathKindIfAny(path)) return parseQwen2Config(await readJsonObject(path), path);
  const adapter = join(folder, 'adapter_config.json');
  const base = (await readJsonObject(adapter))['base_model_name_or_path'];
  if (typeof base === 'string' && base !== name) return hubConfig(base, options);
  throw new QuernError('CORRUPT_FILE', 'names no model that it changes', { where: adapter });
}

/** The device that is asked for. Throws as {@link torchDevice} does. */
export function deviceOf({ device }: TrainConfig): string {
  if (device === undefined) return torchDevice();
  try {
    return torchDevice({ ...process.env, QUERN_DEVICE: device });
  } catch (error) {
    if (!(error instanceof QuernError) || error.where !== 'QUERN_DEVICE') throw error;
    throw new QuernError(error.code, error.what, {
      where: `device ${device}`,
      hint: error.hint,
      cause: error,
    });
  }
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
