/** What becomes of the programs beside a training when the process that started them is killed. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { afterAll, expect, it } from 'vitest';

const guardProgram = resolve(import.meta.dirname, '../../../engines/quern_guard.mjs');
const started: ChildProcess[] = [];

afterAll(() => {
  for (const child of started) child.kill('SIGKILL');
});

function start(...args: string[]): ChildProcess {
  const child = spawn(process.execPath, args, { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  started.push(child);
  return child;
}

it('waits for the training, which writes its checkpoint, and ends the rest', async () => {
  const training = start('-e', 'process.stdin.resume().on("end", () => process.exit(0))');
  const service = start('-e', 'setInterval(() => undefined, 1000)');
  const guard = start(guardProgram, String(training.pid), String(service.pid));
  const order: string[] = [];
  training.once('exit', () => order.push('training'));
  service.once('exit', () => order.push('service'));
  const ended = Promise.all([once(service, 'exit'), once(guard, 'exit')]);
  guard.stdin!.end();
  await new Promise((wake) => setTimeout(wake, 500));
  expect(order).toEqual([]);
  training.stdin!.end();
  const [[, signal]] = await ended;
  expect(order).toEqual(['training', 'service']);
  expect(signal).toBe('SIGKILL');
});
