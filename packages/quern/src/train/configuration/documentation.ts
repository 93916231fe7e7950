import { presetNames, presets } from './presets.ts';
import { fieldDocumentation } from './train-config.ts';

/** The tables of presets and fields in Markdown, as the guide to training has them. */
export function configurationMarkdown(): string {
  const ofPresets = presetNames.map((name) => [
    code(name),
    presets[name].description,
    Object.entries(presets[name].fields)
      .map(([field, value]) =>
        code(`${field}: ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`),
      )
      .join('<br>'),
  ]);
  const ofFields = fieldDocumentation().map(({ name, type, default: byDefault, description, source }) => [
    code(name),
    type,
    byDefault,
    description,
    source,
  ]);
  return [
    table(['preset', 'what it is', 'beside the defaults'], ofPresets),
    table(['field', 'must be', 'default', 'what it does', 'source'], ofFields),
  ].join('\n\n');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => tableLine(cells)).join('\n');
}

function tableLine(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function code(text: string): string {
  return `\`${text}\``;
}
