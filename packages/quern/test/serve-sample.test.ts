import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, it } from 'vitest';
import { finished, quern, startQuern } from './run-quern.ts';

it('serve --sample serves the sample collection, and leaves nothing behind', async () => {
  const child = startQuern(['serve', '--sample', '--port', '0', '--json']);
  const ended = finished(child);
  const url = await new Promise<string>((resolve) => {
    let printed = '';
    child.stdout!.on('data', (data: Buffer) => {
      printed += data.toString();
      if (printed.endsWith('}\n')) resolve((JSON.parse(printed) as { url: string }).url);
    });
  });
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
  expect((await fetch(url)).headers.get('content-type')).toBe('text/html; charset=utf-8');
  const folder = dirname(config.declared.indexes.sample);
  expect(existsSync(folder)).toBe(true);
  child.kill('SIGINT');
  expect((await ended).code).toBe(0);
  expect(existsSync(folder)).toBe(false);
});

it('serve --sample is not mixed with a configuration', async () => {
  const { code, stderr } = await quern(['serve', '--sample', '--config', 'quern.yaml']);
  expect(code).toBe(2);
  expect(stderr).toContain('--config');
});
