/** Whether completions are drawn from a copy of the policy, and how large that is. */
import type { Qwen2Config } from '../../models/checkpoint/qwen2-config.ts';
import { qwen2Tensors } from '../../models/checkpoint/qwen2-tensors.ts';

/** What is trained, and where. */
export interface SampledPolicy {
  readonly model: Qwen2Config;
  readonly device: string;
  /** Whether products are in bfloat16. */
  readonly bf16: boolean;
  readonly isAdapted: boolean;
}

/** Values of the largest matrix of a layer for which another layout makes products of few rows faster on the processor. */
const most = 2 ** 20;

/**
 * Whether there is a copy: in bfloat16, with adapters merged, or, of a small model on the processor, laid out for products of few
 * rows. A large one would take the memory for less than it gains (docs/PERFORMANCE.md, "Speed: training by GRPO").
 */
export function drawsFromCopy({ model, device, bf16, isAdapted }: SampledPolicy): boolean {
  const { hiddenSize, intermediateSize } = model;
  return (
    bf16 || isAdapted || (device === 'cpu' && hiddenSize * Math.max(hiddenSize, intermediateSize) <= most)
  );
}

/** Whether a tensor has a copy of its own even where its type is the same: the matrices and biases of layers are joined. */
export function isCopied(name: string): boolean {
  return /_proj\.(?:weight|bias)$/.test(name);
}

/** The parameters of the copy that lie beside the policy's own. */
export function copiedParameters(policy: SampledPolicy): number {
  if (!drawsFromCopy(policy)) return 0;
  const { model, bf16, isAdapted } = policy;
  return qwen2Tensors(model)
    .filter(({ name }) => isCopied(name) || (bf16 && !isAdapted))
    .reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
}
