/** What the documents name is known, and the tables by which they are followed hold nothing else. */
import { expect, it } from 'vitest';
import { readDocuments } from './documented/documents.ts';
import { continuations } from './documented/examples.ts';
import { exemptions } from './documented/exempt.ts';
import { fixtures } from './documented/fixtures.ts';
import { unknownIn } from './documented/known-options.ts';
import { isTakenBy } from './documented/place.ts';
import { runtimes } from './documented/runtimes.ts';
import { repositories, rewritings, shortReasoners, standingServers } from './documented/stand-ins.ts';
import { stepsOf, textOf } from './documented/steps.ts';

const documents = readDocuments().map((document) => ({ ...document, steps: stepsOf(document) }));

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
