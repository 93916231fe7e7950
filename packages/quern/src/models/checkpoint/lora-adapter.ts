import { join } from 'node:path';
import { QuernError } from '../../errors.ts';
import { checkFolder, type CheckpointTensor } from './checkpoint.ts';
import { weightOf, type Weight } from './checkpoint-weights.ts';
import { isJsonObject, readJsonObject, type JsonObject } from './json-file.ts';
import { SafetensorsFile } from './safetensors.ts';

/** A pair of low-rank matrices that a LoRA adapter adds to a matrix: `W + scale * B A`. */
export interface LoraPair {
  /** The matrix that it changes. */
  readonly target: CheckpointTensor;
  /** `A`: rank x columns of the target. */
  readonly a: Weight;
  /** `B`: rows of the target x rank. */
  readonly b: Weight;
  readonly rank: number;
  /** `alpha / rank`; with rank-stabilised scaling `alpha / sqrt(rank)`. */
  readonly scale: number;
}

/** The files of an adapter's folder: its configuration and its weights. */
export function adapterFiles(folder: string): [config: string, weights: string] {
  return [join(folder, 'adapter_config.json'), join(folder, 'adapter_model.safetensors')];
}

/** An open LoRA adapter: a folder as PEFT writes it. */
export class LoraAdapter {
  readonly folder: string;
  /** In the order of the base's tensors. */
  readonly pairs: readonly LoraPair[];
  readonly #file: SafetensorsFile;

  private constructor(folder: string, pairs: readonly LoraPair[], file: SafetensorsFile) {
    this.folder = folder;
    this.pairs = pairs;
    this.#file = file;
  }

  /**
   * Opens an adapter for a base whose tensors are given. Throws `NOT_FOUND` where `adapter_config.json` or
   * `adapter_model.safetensors` is missing, `CORRUPT_FILE` where it does not fit the base, and `UNSUPPORTED` for adapters
   * that are more than pairs of matrices for the matrices of the layers and the output.
   */
  static async open(
    folder: string,
    base: readonly CheckpointTensor[],
    signal?: AbortSignal,
  ): Promise<LoraAdapter> {
    await checkFolder(folder);
    const [configPath, weightsPath] = adapterFiles(folder);
    const config = parseConfig(await readJsonObject(configPath, signal), configPath);
    const file = await SafetensorsFile.open(weightsPath, signal);
    try {
      return new LoraAdapter(folder, readPairs(file, base, config), file);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

/** What `adapter_config.json` says of the scale. */
interface LoraConfig {
  readonly rank: number;
  readonly alpha: number;
  readonly isRankStabilized: boolean;
  /** Whether modules may have ranks of their own. */
  readonly hasOtherRanks: boolean;
}

/** What would make the change of a matrix another than `scale * B A`, or change more than matrices. */
const otherFlags = ['use_dora', 'fan_in_fan_out', 'lora_bias', 'use_qalora', 'use_bdlora'] as const;
const otherFields = [
  'alora_invocation_tokens',
  'alpha_pattern',
  'arrow_config',
  'kasa_config',
  'layer_replication',
  'modules_to_save',
  'monteclora_config',
  'target_parameters',
  'trainable_token_indices',
  'velora_config',
] as const;

/** Ways to start a training that leave the base as it is; PiSSA, OLoRA, CorDA, LoRA-GA and LoftQ do not. */
const plainStarts: ReadonlySet<unknown> = new Set(['gaussian', 'eva', 'orthogonal']);

function parseConfig(config: JsonObject, path: string): LoraConfig {
  const unsupported = (what: string): QuernError =>
    new QuernError('UNSUPPORTED', `${what} is not supported`, { where: path });
  const type = config['peft_type'];
  if (type !== 'LORA') throw unsupported(`an adapter of the type ${JSON.stringify(type)?.slice(0, 40)}`);
  for (const flag of otherFlags) if (config[flag] === true) throw unsupported(flag);
  for (const field of otherFields) if (isFilled(config[field])) throw unsupported(field);
  const bias = config['bias'] ?? 'none';
  if (bias !== 'none') throw unsupported(`bias ${JSON.stringify(bias).slice(0, 40)}`);
  const start = config['init_lora_weights'] ?? true;
  if (typeof start !== 'boolean' && !plainStarts.has(start)) {
    throw unsupported(`init_lora_weights ${JSON.stringify(start).slice(0, 40)}, which changes the base,`);
  }
  const { r: rank, lora_alpha: alpha } = config;
  if (typeof rank !== 'number' || !Number.isInteger(rank) || rank < 1 || rank > 65_536) {
    throw new QuernError('CORRUPT_FILE', 'r is no whole number from 1 to 65,536', { where: path });
  }
  if (typeof alpha !== 'number' || !(alpha > 0 && Number.isFinite(Math.fround(alpha)))) {
    throw new QuernError('CORRUPT_FILE', 'lora_alpha is no number above 0', { where: path });
  }
  return {
    rank,
    alpha,
    isRankStabilized: config['use_rslora'] === true,
    hasOtherRanks: isFilled(config['rank_pattern']),
  };
}

function isFilled(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  return isJsonObject(value) ? Object.keys(value).length > 0 : value !== undefined && value !== null;
}

/** PEFT's names of the pair of a matrix: that of the matrix in the base, with a prefix, and which of the two. */
const pairName = /^base_model\.model\.(.+)\.lora_([AB])\.weight$/;

function readPairs(file: SafetensorsFile, base: readonly CheckpointTensor[], config: LoraConfig): LoraPair[] {
  const sides = new Map<string, Set<string>>();
  for (const name of file.tensors.keys()) {
    const [, module, side] = pairName.exec(name) ?? [];
    if (module === undefined) {
      const what = `holds the tensor ${JSON.stringify(name).slice(0, 120)}, which is none of a pair`;
      throw new QuernError('UNSUPPORTED', what, { where: file.path });
    }
    sides.set(module, (sides.get(module) ?? new Set()).add(side));
  }
  if (sides.size === 0) throw new QuernError('CORRUPT_FILE', 'holds no tensors', { where: file.path });
  const pairs: LoraPair[] = [];
  for (const target of base) {
    const module = target.name.replace(/\.weight$/, '');
    // PEFT keeps changes of embeddings under other names, and turned round.
    if (target.shape.length !== 2 || target.name === 'model.embed_tokens.weight') continue;
    if (sides.delete(module)) pairs.push(readPair(file, target, module, config));
  }
  const [stray] = sides.keys();
  if (stray !== undefined) {
    const what = `changes ${JSON.stringify(stray).slice(0, 120)}, which is no matrix of the base that can be changed`;
    throw new QuernError('UNSUPPORTED', what, { where: file.path });
  }
  return pairs;
}

function readPair(
  file: SafetensorsFile,
  target: CheckpointTensor,
  module: string,
  { rank: usual, alpha, isRankStabilized, hasOtherRanks }: LoraConfig,
): LoraPair {
  const [rows, columns] = target.shape;
  const named = (side: 'A' | 'B'): string => `base_model.model.${module}.lora_${side}.weight`;
  const rank = hasOtherRanks ? (file.tensors.get(named('A'))?.shape[0] ?? usual) : usual;
  return {
    target,
    a: weightOf(file, named('A'), [rank, columns]),
    b: weightOf(file, named('B'), [rows, rank]),
    rank,
    scale: alpha / (isRankStabilized ? Math.sqrt(rank) : rank),
  };
}
