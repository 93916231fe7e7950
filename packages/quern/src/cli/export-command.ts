import { Command, Option } from 'commander';
import { QuernError } from '../errors.ts';
import { checkpointParts } from '../models/checkpoint-parts.ts';
import { convertAdapterToGguf } from '../models/convert-adapter.ts';
import { convertToGguf } from '../models/convert.ts';
import { modelTypes, type ModelType } from '../models/gguf/qwen2-metadata.ts';
import { Warnings } from '../warnings.ts';
import { interruptSignal } from './interrupt.ts';
import { shared } from './options.ts';
import { bytesText, durationText, print, printJson, printWarnings } from './output.ts';
import { startProgress } from './progress.ts';

interface Options {
  readonly gguf?: ModelType;
  readonly out: string;
  readonly lora: readonly string[];
  readonly keepApart?: boolean;
  readonly json?: boolean;
}

const defaultType: ModelType = 'q8_0';

/** `quern export CHECKPOINT --gguf TYPE --out FILE` */
export function exportCommand(): Command {
  return new Command('export')
    .description('Convert a checkpoint to a GGUF file, for llama.cpp.')
    .argument(
      '<checkpoint>',
      'a folder with config.json, safetensors and a tokenizer (Qwen2), a LoRA adapter, or a hub id',
    )
    .addOption(
      new Option('--gguf <type>', `16, 8.5 or 4.5 bits a weight (default: ${defaultType})`).choices(
        modelTypes,
      ),
    )
    .requiredOption('--out <file>', 'the GGUF file; one that is there is replaced')
    .option('--lora <folder>', 'merge a LoRA adapter into the weights (can be repeated)', collected, [])
    .option('--keep-apart', 'write the LoRA adapter alone, to be used with the GGUF file of the checkpoint')
    .addOption(shared.json())
    .addHelpText(
      'after',
      `
Examples:
  $ quern export runs/domain/checkpoint-150 --gguf q8_0 --out reasoner.gguf
  $ quern export TongSearch/TongSearch-QR-1.5B --out tongsearch-qr-1.5b.gguf
  $ quern export Qwen2.5-1.5B-Instruct --lora adapter --gguf q4_0 --out merged.gguf
  $ quern export Qwen2.5-1.5B-Instruct --lora adapter --keep-apart --out adapter.gguf`,
    )
    .action(run);
}

async function run(named: string, options: Options): Promise<void> {
  checkUse(options);
  const { out, lora, keepApart, json, gguf: type = defaultType } = options;
  const started = performance.now();
  const signal = interruptSignal();
  const warnings = new Warnings();
  const parts = await checkpointParts(named, { warnings, signal, onWork: startProgress });
  printWarnings(warnings);
  const { folder } = parts;
  const adapters = [...parts.adapters, ...lora];
  const written = keepApart
    ? await convertAdapterToGguf(theOne(adapters), { base: folder, out, signal })
    : await convertToGguf(folder, { type, out, adapters, signal, onWork: startProgress });
  const milliseconds = performance.now() - started;
  if (json) {
    printJson({ checkpoint: named, out, lora: adapters, ...written, milliseconds });
    return;
  }
  const { bytes, tensors, parameters } = written;
  print(
    `${out}: ${written.type}, ${bytesText(bytes)}, ${tensors} tensors, ` +
      `${(parameters / 1e6).toFixed(1)} million weights, in ${durationText(milliseconds)}`,
  );
}

function collected(value: string, before: readonly string[]): string[] {
  return [...before, value];
}

function checkUse({ keepApart, lora, gguf }: Options): void {
  if (!keepApart) return;
  if (lora.length > 1) theOne(lora);
  if (gguf !== undefined) {
    const where = '--keep-apart';
    throw new QuernError('USAGE', 'keeps the adapter in 32 bits', { where, hint: 'Leave --gguf out' });
  }
}

/** The adapter that is kept apart. Throws `USAGE` where it is not one. */
function theOne(adapters: readonly string[]): string {
  if (adapters.length === 1) return adapters[0];
  throw new QuernError('USAGE', 'writes one adapter', {
    where: '--keep-apart',
    hint: 'Give it with --lora FOLDER, or name the checkpoint of a run that trains one',
  });
}
