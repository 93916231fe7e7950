import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startService, type ServiceUnderTest } from '../../quern/test/running-service.ts';
import { temporaryFolder } from '../../quern/test/temporary-folder.ts';
import { newToken, tokenHash } from '../../quern/src/serve/configuration/tokens.ts';
import { barriers, hasBrowser, overhang, phone, screenshot, startBrowser, visit } from './browser.ts';

const pages = ['', 'training', 'evaluation', 'data'];
const titles = ['Playground', 'Training', 'Evaluation', 'Data'];

/** Waits until the page of a title says that there is nothing. */
async function shownEmpty(page: Page, title: string): Promise<void> {
  await page.getByRole('heading', { level: 1, name: title }).waitFor();
  await page.locator('main .empty').waitFor();
}

describe.skipIf(!hasBrowser)('the pages in a browser', () => {
  let browser: Browser;
  let service: ServiceUnderTest;
  beforeAll(async () => {
    browser = await startBrowser();
    service = await startService(temporaryFolder(), {});
  });
  afterAll(async () => {
    await browser?.close();
    await service?.close();
  });

  it.each(pages)(
    'the page %j of a service that has nothing stands without faults and barriers',
    async (path) => {
      for (const colorScheme of ['light', 'dark'] as const) {
        const { page, faults, close } = await visit(browser, `${service.url}/#/${path}`, { colorScheme });
        await shownEmpty(page, titles[pages.indexOf(path)]!);
        expect(await barriers(page)).toEqual([]);
        expect(faults).toEqual([]);
        await screenshot(page, `empty-${path === '' ? 'playground' : path}-${colorScheme}`);
        await close();
      }
    },
  );

  it('pages are reached by the keyboard alone, and say which they are', async () => {
    const { page, close } = await visit(browser, service.url);
    await page.getByRole('heading', { level: 1 }).waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    expect(await page.evaluate('document.activeElement.id')).toBe('main');
    await page.getByRole('link', { name: 'Training' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Training' }).waitFor();
    await page.waitForFunction('document.title === "Training · Quern"');
    expect(await page.getByRole('link', { name: 'Training' }).getAttribute('aria-current')).toBe('page');
    await close();
  });

  it('is printed dark on light, whatever is chosen for the screen', async () => {
    const { page, close } = await visit(browser, service.url);
    await page.getByRole('heading', { level: 1 }).waitFor();
    const colour = (): Promise<string> => page.evaluate('getComputedStyle(document.body).color');
    const text = await colour();
    await page.getByRole('combobox', { name: 'Colours' }).selectOption('dark');
    expect(await colour()).not.toBe(text);
    await page.emulateMedia({ media: 'print' });
    expect(await colour()).toBe(text);
    expect(await page.getByRole('navigation').count()).toBe(0);
    await close();
  });

  it('the first load is below 150 kB', async () => {
    const { page, received, close } = await visit(browser, service.url);
    await page.waitForLoadState('networkidle');
    const sum = await received();
    expect(sum).toBeGreaterThan(5000);
    expect(sum).toBeLessThan(150_000);
    await close();
  });

  it('colours are chosen, and stay', async () => {
    const { page, close } = await visit(browser, service.url, { colorScheme: 'light' });
    const ground = () => page.evaluate('getComputedStyle(document.body).backgroundColor');
    const light = await ground();
    await page.getByLabel('Colours').selectOption('dark');
    expect(await ground()).not.toBe(light);
    await page.reload();
    expect(await page.getByLabel('Colours').inputValue()).toBe('dark');
    expect(await ground()).not.toBe(light);
    await close();
  });

  it('a phone needs no moving sideways', async () => {
    const { page, close } = await visit(browser, service.url, { viewport: phone });
    for (const [i, path] of pages.entries()) {
      await page.goto(`${service.url}/#/${path}`);
      await shownEmpty(page, titles[i]!);
      expect(await overhang(page)).toBe(0);
    }
    await close();
  });

  it('they work under a path of a proxy', async () => {
    const proxy = await proxyUnder('/search/quern', service.url);
    const { port } = proxy.address() as AddressInfo;
    const { page, faults, close } = await visit(browser, `http://127.0.0.1:${port}/search/quern/`);
    await page.getByRole('link', { name: 'Data' }).click();
    await shownEmpty(page, 'Data');
    expect(faults).toEqual([]);
    await close();
    proxy.closeAllConnections();
    proxy.close();
  });

  it('what does not come, or is no answer of the service, is told with what to do', async () => {
    const { page, close } = await visit(browser, `${service.url}/#/training`);
    await page.getByRole('heading', { level: 1 }).waitFor();
    const isFile = /assets\/data-page/;
    await page.route(isFile, (route) => route.abort());
    await page.route('**/v1/sets', (route) =>
      route.fulfill({ contentType: 'text/html', body: '<h1>Sign in' }),
    );
    await page.getByRole('link', { name: 'Data' }).click();
    await page.getByRole('alert').getByText('The files of the page do not come.').waitFor();
    await page.unroute(isFile);
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('alert').getByText('What was answered is not of the service').waitFor();
    await page.unroute('**/v1/sets');
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByText('No training set is shown here yet').waitFor();
    expect(await page.getByRole('alert').count()).toBe(0);
    await close();
  });

  it('where a token is asked for, the page asks for it, keeps it with the tab alone, and goes on', async () => {
    const token = newToken();
    const guarded = await startService(temporaryFolder(), {
      tokens: [{ name: 'me', scope: 'read', hash: `sha256:${tokenHash(token)}` }],
    });
    const { page, faults, close } = await visit(browser, `${guarded.url}/#/training`, { expected: ['401'] });
    // What no header takes is no more than another wrong one.
    await page.getByLabel('Token').fill('“wrong”');
    await page.getByRole('button', { name: 'Go on' }).click();
    await page.getByText('does not allow this').waitFor();
    await page.getByLabel('Token').fill('wrong');
    const refused = page.waitForResponse((response) => response.status() === 401);
    await page.getByRole('button', { name: 'Go on' }).click();
    await refused;
    await page.getByText('does not allow this').waitFor();
    expect(await barriers(page)).toEqual([]);
    await screenshot(page, 'token');
    await page.getByLabel('Token').fill(token);
    await page.getByRole('button', { name: 'Go on' }).click();
    await page.getByLabel('Token').waitFor({ state: 'detached' });
    expect(await page.evaluate('JSON.stringify(localStorage)')).not.toContain(token);
    expect(faults).toEqual([]);
    await close();
    await guarded.close();
  });
});

/** A proxy that serves `target` under a path, which it takes off. */
async function proxyUnder(path: string, target: string): Promise<Server> {
  const server = createServer((asked, answer) => {
    if (!asked.url!.startsWith(`${path}/`)) {
      answer.writeHead(404).end();
      return;
    }
    const { host } = new URL(target);
    const headers = { ...asked.headers, host };
    const sent = request(
      `${target}${asked.url!.slice(path.length)}`,
      { method: asked.method!, headers },
      (came) => {
        answer.writeHead(came.statusCode!, came.headers);
        came.pipe(answer);
      },
    );
    asked.pipe(sent);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}
