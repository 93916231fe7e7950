import { Writable, type Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { setTimeout as later } from 'node:timers/promises';
import type { Environment } from '../../collections/environment.ts';
import { QuernError } from '../../errors.ts';
import { oneLine } from '../../one-line.ts';
import { stopSignal } from '../../stop-signal.ts';
import { Warnings } from '../../warnings.ts';
import type { ServiceConfig } from '../configuration/service-config.ts';
import type { Observer } from '../service/observer.ts';
import { builtIndexesOfOthers } from '../service/built-indexes-of-others.ts';
import { openService, type Service } from '../service/service.ts';
import { serverSdk, stdioTransport } from './sdk.ts';
import { mcpServer, serviceTools } from './server.ts';

/** How agents are served over two streams. */
export interface StdioOptions {
  readonly input: Readable;
  readonly output: Writable;
  /** Writes a line of the log. */
  readonly say: (line: string) => void;
  /** Ends it. */
  readonly signal: AbortSignal;
  readonly warnings?: Warnings;
  readonly env?: Environment;
  /** Called when all indexes are open and models loaded. */
  readonly onReady?: () => void;
}

/** Milliseconds for calls under way to be answered when the input has ended: a client that has gone waits for none of them. */
const patience = 1000;

/**
 * Serves what a configuration declares to one agent, and resolves when the input ends, or `signal` is aborted, and everything is
 * closed; what is under way then is broken off. Throws `BAD_INPUT` for a message that is larger than the service takes,
 * `MISSING_PACKAGE`, and what opening indexes and reasoners throws.
 */
export async function serveStdio(config: ServiceConfig, options: StdioOptions): Promise<void> {
  const { say, signal, warnings = new Warnings(), env, onReady } = options;
  const { data } = config;
  const service = await openService(config, {
    warnings,
    observer: observerOf(say),
    ...(data !== undefined && { built: builtIndexesOfOthers(data) }),
    ...(env && { env }),
  });
  const stopping = stopSignal(signal);
  try {
    const answering = answerMessages(service, { ...options, signal: stopping.signal }).finally(stopping.stop);
    const ready = service.ready(stopping.signal).then(onReady, (error: unknown) => {
      // What else went wrong has ended it already.
      if (stopping.signal.aborted) return;
      stopping.stop();
      throw error;
    });
    const outcomes = await Promise.allSettled([ready, answering]);
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  } finally {
    stopping.stop();
    await service.close();
  }
}

/** Standard output for the protocol alone: what else is written there, by whatever package, goes to standard error from now on. */
export function protocolOutput({ stdout, stderr }: Pick<NodeJS.Process, 'stdout' | 'stderr'>): Writable {
  const write = stdout.write.bind(stdout);
  stdout.write = stderr.write.bind(stderr) as typeof stdout.write;
  return new Writable({
    write: (chunk: Uint8Array, encoding, done) => void write(chunk, encoding, done),
  });
}

/** Answers what comes in until no more does. */
async function answerMessages(
  service: Service,
  { input, output, say, signal }: Omit<StdioOptions, 'onReady'>,
): Promise<void> {
  const [sdk, { StdioServerTransport }] = await Promise.all([serverSdk(), stdioTransport()]);
  const { limits, log: settings } = service.config;
  const underWay = new Set<Promise<unknown>>();
  const server = mcpServer(sdk, serviceTools(service), {
    underWay,
    log: {
      asked: (tool, asked) => settings.questions && say(`${tool} ${JSON.stringify(asked)}`),
      failed: (tool, error) => say(`${tool} failed: ${told(error)}`),
    },
  });
  // oxlint-disable-next-line unicorn/prefer-add-event-listener -- the SDK's servers have none
  server.onerror = (error) => say(told(error));
  const broken = new Promise<'broken'>((resolve) => output.once('error', () => resolve('broken')));
  // oxlint-disable-next-line unicorn/prefer-add-event-listener -- the SDK's servers have none
  const closed = new Promise<'closed'>((resolve) => (server.onclose = () => resolve('closed')));
  const ended = finished(input, { writable: false, signal }).then(
    () => 'ended' as const,
    () => 'broken' as const,
  );
  await server.connect(new StdioServerTransport(input, output, { maxBufferSize: limits.body }));
  const why = await Promise.race([ended, closed, broken]);
  if (why === 'ended') await settled(underWay);
  await server.close();
  if (why !== 'closed') return;
  throw new QuernError('BAD_INPUT', `a message is larger than ${limits.body} bytes`, {
    hint: 'limits.body in the configuration says how large it may be',
  });
}

/** Resolves when calls under way are answered, or in any case soon. */
async function settled(underWay: ReadonlySet<Promise<unknown>>): Promise<void> {
  // Calls that came last begin, and answers are written, in turns of their own.
  await later(0);
  const timer = new AbortController();
  const late = later(patience, undefined, { signal: timer.signal }).catch(() => undefined);
  await Promise.race([Promise.allSettled(underWay), late]);
  timer.abort();
  await later(0);
}

const nothing = (): void => undefined;

/** Nobody measures a service of one agent; what fails in it is told. */
function observerOf(say: (line: string) => void): Observer {
  return {
    stage: nothing,
    gate: nothing,
    found: nothing,
    reasoned(name, { failure }) {
      if (failure) say(`the reasoner ${name} failed: ${failure.message}`);
    },
    failed: (what, code, error) => say(`${what}: ${code}: ${told(error)}`),
  };
}

/** What a log is told of an error: that, and what led to it. */
function told(error: unknown): string {
  const { message = String(error), cause } = error as Partial<Error>;
  return oneLine(cause instanceof Error ? `${message} (${cause.message})` : message, 500);
}
