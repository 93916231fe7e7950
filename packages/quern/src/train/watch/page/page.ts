/** The page that runs are watched on: asks every two seconds what is new, and shows it. */
import { askMetrics, askRuns } from './answers.ts';
import { Charts } from './charts.ts';
import { byId } from './elements.ts';
import { RunCards } from './run-cards.ts';
import { RunSeries } from './run-series.ts';
import { SampleBrowser } from './sample-browser.ts';
import type { ListedRun } from './wire.ts';

const pause = 2000;

const series: RunSeries[] = [];
let runs: readonly ListedRun[] = [];
const charts = new Charts();
const cards = new RunCards(showCharts);
const samples = new SampleBrowser();
const connection = byId('connection', HTMLParagraphElement);

function showCharts(): void {
  charts.show(
    runs.flatMap(({ name }, run) => (cards.isOn(run) ? [{ run, name, series: series[run]! }] : [])),
  );
}

/** Takes in what is new of a run; whether anything is. */
async function readOn(run: number): Promise<boolean> {
  const own = (series[run] ??= new RunSeries());
  let isNew = false;
  for (;;) {
    const answer = await askMetrics(run, own.after);
    if (own.add(answer)) isNew = true;
    if (!answer.more) return isNew;
  }
}

async function refresh(): Promise<void> {
  const isFirst = runs.length === 0;
  ({ runs } = await askRuns());
  const changes = await Promise.all(runs.map((_, run) => readOn(run)));
  cards.show(runs, series);
  if (isFirst || changes.includes(true)) showCharts();
  await samples.refresh(runs);
}

function tell(text: string, isTrouble: boolean): void {
  connection.classList.toggle('loss', isTrouble);
  if (connection.textContent !== text) connection.textContent = text;
}

async function watch(): Promise<void> {
  for (;;) {
    try {
      await refresh();
      tell('', false);
    } catch (error) {
      // Without a server there is nothing to ask; one that comes back is found the next time.
      const isGone = error instanceof TypeError || (error as Error).name === 'TimeoutError';
      tell(
        isGone
          ? 'No answer: quern train watch has ended, or cannot be reached.'
          : `Trouble: ${(error as Error).message}.`,
        true,
      );
    }
    await new Promise((done) => setTimeout(done, pause));
    await inView();
  }
}

/** Resolves when the page can be seen, which may be at once. */
async function inView(): Promise<void> {
  while (document.hidden) {
    await new Promise((done) => document.addEventListener('visibilitychange', done, { once: true }));
  }
}

void watch();
