/** The fields of a checkpoint's `config.json`, each read as what it has to be. */
import { QuernError } from '../../errors.ts';
import { isJsonObject, type JsonObject } from './json-file.ts';

const maxLayers = 10_000;

/** What a configuration asks for that is not there. */
export function unsupported(path: string, what: string): QuernError {
  return new QuernError('UNSUPPORTED', `${what} is not supported`, { where: path });
}

/** A value of a configuration in an error's words. */
export function shown(value: unknown): string {
  return (typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value))).slice(0, 100);
}

/** What `architectures` names first, else `model_type`; a text for an error's words, whatever is there. */
export function architectureOf({ architectures, model_type: type }: JsonObject): string {
  const [named]: unknown[] = Array.isArray(architectures) ? architectures : [];
  return shown(named ?? type ?? 'none');
}

/** Fields of a JSON object, each read as what it has to be. Null counts as absent, as Python's writers mean it. */
export class Fields {
  readonly #object: JsonObject;
  readonly #path: string;

  constructor(object: JsonObject, path: string) {
    this.#object = object;
    this.#path = path;
  }

  fail(what: string): never {
    throw new QuernError('CORRUPT_FILE', what, { where: this.#path });
  }

  #value(name: string): unknown {
    return Object.hasOwn(this.#object, name) ? (this.#object[name] ?? undefined) : undefined;
  }

  size(name: string): number {
    return this.optionalSize(name) ?? this.fail(`${name} is missing`);
  }

  optionalSize(name: string): number | undefined {
    const value = this.#value(name);
    if (value === undefined) return undefined;
    const isSize = typeof value === 'number' && Number.isInteger(value) && value >= 1 && value < 2 ** 31;
    return isSize ? value : this.fail(`${name} is no whole number from 1 to 2^31`);
  }

  /** The number of layers, before anything is made for each of them. */
  layerCount(): number {
    const layers = this.size('num_hidden_layers');
    return layers <= maxLayers ? layers : this.fail(`num_hidden_layers ${layers} is more than any model has`);
  }

  positive(name: string, otherwise: number): number {
    return this.optionalPositive(name) ?? otherwise;
  }

  optionalPositive(name: string): number | undefined {
    const value = this.#value(name);
    if (value === undefined) return undefined;
    const isPositive = typeof value === 'number' && value > 0 && Number.isFinite(Math.fround(value));
    return isPositive ? value : this.fail(`${name} is no number above 0 that 32 bits can hold`);
  }

  flag(name: string): boolean {
    const value = this.#value(name) ?? false;
    return typeof value === 'boolean' ? value : this.fail(`${name} is neither true nor false`);
  }

  optionalText(name: string): string | undefined {
    const value = this.#value(name);
    return value === undefined || typeof value === 'string' ? value : this.fail(`${name} is no text`);
  }

  optionalObject(name: string): JsonObject | undefined {
    const value = this.#value(name);
    if (value === undefined || isJsonObject(value)) return value;
    return this.fail(`${name} is no object`);
  }

  optionalId(name: string): number | undefined {
    const [id, ...others] = this.ids(name);
    return others.length === 0 ? id : this.fail(`${name} is a list`);
  }

  ids(name: string): number[] {
    const value = this.#value(name);
    if (value === undefined) return [];
    const ids: unknown[] = Array.isArray(value) ? value : [value];
    if (!ids.every((id) => isId(id))) return this.fail(`${name} is no token id`);
    return ids;
  }
}

function isId(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 31;
}
