import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, it, onTestFinished } from 'vitest';
import { startQuern } from './run-quern.ts';
import { temporaryFolder } from './temporary-folder.ts';

const folder = temporaryFolder();

it('ends when it is told to while a model server does not answer', async () => {
  const silent = createServer(() => undefined).listen(0, '127.0.0.1');
  onTestFinished(() => {
    silent.close();
    silent.closeAllConnections();
  });
  await once(silent, 'listening');
  const asked = once(silent, 'request');
  const { port } = silent.address() as AddressInfo;
  const child = startQuern(
    ['serve', '--port', '0', '--reasoner', `qr=openai:model@http://127.0.0.1:${port}/v1`],
    { env: { QUERN_SERVE_CACHE: join(folder, 'cache') } },
  );
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines: string[] = [];
  createInterface(child.stderr!).on('line', (said) => void lines.push(said));
  const closed = once(child, 'close');
  await asked;
  await expect.poll(() => lines.join('\n')).toContain('serving at');
  child.kill('SIGTERM');
  expect(await closed).toEqual([0, null]);
  expect(lines).not.toContain('quern: ready');
});

it('goes on when nobody reads its log any more', async () => {
  const child = startQuern(['serve', '--port', '0', '--json'], {
    env: { QUERN_SERVE_CACHE: join(folder, 'cache') },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let printed = '';
  for await (const piece of child.stdout!) {
    printed += String(piece);
    if (printed.endsWith('}\n')) break;
  }
  const { url } = JSON.parse(printed) as { url: string };
  const closed = once(child, 'close');
  child.stderr!.destroy();
  for (let i = 0; i < 3; i++) expect((await fetch(`${url}/healthz`)).status).toBe(200);
  expect((await fetch(`${url}/nothing`)).status).toBe(404);
  child.kill('SIGTERM');
  expect(await closed).toEqual([0, null]);
});
