/**
 * How fast does `llama:` generate, against node-llama-cpp's own completion on the same file?
 *
 * Makes a model of Qwen2.5-0.5B's shape with random weights, converts it (which is timed too), and generates with the same
 * prompt and the same number of tokens: one sequence, then 16 at once. Both sample with temperature 0.7, top-p 0.8, top-k 20 and
 * repetition penalty 1.05. The runs take turns; the figures are medians.
 */
import { existsSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { getLlama, LlamaCompletion, LlamaLogLevel, type LlamaModel, type Token } from 'node-llama-cpp';
import { convertToGguf, LlamaReasoner, userPrompt } from 'quern';
import { writeRandomCheckpoint } from './models/random-checkpoint.js';

const ROUNDS = 5;
const MANY = 16;
/** Of each sequence: fewer where there are many. */
const TOKENS = { one: 128, many: 48 };

const data = process.env['QUERN_DATA'] ?? resolve(import.meta.dirname, '../../shared/data');
const tokenizer = join(data, 'tokenizers/qwen2');
if (!existsSync(tokenizer)) {
  console.error(`no tokenizer at ${tokenizer}`);
  process.exit(1);
}
const folder = await mkdtemp(join(tmpdir(), 'quern-bench-'));
try {
  await run();
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function run(): Promise<void> {
  console.log(`Node ${process.versions.node}, ${cpus()[0].model}, ${cpus().length} cores`);
  const checkpoint = join(folder, 'checkpoint');
  const sourceBytes = writeRandomCheckpoint(checkpoint, tokenizer);
  console.log(`\nconversion of ${(sourceBytes / 1e6).toFixed(0)} MB of BF16 weights`);
  const path = join(folder, 'model.gguf');
  for (const type of ['f16', 'q4_0', 'q8_0'] as const) {
    const times: number[] = [];
    for (let round = 0; round < 3; round++) {
      const started = performance.now();
      await convertToGguf(checkpoint, { type, out: path });
      times.push((performance.now() - started) / 1000);
    }
    const rate = sourceBytes / 1e6 / median(times);
    console.log(
      `  ${type}: ${median(times).toFixed(1)} s, ${rate.toFixed(0)} MB/s of source, ${(statSync(path).size / 1e6).toFixed(0)} MB`,
    );
  }
  for (const sequences of [1, MANY]) {
    const [ours, raw] = await rates(path, sequences);
    console.log(
      `\n${sequences} sequence${sequences > 1 ? 's' : ''}, q8_0, ${sequences === 1 ? TOKENS.one : TOKENS.many} tokens each, tokens a second (${ROUNDS} rounds)`,
    );
    console.log(`  quern          ${described(ours)}`);
    console.log(`  node-llama-cpp ${described(raw)}`);
    console.log(`  quern is ${(median(ours) / median(raw)).toFixed(3)} times as fast`);
  }
}

/** Tokens a second of both, one figure a round; the loading and the first round of each are left out. */
async function rates(path: string, sequences: number): Promise<[ours: number[], raw: number[]]> {
  const maxTokens = sequences === 1 ? TOKENS.one : TOKENS.many;
  const sampling = { maxTokens };
  const reasoner = new LlamaReasoner(path, { sampling, parallel: sequences, cacheFolder: folder });
  await reasoner.ready();
  const llama = await getLlama({
    build: 'never',
    progressLogs: false,
    logLevel: LlamaLogLevel.disabled,
    maxThreads: 0,
  });
  const model = await llama.loadModel({ modelPath: path });
  const context = await model.createContext({ sequences, contextSize: 1024, threads: llama.cpuMathCores });
  const completions = Array.from(
    { length: sequences },
    () => new LlamaCompletion({ contextSequence: context.getSequence() }),
  );
  const ours: number[] = [];
  const raw: number[] = [];
  for (let round = -1; round < ROUNDS; round++) {
    const mine = (): Promise<number> =>
      timed(async () => {
        const asked = Array.from({ length: sequences }, (_, i) => reasoner.reason(question(round, i)));
        return (await Promise.all(asked)).reduce((sum, { completionTokens }) => sum + completionTokens, 0);
      });
    const theirs = (): Promise<number> => timed(() => completed(completions, model, round, maxTokens));
    // Each goes first every other round.
    const measured = [0, 0];
    for (const which of round % 2 === 0 ? [0, 1] : [1, 0]) {
      measured[which] = await (which === 0 ? mine() : theirs());
    }
    if (round < 0) continue;
    ours.push(measured[0]);
    raw.push(measured[1]);
  }
  await reasoner.close();
  await llama.dispose();
  return [ours, raw];
}

/** The question of a sequence in a round: another one each time, as both keep what a prompt has in common with the last. */
function question(round: number, sequence: number): string {
  return `${round + 2}.${sequence}. Why does bread that was baked this morning taste stale tomorrow, though it is kept in a bag?`;
}

function promptTokens(model: LlamaModel, query: string): Token[] {
  const turn = `<|im_start|>user\n${userPrompt(query)}<|im_end|>\n<|im_start|>assistant\n`;
  return model.tokenize(`<|im_start|>system\n<|im_end|>\n${turn}`, true);
}

async function completed(
  completions: readonly LlamaCompletion[],
  model: LlamaModel,
  round: number,
  maxTokens: number,
): Promise<number> {
  const counts = await Promise.all(
    completions.map(async (completion, i) => {
      let count = 0;
      await completion.generateCompletion(promptTokens(model, question(round, i)), {
        maxTokens,
        temperature: 0.7,
        topP: 0.8,
        topK: 20,
        minP: 0,
        seed: round + 2,
        // Over prompt and completion, as ours.
        repeatPenalty: { penalty: 1.05, lastTokens: 1024 },
        onToken: (chunk) => void (count += chunk.length),
      });
      return count;
    }),
  );
  return counts.reduce((a, b) => a + b, 0);
}

async function timed(work: () => Promise<number>): Promise<number> {
  const started = performance.now();
  const tokens = await work();
  return (tokens / (performance.now() - started)) * 1000;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}

function described(values: readonly number[]): string {
  return `${median(values).toFixed(1)} (${Math.min(...values).toFixed(1)} to ${Math.max(...values).toFixed(1)})`;
}
