import { cpSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { readServiceConfig } from '../src/serve/configuration/read-service-config.ts';
import { serve } from '../src/serve/serve.ts';
import { quern } from './run-quern.ts';
import { posted } from './service-of.ts';
import { temporaryFolder } from './temporary-folder.ts';

it('the example of a configuration serves the sample collection, as it says itself', async () => {
  const folder = temporaryFolder();
  cpSync(resolve(import.meta.dirname, '../../../examples'), folder, { recursive: true });
  const index = ['index', 'collection/corpus.jsonl', '--store', '--out', 'sample.index'];
  expect((await quern(index, { cwd: folder })).code).toBe(0);
  const settings = [{ path: ['listen', 'port'], value: 0, where: 'test' }];
  const config = await readServiceConfig({ file: join(folder, 'quern.yaml'), env: {}, settings });
  const service = await serve(config, { logTo: { write: () => undefined }, env: {} });
  try {
    await service.ready;
    const query =
      'Every time I cook mushrooms they end up grey and soggy, even with the burner on full and a good splash of oil. My neighbour puts in fewer at a time, and hers come out golden and taste of nuts. What difference can that possibly make?';
    const { status, body } = await posted(`${service.url}/v1/search`, {
      query,
      index: 'sample',
      reasoner: 'recorded',
      k: 3,
    });
    expect(status).toBe(200);
    expect(body['reasoned']).toMatchObject({ reasoner: 'recorded', finish: 'stop' });
    expect(JSON.stringify(body['hits'])).toContain('"kitchen/');
    expect(JSON.stringify(body)).not.toContain(folder);
  } finally {
    await service.close();
  }
});
