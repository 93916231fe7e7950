import { expect, it } from 'vitest';
import { rawClient, requestHead } from './raw-client.ts';
import { services } from './served.ts';

const start = services();
const longPart = 'a'.repeat(201);

it.each([
  ['a path that cannot be decoded', '/%zz', 400, 'cannot be decoded'],
  ['a path of broken UTF-8', '/v1/indexes/%c0%ae', 400, 'cannot be decoded'],
  [
    'a part of a path that is too long',
    `/v1/indexes/${longPart}`,
    414,
    'path has a part of more than 200 characters',
  ],
])('answers %s as any other error, and does not repeat it', async (_, path, status, message) => {
  const { port, log } = await start();
  const { ended } = rawClient(port, requestHead('GET', path, { connection: 'close', 'x-request-id': 'r1' }));
  const [head = '', body = ''] = (await ended).split('\r\n\r\n');
  expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(head).toContain('x-request-id: r1');
  expect(JSON.parse(body)).toEqual({
    error: { code: 'BAD_INPUT', message, type: 'invalid_request_error', param: 'path', where: 'path' },
  });
  expect(log.join('')).not.toContain(longPart);
});
