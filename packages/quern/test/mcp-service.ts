import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { readServiceConfig } from '../src/serve/configuration/read-service-config.ts';
import type { ServiceConfig } from '../src/serve/configuration/service-config.ts';
import type { Document } from '../src/collections/records.ts';
import { IndexBuilder } from '../src/lexical/index-builder.ts';
import { analyzerNamed } from '../src/text/analyzers.ts';
import { sampleFolder } from './beir-collection.ts';

/** A question of the sample collection for which there is a recorded reasoned query. */
export const question =
  'Every time I cook mushrooms they end up grey and soggy, even with the burner on full and a good splash of oil. My neighbour puts in fewer at a time, and hers come out golden and taste of nuts. What difference can that possibly make?';

/** The reasoner of the sample collection's recorded reasoned queries. */
export const recorded = `file:${join(sampleFolder, 'reasoned.json')}`;

let built = 0;

/** The folder of an index that keeps its texts, in `folder`. */
export async function indexFolder(folder: string, documents: Iterable<Document>): Promise<string> {
  const out = join(folder, `${built++}.index`);
  const builder = await IndexBuilder.create({ out, analyzer: analyzerNamed('english'), store: true });
  for (const document of documents) await builder.add(document, 'test');
  await builder.finish();
  return out;
}

/** {@link indexFolder} of the sample collection. */
export function sampleIndex(folder: string): Promise<string> {
  const lines = readFileSync(join(sampleFolder, 'corpus.jsonl'), 'utf8').trim().split('\n');
  const documents = lines.map((line): Document => {
    const { _id: id, title, text } = JSON.parse(line) as Record<'_id' | 'title' | 'text', string>;
    return { id, title, text };
  });
  return indexFolder(folder, documents);
}

/** A configuration of what is given, with a cache in `folder`. */
export function configOf(
  folder: string,
  parts: Readonly<Record<string, unknown>>,
  env: Readonly<Record<string, string>> = {},
): Promise<ServiceConfig> {
  const settings = Object.entries({ cache: join(folder, 'cache'), ...parts }).map(([key, value]) => ({
    path: [key],
    value,
    where: key,
  }));
  return readServiceConfig({ env, settings });
}

/** What a tool returned: its structured content, after it was held against the text beside it. Throws for what is an error. */
export async function returned<T>(
  client: Client,
  name: string,
  given: Record<string, unknown> = {},
): Promise<T> {
  const { content, structuredContent, isError } = await client.callTool({ name, arguments: given });
  const [{ text }] = content as { text: string }[];
  if (isError) throw new Error(text);
  if (JSON.stringify(structuredContent) !== text) throw new Error(`the text is another: ${text}`);
  return structuredContent as T;
}

/** The sentence that a call failed with. Throws where it did not fail. */
export async function sentence(client: Client, name: string, given: unknown): Promise<string> {
  const { content, isError } = await client.callTool({ name, arguments: given as Record<string, unknown> });
  if (!isError) throw new Error(`${name} did not fail`);
  return (content as { text: string }[])[0].text;
}
