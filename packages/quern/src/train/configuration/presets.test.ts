import { expect, it } from 'vitest';
import { presetNames, presets } from './presets.ts';
import { readTrainConfig } from './read-config.ts';

it.each(presetNames)('%s is a whole configuration once it has data and a folder', async (preset) => {
  const config = await readTrainConfig({ preset, set: ['train_data=questions.jsonl'], out: 'run' });
  expect(config).toMatchObject({ ...presets[preset].fields, train_data: ['questions.jsonl'] });
});

it('smoke needs nothing but a folder', async () => {
  const config = await readTrainConfig({ preset: 'smoke', out: 'run' });
  expect(config).toMatchObject({
    model_name_or_path: 'random:tiny',
    train_data: ['sample:'],
    output_dir: 'run',
  });
});

it.each(presetNames)('%s sets nothing that is the default already', async (preset) => {
  const plain = await readTrainConfig({
    set: ['model_name_or_path=m', 'reward=mix:1*lexical', 'train_data=d'],
    out: 'run',
  });
  const same = Object.entries(presets[preset].fields).filter(
    ([name, value]) => JSON.stringify(plain[name as keyof typeof plain]) === JSON.stringify(value),
  );
  expect(same).toEqual([]);
});
