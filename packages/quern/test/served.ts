import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { readServiceConfig } from '../src/serve/configuration/read-service-config.ts';
import { serve, type RunningService } from '../src/serve/serve.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** A service that listens, and how it is asked. */
export interface Served {
  readonly running: RunningService;
  /** The data folder. */
  readonly path: string;
  readonly port: number;
  /** What was logged. */
  readonly log: string[];
  /** Asks; the body of the answer is its JSON, or its text where it is none. */
  ask(method: string, path: string, asked?: Asked): Promise<Answer>;
}

export interface Asked {
  readonly body?: string | Uint8Array | ReadableStream;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

/** What starts services with a data folder of their own, a new one unless a path is given, and closes each after its test. */
export function services(): (settings?: Readonly<Record<string, unknown>>, path?: string) => Promise<Served> {
  const folder = temporaryFolder();
  let count = 0;
  return async (settings = {}, path = join(folder, `data-${count++}`)) => {
    const given = {
      data: path,
      cache: join(folder, 'cache'),
      'listen.port': 0,
      'log.level': 'debug',
      ...settings,
    };
    const config = await readServiceConfig({
      env: {},
      settings: Object.entries(given).map(([name, value]) => ({ path: name.split('.'), value, where: name })),
    });
    const log: string[] = [];
    const running = await serve(config, { logTo: { write: (line) => void log.push(line) }, env: {} });
    onTestFinished(() => running.close());
    await running.ready;
    const ask: Served['ask'] = async (method, at, { body, headers } = {}) => {
      const answer = await fetch(running.url + at, {
        method,
        headers: headers ?? {},
        ...(body !== undefined && { body: body as NonNullable<RequestInit['body']>, duplex: 'half' }),
      } as RequestInit);
      const text = await answer.text();
      const isJson = (answer.headers.get('content-type') ?? '').startsWith('application/json');
      return {
        status: answer.status,
        headers: answer.headers,
        body: isJson ? (JSON.parse(text) as unknown) : text,
      };
    };
    return { running, path, port: Number(new URL(running.url).port), log, ask };
  };
}

/** The events of a stream: their names, and their data as JSON. */
export function eventsOf(
  stream: unknown,
): { readonly event: string; readonly data: Record<string, unknown> }[] {
  return String(stream)
    .split('\n\n')
    .flatMap((block) => {
      const [, event, data] = /^event: (.+)\ndata: (.+)$/.exec(block) ?? [];
      return event === undefined ? [] : [{ event, data: JSON.parse(data!) as Record<string, unknown> }];
    });
}
