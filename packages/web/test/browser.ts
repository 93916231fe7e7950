import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import { chromium as name } from '../../quern/test/chromium.ts';
import { spawnSync } from 'node:child_process';

/** Whether there is a Chromium on this machine: without one, tests of pages skip. */
export const hasBrowser = name !== undefined;

/** Where screenshots go; undefined: nowhere. */
const shots = process.env['QUERN_SCREENSHOTS'];

/** A phone, and a desk. */
export const phone = { width: 390, height: 844 };
export const desk = { width: 1280, height: 900 };

/** Starts Chromium. */
export async function startBrowser(): Promise<Browser> {
  const executablePath = spawnSync('which', [name!], { encoding: 'utf8' }).stdout.trim();
  // It is shown nothing but pages of ours, and has no sandbox where tests run as root.
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
}

/** A page, and what went wrong in it. */
export interface Visited {
  readonly page: Page;
  /** Errors that were thrown or logged, what the policy refused, and requests to anywhere else. */
  readonly faults: readonly string[];
  /** Bytes of the bodies that have come so far, as they were sent. */
  received(): Promise<number>;
  close(): Promise<void>;
}

/** Opens an address in a window of its own. Errors of the service that a test provokes are `expected`, by a part of their text. */
export async function visit(
  browser: Browser,
  url: string,
  options: BrowserContextOptions & { readonly expected?: readonly string[] } = {},
): Promise<Visited> {
  const { expected = [], ...rest } = options;
  const context = await browser.newContext({ viewport: desk, reducedMotion: 'reduce', ...rest });
  const page = await context.newPage();
  const faults: string[] = [];
  const { origin } = new URL(url);
  const sizes: Promise<number>[] = [];
  const fault = (text: string): void => {
    if (!expected.some((each) => text.includes(each))) faults.push(text);
  };
  page.on('pageerror', (error) => fault(`thrown: ${error.message}`));
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) fault(`${message.type()}: ${message.text()}`);
  });
  page.on('request', (request) => {
    const asked = new URL(request.url());
    if (asked.origin !== origin && !['data:', 'blob:'].includes(asked.protocol)) {
      fault(`asked elsewhere: ${request.url()}`);
    }
  });
  page.on('requestfinished', (request) => {
    // Of a page that has been closed nothing is known any more.
    sizes.push(
      request.sizes().then(
        ({ responseBodySize }) => responseBodySize,
        () => 0,
      ),
    );
  });
  await page.goto(url);
  return {
    page,
    faults,
    received: async () => (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0),
    close: () => context.close(),
  };
}

/** What axe finds wrong with a page as it is now, in words. */
export async function barriers(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  return violations.map(
    ({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`,
  );
}

/** Keeps a screenshot of the whole page, where the variable QUERN_SCREENSHOTS names a folder. */
export async function screenshot(page: Page, called: string): Promise<void> {
  if (shots === undefined) return;
  mkdirSync(shots, { recursive: true });
  await page.screenshot({ path: join(shots, `${called}.png`), fullPage: true });
}

/** By how many pixels a page is wider than its window: it would have to be moved sideways. */
export function overhang(page: Page): Promise<number> {
  const root = 'document.documentElement';
  return page.evaluate(`${root}.scrollWidth - ${root}.clientWidth`);
}
