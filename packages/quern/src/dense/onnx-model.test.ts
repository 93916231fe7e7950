import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
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

it('closing twice, or what was never used, does no harm', async () => {
  const model = new OnnxModel(data);
  await model.close();
  await model.close();
  await expect(model.tokens(request)).rejects.toMatchObject({ code: 'ABORTED' });
});
