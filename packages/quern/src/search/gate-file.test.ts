import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gateRecordOf } from '../../test/gate-record.ts';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import { QuernError } from '../errors.ts';
import { readGateRecord, writeGateRecord } from './gate-file.ts';
import type { GateRule } from './gate-rule.ts';
import { factNames } from './query-facts.ts';

const folder = temporaryFolder();
const path = join(folder, 'gate.json');
const record = gateRecordOf({ kind: 'threshold', fact: 'nqc', reasons: 'below', threshold: 0.21 });

const number = fc.double({ min: -1e100, max: 1e100, noNaN: true });
const rules: fc.Arbitrary<GateRule> = fc.oneof(
  fc.record({ kind: fc.constantFrom('always' as const, 'never' as const) }),
  fc.record({
    kind: fc.constant('threshold' as const),
    fact: fc.constantFrom(...factNames),
    reasons: fc.constantFrom('below' as const, 'from' as const),
    threshold: number,
  }),
  fc.record({
    kind: fc.constant('linear' as const),
    worth: number,
    intercept: number,
    facts: fc.uniqueArray(
      fc.record({
        fact: fc.constantFrom(...factNames),
        mean: number,
        deviation: fc.double({ min: 1e-300, noNaN: true, noDefaultInfinity: true }),
        weight: number,
      }),
      { selector: (each) => each.fact },
    ),
  }),
);

/** The record with one value replaced, or removed, at a path of keys. */
function changed(keys: readonly string[], value?: unknown): string {
  const copy = structuredClone(record) as unknown as Record<string, unknown>;
  let place = copy;
  for (const key of keys.slice(0, -1)) place = place[key] as Record<string, unknown>;
  place[keys.at(-1)!] = value;
  return JSON.stringify(copy);
}

const fact = { fact: 'words', mean: 0, deviation: 1, weight: 0.5 } as const;
const linearTwice = JSON.stringify(
  gateRecordOf({ kind: 'linear', worth: 0, intercept: 0, facts: [fact, fact] }),
);

describe('a gate’s file', () => {
  it('gives back any record that was written, to the last bit', async () => {
    await fc.assert(
      fc.asyncProperty(rules, async (rule) => {
        const written = gateRecordOf(rule);
        await writeGateRecord(path, written);
        // JSON has no negative zero.
        expect(await readGateRecord(path)).toEqual(JSON.parse(JSON.stringify(written)));
      }),
      { numRuns: 50 },
    );
    expect(readdirSync(folder)).toEqual(['gate.json']);
  });

  it.each([
    ['no JSON', '{', 'BAD_INPUT', /is not JSON/],
    ['nothing', 'null', 'BAD_INPUT', /is not a gate/],
    ['other JSON', '{"a": 1}', 'BAD_INPUT', /is not a gate/],
    ['another version', changed(['version'], 2), 'WRONG_VERSION', /of version 2, and this is version 1/],
    [
      'a version that is a deep list',
      `{"format":"quern gate","version":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
      'WRONG_VERSION',
      /of version a list, and this is version 1/,
    ],
    ['a huge key', `{"format":"quern gate","version":1,"${'x'.repeat(9000)}":1}`, 'BAD_INPUT', /^.{1,400}$/s],
    ['facts of other depths', changed(['facts', 'depth'], 50), 'WRONG_VERSION', /depth 50, and now 100/],
    ['an unknown key', changed(['rule', 'also'], 1), 'BAD_INPUT', /unknown key rule › also/],
    ['a missing rule', changed(['rule']), 'BAD_INPUT', /rule: /],
    ['a rule of no known kind', changed(['rule', 'kind'], 'sometimes'), 'BAD_INPUT', /rule › kind: /],
    ['a number beyond all bounds', changed(['rule', 'threshold'], 1e300), 'BAD_INPUT', /rule › threshold: /],
    ['a fact that stands twice', linearTwice, 'BAD_INPUT', /rule › facts: a fact stands twice/],
    ['an unknown fact', changed(['rule', 'fact'], 'mood'), 'BAD_INPUT', /rule › fact: /],
    [
      'a threshold that is no number',
      changed(['rule', 'threshold'], '0.2'),
      'BAD_INPUT',
      /rule › threshold: /,
    ],
    ['a share above 1', changed(['evidence', 'share'], 2), 'BAD_INPUT', /evidence › share: /],
    ['an unknown scoring', changed(['calibration', 'scoring'], 'tf'), 'BAD_INPUT', /calibration › scoring: /],
    ['too much', `{"a": "${'x'.repeat(1 << 20)}"}`, 'BAD_INPUT', /larger than 1048576 bytes, and no gate/],
  ])('refuses %s', async (_, text, code, message) => {
    writeFileSync(path, text);
    await expect(readGateRecord(path)).rejects.toThrow(expect.objectContaining({ code, where: path }));
    await expect(readGateRecord(path)).rejects.toThrow(message);
  });

  it('refuses what is not UTF-8, a folder, and what is not there', async () => {
    writeFileSync(path, Buffer.from([0xff, 0xfe, 0x7b]));
    await expect(readGateRecord(path)).rejects.toThrow(expect.objectContaining({ code: 'BAD_INPUT' }));
    await expect(readGateRecord(folder)).rejects.toThrow(expect.objectContaining({ code: 'IO' }));
    await expect(readGateRecord(join(folder, 'no.json'))).rejects.toThrow(
      expect.objectContaining({ code: 'NOT_FOUND' }),
    );
  });

  it('is a gate or a typed error, whatever is cut out of it', async () => {
    await writeGateRecord(path, record);
    const text = readFileSync(path, 'utf8');
    await fc.assert(
      fc.asyncProperty(
        fc.nat(text.length),
        fc.nat(60),
        fc.string({ maxLength: 8 }),
        async (at, length, put) => {
          writeFileSync(path, text.slice(0, at) + put + text.slice(at + length));
          const outcome = await readGateRecord(path).then(
            ({ format }) => format,
            (error: unknown) => error instanceof QuernError && error.code,
          );
          expect(['quern gate', 'BAD_INPUT', 'WRONG_VERSION']).toContain(outcome);
        },
      ),
    );
  });
});
