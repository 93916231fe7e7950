import { expect, it } from 'vitest';
import { Warnings } from '../../warnings.ts';
import { OpenAiReasoner } from '../openai.ts';

const env = { OPENAI_API_KEY: 'sk-1' };

it('a key that is withheld is warned of', () => {
  const warnings = new Warnings();
  OpenAiReasoner.create({ name: 'openai:m@http://api.example.com/v1', env, warnings });
  expect(warnings.list()).toMatchObject([
    {
      message: expect.stringMatching(/OPENAI_API_KEY is not sent unencrypted.*keyVariable/),
      first: 'openai:m@http://api.example.com/v1',
    },
  ]);
  OpenAiReasoner.create({ name: 'openai:m@http://api.example.com/v1', env: {}, warnings });
  expect(warnings.list()).toMatchObject([{ count: 1 }]);
});
