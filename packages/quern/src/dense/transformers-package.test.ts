import { spawn } from 'node:child_process';
import { expect, it } from 'vitest';
import { compiledSources } from '../../test/compiled-sources.ts';
import { finished } from '../../test/run-quern.ts';
import { transformersPackage } from './transformers-package.ts';

// They lie where no package is installed.
const compiled = compiledSources();

it('without transformers.js, it is said how to get it', async () => {
  const program = `
    const { transformersPackage } = await import(${JSON.stringify(compiled('dense/transformers-package.js'))});
    await transformersPackage().catch(({ code, message }) => console.log(code, message));
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  expect(await finished(child)).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(
      /^MISSING_PACKAGE .*ONNXRUNTIME_NODE_INSTALL=skip npm install @huggingface/,
    ),
    stderr: '',
  });
});

it('transformers.js may fetch, keep and print nothing', async () => {
  expect((await transformersPackage()).env).toMatchObject({
    allowRemoteModels: false,
    useFSCache: false,
    logLevel: 50,
  });
});
