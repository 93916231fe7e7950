import { bytesShown, durationShown } from './shown-amounts.ts';
import { configKeys, type ConfigKey } from './config-keys.ts';

/** The table of all keys of the configuration in Markdown, as the guide to the service has it. */
export function configurationMarkdown(): string {
  const rows = configKeys.map((key) => [
    `\`${key.path.join('.')}\``,
    key.must,
    defaultOf(key),
    key.variable === undefined ? '' : `\`QUERN_SERVE_${key.variable}\``,
    key.description,
  ]);
  return [
    ['key', 'must be', 'default', 'variable', 'what it says'],
    ['---', '---', '---', '---', '---'],
    ...rows,
  ]
    .map((cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`)
    .join('\n');
}

function defaultOf({ byDefault, must, isList }: ConfigKey): string {
  if (byDefault === undefined) return '';
  if (isList) return 'none';
  if (must === 'duration') return `\`${durationShown(Number(byDefault))}\``;
  if (must === 'size') return `\`${bytesShown(Number(byDefault))}\``;
  return `\`${String(byDefault)}\``;
}
