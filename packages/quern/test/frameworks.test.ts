import { execFile } from 'node:child_process';
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { quernJson } from './run-quern.ts';
import { temporaryFolder } from './temporary-folder.ts';

const root = resolve(import.meta.dirname, '../../..');
const guide = readFileSync(join(root, 'docs/guides/search-in-your-app.md'), 'utf8');
const run = promisify(execFile);

/** What a program prints that Node runs. Throws where it exits with another code than 0. */
async function printed(args: readonly string[], cwd = root): Promise<string> {
  return (await run(process.execPath, args, { cwd })).stdout;
}

/** An address that holds a module. */
function dataUrl(code: string): string {
  return `data:text/javascript,${encodeURIComponent(code)}`;
}

describe('an example, run from a checkout', () => {
  const asked = /as it is finds:\n  1 .*storing-mushrooms/;
  const reasoned = /Reasoned about, it finds:\n  1 .*maillard-browning.*\n  2 .*boiling-ceiling/;

  it('shows what LangChain finds, and a chain that ends in a model', async () => {
    const shown = await printed(['examples/langchain.mjs']);
    expect(shown).toMatch(asked);
    expect(shown).toMatch(reasoned);
    expect(shown).toMatch(/as a step, then the retriever:\n  1 .*maillard-browning/);
    expect(shown).toMatch(/says: Too many at once boil/);
  });

  it('shows what LlamaIndex finds, and what a chat engine was given', async () => {
    const shown = await printed(['examples/llamaindex.mjs']);
    expect(shown).toMatch(asked);
    expect(shown).toMatch(reasoned);
    expect(shown).toMatch(/It was given: kitchen\/maillard-browning, kitchen\/boiling-ceiling/);
  });

  it('shows what models of the AI SDK are given by a middleware and by a tool', async () => {
    const shown = await printed(['examples/ai-sdk.mjs']);
    expect(shown).toMatch(
      /With the middleware: I was given “Where roasted flavour comes from”, “Liquid water/,
    );
    expect(shown).toMatch(/With the tool, in 2 steps: I was given “Where roasted flavour comes from”/);
  });
});

describe('the code of the guide', () => {
  const [, section] = /## In your framework\n([^]*?)\n## /.exec(guide)!;
  const [first, ...plugIns] = Array.from(section.matchAll(/```js\n([^]*?)```/g), ([, code]) => code);
  const folder = temporaryFolder();

  beforeAll(async () => {
    for (const name of ['node_modules', 'examples']) symlinkSync(join(root, name), join(folder, name));
    await quernJson(['index', 'examples/collection', '--out', 'my.index', '--store'], {
      cwd: folder,
    });
  });

  async function shownBy(plugIn: string, before = ''): Promise<string> {
    writeFileSync(join(folder, 'try.mjs'), `${before}\n${first}\n${plugIn}\nawait index.close();\n`);
    return printed(['try.mjs'], folder);
  }

  it('runs in LangChain', async () => {
    const shown = await shownBy(plugIns[0]);
    expect(shown).toMatch(/^1 Why bread goes stale/);
    expect(shown).toContain('\n4 ');
    expect(shown).toMatch(/starch/);
  });

  it('runs in LlamaIndex', async () => {
    expect(await shownBy(plugIns[1])).toMatch(/^\d+\.\d\d kitchen\/\S+ Why bread goes stale/);
  });

  it('runs in the AI SDK', async () => {
    const model = `
      import { MockLanguageModelV3 } from 'ai/test';
      const usage = { inputTokens: {}, outputTokens: {} };
      const model = new MockLanguageModelV3({
        doGenerate: async ({ prompt, tools }) => ({
          content: [{ type: 'text', text: [tools?.length ?? 0, JSON.stringify(prompt)].join(' tools, ') }],
          finishReason: { unified: 'stop' }, usage, warnings: [],
        }),
      });`;
    const [informed, agent] = (await shownBy(plugIns[2], model)).split('\n');
    expect(informed).toMatch(/^0 tools, .*<passages>.*Why bread goes stale/);
    expect(agent).toMatch(/^1 tools, (?!.*<passages>)/);
  });
});

describe('frameworks that are not there', () => {
  const hook = `export async function resolve(name, context, next) {
    if (/^(@langchain|@llamaindex|llamaindex$|ai$|@ai-sdk)/.test(name)) throw new Error('not there: ' + name);
    return next(name, context);
  }`;
  const without = dataUrl(
    `import { register } from 'node:module'; register(${JSON.stringify(dataUrl(hook))});`,
  );

  it('are missed by their own entries alone', async () => {
    const entries = ['quern', 'quern/train', 'quern/langchain', 'quern/llamaindex', 'quern/ai'];
    const code = `for (const name of ${JSON.stringify(entries)})
      console.log(name, await import(name).then(() => 'is there', ({ message }) => message));`;
    const shown = await printed(['--import', without, '--input-type=module', '-e', code]);
    expect(shown).toMatch(/^quern is there\nquern\/train is there\nquern\/langchain not there: @langchain/);
    expect(shown).toMatch(/quern\/llamaindex not there: @llamaindex.*\nquern\/ai not there: ai\n$/);
  });

  it('are not missed by the command line', async () => {
    const program = join(root, 'packages/quern/bin/quern.js');
    expect(await printed(['--import', without, program, 'doctor', '--json'])).toContain('"@langchain/core"');
  });
});
