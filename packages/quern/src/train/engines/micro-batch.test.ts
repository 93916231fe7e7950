import { expect, it } from 'vitest';
import { engineMicroBatches } from './micro-batch.ts';

const config = {
  generation_batch_size: 64,
  steps_per_generation: 1,
  num_processes: 2,
  max_completion_length: 100,
  tokens_per_micro_batch: 1000,
};

it('has as many completions at a time as there is room for, the same number in each pass', () => {
  expect(engineMicroBatches(config, 100)).toEqual({ perProcess: 4, passes: 8 });
  expect(engineMicroBatches({ ...config, generation_batch_size: 12 }, 100)).toEqual({
    perProcess: 3,
    passes: 2,
  });
});

it('has one at a time where there is no room for one, and all at once where there is for all', () => {
  expect(engineMicroBatches(config, 5000)).toEqual({ perProcess: 1, passes: 32 });
  expect(engineMicroBatches({ ...config, tokens_per_micro_batch: 1e6 }, 100)).toEqual({
    perProcess: 32,
    passes: 1,
  });
});

it('divides what one of several steps learns from', () => {
  expect(engineMicroBatches({ ...config, steps_per_generation: 4 }, 0)).toEqual({ perProcess: 8, passes: 1 });
});

it('says which numbers of processes would do', () => {
  expect(() => engineMicroBatches({ ...config, num_processes: 3 }, 100)).toThrow(
    /^num_processes: 64 completions of a step cannot be divided among 3 processes/,
  );
});
