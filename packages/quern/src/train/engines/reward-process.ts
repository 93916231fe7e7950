/** `quern reward serve` beside a training: in a process of its own, which ends with this one. */
import { spawn } from 'node:child_process';
import { open } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { QuernError } from '../../errors.ts';
import type { TrainConfig } from '../configuration/train-config.ts';
import { lastLines, type ProcessEnd } from './engine-process.ts';

/** A reward that is served. */
export interface ServedReward {
  readonly url: string;
  /** Resolves when the server has ended, however it did. */
  readonly ended: Promise<ProcessEnd>;
  stop(): Promise<void>;
}

const program = fileURLToPath(new URL('../../../bin/quern.js', import.meta.url));

/**
 * Serves the reward of a configuration on this machine alone, at a port that is free; what the server says goes to the end of
 * `log`. Throws `FAILED_START` where it ends before it serves, with what it said, and `ABORTED`.
 */
export async function serveRewardOf(
  { reward = '', reward_index: index }: Pick<TrainConfig, 'reward' | 'reward_index'>,
  { log, signal }: { readonly log: string; readonly signal?: AbortSignal },
): Promise<ServedReward> {
  const output = await open(log, 'a');
  const args = ['reward', 'serve', '--reward', reward, '--port', '0', '--json'];
  const child = spawn(
    process.execPath,
    [program, ...args, ...(index === undefined ? [] : ['--index', index])],
    {
      // In a group of its own: Ctrl-C in a terminal is for who started it, and the training may still ask for rewards.
      detached: true,
      // It would ask for a token that is another server's, and that the training does not have.
      env: { ...process.env, QUERN_TOKEN: undefined },
      stdio: ['ignore', 'pipe', output.fd, 'ipc'],
    },
  );
  await output.close();
  const ended = new Promise<ProcessEnd>((resolve) => {
    child.once('exit', (code, exitSignal) => resolve({ code, signal: exitSignal }));
    child.once('error', () => resolve({ code: null, signal: null }));
  });
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), 30_000);
    await ended.finally(() => clearTimeout(timer));
  };
  const url = new Promise<string>((resolve) => {
    let said = '';
    child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      const found = /"url":\s*"([^"]+)"/.exec(said)?.[1];
      if (found !== undefined) resolve(found);
    });
  });
  const aborted = new Promise<'aborted'>((resolve) => {
    if (signal?.aborted) resolve('aborted');
    signal?.addEventListener('abort', () => resolve('aborted'), { once: true });
  });
  const first = await Promise.race([url, aborted, ended]);
  if (typeof first === 'string' && first !== 'aborted') return { url: first, ended, stop };
  if (first === 'aborted') {
    await stop();
    throw new QuernError('ABORTED', 'stopped before the reward was served');
  }
  const [last = 'it said nothing'] = await lastLines(log, 1);
  throw new QuernError('IO', `the server of rewards ended before it served: ${last.slice(0, 500)}`, {
    where: log,
    hint: `Try it by itself: quern reward serve --reward ${reward}`,
  });
}
