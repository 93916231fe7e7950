import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { connectionTimes, headBytes } from './connection-bounds.ts';

const guide = readFileSync(resolve(import.meta.dirname, '../../../../../docs/SERVICE.md'), 'utf8');

it.each([
  ['the head of a request', `${headBytes / 1024} KiB`],
  ['time for the head', `${connectionTimes.head / 1000} s`],
  ['time for an upload', `${connectionTimes.request / 3_600_000} h`],
  ['a connection without a request', `${connectionTimes.idle / 1000} s`],
])('the guide to the service tells the bound of %s: %s', (what, bound) => {
  const row = guide.split('\n').find((line) => line.startsWith(`| ${what} `));
  expect(row?.split('|')[2]?.trim()).toBe(bound);
});
