/** What the documents tell to type, save and run is done here, document by document, as a reader would. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfigurationOf } from './documented/configurations.ts';
import { readDocuments } from './documented/documents.ts';
import { continuations } from './documented/examples.ts';
import { exemptions } from './documented/exempt.ts';
import { fixtures } from './documented/fixtures.ts';
import { unknownIn } from './documented/known-options.ts';
import { isTakenBy, Place } from './documented/place.ts';
import { Reader } from './documented/reader.ts';
import { missingRuntime, runtimes } from './documented/runtimes.ts';
import { repositories, rewritings, shortReasoners, standingServers } from './documented/stand-ins.ts';
import { stepsOf, type Step } from './documented/steps.ts';
import { temporaryFolder } from './temporary-folder.ts';

const folder = temporaryFolder();
const documents = readDocuments().map((document) => ({ ...document, steps: stepsOf(document) }));
let place: Place;

beforeAll(async () => {
  place = await Place.open(folder);
});
afterAll(() => place?.close());

describe.each(documents.filter(({ steps }) => steps.length > 0))('$path', ({ path, steps }) => {
  let reader: Reader;

  beforeAll(() => {
    const own = join(folder, 'readers', path.replaceAll(/\W/g, '-'));
    mkdirSync(own, { recursive: true });
    reader = new Reader(place, own);
  });
  afterAll(() => reader?.close());

  for (const step of steps) {
    it.skipIf(missingRuntime(textOf(step)) !== undefined)(`${step.line}: ${step.title}`, () =>
      expectFollowed(reader, step),
    );
  }
});

/** Does what a step tells. Throws what is wrong with it. */
async function expectFollowed(reader: Reader, step: Step): Promise<void> {
  await reader.goOnTo(step.section);
  if (step.kind === 'command') return reader.type(step.command);
  if (step.kind === 'program') return reader.runProgram(step.source);
  if (step.kind === 'exempt') {
    const fault = step.exemption.fault(step.command);
    if (fault !== undefined) throw new Error(fault);
    return undefined;
  }
  if (step.kind === 'unknown') {
    throw new Error(
      `${step.program} is neither run here nor exempt: if it can run in a test, add it to what a reader's shell has (documented/steps.ts); else add an entry to documented/exempt.ts, with the reason and what can be held of it`,
    );
  }
  const file = await reader.save(step.isServed ? 'quern.yaml' : `${step.of}.yaml`, step.yaml);
  await readConfigurationOf(step.of, file);
  if (step.isServed) await reader.standBy('quern serve --config quern.yaml');
}

/** All that a step says. */
function textOf(step: Step): string {
  if (step.kind === 'program') return step.source;
  return step.kind === 'configuration' ? step.yaml : step.command;
}

it.each(documents.map(({ path, inline }) => ({ path, inline })))(
  '$path names nothing in its text that the command line does not know',
  async ({ path, inline }) => {
    const unknown: string[] = [];
    for (const { text, line } of inline.filter((each) => /^(?:npx )?quern [a-z]/.test(each.text))) {
      const word = await unknownIn(text);
      if (word !== undefined) unknown.push(`${path}:${line}: ${word} of ${text}`);
    }
    expect(unknown).toEqual([]);
  },
);

it('has nothing in its tables that no document needs', () => {
  const steps = documents.flatMap((document) => document.steps);
  const texts = [...steps.map(textOf), ...Object.values(standingServers)];
  const commands = steps.flatMap((step) => (step.kind === 'command' ? [step.command] : []));
  const exempt = new Set(steps.map((step) => (step.kind === 'exempt' ? step.exemption : undefined)));
  const programs = steps.flatMap((step) => (step.kind === 'program' ? [step.source] : []));
  const unused = [
    ...exemptions.filter((each) => !exempt.has(each)).map(({ matches }) => matches),
    ...[
      [rewritings, commands] as const,
      [runtimes, texts] as const,
      [continuations, programs] as const,
    ].flatMap(([table, held]) =>
      table.filter(({ matches }) => !held.some((text) => matches.test(text))).map(({ matches }) => matches),
    ),
    ...fixtures.filter((each) => !texts.some((text) => isTakenBy(text, each))).map(({ name }) => name),
    ...shortReasoners.filter((name) => !texts.some((text) => text.includes(name))),
    ...Object.keys(repositories).filter((name) => !texts.some((text) => text.includes(name))),
  ];
  expect(unused.map(String)).toEqual([]);
});
