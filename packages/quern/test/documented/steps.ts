/** What a reader of a document does, in its order. */
import { parse } from 'yaml';
import { commandsIn, programsOf, shellLanguages } from './commands.ts';
import { configurationKind, type ConfigurationKind } from './configurations.ts';
import type { Document } from './documents.ts';
import { programLanguages, programOf } from './examples.ts';
import { exemptions, type Exemption } from './exempt.ts';

/** A step of a reader. */
export type Step = { readonly line: number; readonly section: string; readonly title: string } & (
  | { readonly kind: 'command'; readonly command: string }
  | { readonly kind: 'exempt'; readonly command: string; readonly exemption: Exemption }
  | { readonly kind: 'unknown'; readonly command: string; readonly program: string }
  | { readonly kind: 'program'; readonly source: string }
  | {
      readonly kind: 'configuration';
      readonly yaml: string;
      readonly of: ConfigurationKind;
      /** Whether it declares what documents go on to ask a service for. */
      readonly isServed: boolean;
    }
);

/** What a reader's shell has. */
const known: ReadonlySet<string> = new Set([
  'npx',
  'quern',
  'curl',
  'node',
  'export',
  'mkdir',
  'echo',
  'cat',
  'cp',
  'rm',
  'ls',
]);

/** The steps of a document: commands of its blocks and of tables of programs, programs, and configurations. */
export function stepsOf(document: Document): Step[] {
  const steps = document.blocks.flatMap((block): Step[] => {
    const { language, text, line, section } = block;
    if (shellLanguages.has(language)) {
      return commandsIn(block).map((command) => commandStep(command.text, command.line, section));
    }
    if (programLanguages.has(language)) {
      const title = text.split('\n').find((each) => each !== '') ?? '';
      return [{ kind: 'program', source: programOf(document, block), line, section, title }];
    }
    if (language !== 'yaml' && language !== 'yml') return [];
    const kind = configurationKind(text);
    const isServed = kind === 'service' && Object.hasOwn(parse(text) as object, 'indexes');
    const title = `configuration of ${kind}`;
    return [{ kind: 'configuration', yaml: text, of: kind, isServed, line, section, title }];
  });
  const runnable = document.inline.filter(({ text }) => /^node examples\/\S+$/.test(text));
  const inline = runnable.map(({ text, line }) => commandStep(text, line, ''));
  return [...steps, ...inline].toSorted((a, b) => a.line - b.line);
}

function commandStep(command: string, line: number, section: string): Step {
  const [title] = command.split('\n');
  const shared = { command, line, section, title };
  const exemption = exemptions.find(({ matches }) => matches.test(command));
  if (exemption) return { ...shared, kind: 'exempt', exemption };
  const program = programsOf(command).find((each) => !known.has(each));
  return program === undefined ? { ...shared, kind: 'command' } : { ...shared, kind: 'unknown', program };
}

/** All that a step says. */
export function textOf(step: Step): string {
  if (step.kind === 'program') return step.source;
  return step.kind === 'configuration' ? step.yaml : step.command;
}
