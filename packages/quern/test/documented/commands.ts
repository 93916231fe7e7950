import type { Block } from './documents.ts';

/** A command as a reader types it. */
export interface Command {
  /** All of it, with continuations and here-documents, without comments. */
  readonly text: string;
  /** The line of the document that it begins on. */
  readonly line: number;
}

/** The languages of blocks that hold commands. */
export const shellLanguages: ReadonlySet<string> = new Set(['sh', 'bash', 'shell', 'console']);

/**
 * The commands of a block, in their order. Of a `console`, those behind `$ `; what it prints is left out. Throws where a block
 * ends within a command.
 */
export function commandsIn({ language, text, line }: Pick<Block, 'language' | 'text' | 'line'>): Command[] {
  const commands: Command[] = [];
  let begun: { lines: string[]; line: number } | undefined;
  for (const [at, whole] of text.split('\n').entries()) {
    if (!begun) {
      if (language === 'console' && !whole.startsWith('$ ')) continue;
      const typed = language === 'console' ? whole.slice(2) : whole;
      if (typed.trim() === '' || typed.trimStart().startsWith('#')) continue;
      begun = { lines: [typed], line: line + at };
    } else begun.lines.push(language === 'console' ? whole.replace(/^> /, '') : whole);
    if (!isWhole(begun.lines)) continue;
    commands.push({ text: withoutComment(begun.lines.join('\n')), line: begun.line });
    begun = undefined;
  }
  if (begun) throw new Error(`line ${begun.line}: the block ends within this command`);
  return commands;
}

/** Whether a shell would run these lines, and not wait for more. */
function isWhole(lines: readonly string[]): boolean {
  const [, mark] = /<<-?\s*['"]?(\w+)['"]?/.exec(lines[0]) ?? [];
  if (mark !== undefined) return lines.length > 1 && lines.at(-1)!.trim() === mark;
  const { quote, comment } = scanned(lines.join('\n'));
  return quote === '' && (comment >= 0 || !lines.at(-1)!.endsWith('\\'));
}

/** A command without the comment behind it. */
function withoutComment(text: string): string {
  if (text.includes('<<')) return text;
  const { comment } = scanned(text);
  return (comment < 0 ? text : text.slice(0, comment)).trimEnd();
}

/** The quote that is open at the end of a text, and where a comment begins in it. */
function scanned(text: string): { quote: string; comment: number } {
  let quote = '';
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === '\\' && quote !== "'") at++;
    else if (quote !== '') quote = char === quote ? '' : quote;
    else if (char === '"' || char === "'") quote = char;
    else if (char === '#' && /^\s?$/.test(text[at - 1] ?? '')) return { quote, comment: at };
  }
  return { quote, comment: -1 };
}

/** The programs that a command starts: its first word, and those behind `&&`, `|` and `;`, without assignments before them. */
export function programsOf(command: string): string[] {
  return partsOf(command.split('\n<<')[0]).map((part) => wordsOf(part)[0] ?? '');
}

/** The words of a command line without its assignments: quotes are taken off, redirections left out. */
export function wordsOf(command: string): string[] {
  const words = Array.from(
    command.replaceAll('\\\n', ' ').matchAll(/(?:"(?:\\.|[^"])*"|'[^']*'|\\.|[^\s"'\\])+/gs),
    ([word]) =>
      word.replaceAll(
        /"((?:\\.|[^"])*)"|'([^']*)'/gs,
        (_, double?: string, single?: string) => double ?? single ?? '',
      ),
  );
  while (/^[A-Z_][A-Z_0-9]*=/.test(words[0] ?? '')) words.shift();
  const redirection = words.findIndex((word) => /^[<>]/.test(word));
  return redirection < 0 ? words : words.slice(0, redirection);
}

/** The commands between `&&`, `||`, `|` and `;`, where these are not within quotes or a substitution. */
export function partsOf(command: string): string[] {
  const [first] = command.includes('<<') ? command.split('\n') : [command];
  const parts = [''];
  let quote = '';
  let depth = 0;
  for (let at = 0; at < first.length; at++) {
    const char = first[at];
    if (char === '\\' && quote !== "'") {
      parts[parts.length - 1] += char + (first[++at] ?? '');
      continue;
    }
    if (quote !== '') quote = char === quote ? '' : quote;
    else if (char === '"' || char === "'") quote = char;
    else if (char === '(') depth++;
    else if (char === ')') depth--;
    else if (depth === 0 && /[&|;]/.test(char) && first[at - 1] !== '>') {
      if (first[at + 1] === char) at++;
      parts.push('');
      continue;
    }
    parts[parts.length - 1] += char;
  }
  return parts.map((part) => part.trim()).filter((part) => part !== '');
}
