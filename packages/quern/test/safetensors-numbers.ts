import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A tensor of a safetensors file. */
export interface Numbers {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** The tensors of a file of float32, read without the library. */
export function numbersIn(path: string): Map<string, Numbers> {
  const bytes = readFileSync(path);
  const length = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + length)) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >;
  delete header['__metadata__'];
  return new Map(
    Object.entries(header).map(
      ([
        name,
        {
          dtype,
          shape,
          data_offsets: [from, to],
        },
      ]) => {
        if (dtype !== 'F32') throw new Error(`${name} is ${dtype}`);
        const values = Float32Array.from({ length: (to - from) / 4 }, (_, i) =>
          bytes.readFloatLE(8 + length + from + 4 * i),
        );
        return [name, { shape, values }] as const;
      },
    ),
  );
}

/** The tensors of a checkpoint of float32, its matrices changed by an adapter: W + scale · B A, number by number. */
export function mergedNumbers(checkpoint: string, adapter: string): Map<string, Numbers> {
  const pairs = numbersIn(join(adapter, 'adapter_model.safetensors'));
  const config = JSON.parse(readFileSync(join(adapter, 'adapter_config.json'), 'utf8')) as {
    r: number;
    lora_alpha: number;
    use_rslora?: boolean;
  };
  const scale = config.lora_alpha / (config.use_rslora ? Math.sqrt(config.r) : config.r);
  const merged = numbersIn(join(checkpoint, 'model.safetensors'));
  for (const [name, { shape, values }] of merged) {
    const pair = `base_model.model.${name.replace(/\.weight$/, '')}`;
    const a = pairs.get(`${pair}.lora_A.weight`);
    const b = pairs.get(`${pair}.lora_B.weight`);
    if (!a || !b) continue;
    const [rows, columns] = shape;
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        let sum = 0;
        for (let k = 0; k < config.r; k++)
          sum += b.values[row * config.r + k] * a.values[k * columns + column];
        values[row * columns + column] += scale * sum;
      }
    }
  }
  return merged;
}
