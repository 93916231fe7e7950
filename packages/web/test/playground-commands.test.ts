/** What the playground shows as "the same from elsewhere" is really run, and finds the same. */
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import * as fc from 'fast-check';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startService, type ServiceUnderTest } from '../../quern/test/running-service.ts';
import { temporaryFolder } from '../../quern/test/temporary-folder.ts';
import { shellWord } from '../src/pages/playground/commands.ts';
import { hasBrowser, startBrowser, visit } from './browser.ts';
import { answered, asking, idsOf, question, recorded, sampleIndex } from './playground-service.ts';

const program = resolve(import.meta.dirname, '../../quern/bin/quern.js');
const hostile = 'it\'s "$HOME" `x` $(y) \\n !! *\nbread ~ \\\' é';

/** What bash prints for a script. */
async function bash(script: string, cwd?: string): Promise<string> {
  const { stdout } = await promisify(execFile)('bash', ['-c', script], { cwd, maxBuffer: 1 << 26 });
  return stdout;
}

/** The ids of the hits of an answer in JSON. */
function ids(answer: string): string[] {
  return (JSON.parse(answer) as { hits: { id: string }[] }).hits.map(({ id }) => id);
}

it('words of a shell are what they were, whatever they hold', async () => {
  const text = fc.string({ unit: 'binary', maxLength: 60 }).filter((each) => !each.includes('\0'));
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(text, fc.constant(hostile)), { minLength: 20 }), async (words) => {
      const printed = await bash(`printf '%s\\0' ${words.map(shellWord).join(' ')}`);
      // The shell takes bytes; a lone surrogate has none of its own.
      expect(printed.split('\0').slice(0, -1)).toEqual(words.map((word) => Buffer.from(word).toString()));
    }),
    { numRuns: 20 },
  );
});

describe.skipIf(!hasBrowser)('the same from elsewhere', () => {
  const folder = temporaryFolder();
  let browser: Browser;
  let service: ServiceUnderTest;
  let index: string;

  beforeAll(async () => {
    index = await sampleIndex(folder);
    service = await startService(folder, {
      indexes: { sample: { index, retriever: 'bm25q' } },
      reasoners: { recorded },
      log: { level: 'silent' },
    });
    browser = await startBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await service?.close();
  });

  it.each<Readonly<Record<string, string>>>([
    { q: hostile, index: 'sample', reasoner: 'rm3' },
    { q: `--explain ${hostile}`, index: 'sample', reasoner: 'rm3', k: '3' },
    {
      q: question('toward-the-wind'),
      index: 'sample',
      reasoner: 'recorded',
      combine: 'interpolate:0.3',
      key: '0.2',
      early: '1',
      retriever: 'bm25',
      k: '7',
    },
  ])('the command, curl and JavaScript find what is on screen: %j', async (params) => {
    const { page, close } = await visit(browser, `${service.url}/${asking(params)}`);
    await answered(page);
    const shown = await idsOf(page, 'with');
    expect(shown.length).toBeGreaterThan(2);
    await page.getByText('The same from elsewhere').click();
    const code = (way: string): Promise<string | null> => page.locator(`[data-way=${way}]`).textContent();

    const command = (await code('command'))!.replace('npx quern search', 'quern search --json');
    const quern = `quern() { ${shellWord(process.execPath)} ${shellWord(program)} "$@"; }`;
    expect(ids(await bash(`${quern}\n${command}`, folder))).toEqual(shown);

    expect(ids(await bash((await code('curl'))!.replace('curl', 'curl -s')))).toEqual(shown);

    const script = `${await code('fetch')}\nconsole.log(JSON.stringify({ hits }));`;
    const run = promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
    expect(ids((await run).stdout)).toEqual(shown);
    await close();
  });

  it('a page that knows its reasoner to be recorded says so before anything is asked, and of no other', async () => {
    const { page, close } = await visit(browser, 'about:blank');
    await page.goto(`${service.url}/#/?index=sample&reasoner=recorded`);
    const note = page.getByText('for certain questions alone');
    expect(await note.textContent()).toContain('The reasoner recorded plays back texts');
    await page.getByRole('combobox', { name: 'Reasoner' }).selectOption('rm3');
    await note.waitFor({ state: 'detached' });
    await close();
  });

  it('what is copied is what is shown', async () => {
    const { page, close } = await visit(
      browser,
      `${service.url}/${asking({ q: hostile, reasoner: 'rm3' })}`,
      {
        permissions: ['clipboard-read', 'clipboard-write'],
      },
    );
    await answered(page);
    await page.getByText('The same from elsewhere').click();
    await page.getByRole('button', { name: 'Copy the command' }).click();
    await page.getByRole('button', { name: 'Copied' }).waitFor();
    const copied = await page.evaluate('navigator.clipboard.readText()');
    expect(copied).toBe(await page.locator('[data-way=command]').textContent());
    expect(copied).toContain('quern search ');
    await close();
  });
});
