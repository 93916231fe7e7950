import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { configurationIn } from '../../src/reason/configuration-file.ts';
import { readServiceConfig } from '../../src/serve/configuration/read-service-config.ts';
import { readTrainConfig } from '../../src/train/configuration/read-config.ts';
import { fieldNames } from '../../src/train/configuration/train-config.ts';

/** What a configuration is of. */
export type ConfigurationKind = 'reasoners' | 'service' | 'training';

const trainingFields: ReadonlySet<string> = new Set(fieldNames);

/**
 * What a configuration is of, by its keys: those of trainings are fields of one; reasoners go by their full names in the file of
 * `--config`, by short ones in a service's.
 */
export function configurationKind(yaml: string): ConfigurationKind {
  const value = parse(yaml) as Record<string, unknown>;
  const keys = Object.keys(value);
  if (keys.every((key) => trainingFields.has(key))) return 'training';
  const isOfReasoners = keys.every((key) => key === 'reasoners');
  return isOfReasoners && Object.keys(value['reasoners'] as object).every((name) => name.includes(':'))
    ? 'reasoners'
    : 'service';
}

/** Reads the file of a configuration as the program does that it is for. Throws what that throws. */
export async function readConfigurationOf(kind: ConfigurationKind, file: string): Promise<void> {
  if (kind === 'reasoners') await configurationIn(file);
  else if (kind === 'service') await readServiceConfig({ file, env: {} });
  else {
    // A preset leaves to the reader what is trained on; where the file says it, that counts.
    const { train_data: data = 'my-training-set' } = parse(await readFile(file, 'utf8')) as {
      train_data?: unknown;
    };
    const set = [`train_data=${JSON.stringify(data)}`];
    await readTrainConfig({ preset: 'tongsearch-1.5b', file, set, out: 'run' });
  }
}
