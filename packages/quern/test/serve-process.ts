import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { finished, startQuern, type Finished } from './run-quern.ts';

/** A `quern serve` of its own. */
export interface ServeProcess {
  readonly child: ChildProcess;
  readonly url: string;
  readonly port: number;
  readonly ended: Promise<Finished>;
  /** Resolves when its stderr holds a text. */
  said(text: string): Promise<void>;
  /** Sends a signal, and resolves when it has heard it. */
  told(signal: NodeJS.Signals): Promise<void>;
}

/** Starts processes as configurations say, in folders of their own in `folder`; what still runs after a test is killed. */
export function serveProcessesIn(
  folder: string,
): (config: Readonly<Record<string, unknown>>, args?: readonly string[]) => Promise<ServeProcess> {
  const children: ChildProcess[] = [];
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });
  return async (config, args = []) => {
    const own = mkdtempSync(join(folder, 'process-'));
    writeFileSync(join(own, 'quern.yaml'), JSON.stringify({ cache: 'cache', ...config }));
    const child = startQuern(['serve', '--config', 'quern.yaml', '--port', '0', '--json', ...args], {
      cwd: own,
    });
    children.push(child);
    const ended = finished(child);
    let stdout = '';
    let stderr = '';
    child.stdout!.on('data', (data: Buffer) => (stdout += data.toString()));
    child.stderr!.on('data', (data: Buffer) => (stderr += data.toString()));
    while (!stdout.endsWith('}\n')) {
      const isOver = await Promise.race([once(child.stdout!, 'data'), ended.then(() => 'ended' as const)]);
      if (isOver === 'ended') throw new Error(stderr);
    }
    const { url } = JSON.parse(stdout) as { url: string };
    const said = async (text: string): Promise<void> => {
      while (!stderr.includes(text)) await once(child.stderr!, 'data');
    };
    return {
      child,
      url,
      port: Number(new URL(url).port),
      ended,
      said,
      async told(signal) {
        child.kill(signal);
        await said('quern: stopping');
      },
    };
  };
}
