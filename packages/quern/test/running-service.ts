import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Environment } from '../src/collections/environment.ts';
import { readServiceConfig } from '../src/serve/configuration/read-service-config.ts';
import { serve, type RunningService } from '../src/serve/serve.ts';

/** A service that runs for a test, and the lines that it has logged. */
export interface ServiceUnderTest extends RunningService {
  readonly logged: Record<string, unknown>[];
  /** What it answers to a body in JSON, or to nothing sent. */
  ask<B = Readonly<Record<string, unknown>>>(
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Answered<B>>;
}

/** An answer in JSON. */
export interface Answered<B> {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body; undefined where it is no JSON. */
  readonly body: B;
}

let started = 0;

/** A service of a configuration that is written to a file in `folder`, at a free port and ready; its caches lie there too. */
export async function startService(
  folder: string,
  configuration: Readonly<Record<string, unknown>>,
  env: Environment = {},
): Promise<ServiceUnderTest> {
  const file = join(folder, `service-${started++}.json`);
  const { listen, ...rest } = configuration;
  const at = { port: 0, ...(listen as object | undefined) };
  writeFileSync(file, JSON.stringify({ cache: './cache', ...rest, listen: at }));
  const config = await readServiceConfig({ file, env });
  const logged: Record<string, unknown>[] = [];
  const logTo = { write: (line: string) => void logged.push(JSON.parse(line) as Record<string, unknown>) };
  const running = await serve(config, { env, logTo });
  await running.ready.catch(async (error: unknown) => {
    await running.close();
    throw error;
  });
  return {
    ...running,
    logged,
    async ask<B>(path: string, body?: unknown, headers: Readonly<Record<string, string>> = {}) {
      const response = await fetch(running.url + path, {
        ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
        headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      });
      const text = await response.text();
      return { status: response.status, headers: response.headers, text, body: parsed(text) as B };
    },
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
