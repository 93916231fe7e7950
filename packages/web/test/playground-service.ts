import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { openCorpus } from '../../quern/src/collections/open-corpus.ts';
import { indexCorpus } from '../../quern/src/lexical/index-corpus.ts';
import { sampleFolder } from '../../quern/test/beir-collection.ts';
import { chunkOf, type FakeReply } from '../../quern/test/fake-openai-server.ts';
import type { Held } from './held.ts';
import { eventsIn, type ServiceEvent } from '../src/service/events.ts';

/** The questions of the sample collection. */
export const questions = readFileSync(join(sampleFolder, 'queries.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as { readonly _id: string; readonly text: string });

/** A question of the sample collection by its id. */
export function question(id: string): string {
  return questions.find(({ _id }) => _id === id)!.text;
}

/** Its reasoned queries, by their questions. */
export const reasonedTexts = JSON.parse(
  readFileSync(join(sampleFolder, 'reasoned.json'), 'utf8'),
) as Readonly<Record<string, string>>;

/** Where they are recorded. */
export const recorded = `file:${join(sampleFolder, 'reasoned.json')}`;

/** Indexes the sample collection into `folder`, and returns the index's folder. */
export async function sampleIndex(folder: string): Promise<string> {
  const out = join(folder, 'sample.index');
  await indexCorpus(await openCorpus(join(sampleFolder, 'corpus.jsonl')), { out, store: true });
  return out;
}

/** Indexes documents of a title and a text, whose ids are their titles. */
export async function indexOf(
  folder: string,
  name: string,
  documents: readonly { readonly id: string; readonly title: string; readonly text: string }[],
): Promise<string> {
  const corpus = join(folder, `${name}.jsonl`);
  const lines = documents.map(({ id, title, text }) => JSON.stringify({ _id: id, title, text }));
  writeFileSync(corpus, lines.join('\n'));
  const out = join(folder, `${name}.index`);
  await indexCorpus(await openCorpus(corpus), { out, store: true });
  return out;
}

/** Streams words, with a pause between one and the next, until the client goes away. */
export function slowly(words: readonly string[], milliseconds: number): FakeReply {
  return streamed(words, () => pause(milliseconds));
}

/** Streams the words of `first`, and those of `rest` when it is let go on. */
export function heldAfter(first: readonly string[], rest: readonly string[], held: Held): FakeReply {
  return streamed([...first, ...rest], async (told) => {
    if (told === first.length) await held.over;
  });
}

/** Streams words until the client goes away; after each, `after` is awaited with how many were told. */
function streamed(words: readonly string[], after: (told: number) => Promise<unknown>): FakeReply {
  return async (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const send = (chunk: string): void => void response.write(`data: ${chunk}\n\n`);
    for (const [i, word] of words.entries()) {
      if (response.destroyed) return;
      send(chunkOf({ delta: { content: `${word} ` } }));
      await after(i + 1);
    }
    send(chunkOf({ finish_reason: 'stop' }));
    send(chunkOf(null, { usage: { prompt_tokens: 50_000, completion_tokens: words.length } }));
    response.end('data: [DONE]\n\n');
  };
}

/** The hash of the playground that asks. */
export function asking(params: Readonly<Record<string, string>>): string {
  return `#/?${new URLSearchParams(params).toString()}`;
}

/** The ids of a column's hits, in their order. */
export function idsOf(page: Page, which: 'with' | 'without'): Promise<string[]> {
  return page
    .getByRole('list', { name: `Hits ${which} reasoning` })
    .locator('> li')
    .evaluateAll((rows) => rows.map((row) => row.getAttribute('data-id')!));
}

/** Waits until an answer is there and shown. */
export async function answered(page: Page): Promise<void> {
  await page.getByRole('status').filter({ hasText: /^Done/ }).waitFor({ state: 'attached' });
}

/**
 * Does what asks anew where an answer is shown already, and waits until the next one is. Both end with the same words, so the words
 * between are waited for too.
 */
export async function answeredAnew(page: Page, act: () => Promise<unknown>): Promise<void> {
  await page.evaluate(`{
    const status = document.querySelector('[role="status"]');
    window.said = [];
    new MutationObserver(() => window.said.push(status.textContent.split(':')[0])).observe(status, {
      subtree: true,
      childList: true,
      characterData: true,
    });
  }`);
  await act();
  const said = (): Promise<string[]> => page.evaluate<string[]>('window.said');
  while (!(await said()).includes('Searching')) await pause(20);
  await answered(page);
}

/** The events of the search that a page asks for while `act` is done, to its end. */
export async function eventsOfSearch(page: Page, act: () => Promise<unknown>): Promise<ServiceEvent[]> {
  await page.evaluate(`{
    const { fetch } = window;
    window.fetch = async (...given) => {
      const response = await fetch(...given);
      if (response.headers.get('content-type')?.includes('text/event-stream')) {
        window.streamed = response.clone().text();
      }
      return response;
    };
  }`);
  await act();
  await answered(page);
  const text = await page.evaluate<string>('window.streamed');
  const events: ServiceEvent[] = [];
  for await (const event of eventsIn(new Blob([text]).stream())) events.push(event);
  return events;
}
