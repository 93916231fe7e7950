import { once } from 'node:events';
import { PassThrough, type Writable } from 'node:stream';
import { expect, it } from 'vitest';
import { protocolOutput } from './stdio.ts';

/** What was written to a stream so far. */
const written = (stream: PassThrough): string => String(stream.read() ?? '');

function streams(): { out: PassThrough; log: PassThrough; output: Writable; stdout: NodeJS.WriteStream } {
  const out = new PassThrough();
  const log = new PassThrough();
  const stdout = out as unknown as NodeJS.WriteStream & { fd: 1 };
  const output = protocolOutput({ stdout, stderr: log as unknown as NodeJS.WriteStream & { fd: 2 } });
  return { out, log, output, stdout };
}

it('what is written to standard output by others goes to standard error, and the protocol where it belongs', () => {
  const { out, log, output, stdout } = streams();
  output.write('{"jsonrpc":"2.0"}\n');
  stdout.write('a package that talks\n');
  expect(written(out)).toBe('{"jsonrpc":"2.0"}\n');
  expect(written(log)).toBe('a package that talks\n');
});

it('a client that takes no more is noticed', async () => {
  const { out, output } = streams();
  out.on('error', () => undefined);
  const failed = once(output, 'error');
  out.destroy();
  output.write('{}\n');
  expect(String(await failed)).toMatch(/destroyed/);
});
