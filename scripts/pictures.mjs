/**
 * Makes the pictures of the playground that the README shows: node scripts/pictures.mjs
 *
 * It indexes the sample collection in a folder of its own, serves it with its recorded reasoned queries, asks one of its questions
 * in Chromium (`chromium`, `chromium-browser` or `google-chrome` on the path), and writes docs/images/playground.png and
 * playground-dark.png. Everything must be built before: npm run build. Nothing is fetched, and no model is needed.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { deflateSync, crc32 } from 'node:zlib';
import { chromium } from 'playwright-core';

const root = fileURLToPath(new URL('..', import.meta.url));
const quern = join(root, 'packages/quern/bin/quern.js');
const collection = join(root, 'examples/collection');
const asked = 'toward-the-wind';
/** A picture is kept as colours of a palette, so that it is small. */
const colours = 256;

const folder = mkdtempSync(join(tmpdir(), 'quern-pictures-'));
let service;
let browser;
try {
  const index = join(folder, 'sample.index');
  execFileSync(
    process.execPath,
    [quern, 'index', join(collection, 'corpus.jsonl'), '--store', '--out', index],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  const port = await freePort();
  const config = join(folder, 'quern.json');
  writeFileSync(
    config,
    JSON.stringify({
      listen: { port },
      cache: './cache',
      indexes: { sample: { index: './sample.index', retriever: 'bm25q' } },
      reasoners: { recorded: `file:${join(collection, 'reasoned.json')}` },
      log: { level: 'silent' },
    }),
  );
  service = spawn(process.execPath, [quern, 'serve', '--config', config], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const url = `http://127.0.0.1:${port}`;
  await ready(url);
  const params = { q: question(asked), index: 'sample', reasoner: 'recorded' };
  // What is asked first pays for what is compiled and read then.
  await warmUp(url, { query: params.q, index: 'sample', reasoner: 'recorded', explain: true });
  browser = await chromium.launch({ executablePath: browserPath(), args: ['--no-sandbox', '--disable-gpu'] });
  for (const [colorScheme, name] of [
    ['light', 'playground'],
    ['dark', 'playground-dark'],
  ]) {
    const page = await browser.newPage({
      viewport: { width: 1280, height: 800 },
      deviceScaleFactor: 2,
      reducedMotion: 'reduce',
      colorScheme,
    });
    await page.goto(`${url}/#/?${new URLSearchParams(params)}`);
    await page.getByRole('list', { name: 'Hits with reasoning' }).getByText('All').first().waitFor();
    await page.waitForLoadState('networkidle');
    const file = join(root, `docs/images/${name}.png`);
    const picture = await smallPicture(page, await page.screenshot());
    writeFileSync(file, picture);
    console.log(`${file}: ${picture.length} bytes`);
    await page.close();
  }
} finally {
  await browser?.close();
  service?.kill();
  rmSync(folder, { recursive: true, force: true });
}

/** The text of a question of the collection. */
function question(id) {
  const lines = readFileSync(join(collection, 'queries.jsonl'), 'utf8').trim().split('\n');
  return lines.map((line) => JSON.parse(line)).find((each) => each._id === id).text;
}

function browserPath() {
  const found = ['chromium', 'chromium-browser', 'google-chrome']
    .map((name) => spawnSync('which', [name], { encoding: 'utf8' }).stdout.trim())
    .find((path) => path !== '');
  if (found === undefined) throw new Error('there is no Chromium on this machine');
  return found;
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

async function ready(url) {
  for (let tries = 0; tries < 200; tries++) {
    const answer = await fetch(`${url}/readyz`).catch(() => undefined);
    if (answer?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('the service did not come up');
}

async function warmUp(url, body) {
  const headers = { 'content-type': 'application/json', accept: 'text/event-stream' };
  for (let times = 0; times < 20; times++) {
    const answer = await fetch(`${url}/v1/search`, { method: 'POST', headers, body: JSON.stringify(body) });
    await answer.text();
  }
}

/** A PNG with a palette of the most frequent colours; each other colour is the nearest of them. */
async function smallPicture(page, png) {
  const { width, height, rgb } = await pixelsOf(page, png);
  const counts = new Map();
  for (const pixel of rgb) counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
  const palette = [...counts.entries()]
    .toSorted((a, b) => b[1] - a[1])
    .slice(0, colours)
    .map(([pixel]) => pixel);
  const places = new Map(palette.map((pixel, i) => [pixel, i]));
  const rows = Buffer.alloc(height * (width + 1));
  for (let i = 0; i < rgb.length; i++) {
    const pixel = rgb[i];
    let place = places.get(pixel);
    if (place === undefined) places.set(pixel, (place = nearest(palette, pixel)));
    rows[i + 1 + Math.floor(i / width)] = place;
  }
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  // Eight bits, with a palette.
  head.set([8, 3, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', head),
    chunk('PLTE', Buffer.from(palette.flatMap((pixel) => [pixel >> 16, (pixel >> 8) & 255, pixel & 255]))),
    chunk('IDAT', deflateSync(rows, { level: 9, memLevel: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** The colours of a picture, each one number, row after row, as the browser reads it. */
async function pixelsOf(page, png) {
  const { width, height, data } = await page.evaluate(async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.codePointAt(0));
    const bitmap = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const context = canvas.getContext('2d');
    context.drawImage(bitmap, 0, 0);
    const pixels = context.getImageData(0, 0, bitmap.width, bitmap.height).data;
    let text = '';
    for (let at = 0; at < pixels.length; at += 30_000)
      text += String.fromCodePoint(...pixels.subarray(at, at + 30_000));
    return { width: bitmap.width, height: bitmap.height, data: btoa(text) };
  }, png.toString('base64'));
  const rgba = Buffer.from(data, 'base64');
  const rgb = Uint32Array.from({ length: width * height }, (_, i) => rgba.readUInt32BE(4 * i) >>> 8);
  return { width, height, rgb };
}

function nearest(palette, pixel) {
  let best = 0;
  let least = Infinity;
  for (const [place, each] of palette.entries()) {
    const red = (each >> 16) - (pixel >> 16);
    const green = ((each >> 8) & 255) - ((pixel >> 8) & 255);
    const blue = (each & 255) - (pixel & 255);
    const distance = red * red + green * green + blue * blue;
    if (distance < least) [best, least] = [place, distance];
  }
  return best;
}

/** A part of a PNG (its specification, 5.3): length, kind, data, checksum. */
function chunk(kind, data) {
  const body = Buffer.concat([Buffer.from(kind, 'latin1'), data]);
  const part = Buffer.alloc(body.length + 8);
  part.writeUInt32BE(data.length, 0);
  body.copy(part, 4);
  part.writeUInt32BE(crc32(body), body.length + 4);
  return part;
}
