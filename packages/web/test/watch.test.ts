/** The page of `quern train watch` in a browser: that of the service, and nothing beside it. */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Browser } from 'playwright-core';
import { watchRuns } from '../../quern/src/serve/watch/watch-server.ts';
import { temporaryFolder } from '../../quern/test/temporary-folder.ts';
import { barriers, hasBrowser, screenshot, startBrowser, visit } from './browser.ts';
import { WrittenRun } from './training-runs.ts';

describe.skipIf(!hasBrowser)('the page of quern train watch', () => {
  const root = temporaryFolder();
  let browser: Browser;
  beforeAll(async () => {
    browser = await startBrowser();
    mkdirSync(join(root, 'runs'));
  });
  afterAll(async () => browser?.close());

  it('is the first page, and the only one', async () => {
    const run = new WrittenRun(root, 'watched').train(1, 20).say({ status: 'done', step: 20, max_steps: 20 });
    const server = await watchRuns([run.folder]);
    const { page, faults, close } = await visit(browser, server.url);
    await page.getByRole('heading', { level: 1, name: 'Training' }).waitFor();
    await page.getByRole('checkbox', { name: 'watched', checked: true }).waitFor();
    await page.locator('canvas').first().waitFor();
    expect(await page.title()).toBe('Training · Quern');
    const links = page.getByRole('navigation', { name: 'Pages' }).getByRole('link');
    expect(await links.allTextContents()).toEqual(['Training']);
    expect(await links.first().getAttribute('aria-current')).toBe('page');
    await page.goto(`${server.url}/#/data`);
    await page.getByText('There is no such page').waitFor();
    await page.getByRole('link', { name: 'Go to the first page' }).click();
    await page.getByRole('checkbox', { name: 'watched' }).uncheck();
    await page.getByText('Choose a run to see its curves and samples.').waitFor();
    expect(await barriers(page)).toEqual([]);
    expect(faults).toEqual([]);
    await screenshot(page, 'watch');
    await close();
    await server.close();
  });

  it('has nothing but the run as long as that has written nothing', async () => {
    const { folder } = new WrittenRun(root, 'opened');
    const server = await watchRuns([folder]);
    const { page, faults, close } = await visit(browser, server.url);
    await page.getByText('Not begun').waitFor();
    await page.getByText('The run has written no metrics yet').waitFor();
    await page.getByText('The run has kept no samples yet').waitFor();
    expect(await page.locator('canvas').count()).toBe(0);
    expect(faults).toEqual([]);
    await close();
    await server.close();
  });

  it('is shown to who gives the token as a password', async () => {
    const { folder } = new WrittenRun(root, 'guarded').train(1, 3);
    const server = await watchRuns([folder], { token: 'word' });
    const { page, faults, close } = await visit(browser, server.url, {
      httpCredentials: { username: 'me', password: 'word' },
      expected: ['401'],
    });
    await page.getByRole('checkbox', { name: 'guarded', checked: true }).waitFor();
    await page.locator('canvas').first().waitFor();
    expect(faults).toEqual([]);
    await close();
    await server.close();
  });
});

it('no script of the pages makes markup of a text', () => {
  const folder = resolve(import.meta.dirname, '../src');
  const scripts = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /\.tsx?$/.test(name),
  );
  expect(scripts.length).toBeGreaterThan(20);
  for (const name of scripts) {
    expect(readFileSync(join(folder, name), 'utf8')).not.toMatch(
      /innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|\beval\(|new Function/,
    );
  }
});
