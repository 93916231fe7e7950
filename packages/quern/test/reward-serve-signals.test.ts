import { once } from 'node:events';
import { createConnection } from 'node:net';
import type { ChildProcess } from 'node:child_process';
import { afterEach, describe, expect, it } from 'vitest';
import { finished, startQuern } from './run-quern.ts';

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

/** A served lexical reward: where it is, and how it ends. */
async function served(): Promise<{ child: ChildProcess; ended: ReturnType<typeof finished>; url: string }> {
  const child = startQuern(['reward', 'serve', '--reward', 'lexical', '--port', '0', '--json']);
  children.push(child);
  const ended = finished(child);
  let stdout = '';
  child.stdout!.on('data', (data: Buffer) => (stdout += data.toString()));
  while (!stdout.endsWith('}\n')) await once(child.stdout!, 'data');
  const { url } = JSON.parse(stdout) as { url: string };
  return { child, ended, url };
}

/** Resolves when a process says that it has heard the first signal; two at once would be one. */
async function stopping(child: ChildProcess): Promise<void> {
  for (;;) {
    const [data] = (await once(child.stderr!, 'data')) as [Buffer];
    if (data.toString().includes('stopping')) return;
  }
}

const body = JSON.stringify({
  items: [{ query: 'what is a cat', completion: 'a feline animal', positives: ['cats are feline animals'] }],
});

describe('quern reward serve, told to end', () => {
  it('answers what it accepted after the first signal', async () => {
    const { child, ended, url } = await served();
    const { port } = new URL(url);
    const socket = createConnection(Number(port), '127.0.0.1');
    const head = `POST /v1/rewards HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n`;
    // A slow client: half of its request comes after the signal.
    socket.write(`${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body.slice(0, 20)}`);
    await expect.poll(async () => (await fetch(`${url}/healthz`)).status).toBe(200);
    const heard = stopping(child);
    child.kill('SIGTERM');
    await heard;
    socket.write(body.slice(20));
    let answer = '';
    for await (const data of socket) answer += String(data);
    expect(answer).toMatch(/^HTTP\/1\.1 200 [^]*"reward":0\.\d+/);
    expect((await ended).code).toBe(0);
  });
  it('ends at once at the second signal', async () => {
    const { child, ended, url } = await served();
    const socket = createConnection(Number(new URL(url).port), '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(
      'POST /v1/rewards HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n',
    );
    await expect.poll(async () => (await fetch(`${url}/healthz`)).status).toBe(200);
    const heard = stopping(child);
    child.kill('SIGTERM');
    await heard;
    child.kill('SIGTERM');
    expect((await ended).code).toBe(null);
  });
});
