import { expect, it } from 'vitest';
import { marked } from './marked.ts';

it.each([
  ['A kettle, KETTLES', 'Kettle', ['A ', '[kettle]', ', ', '[KETTLE]', 'S']],
  ['kettle', 'kettle', ['[kettle]']],
  ['kettle', '', ['kettle']],
  ['a.*b', '.*', ['a', '[.*]', 'b']],
  ['İstanbul kettle', 'kettle', ['İstanbul kettle']],
])('in %j, %j is marked', (text, sought, parts) => {
  expect(marked(text, sought).map((part) => (part.isMarked ? `[${part.text}]` : part.text))).toEqual(parts);
});
