import { expect, it } from 'vitest';
import { renderedTemplate } from './rendered-template.ts';

const values = { messages: [{ role: 'user', content: 'why' }], add_generation_prompt: true };

it('gives what the template writes', async () => {
  const source =
    '{% for m in messages %}[{{ m.role }}] {{ m.content }}{% endfor %}{% if add_generation_prompt %} ->{% endif %}';
  expect(await renderedTemplate(source, values)).toBe('[user] why ->');
});

it.each([
  ['is no template', '{% for %}', /cannot be used/],
  ['raises an exception', "{{ raise_exception('no system turn') }}", /no system turn/],
  ['fills the memory', '{% for i in range(1000000000) %}x{% endfor %}', /cannot be used/],
  ['writes too much', "{{ 'x' * 9 }}{% for i in range(200000) %}0123456789{% endfor %}", /cannot be used/],
])('refuses a template that %s, and the process lives on', async (_, source, message) => {
  await expect(renderedTemplate(source, values)).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  await expect(renderedTemplate(source, values)).rejects.toThrow(message);
});
