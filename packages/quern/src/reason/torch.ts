import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Environment } from '../collections/environment.ts';
import { fileError, QuernError } from '../errors.ts';
import { checkpointFolder } from '../models/checkpoint-folder.ts';
import { checkParts, partsIn, type CheckpointParts } from '../models/checkpoint-parts.ts';
import { adapterFiles } from '../models/checkpoint/lora-adapter.ts';
import { contentHash } from '../models/content-hash.ts';
import { isModelFile } from '../models/model-files.ts';
import { LocalReasoner, type LocalEngine } from './local-reasoner.ts';
import type { ModelSettings } from './settings.ts';

/** To be raised when tokens are drawn otherwise than before: what was kept until then is not what the same call yields now. */
const generationVersion = 1;

/**
 * `torch:FOLDER_OR_HUB_ID`: a checkpoint that runs inside this process on LibTorch, as it is: no conversion; or a LoRA adapter,
 * which is merged into the checkpoint that it names as that is loaded. On a GPU where there is one, in bfloat16; on the processor
 * in float32 (`QUERN_DEVICE` chooses).
 *
 * The same call yields the same text on the same machine as long as one query is asked at a time; with `parallel` above 1,
 * several go through the model together, which can change the last bits of a probability, and with them, rarely, a token. Draws
 * do not depend on what else is asked: each call has its own random stream.
 */
export class TorchReasoner extends LocalReasoner {
  protected readonly computedBy = 'LibTorch';
  #computing: readonly unknown[] = [];
  /** Known with the hash. */
  #parts: CheckpointParts | undefined;

  /** `name` is what follows `torch:`. Nothing is opened yet. Throws `USAGE` for impossible settings. */
  constructor(name: string, settings: ModelSettings = {}) {
    super('torch', name, settings);
    if (settings.adapters && settings.adapters.length > 0) {
      throw new QuernError('USAGE', 'are taken by llama:… alone', {
        where: 'adapters',
        hint: 'Merge them into the checkpoint first, or use it as llama:…',
      });
    }
  }

  protected keyOf(hash: string): readonly unknown[] {
    return ['torch', generationVersion, hash, ...this.#computing];
  }

  protected locate(): Promise<string> {
    const { env, warnings, onWork } = this.settings;
    return checkpointFolder(this.name, { env, warnings, onWork, signal: this.closing });
  }

  /** The SHA-256 of each file that decides what it writes, `+` between them. */
  protected async computeHash(): Promise<string> {
    const { env, warnings, onWork } = this.settings;
    const signal = this.closing;
    const parts = await partsIn(await this.located.get(), { env, warnings, onWork, signal });
    this.#parts = parts;
    this.#computing = await computing(env);
    // What is wrong with it is known much sooner than its hash.
    await checkParts(parts, signal);
    const files = await decisiveFiles(parts);
    await this.noteFiles(files);
    const hashes: string[] = [];
    for (const file of files) {
      hashes.push(await contentHash(file, { folder: this.cacheFolder, onWork, signal }));
    }
    return hashes.join('+');
  }

  protected async load(): Promise<LocalEngine> {
    await this.hash.get();
    const { env, onWork, threads } = this.settings;
    const parts = this.#parts as CheckpointParts;
    const { openTorchEngine } = await import('./torch/torch-engine.ts');
    const engine = await openTorchEngine(parts, {
      sampling: this.sampling,
      rows: this.parallel,
      env,
      onWork,
      threads,
      signal: this.closing,
    });
    try {
      await this.checkUnchanged(await decisiveFiles(parts));
      return engine;
    } catch (error) {
      await engine.close();
      throw error;
    }
  }
}

/** The kind of device, the type and the LibTorch that compute: others compute other last bits. LibTorch is not loaded for it. */
async function computing(env: Environment | undefined): Promise<readonly unknown[]> {
  const { addonState, buildsFolder } = await import('@quern/libtorch/setup');
  const { expectedDevice, generationDtype } = await import('../models/torch/device.ts');
  const device = expectedDevice(env);
  const addon = addonState(buildsFolder(env), env);
  return [device.replace(/:.*$/, ''), generationDtype(device), 'build' in addon ? addon.build.version : null];
}

/** The weights of a checkpoint, its configurations and its tokenizer, in the order of their names; then its adapters. */
async function decisiveFiles({ folder, adapters }: CheckpointParts): Promise<[string, ...string[]]> {
  const names = await readdir(folder).catch((error: unknown) => {
    throw fileError(error, folder);
  });
  const decisive = names.filter((name) => isModelFile(name) && !name.startsWith('adapter_')).sort();
  const files = decisive.map((name) => join(folder, name));
  return [...files, ...adapters.flatMap(adapterFiles)] as [string, ...string[]];
}
