import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { sampleFolder } from './beir-collection.ts';
import { finished, quern, startQuern } from './run-quern.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** `quern serve` with `args`, and where it listens. */
async function served(args: readonly string[]): Promise<{ child: ChildProcess; url: string }> {
  const child = startQuern(['serve', ...args, '--port', '0', '--json']);
  // Where a test fails first, it still removes its folder.
  onTestFinished(() => void child.kill('SIGTERM'));
  const url = await new Promise<string>((resolve) => {
    let printed = '';
    child.stdout!.on('data', (data: Buffer) => {
      printed += data.toString();
      if (printed.endsWith('}\n')) resolve((JSON.parse(printed) as { url: string }).url);
    });
  });
  return { child, url };
}

it('serve --sample serves the sample collection, and leaves nothing behind', async () => {
  const { child, url } = await served(['--sample']);
  const ended = finished(child);
  const get = async (path: string): Promise<unknown> => (await fetch(url + path)).json();
  const config = (await get('/v1/config')) as { declared: { indexes: { sample: string } } };
  expect(config).toMatchObject({ indexes: ['sample'], reasoners: ['none', 'rm3', 'recorded'] });
  expect(await get('/v1/indexes/sample/questions?limit=1')).toMatchObject({ total: 30 });
  const { runs } = (await get('/v1/runs')) as { runs: { collection: string; reasoner: string }[] };
  expect(runs.map(({ collection, reasoner }) => [collection, reasoner])).toEqual([
    ['sample', 'none'],
    ['sample', 'file:reasoned.json'],
    ['sample', 'rm3'],
  ]);
  const { sets } = (await get('/v1/sets')) as { sets: { id: string }[] };
  expect(sets).toMatchObject([
    { name: 'sample', questions: 30, positives: 70, splits: { train: 17, validation: 9, test: 4 } },
  ]);
  const { record } = (await get(`/v1/sets/${sets[0]!.id}`)) as { record: { stages: unknown[] } };
  const judged = readFileSync(join(sampleFolder, 'qrels/test.tsv'), 'utf8').trim().split('\n').length - 1;
  expect(record.stages).toContainEqual(
    expect.objectContaining({ stage: 'parse', counts: { questions: 30, answers: judged } }),
  );
  expect((await fetch(url)).headers.get('content-type')).toBe('text/html; charset=utf-8');
  const folder = dirname(config.declared.indexes.sample);
  expect(existsSync(folder)).toBe(true);
  child.kill('SIGINT');
  expect((await ended).code).toBe(0);
  expect(existsSync(folder)).toBe(false);
});

it('serve shows the runs and sets of folders that options name, beside the sample', async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'runs', 'mine'), { recursive: true });
  writeFileSync(join(folder, 'runs', 'mine', 'metrics.jsonl'), '{"step":1,"reward":0.5}\n');
  mkdirSync(join(folder, 'sets', 'broken'), { recursive: true });
  writeFileSync(join(folder, 'sets', 'broken', 'dataset.json'), '{');
  const named = ['--runs', join(folder, 'runs'), '--sets', join(folder, 'sets')];
  for (const sample of [['--sample'], []]) {
    const { child, url } = await served([...sample, ...named]);
    const names = async (kind: 'runs' | 'sets'): Promise<string[]> => {
      const answer = (await (await fetch(`${url}/v1/${kind}`)).json()) as Record<string, { name: string }[]>;
      return answer[kind]!.map(({ name }) => name).toSorted();
    };
    expect(await names('runs')).toEqual(sample.length > 0 ? ['mine', 'none', 'recorded', 'rm3'] : ['mine']);
    expect(await names('sets')).toEqual(sample.length > 0 ? ['broken', 'sample'] : ['broken']);
    const ended = finished(child);
    child.kill('SIGINT');
    expect((await ended).code).toBe(0);
  }
});

it('serve --sample is not mixed with a configuration', async () => {
  const { code, stderr } = await quern(['serve', '--sample', '--config', 'quern.yaml']);
  expect(code).toBe(2);
  expect(stderr).toContain('--config');
});

it('serve says which named folder is not there, and refuses what is no folder', async () => {
  const folder = temporaryFolder();
  const [later, file] = [join(folder, 'later'), join(folder, 'file')];
  writeFileSync(file, '');
  const { code, stderr } = await quern(['serve', '--runs', later, '--sets', file, '--port', '0']);
  expect(code).toBe(1);
  expect(stderr).toBe(
    `quern: --runs ${later}: there is no such folder yet; it is shown once there is\n` +
      `quern: --sets ${file}: it is no folder\n`,
  );
  const unnamed = await quern(['serve', '--runs', '']);
  expect(unnamed.code).toBe(2);
  expect(unnamed.stderr).toContain('It must name a folder.');
});
