/** Follows documents within a test file: what they tell to type, save and run is done, in their order, as a reader would. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { temporaryFolder } from '../temporary-folder.ts';
import { readConfigurationOf } from './configurations.ts';
import { readDocuments, type Document } from './documents.ts';
import { Place } from './place.ts';
import { Reader } from './reader.ts';
import { missingRuntime } from './runtimes.ts';
import { stepsOf, textOf, type Step } from './steps.ts';

/** Whether a document is of those for a beginning: the README and the guides. Test files share the documents out by it. */
export function isGuide({ path }: Pick<Document, 'path'>): boolean {
  return path === 'README.md' || path.startsWith('docs/guides/');
}

/** Declares a test for each step of the chosen documents. */
export function followDocuments(isChosen: (document: Document) => boolean): void {
  const folder = temporaryFolder();
  const followed = readDocuments()
    .filter((document) => isChosen(document))
    .map((document) => ({ path: document.path, steps: stepsOf(document) }))
    .filter(({ steps }) => steps.length > 0);
  let place: Place;

  beforeAll(async () => {
    place = await Place.open(folder);
  });
  afterAll(() => place?.close());

  describe.each(followed)('$path', ({ path, steps }) => {
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
}

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
