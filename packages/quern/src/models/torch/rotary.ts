/** Rotary position embeddings (Su et al. 2021), computed in 32 bits step by step as transformers does. */
import { scope, tensor, type Device, type Dtype, type Tensor } from '@quern/libtorch';
import type { Qwen2Config, RopeScaling } from '../checkpoint/qwen2-config.ts';

/** The angles of positions as cosines and sines, in halves alike; the first half of the sines is negated. Shape: (positions, size). */
export interface Rotation {
  readonly cos: Tensor;
  readonly sin: Tensor;
}

/** How fast each pair of a head's values turns, and what the turned vectors are scaled by (YaRN). */
interface Frequencies {
  readonly perPosition: Float32Array;
  readonly scale: number;
}

/** The rotations of positions 0 to `positions` - 1. */
export function rotationOf(
  config: Qwen2Config,
  positions: number,
  { dtype, device }: { readonly dtype: Dtype; readonly device: Device },
): Rotation {
  const { perPosition, scale } = frequenciesOf(config);
  const half = perPosition.length;
  const signs = new Float32Array(2 * half).fill(1).fill(-1, 0, half);
  const angles = new Float32Array(positions * 2 * half);
  for (let position = 0; position < positions; position++) {
    for (let i = 0; i < half; i++) {
      const angle = Math.fround(position * perPosition[i]);
      angles[position * 2 * half + i] = angle;
      angles[position * 2 * half + half + i] = angle;
    }
  }
  return scope(() => {
    const turned = tensor(angles, { shape: [positions, 2 * half] });
    return {
      cos: turned.cos().mul(scale).to({ dtype, device }),
      sin: turned.sin().mul(scale).mul(tensor(signs)).to({ dtype, device }),
    };
  });
}

function frequenciesOf({ hiddenSize, heads, ropeBase, ropeScaling }: Qwen2Config): Frequencies {
  const size = hiddenSize / heads;
  const plain = Float32Array.from(
    { length: size / 2 },
    (_, i) => 1 / Math.fround(Math.pow(ropeBase, Math.fround((2 * i) / size))),
  );
  if (!ropeScaling) return { perPosition: plain, scale: 1 };
  if (ropeScaling.type === 'linear') {
    return { perPosition: plain.map((value) => value / ropeScaling.factor), scale: 1 };
  }
  return yarn(plain, ropeBase, ropeScaling);
}

/** YaRN (Peng et al. 2023): fast pairs turn as before, slow ones slower, those between are mixed. */
function yarn(plain: Float32Array, base: number, scaling: RopeScaling): Frequencies {
  const { factor, originalPositions = 1, betaFast = 32, betaSlow = 1 } = scaling;
  const size = 2 * plain.length;
  const pairTurning = (turns: number): number =>
    (size * Math.log(originalPositions / (turns * 2 * Math.PI))) / (2 * Math.log(base));
  const low = Math.max(Math.floor(pairTurning(betaFast)), 0);
  const high = Math.min(Math.ceil(pairTurning(betaSlow)), size - 1);
  const width = high === low ? 0.001 : high - low;
  const perPosition = plain.map((value, i) => {
    const kept = 1 - Math.min(Math.max((i - low) / width, 0), 1);
    return (value / factor) * (1 - kept) + value * kept;
  });
  return { perPosition, scale: factor <= 1 ? 1 : 0.1 * Math.log(factor) + 1 };
}

/**
 * `x` (…, tokens, head size) turned by `cos` and `sin` that broadcast to it: each value of its first half is the first of a pair
 * whose second is at the same place of the other half.
 */
export function rotated(x: Tensor, { cos, sin }: Rotation): Tensor {
  return x.mul(cos).addcmul(x.roll(x.size(-1) / 2, -1), sin);
}
