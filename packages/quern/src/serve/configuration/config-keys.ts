import * as z from 'zod';
import { configSchema, type KeyFacts } from './config-schema.ts';

/** A key of the configuration that has a value of its own. */
export interface ConfigKey extends KeyFacts {
  /** The keys that lead to it; `NAME` stands for any name, `N` for any number of a list. */
  readonly path: readonly string[];
  /** Its values in words. */
  readonly must: string;
  /** Absent where there is none. */
  readonly byDefault?: unknown;
  readonly isList: boolean;
  /** What of it follows `QUERN_SERVE_` in the name of its variable; absent where no variable gives it. */
  readonly variable?: string;
}

/** What a schema in JSON holds of what is read here. */
interface Schema extends Partial<KeyFacts> {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
}

/** All keys, in the order of the schema. */
export const configKeys: readonly ConfigKey[] = keysOf(
  z.toJSONSchema(configSchema, { io: 'output', unrepresentable: 'any' }) as Schema,
  [],
);

function keysOf(schema: Schema, path: readonly string[]): ConfigKey[] {
  const { properties = {}, additionalProperties, items, description } = schema;
  const inside = Object.entries(properties).flatMap(([key, each]) => keysOf(each, [...path, key]));
  const isNamed = typeof additionalProperties === 'object' && additionalProperties.properties !== undefined;
  const named = isNamed ? keysOf(additionalProperties, [...path, 'NAME']) : [];
  const listed = items?.properties === undefined ? [] : keysOf(items, [...path, 'N']);
  if (description === undefined) return [...inside, ...named, ...listed];
  const isValue = !isNamed && listed.length === 0;
  const isOne = !path.includes('NAME') && !path.includes('N');
  const key: ConfigKey = {
    path,
    description,
    must: schema.must ?? words(schema),
    isList: schema.type === 'array',
    ...(schema.isPath && { isPath: true }),
    ...(schema.default !== undefined && isValue && { byDefault: schema.default }),
    ...(isValue && isOne && { variable: variableOf(path) }),
  };
  return [key, ...named, ...listed];
}

/** The values of a schema, in words. */
function words({ type, enum: names, minimum, maximum }: Schema): string {
  if (names) return names.map((each) => `\`${each}\``).join(', ');
  if (type === 'boolean') return '`true` or `false`';
  if (type === 'array') return 'list of texts';
  if (type !== 'integer' && type !== 'number') return 'text';
  const number = type === 'integer' ? 'whole number' : 'number';
  const hasLeast = minimum !== undefined && minimum > Number.MIN_SAFE_INTEGER;
  if (!hasLeast) return number;
  const hasMost = maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER;
  return hasMost ? `${number}, ${minimum} to ${maximum}` : `${number}, ${minimum} or more`;
}

/** `LIMITS_PER_MINUTE` of `limits.perMinute`; `listen` goes without saying. */
function variableOf(path: readonly string[]): string {
  const parts = path[0] === 'listen' ? path.slice(1) : path;
  return parts.map((part) => part.replace(/[A-Z]/g, (capital) => `_${capital}`).toUpperCase()).join('_');
}
