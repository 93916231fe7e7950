import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { records } from './batch-reasoners.ts';
import { FakeOpenAiServer, failing, streamed, type FakeReply } from './fake-openai-server.ts';
import { finished, quern, startQuern } from './run-quern.ts';
import { temporaryFolder } from './temporary-folder.ts';

const folder = temporaryFolder();
const env = { QUERN_CACHE: join(folder, 'cache') };
const queries = join(folder, 'queries.jsonl');
const ids = Array.from({ length: 60 }, (_, i) => `q${i}`);
writeFileSync(
  queries,
  ids.map((id, i) => `${JSON.stringify({ _id: id, text: `why ${i} cats` })}\n`).join(''),
);

let three: FakeOpenAiServer[];
let files = 0;

/** Answers with the seed, which depends on the question alone, after a moment. */
const echo: FakeReply = async (response, request) => {
  await wait(5);
  return streamed({ pieces: [`Think about ${String(request.body!.seed)}.`] })(response, request);
};

beforeEach(async () => {
  three = await Promise.all([FakeOpenAiServer.start(), FakeOpenAiServer.start(), FakeOpenAiServer.start()]);
  for (const server of three) server.reply = echo;
});

afterEach(async () => {
  for (const server of three) await server.stop();
});

function batchOf(of: readonly FakeOpenAiServer[], out: string, ...more: string[]): string[] {
  const reasoner = `openai:served@${of.map(({ url }) => url).join(',')}`;
  const args = ['reason', '--batch', queries, '--out', out, '--reasoner', reasoner, '--no-cache'];
  return [...args, '--parallel', '2', ...more];
}

function fresh(): string {
  return join(folder, `reasoned-${files++}.jsonl`);
}

/** The records of a batch without what differs from run to run. */
function lasting(out: string): Record<string, unknown>[] {
  return records(out).map((record) => ({ ...record, milliseconds: 0 }));
}

/** How often each question was asked, over all servers that there were. */
function timesAsked(of: readonly FakeOpenAiServer[]): Map<string, number> {
  const times = new Map<string, number>();
  for (const query of of.flatMap(({ questions }) => questions)) times.set(query, (times.get(query) ?? 0) + 1);
  return times;
}

/** The ids in the journal beside `out`. */
function journaled(out: string): string[] {
  if (!existsSync(`${out}.partial`)) return [];
  const lines = readFileSync(`${out}.partial`, 'utf8').split('\n').slice(1, -1);
  return lines.map((line) => (JSON.parse(line) as { reasoned: { query: string } }).reasoned.query);
}

describe('a batch over three servers', () => {
  it('goes on while one dies and comes back, and is what one server writes, in the order of its questions', async () => {
    const out = fresh();
    const [first, second, dying] = three;
    const child = startQuern(batchOf(three, out), { env });
    const ended = finished(child);
    while (dying.bodies.length < 3) await wait(1);
    // It is dead for longer than the others need for a few questions each.
    const lost = dying.underWay;
    await dying.stop();
    const before = first.bodies.length + second.bodies.length;
    while (first.bodies.length + second.bodies.length < before + 6) await wait(1);
    const back = await FakeOpenAiServer.startAt(dying.port);
    back.reply = echo;
    three.push(back);
    const { code, stderr, stdout } = await ended;
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('60 queries in') });
    expect(stderr).toContain(`quern: ${dying.name()} leaves the pool: `);
    expect(stderr).toMatch(new RegExp(`^quern: ${first.name()}: \\d+ answered$`, 'm'));

    const asked = [...timesAsked(three).values()];
    expect(asked).toHaveLength(60);
    expect(asked.reduce((sum, times) => sum + times - 1, 0)).toBeLessThanOrEqual(lost);
    expect(records(out).map(({ id }) => id)).toEqual(ids);

    const alone = fresh();
    await quern(batchOf([first], alone), { env });
    expect(lasting(alone)).toEqual(lasting(out));
  });

  it('repeats no finished question after it is killed, with other servers beside the first', async () => {
    const out = fresh();
    const child = startQuern(batchOf(three, out), { env });
    const ended = finished(child);
    while (journaled(out).length < 20 && child.exitCode === null) await wait(1);
    child.kill('SIGKILL');
    await ended;
    const kept = journaled(out);
    expect(kept.length).toBeGreaterThanOrEqual(20);
    const { code, stdout } = await quern(batchOf(three.slice(0, 2), out), { env });
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringContaining(`${kept.length} done before`),
    });
    const times = timesAsked(three);
    expect(kept.map((query) => times.get(query))).toEqual(kept.map(() => 1));
    expect(times.size).toBe(60);
    expect(records(out).map(({ id }) => id)).toEqual(ids);
  });

  it('ends where all are gone, keeps what was done, and goes on when one is back', async () => {
    const out = fresh();
    let answers = 0;
    for (const server of three) {
      server.reply = (response, request) =>
        ++answers <= 15 ? echo(response, request) : failing(503)(response, request);
      server.models = (response, request) => (answers <= 15 ? streamed() : failing(503))(response, request);
    }
    const stopped = await quern(batchOf(three, out, '--outage', '1s'), { env });
    expect(stopped).toMatchObject({ code: 1, stdout: '' });
    expect(stopped.stderr).toContain('quern: 15 of 60 done; the same command goes on from there\n');
    expect(stopped.stderr).toMatch(/no server is left to ask \(.*503.*; .*503.*; .*503/);
    expect(existsSync(out)).toBe(false);
    const kept = journaled(out);
    expect(kept).toHaveLength(15);
    const [first] = three;
    const before = first.questions.length;
    first.reply = echo;
    first.models = streamed();
    const { code } = await quern(batchOf(three, out), { env });
    expect(code).toBe(0);
    expect(first.questions.slice(before).filter((query) => kept.includes(query))).toEqual([]);
    expect(records(out).map(({ id }) => id)).toEqual(ids);
  });

  it('says which server lacks the model, and does without it', async () => {
    const out = fresh();
    three[1].reply = failing(404, { message: 'The model `served` does not exist.' });
    const { code, stderr } = await quern(batchOf(three, out), { env });
    expect(code).toBe(0);
    expect(stderr).toContain(
      `quern: ${three[1].name()} leaves the pool: the server answers 404: The model \`served\` does not exist.\n`,
    );
    expect(records(out).map(({ finish }) => finish)).toEqual(ids.map(() => 'stop'));
  });
});
