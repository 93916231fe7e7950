import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it, vi } from 'vitest';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import { OnnxModel } from './onnx-model.ts';

const folder = temporaryFolder();
const data = { folder, subfolder: 'onnx', dtype: 'fp32', task: 'embedding', threads: 1 } as const;
const request = { texts: ['a'], maxTokens: 8 };

/** A thread that answers the first requests, and dies of the one after. */
function dyingThread(answers: number): URL {
  const file = join(folder, `thread-${answers}.mjs`);
  writeFileSync(
    file,
    `import { parentPort } from 'node:worker_threads';
    let left = ${answers};
    parentPort.on('message', () => {
      if (left-- > 0) parentPort.postMessage({ sequences: [] });
      else process.exit(3);
    });`,
  );
  return pathToFileURL(file);
}

it('where its thread dies, all that wait for it are told, and the next request starts another', async () => {
  const model = new OnnxModel(data, dyingThread(1));
  const outcomes = await Promise.allSettled([1, 2, 3].map(() => model.tokens(request)));
  const died = { status: 'rejected', reason: { code: 'IO', where: folder } };
  expect(outcomes).toMatchObject([{ status: 'fulfilled' }, died, died]);
  expect(await model.tokens(request)).toEqual([]);
  await model.close();
});

it('a thread whose program is not there fails what waits for it', async () => {
  const model = new OnnxModel(data, pathToFileURL(join(folder, 'absent.mjs')));
  await expect(model.tokens(request)).rejects.toMatchObject({ code: 'IO' });
  await model.close();
});

it('closing waits for what its thread works on, and leaves the rest', async () => {
  const done = join(folder, 'done-');
  const file = join(folder, 'slow.mjs');
  // Waits as inference does: the thread sees nothing else meanwhile.
  writeFileSync(
    file,
    `import { writeFileSync } from 'node:fs';
    import { parentPort } from 'node:worker_threads';
    parentPort.on('message', ({ end, tokens }) => {
      if (end) process.exit();
      writeFileSync(${JSON.stringify(done)} + 'begun', '');
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
      writeFileSync(${JSON.stringify(done)} + tokens.texts[0], '');
    });`,
  );
  const model = new OnnxModel(data, pathToFileURL(file));
  const waiting = model.tokens(request);
  waiting.catch(() => undefined);
  await vi.waitFor(() => expect(existsSync(`${done}begun`)).toBe(true), { timeout: 10_000 });
  await model.close();
  expect(existsSync(`${done}a`)).toBe(true);
  await expect(waiting).rejects.toMatchObject({ code: 'ABORTED' });
});

it('closing twice, or what was never used, does no harm', async () => {
  const model = new OnnxModel(data);
  await model.close();
  await model.close();
  await expect(model.tokens(request)).rejects.toMatchObject({ code: 'ABORTED' });
});
