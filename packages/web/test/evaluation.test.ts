/** The page of evaluations, in a browser, over evaluations that `quern eval --save` wrote and some that tests write. */
import { cpSync, existsSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sampleFolder } from '../../quern/test/beir-collection.ts';
import { quernJson } from '../../quern/test/run-quern.ts';
import { startService, type ServiceUnderTest } from '../../quern/test/running-service.ts';
import { temporaryFolder } from '../../quern/test/temporary-folder.ts';
import type { Comparison } from '../../quern/src/evaluate/comparison.ts';
import { pText, signed } from '../../quern/src/evaluate/report-words.ts';
import { barriers, hasBrowser, overhang, phone, screenshot, startBrowser, visit } from './browser.ts';
import { drawnValues, savedEvaluation, topicsOf, writeFolder, type Told } from './evaluation-folders.ts';
import { Held } from './held.ts';

const hostile = '<img src=x onerror=alert(1)>"\'=1+1,\\ & \u202eltr _%$#{}~^';
const shared = join(import.meta.dirname, '../../../../shared/data');
const theorems = join(shared, 'bright/theoremqa_theorems');

const root = temporaryFolder();
const opened: (() => Promise<void>)[] = [];
let browser: Browser;
let service: ServiceUnderTest;

/** The page of a service with runs in folders of ours, and what the address says after its name. */
function at({ url }: ServiceUnderTest, params: Readonly<Record<string, string>> = {}): string {
  const query = new URLSearchParams(params).toString();
  return `${url}/#/evaluation${query === '' ? '' : `?${query}`}`;
}

async function serviceOf(...runs: string[]): Promise<ServiceUnderTest> {
  const running = await startService(temporaryFolder(), { runs });
  opened.push(() => running.close());
  return running;
}

/** What the cells of a table's rows say; marks and what is hidden are told, too. */
function rowsOf(page: Page, table = 'table.results'): Promise<string[][]> {
  return page
    .locator(`${table} tbody tr`)
    .evaluateAll((rows) =>
      rows.map((row) => Array.from(row.children, (cell) => cell.textContent.replaceAll(/\s+/g, ' ').trim())),
    );
}

/** Waits until all comparisons are made. */
async function compared(page: Page): Promise<void> {
  await page.locator('table.results').waitFor();
  await page.getByText('Comparing topic by topic').waitFor({ state: 'detached' });
}

/** What a button hands over. */
async function handedOver(page: Page, button: string): Promise<{ name: string; text: string }> {
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: button }).first().click(),
  ]);
  return { name: download.suggestedFilename(), text: readFileSync(await download.path(), 'utf8') };
}

describe.skipIf(!hasBrowser)('evaluations of the sample collection', () => {
  const names = ['bm25', 'bm25+reasoned.json', 'bm25+rm3', 'bm25q', 'bm25q+reasoned.json', 'bm25q+rm3'];
  let comparison: Comparison;
  beforeAll(async () => {
    browser = await startBrowser();
    mkdirSync(join(root, 'runs'));
    const reasoned = `file:${join(sampleFolder, 'reasoned.json')}`;
    const reasoners = ['none', 'rm3', reasoned].flatMap((each) => ['--reasoner', each]);
    for (const scoring of ['bm25', 'bm25q']) {
      const save = ['--save', join(root, 'runs', scoring)];
      await quernJson(['eval', `beir:${sampleFolder}`, '--scoring', scoring, ...reasoners, ...save]);
    }
    service = await serviceOf(join(root, 'runs'));
    const list = await service.ask<{ runs: { run: string; id: string }[] }>('/v1/runs?kind=evaluation');
    const files: string[] = [];
    for (const name of names) {
      const { id } = list.body.runs.find(({ run }) => run === name)!;
      const { text } = await service.ask(`/v1/runs/${id}/run.trec`);
      files.push(join(root, `${name}.trec`));
      writeFileSync(files.at(-1)!, text);
    }
    const qrels = join(root, 'runs/bm25/none/qrels.txt');
    comparison = await quernJson<Comparison>([
      'compare',
      ...files,
      '--qrels',
      qrels,
      '--measures',
      'ndcg@10',
    ]);
  });
  afterAll(async () => {
    for (const close of opened) await close();
    await browser?.close();
  });

  it('stand side by side with the very means, p values and marks of quern compare', async () => {
    const { page, faults, close } = await visit(browser, at(service, { digits: '4' }));
    await compared(page);
    const rows = await rowsOf(page);
    expect(rows.map(([name]) => name.replace('baseline', ''))).toEqual(names);
    for (const { run, mean } of comparison.runs) {
      const [, value] = rows[names.indexOf(run)];
      expect(value.slice(0, 6)).toBe(mean.toFixed(4));
      const pair = comparison.comparisons.find((each) => each.run === run);
      const isMarked = pair !== undefined && pair.adjusted.randomisation < 0.05;
      const mark = !isMarked ? '' : pair.difference > 0 ? '†' : '‡';
      expect(/[†‡]?$/.exec(value.replace(/,[^†‡]*$/, ''))![0]).toBe(mark);
    }
    await page.getByText('Differences from the baseline, with tests').click();
    const details = await rowsOf(page, 'details[open]');
    expect(details.map((cells) => cells.slice(1, 10))).toEqual(
      comparison.comparisons.map(({ run, topics, difference, interval, adjusted, ...pair }) => [
        run,
        String(topics),
        signed(difference, 4),
        expect.stringContaining(interval!.high.toFixed(4)),
        pText(pair.randomisation.p),
        pText(adjusted.randomisation),
        pText(pair.tTest.p),
        pText(adjusted.tTest),
        pair.dz!.toFixed(2).replace('-', '−'),
      ]),
    );
    expect(await barriers(page)).toEqual([]);
    expect(faults).toEqual([]);
    await close();
  });

  it('are written as papers write them, the best and the second told to those who do not see', async () => {
    const { page, close } = await visit(browser, at(service));
    await compared(page);
    const rows = await rowsOf(page);
    const best = comparison.runs.map(({ mean }) => mean).sort((a, b) => b - a);
    const said = (mean: number) => rows.find(([, value]) => value.startsWith((100 * mean).toFixed(1)))![1];
    expect(said(best[0])).toContain(', best†, significantly better than the baseline');
    expect(said(best[1])).toContain(', second†');
    expect(await page.locator('table.results strong').allTextContents()).toEqual([
      (100 * best[0]).toFixed(1),
    ]);
    expect(await page.locator('table.results u').allTextContents()).toEqual([(100 * best[1]).toFixed(1)]);
    await close();
  });

  it('are chosen by what the page has, and the address keeps the choice', async () => {
    const { page, close } = await visit(browser, at(service));
    await compared(page);
    await page.getByText('Systems', { exact: false }).first().click();
    for (const name of ['bm25q+rm3', 'bm25+rm3', 'bm25+reasoned.json']) {
      await page.getByRole('checkbox', { name: new RegExp(`^${name.replace('+', '\\+')}`) }).uncheck();
    }
    await page.getByRole('combobox', { name: 'Baseline' }).selectOption('bm25q');
    await page.getByLabel('Measure').selectOption('map');
    await page.getByLabel('Time and cost').check();
    await compared(page);
    const chosen = ['bm25qbaseline', 'bm25', 'bm25q+reasoned.json'];
    expect((await rowsOf(page)).map(([name]) => name)).toEqual(chosen);
    await page.reload();
    await compared(page);
    expect((await rowsOf(page)).map(([name]) => name)).toEqual(chosen);
    expect(await page.getByLabel('Measure').inputValue()).toBe('map');
    expect(await page.getByRole('columnheader', { name: 'Reasoning' }).count()).toBe(1);
    await close();
  });

  it('a topic is reached by the keyboard, tells what happened, and going back goes back', async () => {
    const start = at(service, {
      a: 'bm25',
      b: 'bm25\\+reasoned.json'.replace('\\', ''),
      on: 'beir:collection',
    });
    const { page, faults, close } = await visit(browser, start);
    await page.getByLabel('Find a topic').fill('mush');
    const link = page.getByRole('link', { name: 'grey-mushrooms' });
    await link.focus();
    await page.locator('svg .scene-pointed').first().waitFor();
    expect(await page.locator('.pointed-words').textContent()).toContain('grey-mushrooms');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Topic grey-mushrooms' }).waitFor();
    expect(new URLSearchParams(new URL(page.url()).hash.split('?')[1]).get('topic')).toBe('grey-mushrooms');
    const recorded = JSON.parse(readFileSync(join(sampleFolder, 'reasoned.json'), 'utf8')) as Record<
      string,
      string
    >;
    const reasoned = await page.getByRole('group', { name: 'Reasoned query' }).textContent();
    const question = await page.getByRole('region', { name: 'The question' }).textContent();
    expect(reasoned).toBe(recorded[question!]);
    const [, first] = await rowsOf(page, '.relevant');
    const ranks = await rowsOf(page, '[aria-label="Ranking B"]');
    expect(ranks[0].slice(0, 3)).toEqual(['1', 'kitchen/maillard-browning', 'relevant, 2']);
    expect(first).toHaveLength(5);
    expect(await barriers(page)).toEqual([]);
    await screenshot(page, 'evaluation-topic-light');
    await page.goBack();
    await page.locator('a:focus', { hasText: 'grey-mushrooms' }).waitFor();
    expect(await page.getByLabel('Find a topic').inputValue()).toBe('mush');
    await page.goForward();
    await page.getByRole('heading', { name: 'Topic grey-mushrooms' }).waitFor();
    expect(faults).toEqual([]);
    await close();
  });

  it('are handed over as CSV, LaTeX, SVG and TREC runs', async () => {
    const { page, close } = await visit(browser, at(service, { systems: 'bm25,bm25+rm3' }));
    await compared(page);
    const table = await handedOver(page, 'Table as CSV');
    expect(table.name).toBe('evaluation-ndcg-10.csv');
    const rm3 = comparison.runs.find(({ run }) => run === 'bm25+rm3')!;
    const [, value] = /bm25\+rm3,([^,]*),30,/.exec(table.text)!;
    expect(Number(value)).toBeCloseTo(rm3.mean, 12);
    const topics = await handedOver(page, 'Topics as CSV');
    expect(topics.text.trimEnd().split('\r\n')).toHaveLength(31);
    expect((await handedOver(page, 'Table as LaTeX')).text).toContain('\\textbf{');
    for (const what of ['nDCG@10 of each topic', 'Gains and losses', 'How many topics']) {
      const svg = await handedOver(page, `SVG of: ${what}`);
      expect(svg.name).toMatch(/^(scatter|gains|histogram)-ndcg-10-beir-collection\.svg$/);
      expect(svg.text).toContain('<svg xmlns="http://www.w3.org/2000/svg"');
    }
    await page.getByText('TREC files').click();
    const run = await handedOver(page, 'TREC run of bm25+rm3');
    expect(run.name).toBe('bm25-rm3-beir-collection.trec');
    expect(run.text).toBe(readFileSync(join(root, 'bm25+rm3.trec'), 'utf8'));
    await close();
  });

  it('the files of charts are drawings that a browser shows, with nothing from elsewhere', async () => {
    const { page, close } = await visit(browser, at(service));
    await compared(page);
    const { text } = await handedOver(page, 'SVG of: nDCG@10 of each topic');
    const own = await visit(browser, `data:image/svg+xml;base64,${Buffer.from(text).toString('base64')}`);
    expect(await own.page.locator('path').count()).toBeGreaterThan(5);
    expect(await own.page.locator('parsererror').count()).toBe(0);
    await own.close();
    await close();
  });

  it('stand without barriers in the dark and on a phone, which needs no moving sideways', async () => {
    for (const options of [{ colorScheme: 'dark' }, { viewport: phone }] as const) {
      const { page, faults, close } = await visit(browser, at(service), options);
      await compared(page);
      const kind = 'viewport' in options ? 'phone' : 'dark';
      for (const what of ['table', 'topic']) {
        if (what === 'table') await page.locator('.topic-list tbody a').first().waitFor();
        else {
          await page.locator('.topic-list tbody a').first().click();
          for (const side of ['A', 'B'])
            await page.getByRole('region', { name: `Ranking ${side}, documents` }).waitFor();
        }
        expect(await barriers(page)).toEqual([]);
        expect(await overhang(page)).toBe(0);
        await screenshot(page, `evaluation-${what}-${kind}`);
      }
      expect(faults).toEqual([]);
      await close();
    }
  });
});

function write(folder: string, told: Told, seed: number, center: number): void {
  const topics = topicsOf(drawnValues(40, seed, center));
  writeFolder(folder, savedEvaluation({ topics, judgements: 'j', ...told }));
}

describe.skipIf(!hasBrowser)('evaluations that were written', () => {
  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterAll(async () => {
    for (const close of opened) await close();
    await browser?.close();
  });

  it('of several collections have a mean over those that all have; other judgements are not compared', async () => {
    const folder = temporaryFolder();
    for (const [c, collection] of ['bright:biology', 'bright:earth_science', 'bright:economics'].entries()) {
      for (const [s, reasoner] of ['none', 'small', 'large'].entries()) {
        if (c === 2 && s === 1) continue;
        const told = { retriever: 'bm25q', collection, judgements: collection, reasoner };
        write(join(folder, `${c}-${s}`), told, 10 * c + s, 0.3 + 0.15 * s);
      }
    }
    write(
      join(folder, 'other'),
      { retriever: 'bm25q', collection: 'bright:biology', split: 'dev', judgements: 'o' },
      1,
      0.4,
    );
    const own = await serviceOf(folder);
    const { page, faults, close } = await visit(browser, at(own));
    await compared(page);
    const heads = await page.locator('table.results thead th').allTextContents();
    expect(heads.map((head) => head.replace(/\d+ topics/, ''))).toEqual([
      'System',
      'biology (judgements bright)',
      'earth_science',
      'economics',
      'Meanof 2',
    ]);
    await page.getByText('measured by different judgements').waitFor();
    await page.getByText('Collections', { exact: false }).first().click();
    await page.getByRole('checkbox', { name: 'bright:biology (dev)' }).check();
    await page.getByRole('columnheader', { name: 'biology (dev)' }).waitFor();
    expect(await page.locator('.missing li').allTextContents()).toEqual([
      'bright:economics, without bm25q+small',
      'bright:biology (dev), without bm25q+large, bm25q+small',
    ]);
    await page.getByText('Not tested, as').waitFor({ state: 'detached' });
    await page.goto(
      at(own, {
        systems: 'bm25q,bm25q+small,bm25q+large',
        collections: 'bright:biology (judgements bright),bright:earth_science,bright:economics',
      }),
    );
    await page.getByRole('columnheader', { name: 'biology (dev)' }).waitFor({ state: 'detached' });
    await page.getByText('The mean leaves out').waitFor();
    await compared(page);
    expect(await page.locator('.missing li').allTextContents()).toEqual([
      'bright:economics, without bm25q+small',
    ]);
    expect(await page.locator('table.results th.mean').textContent()).toBe('Meanof 2');
    const rows = await rowsOf(page);
    const numbers = (name: string) =>
      rows.find(([first]) => first.startsWith(name))!.map((cell) => Number.parseFloat(cell));
    const [, biology, earth, , mean] = numbers('bm25q+large');
    expect(mean).toBeCloseTo((biology + earth) / 2, 0);
    await screenshot(page, 'evaluation-collections');
    expect(faults).toEqual([]);
    await close();
  });

  it('with hostile names and texts are text, whatever they hold; what is damaged is told apart', async () => {
    const folder = temporaryFolder();
    write(join(folder, 'plain'), {}, 1, 0.4);
    const topics = topicsOf(drawnValues(40, 2, 0.6), (i) => (i === 0 ? `q0` : `q${i}`));
    const told = { run: 'x', reasoner: hostile, retriever: hostile, plan: [], analyzer: hostile };
    const ranking = ['<b>d1</b>', 'd2', 'd3'].map((id, i) => `q0 Q0 ${id} ${i + 1} ${9 - i} x`);
    writeFolder(
      join(folder, 'hostile'),
      savedEvaluation({ topics, judgements: 'j', ...told, collection: 'beir:written' }),
      {
        run: `${ranking.join('\n')}\nq0 broken\n`,
        qrels: 'q0 0 <b>d1</b> 2\nq0 0 gone 1\n',
        topics: [
          {
            _id: 'q0',
            text: hostile,
            excluded: ['<i>e1</i>'],
            reasoned: { text: `${hostile}\n`.repeat(50), finish: 'length', reasoner: hostile },
          },
        ],
      },
    );
    cpSync(join(folder, 'plain'), join(folder, 'cut'), { recursive: true });
    truncateSync(join(folder, 'cut', 'evaluation.json'), 200);
    const own = await serviceOf(folder);
    const { page, faults, close } = await visit(browser, at(own));
    await compared(page);
    expect(await page.locator('main img').count()).toBe(0);
    await page.getByText('1 evaluation cannot be read').click();
    await page.getByRole('listitem').filter({ hasText: 'cut' }).waitFor();
    expect((await handedOver(page, 'Table as LaTeX')).text).toContain('\\textless{}img');
    expect(await barriers(page)).toEqual([]);
    await screenshot(page, 'evaluation-hostile');
    await page.getByLabel('Find a topic').fill('q0');
    await page.getByRole('link', { name: 'q0', exact: true }).click();
    await page.getByText('1 line of its files cannot be read').waitFor();
    await page.getByText('1 document removed from the ranking').click();
    await page.getByText('<i>e1</i>').waitFor();
    const rows = await rowsOf(page, '.relevant');
    expect(rows).toEqual([
      ['<b>d1</b>', '2', expect.any(String), expect.any(String), expect.any(String)],
      ['gone', '1', '–', '–', 'in neither'],
    ]);
    expect(await page.locator('main b, main i, main img').count()).toBe(0);
    expect(await barriers(page)).toEqual([]);
    expect(await overhang(page)).toBe(0);
    await screenshot(page, 'evaluation-hostile-topic');
    expect(faults).toEqual([]);
    await close();
  });

  it('topics that are others, or cannot be read, are told; the rest stands', async () => {
    const folder = temporaryFolder();
    write(join(folder, 'a'), {}, 1, 0.4);
    write(join(folder, 'b'), { reasoner: 'b' }, 2, 0.6);
    const others = topicsOf(drawnValues(40, 3), (i) => `other${i}`);
    write(join(folder, 'c'), { reasoner: 'c', topics: others }, 3, 0.4);
    write(join(folder, 'd'), { reasoner: 'd' }, 4, 0.4);
    const record = join(folder, 'd', 'evaluation.json');
    const saved = JSON.parse(readFileSync(record, 'utf8')) as { topics: unknown[] };
    writeFileSync(record, JSON.stringify({ ...saved, topics: [null, ...saved.topics] }));
    const own = await serviceOf(folder);
    const expected = ['503'];
    const { page, faults, close } = await visit(browser, at(own), { expected });
    await compared(page);
    const alert = page.getByRole('alert').filter({ hasText: 'Some comparisons could not be made' });
    expect(await alert.getByRole('listitem').allTextContents()).toEqual([
      'bm25+c on beir:written: The topics of the two runs are not the same.',
      expect.stringContaining('bm25+d on beir:written: The run cannot be read'),
    ]);
    expect((await rowsOf(page))[1][1]).toContain('†');
    await page.goto(at(own, { a: 'bm25', b: 'bm25+d', on: 'beir:written' }));
    await page.getByRole('alert').filter({ hasText: 'has a topic that is none' }).first().waitFor();
    expect(await barriers(page)).toEqual([]);
    await screenshot(page, 'evaluation-failures');
    await page.goto(at(own, { topic: 'not-there' }));
    await page.getByRole('alert').filter({ hasText: 'no such topic' }).first().waitFor();
    expect(faults.filter((fault) => !fault.includes('404'))).toEqual([]);
    await close();
  });

  it('what is saved anew while the page is open is not mixed with what was there', async () => {
    const folder = temporaryFolder();
    write(join(folder, 'a'), {}, 1, 0.4);
    write(join(folder, 'b'), { reasoner: 'b' }, 2, 0.6);
    const own = await serviceOf(folder);
    const { page, close } = await visit(browser, `${own.url}/#/data`);
    const held = new Held();
    await page.route(/\/topics\?/, async (route) => {
      await held.over;
      await route.continue();
    });
    await Promise.all([
      page.waitForRequest(/\/topics\?/),
      page.evaluate(`location.hash = ${JSON.stringify(new URL(at(own)).hash)}`),
    ]);
    write(join(folder, 'b'), { reasoner: 'b', created: '2026-06-07T08:09:10.000Z' }, 3, 0.2);
    held.goOn();
    await page
      .getByRole('alert')
      .getByText('bm25+b on beir:written: The evaluation was saved anew meanwhile: load the page again.')
      .waitFor();
    await page.reload();
    await compared(page);
    expect(await page.getByRole('alert').count()).toBe(0);
    await close();
  });

  it('a service without any says how to make one', async () => {
    const own = await serviceOf(temporaryFolder());
    const { page, close } = await visit(browser, at(own), { viewport: phone });
    await page.getByRole('heading', { name: 'There are no evaluations yet' }).waitFor();
    await page.getByText('quern eval COLLECTION').waitFor();
    expect([await overhang(page), await barriers(page)]).toEqual([0, []]);
    await close();
  });

  it('a thousand of them are a list that can be searched', async () => {
    const folder = temporaryFolder();
    for (let i = 0; i < 1000; i++) {
      const name = String(i).padStart(4, '0');
      const told = { reasoner: i === 0 ? 'none' : `run-${name}` };
      const evaluation = savedEvaluation({ topics: topicsOf(drawnValues(5, i)), judgements: 'j', ...told });
      mkdirSync(join(folder, name));
      writeFileSync(join(folder, name, 'evaluation.json'), JSON.stringify(evaluation));
    }
    const own = await serviceOf(folder);
    const { page, faults, close } = await visit(browser, at(own));
    await compared(page);
    expect(await rowsOf(page)).toHaveLength(8);
    await page.getByText('8 of 1,000').click();
    const boxes = page.getByRole('group', { name: 'Systems' }).getByRole('checkbox');
    await boxes.nth(99).waitFor();
    expect(await boxes.count()).toBe(100);
    await page.getByLabel('Find systems').fill('0777');
    await page.getByRole('checkbox', { name: 'bm25+run-0777' }).check();
    await page.getByRole('rowheader', { name: 'bm25+run-0777' }).first().waitFor();
    expect(await barriers(page)).toEqual([]);
    await screenshot(page, 'evaluation-thousand');
    expect(faults).toEqual([]);
    await close();
  });

  it('ten thousand topics are read in parts and compared while the page goes on', async () => {
    const folder = temporaryFolder();
    const told = { judgements: 'j', k: 10 };
    for (const [i, reasoner] of ['none', 'a', 'b'].entries()) {
      const topics = topicsOf(
        drawnValues(10_000, i, 0.4 + 0.02 * i),
        (at_) => `q${String(at_).padStart(5, '0')}`,
      );
      writeFolder(join(folder, String(i)), savedEvaluation({ ...told, reasoner, topics }));
    }
    const own = await serviceOf(folder);
    const { page, faults, close } = await visit(browser, own.url);
    page.setDefaultTimeout(300_000);
    const asked: string[] = [];
    page.on('request', (request) => asked.push(new URL(request.url()).search));
    await page.goto(at(own));
    await page.locator('table.results').waitFor();
    // Turns of the page's own clock between slices: it is never held up until all is compared.
    await page.evaluate(
      '(window.turns = 0, setInterval(() => document.body.textContent.includes("Comparing") && window.turns++, 5))',
    );
    await compared(page);
    expect((await rowsOf(page)).map(([, value]) => value.includes('†'))).toEqual([false, true, true]);
    expect(await page.evaluate('window.turns')).toBeGreaterThan(5);
    expect(asked.filter((search) => search === '?from=8000&limit=2000')).toHaveLength(3);
    await page.getByText('10,000 topics').last().waitFor();
    await page.getByText('Page 1 of 200').waitFor();
    await page.getByLabel('Find a topic').fill('q09999');
    await page.getByText('1 topic', { exact: true }).waitFor();
    await screenshot(page, 'evaluation-many-topics');
    expect(faults).toEqual([]);
    await close();
  });
});

describe.skipIf(!hasBrowser || !existsSync(theorems))('BRIGHT as it was published', () => {
  it('has the numbers of the paper', async () => {
    browser = await startBrowser();
    const folder = temporaryFolder();
    const published = ['1.5B', '7B'].map(
      (size) => `file:${join(shared, `bright/reasoned/TongSearch-QR-${size}.json.gz`)}`,
    );
    const reasoners = ['none', ...published].flatMap((each) => ['--reasoner', each]);
    const save = ['--save', join(folder, 'theorems')];
    await quernJson(['eval', 'bright:theoremqa_theorems', '--data', shared, ...reasoners, ...save]);
    const own = await serviceOf(folder);
    const { page, faults, close } = await visit(browser, at(own));
    await compared(page);
    expect((await rowsOf(page)).map(([name, value]) => [name, value.slice(0, 4)])).toEqual([
      ['bm25qbaseline', '4.9'],
      ['bm25q+TongSearch-QR-1.5B.json.gz', '16.1'],
      ['bm25q+TongSearch-QR-7B.json.gz', '22.2'],
    ]);
    expect(await barriers(page)).toEqual([]);
    await screenshot(page, 'evaluation-bright');
    expect(faults).toEqual([]);
    await close();
    await own.close();
    await browser.close();
  });
});
