import { Document, parse, visit } from 'yaml';
import type { z } from 'zod';
import { excerpt, shownKey } from '../../collections/jsonl.ts';
import { QuernError } from '../../errors.ts';
import { readYamlFile } from '../../yaml-file.ts';
import { nearestName } from './nearest-name.ts';
import { isPresetName, presetList, presets } from './presets.ts';
import {
  fieldNames,
  fieldType,
  takesTextAsItIs,
  trainConfigSchema,
  type TrainConfig,
} from './train-config.ts';

/** Where a configuration is from, each one over those before it. */
export interface ConfigSources {
  /** A preset's name. */
  readonly preset?: string;
  /** A YAML or JSON file of at most 1 MiB. */
  readonly file?: string;
  /** Fields as `key=value`. Numbers, `true`, `false` and lists (`[a, b]`) are written as in YAML, text as it is. */
  readonly set?: readonly string[];
  /** The run's folder: `output_dir`. */
  readonly out?: string;
}

/** A field's value, and where it was given. */
interface Given {
  readonly value: unknown;
  readonly where: string;
  readonly code: 'USAGE' | 'BAD_INPUT';
}

/**
 * The configuration of a preset, a file, single fields and the run's folder, one over the other. Null means the default, so that
 * what a preset sets can be unset. Paths count from the working directory, in files as well. Throws `USAGE` for what an option
 * says and `BAD_INPUT` at `file:line` for what the file says: names of no field, values that a field does not take, and fields
 * that do not go together.
 */
export async function readTrainConfig(sources: ConfigSources): Promise<TrainConfig> {
  const given = new Map<string, Given>();
  const take = (fields: Iterable<[string, Given]>): void => {
    for (const [name, field] of fields) given.set(name, field);
  };
  if (sources.preset !== undefined) take(presetFields(sources.preset));
  if (sources.file !== undefined) take(await fileFields(sources.file));
  take((sources.set ?? []).map((text) => setField(text)));
  if (sources.out !== undefined) given.set('output_dir', ofOption(sources.out, '--out'));
  for (const [name, { where, code }] of given) {
    if (fieldType(name) === undefined) throw unknownName(name, { where, code });
  }
  const values = Array.from(given).flatMap(([name, { value }]) => (value === null ? [] : [[name, value]]));
  const parsed = trainConfigSchema.safeParse(Object.fromEntries(values));
  if (parsed.success) return parsed.data;
  throw issueError(parsed.error.issues[0]!, given, sources);
}

function presetFields(name: string): [string, Given][] {
  if (!isPresetName(name)) {
    const hint = `Presets are ${presetList}`;
    throw new QuernError('USAGE', `${excerpt(name)} is no preset`, { where: '--preset', hint });
  }
  return Object.entries(presets[name].fields).map(([key, value]) => [
    key,
    ofOption(value, `--preset ${name}`),
  ]);
}

async function fileFields(path: string): Promise<[string, Given][]> {
  const { value, place } = await readYamlFile(path, 'configuration');
  if (value === null) return [];
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw new QuernError('BAD_INPUT', 'is no configuration: fields are lines of key: value', { where: path });
  }
  return Object.entries(value).map(([key, field]: [string, unknown]) => [
    key,
    { value: field, where: place([key]), code: 'BAD_INPUT' },
  ]);
}

function setField(text: string): [string, Given] {
  const at = text.indexOf('=');
  if (at < 1) {
    throw new QuernError('USAGE', `${excerpt(text)} sets nothing`, {
      where: '--set',
      hint: 'Write key=value, e.g. --set max_steps=20',
    });
  }
  const name = text.slice(0, at).trim();
  return [name, ofOption(setValue(name, text.slice(at + 1).trim()), `--set ${shownKey(name)}`)];
}

function setValue(name: string, text: string): unknown {
  if (takesTextAsItIs(name) && text !== 'null' && !text.startsWith('[')) return text;
  try {
    return parse(text, { maxAliasCount: 0, logLevel: 'error' }) as unknown;
  } catch (error) {
    throw new QuernError('USAGE', `${excerpt(text)} is no YAML`, {
      where: `--set ${shownKey(name)}`,
      cause: error,
    });
  }
}

function ofOption(value: unknown, where: string): Given {
  return { value, where, code: 'USAGE' };
}

function unknownName(name: string, place: Pick<Given, 'where' | 'code'>): QuernError {
  const nearest = nearestName(name, fieldNames);
  const instead = Object.hasOwn(insteadOf, name) ? insteadOf[name] : undefined;
  return new QuernError(place.code, `unknown field ${shownKey(name)}`, {
    where: place.where,
    hint: instead ?? (nearest === undefined ? undefined : `Did you mean ${nearest}?`),
  });
}

/** What stands for fields of TRL that there are not. */
const insteadOf: Readonly<Record<string, string>> = {
  gradient_accumulation_steps:
    'Parts of a batch are as many as tokens_per_micro_batch makes; steps_per_generation counts steps of the optimiser',
  per_device_train_batch_size:
    'Give generation_batch_size, the completions of a rollout, and tokens_per_micro_batch',
  num_train_epochs: 'Give max_steps',
};

/** An issue of the schema as an error at the place of the field that is to blame, or of the last one that was given. */
function issueError(
  issue: z.core.$ZodIssue,
  given: ReadonlyMap<string, Given>,
  { file }: ConfigSources,
): QuernError {
  const name = String(issue.path[0]);
  if (issue.code === 'custom' && issue.params) {
    const { fields, hint } = issue.params as { fields: string[]; hint?: string };
    const place = fields.map((each) => given.get(each)).find((each) => each !== undefined);
    const { where, code } = place ?? nowhere(file);
    return new QuernError(code, `${name}: ${issue.message}`, { where, hint });
  }
  const field = given.get(name);
  if (!field || field.value === null) {
    const { where, code } = field ?? nowhere(file);
    return new QuernError(code, `${name} must be given`, {
      where,
      hint:
        name === 'output_dir'
          ? 'Name the folder of the run: --out FOLDER'
          : `Say --set ${name}=…, or take a --preset`,
    });
  }
  return new QuernError(field.code, `${name} must be ${fieldType(name)}, not ${shown(field.value)}`, {
    where: field.where,
  });
}

/** The place of what was not given. */
function nowhere(file: string | undefined): Partial<Given> & Pick<Given, 'code'> {
  return { where: file, code: file === undefined ? 'USAGE' : 'BAD_INPUT' };
}

/** A value in an error's words. */
function shown(value: unknown): string {
  if (typeof value === 'string') return excerpt(value);
  const text = typeof value === 'number' ? String(value) : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** A configuration as YAML that reads as the same: all fields in the order of their documentation, one a line. */
export function configYaml(config: TrainConfig): string {
  const given = fieldNames.filter((name) => config[name] !== undefined);
  const document = new Document(Object.fromEntries(given.map((name) => [name, config[name]])));
  visit(document, { Seq: (_, list) => void (list.flow = true) });
  return document.toString({ lineWidth: 0 });
}
