import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { sampleFolder } from '../../quern/test/beir-collection.ts';
import { convertToGguf } from '../../quern/src/models/convert.ts';
import { writeGateRecord } from '../../quern/src/search/gate-file.ts';
import { failing, FakeOpenAiServer, json } from '../../quern/test/fake-openai-server.ts';
import { gateRecordOf } from '../../quern/test/gate-record.ts';
import { startService, type ServiceUnderTest } from '../../quern/test/running-service.ts';
import { serveProcessesIn } from '../../quern/test/serve-process.ts';
import { temporaryFolder } from '../../quern/test/temporary-folder.ts';
import { writeTinyCheckpoint } from '../../quern/test/tiny-checkpoint.ts';
import { figure, percent } from '../src/pages/playground/amounts.ts';
import type { SearchAnswer } from '../src/service/answers.ts';
import { barriers, hasBrowser, overhang, phone, screenshot, startBrowser, visit } from './browser.ts';
import { Held } from './held.ts';
import {
  answered,
  answeredAnew,
  asking,
  eventsOfSearch,
  heldAfter,
  idsOf,
  indexOf,
  question,
  questions,
  reasonedTexts,
  recorded,
  sampleIndex,
  slowly,
} from './playground-service.ts';

/** Types how many hits are asked for, as a script of the page. */
function typedHits(k: number): string {
  return `{
    const field = [...document.querySelectorAll('input[type=number]')].find(({ max }) => max === '100');
    field.value = '${k}';
    field.dispatchEvent(new Event('change', { bubbles: true }));
  }`;
}

interface Look {
  readonly lengths: readonly number[];
  readonly tokens: number;
  readonly hits: readonly { readonly id: string }[];
}

const evil = `<img src=x onerror="window.hit=1"> ${'</textarea><script>window.hit=1</script>'}`;
const rightToLeft = 'لماذا لا يرتفع الخبز؟ \u202Eevil\u202C';
const long = 'x'.repeat(10_000);
const boat = question('toward-the-wind');
const words = reasonedTexts[boat]!.split(/\s+/);
/** So much that it is not written to its end while a test looks. */
const endless = Object.values(reasonedTexts).flatMap((text) => text.split(/\s+/));

describe.skipIf(!hasBrowser)('the playground', () => {
  const folder = temporaryFolder();
  const started = serveProcessesIn(folder);
  let browser: Browser;
  let model: FakeOpenAiServer;
  let service: ServiceUnderTest;
  let index: string;

  beforeAll(async () => {
    model = await FakeOpenAiServer.start();
    index = await sampleIndex(folder);
    const hostile = await indexOf(folder, 'hostile', [
      { id: evil, title: evil, text: `${evil} bread ${rightToLeft}` },
      { id: 'rtl', title: rightToLeft, text: `bread ${rightToLeft} ${long}` },
      { id: long.slice(0, 500), title: long, text: `bread and butter ${long}` },
    ]);
    const asked = `bread ${evil} ${rightToLeft}`;
    writeFileSync(
      join(folder, 'hostile.json'),
      JSON.stringify({ [asked]: `bread ${evil.repeat(20)} ${rightToLeft} butter ${long}` }),
    );
    await writeTinyCheckpoint(join(folder, 'checkpoint'));
    await convertToGguf(join(folder, 'checkpoint'), { type: 'f16', out: join(folder, 'tiny.gguf') });
    const rule = { kind: 'threshold', fact: 'words', reasons: 'from', threshold: 5 } as const;
    await writeGateRecord(join(folder, 'gate.json'), gateRecordOf(rule));
    model.routes.set(
      'POST /v1/rerank',
      // The later it was found, the better it is.
      (response, request) => {
        const { documents } = request.body as { documents: unknown[] };
        const results = documents.map((_, i) => ({ index: i, relevance_score: i }));
        return json(200, { results })(response, request);
      },
    );
    const remote = { retries: 0, cached: false };
    service = await startService(folder, {
      indexes: {
        sample: { index, retriever: 'bm25q', questions: join(sampleFolder, 'queries.jsonl') },
        hostile,
      },
      reasoners: {
        recorded,
        hostile: 'file:hostile.json',
        slow: {
          ...remote,
          reasoner: model.name(),
          prices: { input: 0.1, output: 0.4, currency: 'EUR' },
        },
        gated: { ...remote, reasoner: model.name('gated'), gate: './gate.json' },
        tiny: { reasoner: 'llama:./tiny.gguf', sampling: { maxTokens: 120 }, threads: 1 },
      },
      rerankers: { cross: `rerank:cross@${model.url}` },
      limits: { query: 20_000 },
      log: { level: 'silent' },
    });
    browser = await startBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await service?.close();
    await model?.stop();
  });
  beforeEach(() => {
    model.reply = slowly(words, 15);
  });

  /** The playground as an address asks for. */
  const opened = (params: Readonly<Record<string, string>>, options = {}) =>
    visit(browser, `${service.url}/${asking(params)}`, options);

  it('a question that is typed is asked with Enter, and every look at its ranking can be gone back to', async () => {
    const { page, faults, close } = await visit(browser, service.url);
    const field = page.getByLabel('Question', { exact: true });
    await field.fill('not this');
    await field.press('Shift+Enter');
    expect(await field.inputValue()).toBe('not this\n');
    await field.fill(boat);
    const events = await eventsOfSearch(page, () => field.press('Enter'));
    await answered(page);
    expect(await page.evaluate('document.activeElement.id')).toBe('question');
    const looks = events.filter(({ name }) => name === 'ranking').map(({ data }) => data as Look);
    const { data } = events.find(({ name }) => name === 'done')!;
    const { hits, reasoned } = data as SearchAnswer;
    expect(looks.length).toBeGreaterThan(5);
    expect(await idsOf(page, 'with')).toEqual(hits.map(({ id }) => id));
    const slider = page.getByLabel('Text so far');
    expect(await slider.getAttribute('max')).toBe(String(looks.length));
    const written = page.getByRole('group', { name: 'The reasoned query' });
    for (const [i, look] of looks.entries()) {
      await slider.fill(String(i));
      expect(await idsOf(page, 'with')).toEqual(look.hits.map(({ id }) => id));
      expect(await slider.getAttribute('aria-valuetext')).toBe(
        `look ${i + 1} of ${looks.length}, ${look.tokens} tokens`,
      );
      const rest = await written.locator('.rest').textContent();
      expect(rest).toBe(reasoned.text.slice(look.lengths[0]));
    }
    await screenshot(page, 'playground-midway');
    await slider.fill(String(looks.length));
    expect(await written.textContent()).toBe(reasoned.text);
    expect(faults).toEqual([]);
    await close();
  });

  it('hits say how they moved, in both columns', async () => {
    const { page, close } = await opened({ q: boat, index: 'sample', reasoner: 'recorded' });
    await answered(page);
    const [before, after] = [await idsOf(page, 'without'), await idsOf(page, 'with')];
    const expected = after.map((id, i) => {
      const was = before.indexOf(id);
      if (was < 0) return 'new';
      if (was === i) return '=';
      return was > i ? `▲${was - i}` : `▼${i - was}`;
    });
    expect(await page.locator('.moved > [aria-hidden]').allTextContents()).toEqual(expected);
    expect(expected).toContain('▲7');
    const went = before.map((id) => (after.includes(id) ? `→ ${after.indexOf(id) + 1}` : '→ out'));
    expect(await page.locator('.elsewhere > [aria-hidden]').allTextContents()).toEqual(went);
    await close();
  });

  it('while it replays, rows slide through the rankings in their order; where motion is reduced, nothing moves', async () => {
    const params = { q: boat, index: 'sample', reasoner: 'recorded' };
    for (const reducedMotion of ['no-preference', 'reduce'] as const) {
      const { page, close } = await visit(browser, service.url, { reducedMotion });
      await page.evaluate(`
        window.slides = 0;
        const animate = Element.prototype.animate;
        Element.prototype.animate = function (...given) { window.slides++; return animate.apply(this, given); };
        window.orders = [];
        new MutationObserver(() => {
          const rows = document.querySelectorAll('[aria-label="Hits with reasoning"] > li');
          const order = Array.from(rows, (row) => row.dataset.id).join(' ');
          if (order !== '' && window.orders.at(-1) !== order) window.orders.push(order);
        }).observe(document.body, { subtree: true, childList: true });
      `);
      const events = await eventsOfSearch(page, () =>
        page.evaluate(`location.hash = ${JSON.stringify(asking(params))}`),
      );
      await answered(page);
      const orders = (await page.evaluate('window.orders')) as string[];
      const slides = (await page.evaluate('window.slides')) as number;
      const all = events.flatMap(({ name, data }) =>
        name === 'ranking' || name === 'done' ? [(data as Look).hits.map(({ id }) => id).join(' ')] : [],
      );
      const distinct = all.filter((order, i) => order !== all[i - 1]);
      const isStill = reducedMotion === 'reduce';
      expect(slides > 0).toBe(!isStill);
      // A frame that was shown too briefly to be drawn could be missing; none is out of its order.
      let from = 0;
      for (const order of orders) {
        from = distinct.indexOf(order, from);
        expect(from).toBeGreaterThanOrEqual(0);
      }
      expect(orders.at(-1)).toBe(distinct.at(-1));
      // Where nothing moves, how many are seen is up to how fast they come.
      expect(isStill || orders.length > distinct.length / 2).toBe(true);
      await close();
    }
  });

  it('figures of terms, chips and stages are those that the service answers', async () => {
    const { page, close } = await visit(browser, service.url);
    const params = { q: boat, index: 'sample', reasoner: 'recorded' };
    const events = await eventsOfSearch(page, () =>
      page.evaluate(`location.hash = ${JSON.stringify(asking(params))}`),
    );
    await answered(page);
    const { hits } = events.find(({ name }) => name === 'done')!.data as SearchAnswer;
    const first = page.getByRole('list', { name: 'Hits with reasoning' }).locator('> li').first();
    const terms = hits[0]!.terms!;
    const chips = await first.locator('.chip').allTextContents();
    const letters = { query: 'Q', reasoned: 'R', both: 'B', feedback: 'F' };
    const share = (part: number): string => percent(part / terms.reduce((sum, each) => sum + each.share, 0));
    expect(chips).toEqual(
      terms.slice(0, 4).map((each) => `${letters[each.origin]}${each.term}${share(each.share)}`),
    );
    await first.getByRole('button', { name: /^All/ }).click();
    const cells = await first
      .locator('tbody tr')
      .evaluateAll((rows) =>
        rows.map((row) => Array.from(row.querySelectorAll('td'), (cell) => cell.textContent)),
      );
    expect(cells).toEqual(
      terms.map((each) => [
        `${letters[each.origin]} ${each.term}`,
        figure(each.queryWeight),
        figure(each.documentWeight),
        figure(each.share),
        share(each.share),
      ]),
    );
    const marked = await first.locator('mark').allTextContents();
    expect(marked.length).toBeGreaterThan(5);
    await page.getByText('The same from elsewhere').click();
    expect(await barriers(page)).toEqual([]);
    await screenshot(page, 'playground-terms');
    await close();
  });

  it('an address holds all choices: who opens it sees the same, and going back asks the question before', async () => {
    const { page, close } = await visit(browser, service.url);
    await page.getByRole('combobox', { name: 'Index' }).selectOption('sample');
    await page.getByRole('combobox', { name: 'Reasoner' }).selectOption('recorded');
    await page.getByRole('combobox', { name: 'Combination' }).selectOption('interpolate');
    await page.getByLabel("Question's weight").fill('0.3');
    await page.getByLabel("Question's weight").press('Tab');
    await page.waitForURL(/interpolate%3A0.3/);
    await page.getByRole('spinbutton', { name: 'Hits' }).fill('4');
    await page.getByRole('spinbutton', { name: 'Hits' }).press('Tab');
    await page.waitForURL(/k=4/);
    await page.getByLabel('Early stop').check();
    await page.getByRole('button', { name: 'More' }).click();
    await page.getByLabel('Key terms').fill('0.25');
    await page.getByLabel('Key terms').press('Tab');
    await page.waitForURL(/key=0.25/);
    await page.getByLabel('Question', { exact: true }).fill(boat);
    await page.getByRole('button', { name: 'Ask', exact: true }).click();
    await answered(page);
    const order = await idsOf(page, 'with');
    expect(order).toHaveLength(4);
    const { page: other, close: closeOther } = await visit(browser, page.url());
    await answered(other);
    expect(await idsOf(other, 'with')).toEqual(order);
    expect(await other.getByLabel('Question', { exact: true }).inputValue()).toBe(boat);
    expect(await other.getByLabel("Question's weight").inputValue()).toBe('0.3');
    expect(await other.getByLabel('Key terms').inputValue()).toBe('0.25');
    expect(await other.getByLabel('Early stop').isChecked()).toBe(true);
    await closeOther();
    await page.getByLabel('Question', { exact: true }).fill(question('moon-patches'));
    await answeredAnew(page, () => page.keyboard.press('Enter'));
    expect(page.url()).toMatch(/daughter/);
    expect(await idsOf(page, 'with')).not.toEqual(order);
    await answeredAnew(page, () => page.goBack());
    expect(page.url()).toMatch(/brother/);
    expect(await page.getByLabel('Question', { exact: true }).inputValue()).toBe(boat);
    expect(await idsOf(page, 'with')).toEqual(order);
    await close();
  });

  it('what is chosen and asked one right after another is all kept, and nothing is changed after the page was left', async () => {
    const { page, close } = await opened({ index: 'sample', reasoner: 'rm3' });
    await page.getByText('Type a question').waitFor();
    // In one turn, faster than any hand: the number is told some time after it was typed.
    await page.evaluate(`${typedHits(4)}
      location.hash = ${JSON.stringify(asking({ q: boat, index: 'sample', reasoner: 'rm3', k: '10' }))};`);
    await page.waitForURL(/k=4/);
    expect(page.url()).toContain('brother');
    await page.evaluate(`${typedHits(5)} location.hash = '#/data';`);
    await page.getByRole('heading', { level: 1, name: 'Data' }).waitFor();
    // The page's own clock says when it would have been told.
    await page.evaluate('new Promise((resolve) => setTimeout(resolve, 300))');
    expect(new URL(page.url()).hash).toBe('#/data');
    await close();
  });

  it('no answer is shown for another question than its own, not even for a moment', async () => {
    const { page, close } = await opened({ q: boat, index: 'sample', reasoner: 'recorded' });
    await answered(page);
    await page.evaluate(`
      window.shown = [];
      new MutationObserver(() => {
        const asked = document.querySelector('[data-way="curl"]').textContent.includes('daughter');
        const first = document.querySelector('[aria-label="Hits with reasoning"] > li')?.dataset.id;
        window.shown.push((asked ? 'moon' : 'boat') + ' ' + (first?.split('/')[0] ?? 'nothing'));
      }).observe(document.body, { subtree: true, childList: true, characterData: true });
    `);
    await page.getByLabel('Question', { exact: true }).fill(question('moon-patches'));
    await answeredAnew(page, () => page.keyboard.press('Enter'));
    const shown = new Set(await page.evaluate<string[]>('window.shown'));
    expect([...shown].filter((each) => each.startsWith('moon'))).toEqual(['moon nothing', 'moon astronomy']);
    await close();
  });

  it('a text that is written slowly streams in, and says at the end what it cost', async () => {
    const [half, rest] = [words.slice(0, 20), words.slice(20)];
    const held = new Held();
    model.reply = heldAfter(half, rest, held);
    const { page, faults, close } = await opened({ q: boat, index: 'sample', reasoner: 'slow' });
    const written = page.getByRole('group', { name: 'The reasoned query' });
    await written.getByText(half.join(' ')).waitFor();
    expect((await written.textContent())!.trim()).toBe(half.join(' '));
    expect(await page.getByRole('button', { name: 'Stop', exact: true }).isVisible()).toBe(true);
    await screenshot(page, 'playground-writing');
    held.goOn();
    await answered(page);
    const took = page.getByRole('definition');
    await took.getByText(`50,000 → ${words.length} tokens`).waitFor();
    await took.getByText('EUR 0.005').waitFor();
    await page.getByText('ended by itself').waitFor();
    expect((await written.textContent())!.trim()).toBe(words.join(' '));
    expect(faults).toEqual([]);
    await close();
  });

  it.each(['the button', 'Escape'])('%s stops what is written, and the model too', async (by) => {
    model.reply = slowly(endless, 20);
    const { page, close } = await opened({ q: boat, index: 'sample', reasoner: 'slow' });
    await page.getByLabel('Text so far').waitFor();
    if (by === 'Escape') await page.keyboard.press('Escape');
    else await page.getByRole('button', { name: 'Stop', exact: true }).click();
    await page.getByText('The ranking is of the text so far.').waitFor();
    expect((await idsOf(page, 'with')).length).toBeGreaterThan(0);
    expect(await page.getByRole('status').first().textContent()).toBe('Stopped');
    await expect.poll(() => model.underWay, { timeout: 30_000 }).toBe(0);
    await page.getByRole('button', { name: 'Ask', exact: true }).waitFor();
    expect(await barriers(page)).toEqual([]);
    await close();
  });

  it('an early stop says that it stopped, and how often it looked', async () => {
    // Words that no document has change no ranking.
    const idle = Array.from({ length: 400 }, (_, i) => `zq${i}`);
    model.reply = slowly(['sail', 'keel', 'upwind', 'tacking', ...idle], 5);
    const { page, close } = await opened({ q: boat, index: 'sample', reasoner: 'slow', early: '1' });
    await answered(page);
    await page.getByText('stopped early, as the ranking was stable').waitFor();
    await page.getByText(/\d+ looks at the ranking/).waitFor();
    expect(model.bodies.length).toBeGreaterThan(0);
    await expect.poll(() => model.underWay, { timeout: 30_000 }).toBe(0);
    await close();
  });

  it('a reasoner that fails leaves the question alone, and that is said', async () => {
    model.reply = failing(401);
    const { page, close } = await opened({ q: boat, index: 'sample', reasoner: 'slow' });
    await answered(page);
    const notice = page.getByRole('alert');
    expect(await notice.textContent()).toContain('slow failed. The server of the model refuses.');
    expect(await notice.textContent()).toContain('The question stood alone');
    expect(await idsOf(page, 'with')).toEqual(await idsOf(page, 'without'));
    expect(await barriers(page)).toEqual([]);
    await screenshot(page, 'playground-failed');
    await close();
  });

  it('a question without a recorded reasoned query is an error of that side alone', async () => {
    const asked = { q: 'why is bread', index: 'sample', reasoner: 'recorded' };
    const { page, close } = await opened(asked, { expected: ['404'] });
    await page.getByText('nothing recorded for this question').waitFor();
    await page.getByText('Others take any question').waitFor();
    expect(await page.getByRole('button', { name: 'Ask with recorded' }).count()).toBe(0);
    await page.getByText('Ask one of those, or choose another reasoner').waitFor();
    expect((await idsOf(page, 'without')).length).toBe(10);
    await page.getByText('There is no ranking.').waitFor();
    expect(await barriers(page)).toEqual([]);
    await screenshot(page, 'playground-unrecorded');
    await page.getByRole('button', { name: 'Ask with rm3' }).click();
    await answered(page);
    expect((await idsOf(page, 'with')).length).toBe(10);
    expect(await page.getByLabel('Reasoner').inputValue()).toBe('rm3');
    await close();
  });

  it('a reasoner that is not there is said to be missing, and the others are offered', async () => {
    const asked = { q: 'why is bread', index: 'sample', reasoner: 'lost' };
    const { page, close } = await opened(asked, { expected: ['404'] });
    await page.getByText('there is no reasoner lost').waitFor();
    expect(await page.getByText('Others take any question').count()).toBe(0);
    await page.getByRole('button', { name: 'Ask with recorded' }).waitFor();
    await page.getByRole('button', { name: 'Ask with rm3' }).waitFor();
    await close();
  });

  it('the gate says what it decided, and can be switched off', async () => {
    const { page, close } = await opened({ q: 'rising bread', index: 'sample', reasoner: 'gated' });
    await answered(page);
    await page.getByText('The gate stood aside:').waitFor();
    await page.getByRole('button', { name: 'More' }).click();
    await page.getByLabel('Gate', { exact: true }).uncheck();
    await page.waitForURL(/gate=0/);
    await page.getByText('The gate stood aside:').waitFor({ state: 'detached' });
    await answered(page);
    await screenshot(page, 'playground-gate');
    await page.getByText('ended by itself').waitFor();
    expect(model.bodies.at(-1)!['model']).toBe('gated');
    await close();
  });

  it('rankings that were fused tell the ranks in each', async () => {
    const { page, close } = await opened({ q: boat, index: 'sample', reasoner: 'recorded', combine: 'rrf' });
    await answered(page);
    const first = page.getByRole('list', { name: 'Hits with reasoning' }).locator('> li').first();
    const ranks = await first.getByRole('list', { name: 'Ranks that were fused' }).allTextContents();
    expect(ranks.join()).toMatch(/rank \d+ of the question.*rank \d+ of the reasoned query/);
    await close();
  });

  it('a reranker reads the hits of both searches, and tells what it took', async () => {
    const params = { q: boat, index: 'sample', reasoner: 'recorded', reranker: 'cross', k: '3' };
    const { page, close } = await opened(params);
    await answered(page);
    const { body } = await service.ask<SearchAnswer>('/v1/search', {
      query: boat,
      index: 'sample',
      reasoner: 'recorded',
      reranker: 'cross',
      k: 3,
    });
    expect(await idsOf(page, 'with')).toEqual(body.hits.map(({ id }) => id));
    await page.getByRole('definition').getByText('by cross').waitFor();
    await close();
  });

  it('rm3 shows the terms that it learnt', async () => {
    const { page, close } = await opened({ q: 'why does bread go stale', index: 'sample', reasoner: 'rm3' });
    await answered(page);
    await page.getByText('It writes no text').waitFor();
    const learnt = await page.locator('.text .chip').count();
    expect(learnt).toBeGreaterThan(3);
    await page.getByText(`${learnt} terms added`).waitFor();
    expect(await page.locator('.hit .chip-feedback').count()).toBeGreaterThan(0);
    await screenshot(page, 'playground-rm3');
    await close();
  });

  it('a real model writes into the page what the service says that it wrote', async () => {
    const { page, faults, close } = await visit(browser, service.url);
    const params = { q: boat, index: 'sample', reasoner: 'tiny' };
    const events = await eventsOfSearch(page, () =>
      page.evaluate(`location.hash = ${JSON.stringify(asking(params))}`),
    );
    await answered(page);
    const { reasoned } = events.find(({ name }) => name === 'done')!.data as SearchAnswer;
    expect(reasoned.completionTokens).toBeGreaterThan(1);
    const shown = await page.getByRole('group', { name: 'The reasoned query' }).textContent();
    expect(shown).toBe(reasoned.text);
    await page.getByText(/tokens\/s/).waitFor();
    expect(faults).toEqual([]);
    await close();
  });

  it('questions, titles, passages and reasoned queries stay texts, whatever they hold', async () => {
    const q = `bread ${evil} ${rightToLeft}`;
    for (const viewport of [phone, { width: 1280, height: 900 }]) {
      const { page, faults, close } = await opened(
        { q, index: 'hostile', reasoner: 'hostile' },
        { viewport },
      );
      await answered(page);
      const hits = page.getByRole('list', { name: 'Hits with reasoning' }).locator('> li');
      expect(await hits.locator('h3').allTextContents()).toEqual(
        expect.arrayContaining([evil, rightToLeft, long]),
      );
      expect(await page.getByLabel('Question', { exact: true }).inputValue()).toBe(q);
      expect(await page.locator('main img, main script').count()).toBe(0);
      expect(await page.evaluate('window.hit')).toBeUndefined();
      await page.getByText('The same from elsewhere').click();
      expect(await overhang(page)).toBe(0);
      expect(await barriers(page)).toEqual([]);
      expect(faults).toEqual([]);
      await screenshot(page, `playground-hostile-${viewport.width}`);
      await close();
    }
    const { page, close } = await opened({ q: long, index: 'hostile', reasoner: 'rm3' });
    await answered(page);
    expect(await page.getByLabel('Question', { exact: true }).inputValue()).toBe(long);
    await page.getByLabel('Question', { exact: true }).fill('y'.repeat(20_001));
    await page.getByText('has 20001 characters, and the service takes 20000').waitFor();
    expect(await page.getByRole('button', { name: 'Ask', exact: true }).isDisabled()).toBe(true);
    await close();
  });

  it.each(['light', 'dark'] as const)('there are no barriers in %s', async (colorScheme) => {
    const { page, faults, close } = await opened(
      { q: boat, index: 'sample', reasoner: 'recorded' },
      { colorScheme },
    );
    await answered(page);
    await page.getByRole('button', { name: 'More' }).click();
    expect(await barriers(page)).toEqual([]);
    await screenshot(page, `playground-${colorScheme}`);
    await page.goto(`${service.url}/#/`);
    await page.getByText('Type a question').waitFor();
    expect(await barriers(page)).toEqual([]);
    await screenshot(page, `playground-start-${colorScheme}`);
    expect(faults).toEqual([]);
    await close();
  });

  it('on a phone there is a tab for each ranking', async () => {
    const { page, close } = await opened(
      { q: boat, index: 'sample', reasoner: 'recorded' },
      { viewport: phone },
    );
    await answered(page);
    const tab = (name: string) => page.getByRole('tab', { name });
    expect(await tab('With reasoning').getAttribute('aria-selected')).toBe('true');
    expect(await page.getByRole('list', { name: 'Hits without reasoning' }).isVisible()).toBe(false);
    expect(await barriers(page)).toEqual([]);
    await screenshot(page, 'playground-phone');
    await tab('With reasoning').press('ArrowLeft');
    expect(await tab('Without reasoning').getAttribute('aria-selected')).toBe('true');
    expect(await page.getByRole('list', { name: 'Hits without reasoning' }).isVisible()).toBe(true);
    expect(await page.getByRole('list', { name: 'Hits with reasoning' }).isVisible()).toBe(false);
    expect(await overhang(page)).toBe(0);
    expect(await barriers(page)).toEqual([]);
    await close();
  });

  it('a question is picked from those of the index', async () => {
    const { page, close } = await visit(browser, service.url);
    await page.getByRole('button', { name: questions[0]!.text }).waitFor();
    await page.getByRole('button', { name: 'Pick one' }).click();
    await page.getByText('1 to 8 of 30').waitFor();
    await page.getByRole('button', { name: 'Next' }).click();
    await page.getByText('9 to 16 of 30').waitFor();
    expect(await barriers(page)).toEqual([]);
    await screenshot(page, 'playground-picks');
    await page.getByRole('button', { name: boat }).click();
    await answered(page);
    expect(await page.getByLabel('Question', { exact: true }).inputValue()).toBe(boat);
    expect(await page.getByText('9 to 16 of 30').isVisible()).toBe(false);
    await close();
  });

  it('who asks too often is told when to try again', async () => {
    const strict = await startService(folder, { indexes: { sample: index }, limits: { perMinute: 40 } });
    const { page, close } = await visit(browser, strict.url, { expected: ['429'] });
    await page.getByText('Type a question').waitFor();
    const others = Array.from({ length: 40 }, () => strict.ask('/v1/config'));
    expect((await Promise.all(others)).at(-1)!.status).toBe(429);
    await page.getByLabel('Question', { exact: true }).fill('bread');
    await page.keyboard.press('Enter');
    const said = page.getByRole('alert').first();
    await said.getByText('No more than 40 requests a minute are taken.').waitFor();
    await said.getByText(/Try again in/).waitFor();
    expect(await barriers(page)).toEqual([]);
    await screenshot(page, 'playground-too-often');
    await close();
    await strict.close();
  });

  it('a service that goes away in the middle is noticed', async () => {
    model.reply = slowly(endless, 20);
    const { url, child } = await started({
      indexes: { sample: index },
      reasoners: { slow: { reasoner: model.name(), cached: false } },
    });
    const address = `${url}/${asking({ q: boat, index: 'sample', reasoner: 'slow' })}`;
    const { page, close } = await visit(browser, address, { expected: ['ERR_'] });
    await page.getByLabel('Text so far').waitFor();
    child.kill('SIGKILL');
    await page.getByText('The answer broke off before its end.').waitFor();
    expect((await idsOf(page, 'with')).length).toBeGreaterThan(0);
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByText('The service does not answer.').first().waitFor();
    await close();
  });
});
