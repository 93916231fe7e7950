/** The page `Training` in a browser, over a real service: runs that are made, written by hand, damaged, and none. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasLibTorch } from '../../quern/test/has-libtorch.ts';
import { startService, type ServiceUnderTest } from '../../quern/test/running-service.ts';
import { smokeConfig } from '../../quern/test/small-training.ts';
import { temporaryFolder } from '../../quern/test/temporary-folder.ts';
import { train } from '../../quern/src/train/trainer.ts';
import { barriers, hasBrowser, overhang, phone, screenshot, startBrowser, visit } from './browser.ts';
import { Held } from './held.ts';
import { attack, goodFigures, metricsLine, sampled, WrittenRun } from './training-runs.ts';

const gone = 4_194_303;
const words = ['rust', 'sleep', 'tides', 'yeast'];

/** Goes by all charts, which are drawn when they come into view, and back to the top. */
async function drawn(page: Page): Promise<void> {
  await page.locator('.charts').first().waitFor();
  for (const each of await page.locator('.charts').all()) {
    if (!(await each.isVisible())) continue;
    await each.scrollIntoViewIfNeeded();
    await each.locator('canvas').last().waitFor();
  }
  await page.evaluate('scrollTo(0, 0)');
}

/** A chart, by its title. */
function chart(page: Page, title: string): ReturnType<Page['getByRole']> {
  return page.getByRole('group', { name: `${title}; arrow keys read its values`, exact: true });
}

describe.skipIf(!hasBrowser)('the page Training', () => {
  const root = temporaryFolder();
  let browser: Browser;
  let service: ServiceUnderTest;
  let runs = '';
  const ids = new Map<string, string>();

  /** The address of runs by their names; without any, of the page. */
  const address = (...names: readonly string[]): string => {
    const chosen = names.map((name) => ids.get(name)!).join(',');
    return `${service.url}/#/training${names.length === 0 ? '' : `?runs=${chosen}`}`;
  };

  beforeAll(async () => {
    browser = await startBrowser();
    runs = join(root, 'runs');
    mkdirSync(runs);
    writeRuns(runs);
    service = await startService(root, { runs: ['runs'] });
    const { body } = await service.ask<{ runs: { id: string; name: string }[] }>('/v1/runs?kind=training');
    for (const { id, name } of body.runs) ids.set(name, id);
  });
  afterAll(async () => {
    await browser?.close();
    await service?.close();
  });

  it('a run that goes well: its state, curves, samples and comparison, in light and dark', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page, faults, close } = await visit(browser, address('good'), { colorScheme });
      await drawn(page);
      const card = page.getByRole('listitem').filter({ hasText: 'good' }).first();
      expect(await card.textContent()).toMatch(
        /Done.*step 40 of 40.*best validation at step 40: nDCG@10 0\.34/s,
      );
      expect(await card.textContent()).toContain('learning rate0.000001');
      await page.getByText('Nothing looks wrong with this run.').waitFor();
      expect(await chart(page, 'Reward').first().locator('.values').textContent()).toBe('good 0.473');
      await page.getByRole('heading', { name: 'From the start to now' }).waitFor();
      await page.getByRole('cell', { name: '+0.5', exact: true }).first().waitFor();
      await page.waitForLoadState('networkidle');
      expect(await barriers(page)).toEqual([]);
      expect(faults).toEqual([]);
      expect(await overhang(page)).toBe(0);
      await screenshot(page, `training-good-${colorScheme}`);
      await close();
    }
  });

  it('a phone needs no moving sideways', async () => {
    const { page, faults, close } = await visit(browser, address('good', 'bad', 'live'), {
      viewport: phone,
      colorScheme: 'dark',
    });
    await drawn(page);
    await page.waitForLoadState('networkidle');
    expect(await overhang(page)).toBe(0);
    expect(await barriers(page)).toEqual([]);
    expect(faults).toEqual([]);
    await screenshot(page, 'training-phone');
    await close();
  });

  it('several runs lie over each other, and alarms name the run, the step, the figures and what to do', async () => {
    const { page, faults, close } = await visit(browser, address('good', 'bad'));
    await drawn(page);
    const alarms = page.getByRole('list', { name: 'Alarms of bad' });
    expect(await alarms.getByRole('listitem').count()).toBe(4);
    const text = await alarms.textContent();
    expect(text).toContain('A figure is no finite number since step 38, bad');
    expect(text).toContain('Step 38: grad_norm.');
    expect(text).toMatch(/The reward rises while validation falls since step 10, bad/);
    expect(text).toMatch(
      /since step 10 the reward went from 0\.\d+ to 0\.\d+, the nDCG@10 of validation from 0\.3 to 0\.12/i,
    );
    expect(text).toContain('Completions have become very short');
    expect(text).toContain('Begin a new one from the last good checkpoint');
    expect(await page.getByRole('list', { name: 'Alarms of good' }).count()).toBe(0);
    const values = chart(page, 'Mean length (tokens)').locator('.values li');
    expect(await values.allTextContents()).toEqual([expect.stringMatching(/^good 1\d\d/), 'bad 12']);
    expect(await barriers(page)).toEqual([]);
    expect(faults).toEqual([]);
    await screenshot(page, 'training-several');
    // One less, and the address says so.
    await page.getByRole('checkbox', { name: 'bad' }).uncheck();
    await alarms.waitFor({ state: 'detached' });
    // What is out of sight says the same.
    const rates = chart(page, 'Learning rate').locator('.values li');
    await rates.filter({ hasText: 'bad' }).waitFor({ state: 'detached' });
    expect(await rates.count()).toBe(1);
    expect(await page.evaluate('location.hash')).toBe(`#/training?runs=${ids.get('good')}`);
    await page.getByRole('checkbox', { name: 'good' }).uncheck();
    await page.getByText('Choose a run to see its curves and samples.').waitFor();
    await page.reload();
    await page.getByText('Choose a run to see its curves and samples.').waitFor();
    await close();
  });

  it('a run that goes on is shown first, and lines that come are drawn without anything being asked', async () => {
    const { page, close } = await visit(browser, address());
    await drawn(page);
    expect(await page.getByRole('checkbox', { name: 'live' }).isChecked()).toBe(true);
    expect(await page.getByRole('checkbox', { checked: true }).count()).toBe(1);
    const card = page.getByRole('listitem').filter({ hasText: 'live' }).first();
    expect(await card.textContent()).toMatch(/Running.*step 12 of 60 · about 48 min left/s);
    await page.getByText('step 10, with step 0').waitFor();
    const live = new WrittenRun(runs, 'live');
    live.sample(
      'validation-20',
      words.map((word) => sampled(word, 20)),
    );
    live.train(13, 20).say({ status: 'running', step: 20, max_steps: 60, pid: process.pid });
    await card.getByText('step 20 of 60').waitFor();
    await page.getByText('step 20, with step 0').waitFor();
    // What is wrong from here on is told.
    live.train(21, 30, (step) => ({ ...goodFigures(step), frac_reward_zero_std: 1 }));
    const alarm = page.getByText('Rewards within groups are all the same');
    await alarm.waitFor();
    expect(await alarm.locator('..').textContent()).toContain('since step 21');
    await close();
  });

  it('a process that is gone and a run that failed say so, and what can be done', async () => {
    const { page, close } = await visit(browser, address('gone'));
    const card = page.getByRole('listitem').filter({ hasText: 'gone' }).first();
    await card.getByText('Process gone').waitFor();
    expect(await card.textContent()).toContain('quern train --resume goes on with it');
    const failed = page.getByRole('listitem').filter({ hasText: 'hostile' }).first();
    expect(await failed.textContent()).toContain(`the loss of step 4 is NaN ${attack}`);
    await close();
  });

  it('every text is shown as it is, whatever stands in it', async () => {
    const { page, faults, close } = await visit(browser, address('hostile'));
    await drawn(page);
    await page.getByText(`text ${attack}`).first().waitFor();
    const body = (await page.locator('main').textContent())!;
    for (const place of ['error', 'reward', 'part', 'failure', 'text', 'question', 'prompt']) {
      expect(body).toContain(`${place} ${attack}`);
    }
    expect(body).toContain('A figure is no finite number');
    expect(await page.title()).toBe('Training · Quern');
    expect(await page.locator('main img, main script').count()).toBe(0);
    expect(await overhang(page)).toBe(0);
    expect(await barriers(page)).toEqual([]);
    expect(faults).toEqual([]);
    await screenshot(page, 'training-hostile');
    await close();
  });

  it('damaged files are told, and what can be read of them is shown', async () => {
    const { page, faults, close } = await visit(browser, address('damaged'));
    await drawn(page);
    const card = page.getByRole('listitem').filter({ hasText: 'damaged' }).first();
    expect(await card.textContent()).toContain('State unknown');
    await card.getByText('2 lines of metrics cannot be read.').waitFor();
    await page.getByText('Lines that cannot be read: 2.').waitFor();
    await page.getByText('No question of step 1 is one of step 2').waitFor();
    expect(faults).toEqual([]);
    await close();
  });

  it('curves are read by keys, as a table, over time, and with a logarithmic axis', async () => {
    const { page, faults, close } = await visit(browser, address('good'));
    const reward = chart(page, 'Reward').first();
    await reward.locator('canvas').waitFor();
    await reward.focus();
    await page.keyboard.press('Home');
    await expect.poll(() => reward.locator('.at').textContent(), { timeout: 30_000 }).toBe('step 1');
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => reward.locator('.at').textContent(), { timeout: 30_000 }).toBe('step 2');
    // The same place in all charts.
    await chart(page, 'similarity').locator('.at').filter({ hasText: 'step 2' }).waitFor();
    await expect
      .poll(() => reward.locator('.values').getAttribute('aria-live'), { timeout: 30_000 })
      .toBe('polite');
    await page.keyboard.press('End');
    await expect.poll(() => reward.locator('.at').textContent(), { timeout: 30_000 }).toBe('step 40');
    await chart(page, 'Loss').focus();
    await reward.getByText('as a table').click();
    const table = reward.getByRole('table');
    await table.waitFor();
    expect(await table.getByRole('row').count()).toBe(41);
    const cells = await table.getByRole('row', { name: /^40 / }).getByRole('cell').allTextContents();
    expect(cells).toEqual(['0.473']);
    const kl = chart(page, 'KL from the reference policy');
    const log = kl.getByRole('button', { name: /logarithmic/ });
    await log.click();
    await expect.poll(() => log.getAttribute('aria-pressed'), { timeout: 30_000 }).toBe('true');
    expect(await chart(page, 'Mean length (tokens)').getByRole('button').count()).toBe(0);
    await page.getByRole('radio', { name: 'time' }).check();
    await reward.focus();
    await page.keyboard.press('End');
    await expect.poll(() => reward.locator('.at').textContent(), { timeout: 30_000 }).toMatch(/^after 0:40/);
    await page.getByLabel('Smoothing').fill('0.9');
    await page.getByText('0.90', { exact: true }).waitFor();
    expect(faults).toEqual([]);
    await screenshot(page, 'training-log');
    await close();
  });

  it('a part of a chart is marked in all of them, and let go', async () => {
    const { page, close } = await visit(browser, address('good'));
    const over = chart(page, 'Reward').first().locator('.u-over');
    await over.waitFor();
    await over.scrollIntoViewIfNeeded();
    const { x, y, width } = (await over.boundingBox())!;
    await page.mouse.move(x + width * 0.5, y + 40);
    await page.mouse.down();
    await page.mouse.move(x + width * 0.8, y + 40, { steps: 4 });
    await page.mouse.up();
    const whole = page.getByRole('button', { name: 'Show all of it' });
    await whole.waitFor();
    // Keys read what is shown.
    await chart(page, 'similarity').focus();
    await page.keyboard.press('Home');
    const first = Number(
      (await chart(page, 'similarity').locator('.at').textContent())!.replace('step ', ''),
    );
    expect(first).toBeGreaterThan(15);
    expect(first).toBeLessThan(25);
    await whole.click();
    await whole.waitFor({ state: 'detached' });
    await close();
  });

  it('samples: by step and question, in an order, with what they were worth', async () => {
    const { page, close } = await visit(browser, address('good'));
    const samples = page.getByRole('region', { name: 'Completions and their rewards' });
    await samples.getByText('step 40', { exact: true }).waitFor();
    const list = samples.getByRole('listitem');
    expect(await list.first().textContent()).toMatch(/reward 1\.1advantage \+0\.9tokens 100ended by itself/);
    expect(await list.nth(1).textContent()).toContain('no reasoned query: there is no answer');
    expect(await list.first().locator('dt').allTextContents()).toEqual(['similarity', 'format']);
    await samples.getByLabel('Order').selectOption('worst');
    expect(await list.first().textContent()).toContain('reward −0.2');
    await samples.getByRole('button', { name: 'The step before' }).click();
    await samples.getByText('step 20', { exact: true }).waitFor();
    await samples.getByLabel('Of').selectOption('validation');
    await samples.getByText('why does rust happen?').waitFor();
    await samples.getByRole('button', { name: 'The question after' }).click();
    await samples.getByText('why does sleep happen?').waitFor();
    const comparison = page.getByRole('region', { name: 'From the start to now' });
    expect(await comparison.getByRole('row').nth(1).textContent()).toBe(
      'These 4 questions: mean reward−0.050.45+0.5',
    );
    await comparison.getByLabel('Completion').selectOption('median');
    expect(await comparison.getByRole('region', { name: 'Step 40' }).textContent()).toContain(
      'Nothing of use about rust.',
    );
    await close();
  });

  it('samples stand under the step and the run that they are of, while others come and where none come', async () => {
    const { page, close } = await visit(browser, address('good', 'live'), { expected: ['ERR_FAILED'] });
    const samples = page.getByRole('region', { name: 'Completions and their rewards' });
    const comparison = page.getByRole('region', { name: 'From the start to now' });
    await comparison.getByRole('columnheader', { name: 'step 40' }).waitFor();
    await samples.getByText('why does clouds happen?').waitFor();
    const held = new Held();
    await page.route(/samples\/20\?of=validation/, async (route) => {
      await held.over;
      await route.continue();
    });
    await page.route(/samples\/20$/, (route) => route.abort());
    await comparison.getByRole('button', { name: 'The compared step before' }).click();
    await comparison.getByText('step 20, with step 0').waitFor();
    expect(await comparison.getByRole('columnheader', { name: 'step 40' }).count()).toBe(1);
    held.goOn();
    await comparison.getByRole('columnheader', { name: 'step 20' }).waitFor();
    await samples.getByRole('button', { name: 'The step before' }).click();
    await samples.getByText('These samples cannot be read: the service does not answer.').waitFor();
    expect(await samples.getByRole('listitem').count()).toBe(0);
    await page.unroute(/samples\/20$/);
    await samples.getByRole('button', { name: 'Try again' }).click();
    await samples.getByRole('listitem').first().waitFor();
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    await page.getByLabel('Of the run').selectOption('live');
    await comparison.getByRole('columnheader', { name: 'step 0' }).waitFor();
    await comparison.getByText('with step 0').waitFor();
    // Steps of the one run are not asked of the other.
    expect(asked.filter((url) => url.includes(`${ids.get('live')}/samples/40`))).toEqual([]);
    await close();
  });

  it('where the service no longer answers, the page says so, keeps what it has, and tries again', async () => {
    const other = await startService(root, { runs: ['runs'] });
    const port = Number(new URL(other.url).port);
    const url = `${other.url}/#/training?runs=${ids.get('live')}`;
    const { page, close } = await visit(browser, url, { expected: ['ERR_CONNECTION_REFUSED'] });
    await drawn(page);
    await other.close();
    await page.getByText('The service does not answer.').waitFor();
    expect(await page.locator('canvas').count()).toBeGreaterThan(0);
    expect(await barriers(page)).toEqual([]);
    await screenshot(page, 'training-trouble');
    const again = await startService(root, { runs: ['runs'], listen: { port } });
    const found = page.getByText('The service does not answer.').waitFor({ state: 'detached' });
    // It may have found it by itself before.
    const clicked = page.getByRole('button', { name: 'Try now' }).click();
    await Promise.race([clicked.catch(() => undefined), found]);
    await found;
    await close();
    await again.close();
  });

  it('runs that are not there, and no runs at all', async () => {
    const { page, close } = await visit(browser, `${service.url}/#/training?runs=none,${ids.get('good')}`);
    await page.getByText('A run of this address is not there.').waitFor();
    await drawn(page);
    await close();
    const empty = await startService(root, {});
    const nothing = await visit(browser, `${empty.url}/#/training`, { viewport: phone });
    await nothing.page.getByText('No runs of training yet').waitFor();
    await nothing.page.getByText('quern train --preset smoke').waitFor();
    expect(await barriers(nothing.page)).toEqual([]);
    expect(await overhang(nothing.page)).toBe(0);
    expect(nothing.faults).toEqual([]);
    await screenshot(nothing.page, 'training-none');
    await nothing.close();
    await empty.close();
  });

  it.skipIf(!hasLibTorch)('a run that is trained on the spot', async () => {
    const questions = join(root, 'questions.jsonl');
    const records = words.map((id) =>
      JSON.stringify({ id, question: `why ${id}`, positives: [`about ${id}`] }),
    );
    writeFileSync(questions, records.join('\n'));
    const folder = join(root, 'trained', 'smoke');
    const data = `[${JSON.stringify(questions)}]`;
    const set = ['device=cpu', `train_data=${data}`, 'eval_steps=1', `eval_data=${data}`, 'max_steps=2'];
    await train(await smokeConfig(folder, set));
    const own = await startService(root, { runs: ['trained'] });
    const { page, faults, close } = await visit(browser, `${own.url}/#/training`);
    await drawn(page);
    const card = page.getByRole('listitem').filter({ hasText: 'smoke' }).first();
    expect(await card.textContent()).toMatch(/Done.*step 2 of 2/s);
    const comparison = page.getByRole('region', { name: 'From the start to now' });
    await comparison.getByText('step 2, with step 0').waitFor();
    expect(await comparison.getByRole('row').nth(1).textContent()).toContain(
      'These 4 questions: mean reward',
    );
    const samples = page.getByRole('region', { name: 'Completions and their rewards' });
    await samples.getByText('step 2', { exact: true }).waitFor();
    expect(await samples.getByRole('listitem').count()).toBe(4);
    expect(await barriers(page)).toEqual([]);
    expect(faults).toEqual([]);
    await screenshot(page, 'training-trained');
    await close();
    await own.close();
  });
});

function writeRuns(runs: string): void {
  const good = new WrittenRun(runs, 'good', {
    method: 'grpo',
    reward: 'lexical',
    learning_rate: 1e-6,
    seed: 42,
  });
  good.train(1, 40);
  for (const [i, ndcg] of [0.2, 0.25, 0.3, 0.32, 0.34].entries())
    good.add(metricsLine('eval', 10 * i, { 'eval/ndcg@10': ndcg, 'eval/reward': i / 5 }));
  good.say({
    status: 'done',
    step: 40,
    max_steps: 40,
    best: { step: 40, metric: 'eval/ndcg@10', value: 0.34 },
  });
  for (const step of [0, 20, 40])
    good.sample(
      `validation-${step}`,
      words.map((word) => sampled(word, step)),
    );
  good
    .sample('step-20', [sampled('glass', 20)])
    .sample('step-40', [sampled('clouds', 40), sampled('salt', 40)]);

  const bad = new WrittenRun(runs, 'bad', { method: 'grpo', reward: 'similarity', learning_rate: 1e-4 });
  bad.train(1, 40, (step) => ({
    ...goodFigures(step),
    ...(step > 20 && { 'completions/mean_length': 12, kl: 0.1 * step }),
    ...(step === 38 && { grad_norm: null }),
  }));
  bad.validate('eval/ndcg@10', [0.28, 0.3, 0.25, 0.2, 0.12]);
  bad.say({ status: 'stopped', step: 40, max_steps: 100 });

  const live = new WrittenRun(runs, 'live', { method: 'grpo', seed: 7 });
  live.train(1, 12).say({ status: 'running', step: 12, max_steps: 60, pid: process.pid });
  for (const step of [0, 10])
    live.sample(
      `validation-${step}`,
      words.map((word) => sampled(word, step)),
    );

  new WrittenRun(runs, 'gone').train(1, 3).say({ status: 'running', step: 3, max_steps: 9, pid: gone });

  const hostile = new WrittenRun(runs, 'hostile', { reward: `reward ${attack}` });
  hostile.train(1, 3, (step) => ({ reward: step / 4, [`rewards/${attack}/mean`]: step, [attack]: 1 }));
  hostile.say({
    status: 'failed',
    step: 3,
    max_steps: 9,
    error: `error ${attack}: the loss of step 4 is NaN ${attack}`,
  });
  const completion = {
    text: `text ${attack}`,
    reward: 0.5,
    parts: { [`part ${attack}`]: 1 },
    finish: attack,
    failure: `failure ${attack}`,
  };
  hostile.sample('step-3', [
    { question: `question ${attack}`, prompt: `prompt ${attack}`, completions: [completion] },
  ]);

  const damaged = new WrittenRun(runs, 'damaged');
  damaged.train(1, 2).add('{"kind":"train","step"\n', 'no line\n', metricsLine('train', 3, goodFigures(3)));
  writeFileSync(join(damaged.folder, 'state.json'), '{"status": "run');
  writeFileSync(join(damaged.folder, 'config.yaml'), '{{{');
  damaged
    .sample('step-1', [sampled('moss', 1)])
    .sample('step-2', [sampled('fog', 2), '{"question": 1}', '{"ques']);
}
