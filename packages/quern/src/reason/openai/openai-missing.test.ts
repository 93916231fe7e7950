import { spawn } from 'node:child_process';
import { expect, it } from 'vitest';
import { compiledSources } from '../../../test/compiled-sources.ts';
import { finished } from '../../../test/run-quern.ts';

// They lie where no package is installed.
const compiled = compiledSources();

it('without the package openai, the remote reasoner says how to get it', async () => {
  const program = `
    const { OpenAiReasoner } = await import(${JSON.stringify(compiled('reason/openai.js'))});
    const reasoner = OpenAiReasoner.create({ name: 'openai:m@http://127.0.0.1:9/v1', env: {} });
    for (const call of [reasoner.ready(), reasoner.reason('q')]) {
      await call.catch(({ code, message }) => console.log(code, message));
    }
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  expect(await finished(child)).toEqual({
    code: 0,
    stdout: 'MISSING_PACKAGE the package openai is not installed. npm install openai\n'.repeat(2),
    stderr: '',
  });
});
