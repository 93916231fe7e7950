/** The page of `quern train watch`, as a browser shows it. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { chromium, documentAt } from './chromium.ts';
import { temporaryFolder } from './temporary-folder.ts';

const root = temporaryFolder();
const built = resolve(import.meta.dirname, '../dist/train/watch/watch-server.js');

/** What would change the title, were it taken for markup. */
const attack = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`;

type Watch = typeof import('../src/train/watch/watch-server.ts');

/** The page of runs as a browser has it after a few seconds. */
async function pageOf(...runs: readonly string[]): Promise<string> {
  if (!existsSync(built)) throw new Error('packages/quern is not built: npm run build');
  const { watchRuns } = (await import(pathToFileURL(built).href)) as Watch;
  const server = await watchRuns(runs);
  try {
    return await documentAt(server.url, join(root, 'profile'), 6000);
  } finally {
    await server.close();
  }
}

/** What begins an element with an id. */
function startOf(html: string, id: string): string {
  return new RegExp(`<[^>]* ?id="${id}"[^>]*>`, 'u').exec(html)![0];
}

function writeRun(): string {
  const folder = join(root, 'run');
  mkdirSync(join(folder, 'samples'), { recursive: true });
  const lines = [1, 2, 3].map((step) =>
    JSON.stringify({ kind: 'train', step, reward: step / 4, [`rewards/${attack}/mean`]: step, [attack]: 1 }),
  );
  writeFileSync(join(folder, 'metrics.jsonl'), `${lines.join('\n')}\n`);
  writeFileSync(
    join(folder, 'state.json'),
    JSON.stringify({ status: 'failed', step: 3, max_steps: 9, error: `error ${attack}` }),
  );
  writeFileSync(join(folder, 'config.yaml'), JSON.stringify({ reward: `reward ${attack}` }));
  const part = `part ${attack}`;
  const completion = {
    text: `text ${attack}`,
    reward: 0.5,
    parts: { [part]: 1 },
    failure: `failure ${attack}`,
  };
  const sample = { question: `question ${attack}`, prompt: `prompt ${attack}`, completions: [completion] };
  writeFileSync(join(folder, 'samples/step-3.jsonl'), `${JSON.stringify(sample)}\n`);
  return folder;
}

describe.skipIf(chromium === undefined)('the page of runs', () => {
  it('shows curves and samples, and every text as it is, whatever stands in it', async () => {
    const html = await pageOf(writeRun());
    expect(html).toContain('<title>Training runs · Quern</title>');
    expect(html).toContain('step 3 of 9');
    expect(html).toContain('<canvas');
    const shown = attack.replaceAll('<', '&lt;').replaceAll('>', '&gt;');
    for (const place of ['error', 'reward', 'part', 'failure', 'text', 'question', 'prompt']) {
      expect(html).toContain(`${place} ${shown}`);
    }
    expect(html.match(/<img|<script(?! src="\/)/g)).toBeNull();
    for (const id of ['settings', 'contents', 'samples']) expect(startOf(html, id)).not.toContain('hidden');
  });

  it('tells the last value as it is, where the curve is smoothed', async () => {
    const html = await pageOf(writeRun());
    const reward = html.slice(html.indexOf('<figure'), html.indexOf('</figure>'));
    expect(reward).toContain('>Reward</h3><span class="at">last</span>');
    expect(reward).toMatch(/<\/bdi>0\.75<\/li>/u);
  });

  it('has nothing but the run as long as that has written nothing', async () => {
    const opened = join(root, 'opened');
    mkdirSync(opened);
    writeFileSync(join(opened, 'config.yaml'), 'seed: 1\n');
    const html = await pageOf(opened);
    expect(html).toContain('Not begun');
    for (const id of ['settings', 'contents', 'samples']) expect(startOf(html, id)).toContain('hidden');
    expect(html).not.toContain('<canvas');
  });
});

it('the scripts of the page never make markup of a text', () => {
  const folder = resolve(import.meta.dirname, '../src/train/watch/page');
  const scripts = readdirSync(folder).filter((name) => name.endsWith('.ts'));
  expect(scripts.length).toBeGreaterThan(5);
  for (const name of scripts) {
    expect(readFileSync(join(folder, name), 'utf8')).not.toMatch(
      /innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|\beval\(|new Function/,
    );
  }
});
