import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { IndexBuilder } from '../src/lexical/index-builder.ts';
import { readServiceConfig } from '../src/serve/configuration/read-service-config.ts';
import { serve, type RunningService, type ServeOptions } from '../src/serve/serve.ts';
import { analyzerNamed } from '../src/text/analyzers.ts';
import { someTexts } from './small-index.ts';

/** What a configuration file of a test holds. */
export type ConfigValue = Readonly<Record<string, unknown>>;

/** A service of a test. */
export interface ServiceOfTest extends RunningService {
  readonly port: number;
  /** The folder of its configuration. */
  readonly folder: string;
  /** What it logged so far. */
  readonly logged: Record<string, unknown>[];
}

/**
 * Starts services as configuration files say, each at a free port and in a folder of its own in `folder`, with an index `trees`
 * of {@link someTexts}; they end after each test.
 */
export function servicesIn(
  folder: string,
): (config?: ConfigValue, options?: ServeOptions) => Promise<ServiceOfTest> {
  const running: RunningService[] = [];
  let index: Promise<string> | undefined;
  afterEach(async () => {
    for (const each of running.splice(0)) await each.close();
  });
  return async (config = {}, options = {}) => {
    index ??= builtIndex(join(folder, 'trees'), someTexts);
    const own = mkdtempSync(join(folder, 'service-'));
    const file = join(own, 'quern.yaml');
    mkdirSync(join(own, 'cache'));
    const { listen, indexes, ...rest } = config;
    const value = {
      cache: 'cache',
      indexes: indexes ?? { trees: await index },
      listen: { port: 0, ...(listen as object | undefined) },
      ...rest,
    };
    writeFileSync(file, JSON.stringify(value));
    const logged: Record<string, unknown>[] = [];
    const service = await serve(await readServiceConfig({ file, env: {} }), {
      logTo: { write: (line) => void logged.push(JSON.parse(line) as Record<string, unknown>) },
      env: {},
      ...options,
    });
    running.push(service);
    await service.ready;
    return { ...service, port: Number(new URL(service.url).port), folder: own, logged };
  };
}

/** Builds an index, with stored texts, of texts by their ids; returns its folder. */
export async function builtIndex(out: string, texts: Readonly<Record<string, string>>): Promise<string> {
  const builder = await IndexBuilder.create({ out, analyzer: analyzerNamed('whitespace'), store: true });
  for (const [id, text] of Object.entries(texts)) await builder.add({ id, title: '', text }, id);
  await builder.finish();
  return out;
}

/** An answer of the API: whatever it is, and what it holds. */
export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown> & {
    readonly error?: {
      readonly code: string;
      readonly message: string;
      readonly where?: string;
      readonly hint?: string;
    };
  };
}

/** Posts JSON and reads the JSON that is answered. */
export async function posted(
  url: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
  signal?: AbortSignal,
): Promise<Answered> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...(signal && { signal }),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: (text === '' ? {} : JSON.parse(text)) as Answered['body'],
  };
}
