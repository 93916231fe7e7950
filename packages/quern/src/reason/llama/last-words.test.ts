import { expect, it } from 'vitest';
import { reasonIn } from './last-words.ts';

it.each([
  ['', ''],
  ['\n \r\n', ''],
  ['one\ntwo\n', 'two'],
  [
    '/home/ci/src/llama-model.cpp:12: GGML_ASSERT(a / b > 0) failed\nmore\n',
    'llama-model.cpp:12: GGML_ASSERT(a / b > 0) failed',
  ],
  [
    "terminate called after throwing an instance of 'std::out_of_range'\n  what():  _Map_base::at\n",
    '_Map_base::at',
  ],
  ['FATAL ERROR: Reached heap limit\n----- Native stack trace -----\n', 'FATAL ERROR: Reached heap limit'],
  ['a\u001b[31mb\u0000c\u009fd', 'a b c d'],
  ['x'.repeat(300), `${'x'.repeat(199)}…`],
])('the reason in %j is %j', (text, reason) => {
  expect(reasonIn(text)).toBe(reason);
});
