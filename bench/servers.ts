/**
 * How near to three times as fast is a batch with three servers as with one, and what does a question cost beside the server?
 *
 * Servers are processes of their own on this machine that answer after a fixed delay. A batch of `quern reason --batch` runs
 * with one of them and with all three, by turns; medians. Then one that answers at once, which leaves what a question costs
 * here: request, reply, journal, output (the server takes its share of the same cores). `--lines N` runs a batch of N questions
 * of that kind and prints the most memory that it took.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { batchQueriesIn, OpenAiPool, OpenAiReasoner, reasonBatch, type Reasoner } from 'quern';

const ROUNDS = 5;
const DELAY = 100;
const CONCURRENCY = 8;
const QUESTIONS = 480;
const AT_ONCE = 2000;

const folder = await mkdtemp(join(tmpdir(), 'quern-bench-'));
const processes: ChildProcess[] = [];
try {
  const at = process.argv.indexOf('--lines');
  await (at === -1 ? run() : runLarge(Number(process.argv[at + 1])));
} finally {
  for (const each of processes) each.kill();
  await rm(folder, { recursive: true, force: true });
}

async function run(): Promise<void> {
  printMachine();
  const servers = await Promise.all([started(DELAY), started(DELAY), started(DELAY)]);
  const rates: Record<'one' | 'three', number[]> = { one: [], three: [] };
  for (let round = -1; round < ROUNDS; round++) {
    for (const which of round % 2 === 0 ? (['one', 'three'] as const) : (['three', 'one'] as const)) {
      const rate = await batchRate(reasonerOf(which === 'one' ? servers.slice(0, 1) : servers), QUESTIONS);
      if (round >= 0) rates[which].push(rate);
    }
  }
  const ideal = (1000 / DELAY) * CONCURRENCY;
  console.log(
    `\n${QUESTIONS} questions, ${DELAY} ms each, ${CONCURRENCY} at once at each server, ${ROUNDS} rounds`,
  );
  console.log(`  one server    ${described(rates.one)} questions/s (at most ${ideal})`);
  console.log(`  three servers ${described(rates.three)} questions/s (at most ${3 * ideal})`);
  console.log(`  three are ${(median(rates.three) / median(rates.one)).toFixed(2)} times as fast as one`);

  const quick = [await started(0), await started(0), await started(0)];
  for (const count of [1, 3]) {
    const costs: number[] = [];
    for (let round = -1; round < ROUNDS; round++) {
      const rate = await batchRate(reasonerOf(quick.slice(0, count)), AT_ONCE);
      if (round >= 0) costs.push(1000 / rate);
    }
    console.log(`  a question beside the server, ${count} of them: ${described(costs, 2)} ms`);
  }
}

async function runLarge(lines: number): Promise<void> {
  printMachine();
  const quick = [await started(0), await started(0), await started(0)];
  let most = 0;
  const timer = setInterval(() => (most = Math.max(most, process.memoryUsage().rss)), 200);
  const rate = await batchRate(reasonerOf(quick), lines);
  clearInterval(timer);
  console.log(`${lines} questions: ${rate.toFixed(0)} questions/s, at most ${(most / 1e6).toFixed(0)} MB`);
}

function printMachine(): void {
  console.log(`Node ${process.versions.node}, ${cpus()[0].model}, ${cpus().length} cores`);
}

async function started(delay: number): Promise<string> {
  const child = fork(join(import.meta.dirname, 'servers/fixed-delay-server.js'), [String(delay)]);
  processes.push(child);
  const [port] = (await once(child, 'message')) as [number];
  return `http://127.0.0.1:${port}/v1`;
}

function reasonerOf(urls: readonly string[]): Reasoner {
  const name = `openai:served@${urls.join(',')}`;
  const configuration = { concurrency: CONCURRENCY };
  return urls.length === 1
    ? OpenAiReasoner.create({ name, env: {}, configuration })
    : OpenAiPool.create({ name, env: {}, configurations: new Map([[name, configuration]]) });
}

/** Questions a second of a whole batch: from the file of questions to the file of reasoned queries. */
async function batchRate(reasoner: Reasoner, questions: number): Promise<number> {
  const path = join(folder, 'questions.jsonl');
  const out = join(folder, 'reasoned.jsonl');
  const lines = Array.from({ length: questions }, (_, i) =>
    JSON.stringify({
      _id: `q${i}`,
      text: `Why does bread number ${i} that was baked this morning taste stale tomorrow?`,
    }),
  );
  await writeFile(path, `${lines.join('\n')}\n`);
  const { milliseconds } = await reasonBatch(reasoner, await batchQueriesIn(path), { out });
  await reasoner.close();
  await rm(out);
  return (questions / milliseconds) * 1000;
}

function described(values: readonly number[], digits = 1): string {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return `${median(values).toFixed(digits)} (${least.toFixed(digits)} to ${most.toFixed(digits)})`;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}
