import { quern } from '../run-quern.ts';
import { wordsOf } from './commands.ts';

/** The help of commands, by their words. */
const helps = new Map<string, Promise<string>>();

/** The help of a command, or of the command under it that the words name. */
function helpOf(words: readonly string[]): Promise<string> {
  const path = words.slice(0, 2).filter((word, at) => at === 0 || /^[a-z]+$/.test(word));
  const key = path.join(' ');
  const known = helps.get(key);
  if (known) return known;
  const help = quern([...path, '--help']).then(({ stdout }) => stdout);
  helps.set(key, help);
  return help;
}

/**
 * What the command line does not know of a command that the running text of a document names, such as `quern eval --save`: its
 * name, or an option; undefined where it knows all. The text may have words left out.
 */
export async function unknownIn(command: string): Promise<string | undefined> {
  const [name = '', ...rest] = wordsOf(command.replace(/^npx /, '')).slice(1);
  const help = await helpOf([name, ...rest]);
  if (!help.startsWith(`Usage: quern ${name} `)) return name;
  const options = new Set(help.match(/(?<![\w-])--?[a-z][\w-]*/g));
  return rest.map((word) => word.split('=')[0]).find((word) => /^--?[a-z]/.test(word) && !options.has(word));
}
