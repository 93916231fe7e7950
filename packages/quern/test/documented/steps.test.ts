import { expect, it } from 'vitest';
import { documentOf } from './documents.ts';
import { exemptions } from './exempt.ts';
import { unknownIn } from './known-options.ts';
import { isTakenBy } from './place.ts';
import { stepsOf } from './steps.ts';

const kindsOf = (markdown: string) => stepsOf(documentOf('a.md', markdown)).map(({ kind }) => kind);
const faultOf = (command: string) => exemptions.find(({ matches }) => matches.test(command))!.fault(command);
const takes = (text: string, name = 'my.index') => isTakenBy(text, { name });
const shell = (...commands: string[]) => `\`\`\`sh\n${commands.join('\n')}\n\`\`\`\n`;

it('takes what it can run for a command, and what it does not know for unknown', () => {
  expect(
    kindsOf(shell('npx quern doctor', 'mkdir a && cat b > c', 'npm test', 'apt-get install curl')),
  ).toEqual(['command', 'command', 'exempt', 'unknown']);
  expect(kindsOf(shell('mkdir a && kubectl apply -f a'))).toEqual(['unknown']);
});

it('keeps the order of a document, in which programs and configurations are steps too', () => {
  const program = "```ts\nimport { answer } from 'quern';\n```\n";
  const configuration = '```yaml\nindexes: { notes: notes.index }\n```\n';
  const table = '| `node examples/langchain.mjs` | `node try.mjs` |\n\n';
  expect(kindsOf(program + shell('quern doctor') + configuration + table)).toEqual([
    'program',
    'command',
    'configuration',
    'command',
  ]);
});

it('holds of what it does not run what it can', () => {
  expect(faultOf('npm run demo')).toBeUndefined();
  expect(faultOf('npm run demonstration')).toBe('package.json has no script demonstration');
  expect(faultOf('npm install quern fastify @fastify/helmet@13')).toBeUndefined();
  expect(faultOf('npm install fastify fastity')).toBe('Quern uses no package fastity');
  expect(faultOf('pip install -r engines/requirements/no.txt')).toBe(
    'there is no engines/requirements/no.txt',
  );
});

it('knows what a command takes, and what it makes', () => {
  expect(takes('quern search my.index "why"')).toBe(true);
  expect(takes("await LexicalIndex.open('my.index');")).toBe(true);
  expect(takes('quern index notes --out my.index')).toBe(false);
  expect(takes('quern index notes --append --out my.index')).toBe(true);
  expect(takes('quern search other/my.index "why"')).toBe(false);
  expect(takes('quern index corpus.jsonl.gz', 'corpus.jsonl')).toBe(false);
  expect(takes('quern reason --batch a --out reasoned.jsonl', 'reasoned.jsonl')).toBe(false);
});

it('knows the options of the command line', async () => {
  const commands = [
    'quern eval --save',
    'npx quern serve token --name ci',
    'quern evaluate',
    'quern eval --safe x',
  ];
  expect(await Promise.all(commands.map((command) => unknownIn(command)))).toEqual([
    undefined,
    undefined,
    'evaluate',
    '--safe',
  ]);
});
