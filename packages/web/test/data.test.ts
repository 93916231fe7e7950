import { mkdirSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { curatedSet } from '../../quern/test/curated-set.ts';
import { startService, type ServiceUnderTest } from '../../quern/test/running-service.ts';
import { temporaryFolder } from '../../quern/test/temporary-folder.ts';
import { barriers, hasBrowser, overhang, phone, screenshot, startBrowser, visit } from './browser.ts';

describe.skipIf(!hasBrowser)('the page Data', () => {
  const folder = temporaryFolder();
  let browser: Browser;
  let service: ServiceUnderTest;
  beforeAll(async () => {
    browser = await startBrowser();
    await curatedSet(join(folder, 'dumps'), join(folder, 'sets', 'kettles'), { seed: 7 });
    await curatedSet(join(folder, 'dumps'), join(folder, 'sets', 'drawn'), { perDomain: 20 });
    service = await startService(folder, { sets: ['./sets'] });
  });
  afterAll(async () => {
    await browser?.close();
    await service?.close();
  });

  it('shows the funnel, the guard, the domains, the lengths and the command, without faults and barriers', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page, faults, close } = await visit(browser, `${service.url}/#/data`, { colorScheme });
      await shown(page);
      await page.getByLabel('Training set').selectOption({ label: 'kettles (62 questions)' });
      await page.getByText('--seed 7').waitFor();
      expect(await page.getByLabel('Left out by filter').innerText()).toBe(
        'shows an image 2\nnegative score 1',
      );
      await page.getByText('The same as a table').click();
      expect(await page.getByRole('row', { name: /^positives 63 62 98.4 % no answer: 1$/ }).count()).toBe(1);
      expect(await page.getByText('It was held against no benchmark.').count()).toBe(1);
      expect(await page.getByRole('row', { name: /^kettles 64 60 93.8 %/ }).count()).toBe(1);
      expect(await page.getByRole('table', { name: /^Questions, by characters/ }).count()).toBe(1);
      expect(await page.getByText(/^CC BY-SA \d\.0: 184 posts\./).count()).toBe(1);
      await page.getByText('All options').click();
      expect(await barriers(page)).toEqual([]);
      expect(faults).toEqual([]);
      await screenshot(page, `data-${colorScheme}`);
      await close();
    }
  });

  it('goes through questions, finds some, and has them in its address', async () => {
    const { page, faults, close } = await visit(browser, `${service.url}/#/data`);
    await shown(page);
    await page.getByLabel('Training set').selectOption({ label: 'kettles (62 questions)' });
    await page.getByText(/^Questions 1 to 10 of /).waitFor();
    const first = await page.locator('.question .title').allInnerTexts();
    expect(first).toHaveLength(10);
    await page.getByRole('button', { name: 'Next' }).click();
    await page.getByText(/^Questions 11 to 20 of /).waitFor();
    await page.locator('.list:focus').waitFor();
    await page.getByRole('button', { name: 'Previous' }).click();
    await page.getByText(/^Questions 1 to 10 of /).waitFor();
    expect(await page.locator('.question .title').allInnerTexts()).toEqual(first);
    await page.getByLabel('Text').fill('will be QUIET');
    const said = await page.locator('p.note[role=status]').elementHandle();
    await page.keyboard.press('Enter');
    await page.getByText(/^10 found in the rows 1 to 1\d of /).waitFor();
    expect(await page.evaluate('document.activeElement.type')).toBe('search');
    // What is read out by itself is the same element as before, with other words.
    expect(await said!.innerText()).toMatch(/^10 found in the rows /);
    await page.getByRole('button', { name: 'Next' }).click();
    await page.getByText(/^10 found in the rows 1\d to 2\d of /).waitFor();
    expect(await page.locator('.question[open] mark').allInnerTexts()).toEqual(['will be quiet']);
    const titles = await page.locator('.question .title').allInnerTexts();
    const again = await visit(browser, page.url());
    await again.page.getByText(/^10 found in the rows 1\d to 2\d of /).waitFor();
    expect(await again.page.locator('.question .title').allInnerTexts()).toEqual(titles);
    expect(await again.page.getByLabel('Text').inputValue()).toBe('will be QUIET');
    await again.close();
    await page.getByLabel('Text').fill('no such words');
    await page.getByRole('button', { name: 'Search' }).click();
    await page.getByText(/^None found in the rows 1 to (\d+) of \1, to the end\.$/).waitFor();
    expect(faults).toEqual([]);
    await close();
  });

  it('shows texts as text, code with its lines, and leads nowhere by itself', async () => {
    const { page, faults, close } = await visit(browser, `${service.url}/#/data?q=onerror`);
    await shown(page);
    // Which split it is in is decided by its id.
    for (const split of ['train', 'validation', 'test']) {
      const asked = page.waitForResponse((response) => response.url().includes(`split=${split}`));
      if (split !== 'train') await page.getByRole('combobox', { name: /^Split/ }).selectOption(split);
      else await page.reload();
      await asked;
      await page.getByText(/found in the rows|is empty/).waitFor();
      if ((await page.locator('.question').count()) > 0) break;
    }
    const question = page.locator('.question');
    expect(await question.locator('.title').innerText()).toBe('<img src=x onerror=alert(1)> & "quotes"');
    expect(await question.locator('pre').allInnerTexts()).toEqual([
      'if (a < b) {\n    alert("<script>");\n}',
      'let a = 1;\nlet b = 2;',
    ]);
    expect(await question.locator('img, b, script').count()).toBe(0);
    const link = question.getByRole('link');
    expect(await link.getAttribute('href')).toBe('https://odd.stackexchange.com/questions/1');
    expect(await link.getAttribute('rel')).toContain('noreferrer');
    expect(await barriers(page)).toEqual([]);
    expect(faults).toEqual([]);
    await close();
  });

  it('fits a phone', async () => {
    const { page, faults, close } = await visit(browser, `${service.url}/#/data`, { viewport: phone });
    await shown(page);
    expect(await overhang(page)).toBe(0);
    expect(await barriers(page)).toEqual([]);
    expect(faults).toEqual([]);
    await screenshot(page, 'data-phone');
    await close();
  });

  it('is used by the keyboard alone', async () => {
    const { page, close } = await visit(browser, `${service.url}/#/data`);
    await shown(page);
    await page.locator('.question summary').nth(1).focus();
    await page.keyboard.press('Enter');
    expect(await page.locator('.question').nth(1).getAttribute('open')).not.toBeNull();
    await page.getByRole('button', { name: 'Next' }).focus();
    await page.keyboard.press('Space');
    await page.getByText(/^Questions 11 to /).waitFor();
    await close();
  });

  it('says what is damaged, and what is not here', async () => {
    const other = join(folder, 'other');
    mkdirSync(other);
    await curatedSet(join(folder, 'dumps'), join(other, 'sets', 'broken'));
    await curatedSet(join(folder, 'dumps'), join(other, 'sets', 'half'));
    truncateSync(join(other, 'sets', 'broken', 'dataset.json'), 100);
    truncateSync(join(other, 'sets', 'half', 'train.parquet'), 100);
    const damaged = await startService(other, { sets: ['./sets'] });
    const { page, faults, close } = await visit(browser, `${damaged.url}/#/data`, { expected: ['503'] });
    // The first that can be read is shown.
    await page.getByText('The set cannot be read: not a readable Parquet file.').waitFor();
    expect(await page.getByText('From what was read').count()).toBe(1);
    expect(await barriers(page)).toEqual([]);
    await screenshot(page, 'data-damaged');
    await page.getByLabel('Training set').selectOption({ label: 'broken (cannot be read)' });
    await page.getByText('Broken: dataset.json is no whole record of quern curate.').waitFor();
    expect(await barriers(page)).toEqual([]);
    await page.goto(`${damaged.url}/#/data?set=gone`);
    await page.getByText('The set of this address is not here.').waitFor();
    rmSync(join(other, 'sets'), { recursive: true });
    await page.reload();
    await page.getByText('No training set is shown here yet').waitFor();
    expect(await barriers(page)).toEqual([]);
    await screenshot(page, 'data-empty');
    expect(faults).toEqual([]);
    await close();
    await damaged.close();
  });
});

async function shown(page: Page): Promise<void> {
  await page.getByRole('heading', { name: 'Licence and authors' }).waitFor();
  await page.waitForLoadState('networkidle');
}
