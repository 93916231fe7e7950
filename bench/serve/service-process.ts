import { fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';

/** A `quern serve` of its own. */
export interface ServiceProcess {
  readonly url: string;
  readonly port: number;
  /** Megabytes of memory of its own that the process has now: not the pages of files, which the system takes back when it needs them. */
  memory(): number;
  /** Megabytes of pages of files, such as those of the cache. */
  filePages(): number;
  /** File descriptors that it has open. */
  descriptors(): number;
  /** Seconds of processor time that it has taken. */
  processorTime(): number;
  isRunning(): boolean;
  stop(): Promise<void>;
}

/** Starts a service with a configuration, written as JSON, in a folder. */
export async function startService(folder: string, configuration: object): Promise<ServiceProcess> {
  const file = join(folder, 'quern.json');
  await writeFile(file, JSON.stringify(configuration));
  const program = resolve('packages/quern/bin/quern.js');
  const child = spawn(process.execPath, [program, 'serve', '--config', file, '--port', '0'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const lines = createInterface({ input: child.stderr });
  const url = await new Promise<string>((done, failed) => {
    let found: string | undefined;
    lines.on('line', (line) => {
      found ??= /serving at (\S+)/.exec(line)?.[1];
      if (line.includes('quern: ready')) done(found!);
    });
    child.once('exit', (code) => failed(new Error(`quern serve ended with ${code}`)));
  });
  const status = (path: string): string => readFileSync(`/proc/${child.pid}/${path}`, 'utf8');
  return {
    url,
    port: Number(new URL(url).port),
    memory: () => Number(/RssAnon:\s+(\d+)/.exec(status('status'))![1]) / 1000,
    filePages: () => Number(/RssFile:\s+(\d+)/.exec(status('status'))![1]) / 1000,
    descriptors: () => readdirSync(`/proc/${child.pid}/fd`).length,
    processorTime: () => {
      const fields = status('stat').split(') ')[1].split(' ');
      return (Number(fields[11]) + Number(fields[12])) / 100;
    },
    isRunning: () => child.exitCode === null && child.signalCode === null,
    async stop() {
      if (child.exitCode !== null) return;
      child.kill('SIGTERM');
      await Promise.race([once(child, 'exit'), pause(30_000)]);
      child.kill('SIGKILL');
    },
  };
}

/** A server of a language model that answers with recorded reasoned queries; its URL, and what ends it. */
export async function startModel(
  recorded: string,
  delay: number,
): Promise<{ readonly url: string; readonly child: ChildProcess }> {
  const child = fork(join(import.meta.dirname, '../servers/recorded-server.js'), [recorded, String(delay)]);
  const [port] = (await once(child, 'message')) as [number];
  return { url: `http://127.0.0.1:${port}/v1`, child };
}
