/**
 * How long does a first look at the playground take, and what does watching a search cost?
 *
 * Serves the sample collection from a process of its own (`quern serve --sample`). In Chromium, each time with nothing kept: the
 * bytes that come, the first paint, and when the page can be used; beside it `/docs` of the same service, which is Swagger UI, as a
 * page that is known. Then a recorded question asked over HTTP with and without the rankings on the way.
 *
 *     npm run bench -- pages
 */
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { chromium, type Browser } from 'playwright-core';

const ROUNDS = 15;
const ASKED = 60;

/** What a first look at a page took. */
interface FirstLook {
  readonly bytes: number;
  readonly requests: number;
  /** Milliseconds from the start of the navigation. */
  readonly paint: number;
  readonly usable: number;
}

const require = createRequire(import.meta.url);
const versionOf = (name: string): string =>
  (JSON.parse(readFileSync(require.resolve(`${name}/package.json`), 'utf8')) as { version: string }).version;

const program = join(process.cwd(), 'packages/quern/bin/quern.js');
const service = spawn(process.execPath, [program, 'serve', '--sample', '--port', '0', '--json'], {
  stdio: ['ignore', 'pipe', 'ignore'],
});
const url = await new Promise<string>((resolve) => {
  let printed = '';
  service.stdout.on('data', (data: Buffer) => {
    printed += data.toString();
    if (printed.endsWith('}\n')) resolve((JSON.parse(printed) as { url: string }).url);
  });
});
const executablePath = spawnSync('which', ['chromium'], { encoding: 'utf8' }).stdout.trim();
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
try {
  console.log(
    `${cpus().length} × ${cpus()[0]!.model}, Node ${process.version}, Chromium ${browser.version()}, @fastify/swagger-ui ${versionOf('@fastify/swagger-ui')}; medians of ${ROUNDS}\n`,
  );
  const playground: FirstLook[] = [];
  const peer: FirstLook[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    playground.push(await firstLook(browser, `${url}/`, 'textarea'));
    peer.push(await firstLook(browser, `${url}/docs/`, '.opblock'));
  }
  console.log('| page | bytes | requests | first paint | can be used |\n| --- | ---: | ---: | ---: | ---: |');
  for (const [name, looks] of [
    ['playground', playground],
    ['/docs (Swagger UI)', peer],
  ] as const) {
    const of = (field: keyof FirstLook): string =>
      Math.round(median(looks.map((look) => look[field]))).toLocaleString('en');
    console.log(`| ${name} | ${of('bytes')} | ${of('requests')} | ${of('paint')} ms | ${of('usable')} ms |`);
  }
  const { questions } = (await (await fetch(`${url}/v1/indexes/sample/questions`)).json()) as {
    questions: { text: string }[];
  };
  const plain: number[] = [];
  const watched: number[] = [];
  let looks = 0;
  for (let i = 0; i < ASKED; i++) {
    const query = questions[i % questions.length]!.text;
    plain.push((await asked(query, 'application/json')).milliseconds);
    const answer = await asked(query, 'text/event-stream');
    watched.push(answer.milliseconds);
    looks += answer.text.split('event: ranking\n').length - 1;
  }
  console.log(
    `\na recorded question over HTTP: ${median(plain).toFixed(1)} ms; with ${(looks / ASKED).toFixed(0)} rankings on the way: ${median(watched).toFixed(1)} ms (medians of ${ASKED})`,
  );
} finally {
  await browser.close();
  service.kill('SIGINT');
}

/** Looks at a page for the first time: nothing of it is kept. */
async function firstLook(of: Browser, address: string, usable: string): Promise<FirstLook> {
  const context = await of.newContext();
  const page = await context.newPage();
  let bytes = 0;
  let requests = 0;
  page.on('requestfinished', (request) => {
    requests++;
    void request.sizes().then(({ responseBodySize }) => (bytes += responseBodySize));
  });
  await page.goto(address);
  await page.locator(usable).first().waitFor();
  const at = await page.evaluate<number>('performance.now()');
  await page.waitForLoadState('networkidle');
  const paint = await page.evaluate<number>(
    "performance.getEntriesByName('first-contentful-paint')[0].startTime",
  );
  await context.close();
  return { bytes, requests, paint, usable: at };
}

async function asked(query: string, accept: string): Promise<{ text: string; milliseconds: number }> {
  const started = performance.now();
  const answer = await fetch(`${url}/v1/search`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept },
    body: JSON.stringify({ query, index: 'sample', reasoner: 'recorded', explain: true }),
  });
  const text = await answer.text();
  return { text, milliseconds: performance.now() - started };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
