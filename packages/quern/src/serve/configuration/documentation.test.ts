import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { configKeys } from './config-keys.ts';
import { configurationMarkdown } from './documentation.ts';
import { readServiceConfig } from './read-service-config.ts';
import { bytesShown, durationShown } from './shown-amounts.ts';

const guide = readFileSync(resolve(import.meta.dirname, '../../../../../docs/SERVICE.md'), 'utf8');

it('the guide to the service has the table of all keys as the configuration is: node scripts/service-docs.mjs', () => {
  expect(guide).toContain(`\n${configurationMarkdown()}\n`);
});

it('every key of the defaults is in the table', async () => {
  const { listen, limits, log } = await readServiceConfig({ env: {} });
  const listed = new Set(configKeys.map(({ path }) => path.join('.')));
  const pathsOf = (value: object, at: string): string[] =>
    Object.entries(value).flatMap(([key, each]) =>
      typeof each === 'object' && each !== null && !Array.isArray(each)
        ? pathsOf(each as object, `${at}${key}.`)
        : [at + key],
    );
  for (const path of pathsOf({ listen, limits, log }, '')) expect(listed).toContain(path);
});

it('defaults are shown in the units in which they are written', () => {
  expect([durationShown(10_000), durationShown(250)]).toEqual(['10s', '250ms']);
  expect([bytesShown(4 * 2 ** 20), bytesShown(2 ** 34), bytesShown(1000)]).toEqual(['4MiB', '16GiB', '1000']);
});
