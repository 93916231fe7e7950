import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { QuernError } from '../../errors.ts';
import { openAiAddress, type OpenAiAddress } from './openai-address.ts';

describe('the name of a remote reasoner', () => {
  it.each([
    ['openai:m@http://localhost:8000/v1', 'm', 'http://localhost:8000/v1'],
    ['openai:m@http://localhost:8000/v1/', 'm', 'http://localhost:8000/v1'],
    ['openai:m@HTTPS://Example.COM:443/V1//', 'm', 'https://example.com/V1'],
    ['openai:m@http://[::1]:8000', 'm', 'http://[::1]:8000'],
    ['openai:org/m-7b@http://h/v1', 'org/m-7b', 'http://h/v1'],
    ['openai:qwen2.5:7b@http://h/v1', 'qwen2.5:7b', 'http://h/v1'],
    ['openai:@cf/qwen/m@http://h/v1', '@cf/qwen/m', 'http://h/v1'],
    ['openai:m@httpd@http://h/v1', 'm@httpd', 'http://h/v1'],
    ['openai:m@http', 'm@http', 'https://api.openai.com/v1'],
    ['openai:gpt-9', 'gpt-9', 'https://api.openai.com/v1'],
  ])('%s is model %s at %s', (name, model, baseUrl) => {
    expect(openAiAddress(name, {})).toEqual({ model, baseUrl, name: `openai:${model}@${baseUrl}` });
  });

  it('without a URL means the server in OPENAI_BASE_URL, where that is set', () => {
    expect(openAiAddress('openai:m', { OPENAI_BASE_URL: 'http://h/v1' }).name).toBe('openai:m@http://h/v1');
    expect(openAiAddress('openai:m', { OPENAI_BASE_URL: '' }).baseUrl).toBe('https://api.openai.com/v1');
    expect(openAiAddress('openai:m@http://g/v1', { OPENAI_BASE_URL: 'http://h/v1' }).baseUrl).toBe(
      'http://g/v1',
    );
  });

  it.each([
    ['m', /does not start/],
    ['openai:', /no model/],
    ['openai: @http://h/v1', /no model/],
    ['openai:@http://h/v1', /no model/],
    ['openai:m\u0007@http://h/v1', /no model/],
    ['openai:m@ftp://h/v1', /not HTTP/],
    ['openai:m@file:///etc/passwd', /not HTTP/],
    ['openai:m@localhost:8000/v1', /without http/],
    ['openai:m@localhost:8000', /without http/],
    ['openai:m@', /base URL that is none/],
    ['openai:m@//h/v1', /base URL that is none/],
    ['openai:m@http:/h/v1', /base URL that is none/],
    ['openai:m@http://h/v1/chat/completions', /one kind of request/],
    ['openai:m@http://a/@http://b/', /two/],
    ['openai:m@http://', /not a URL/],
    ['openai:m@http://h:99999/v1', /not a URL/],
    ['openai:m@http://h/v 1', /not a URL/],
    ['openai:m@http://h/v1\n', /not a URL/],
    ['openai:m@http://user:hunter2@h/v1', /user or a password/],
    ['openai:m@http://hunter2@h/v1', /user or a password/],
    ['openai:m@http://@h/v1', /user or a password/],
    ['openai:m@http://h/v1?key=hunter2', /query or a fragment/],
    ['openai:m@http://h/v1?', /query or a fragment/],
    ['openai:m@http://h/v1#hunter2', /query or a fragment/],
  ])('is refused where it is %j', (name, message) => {
    const thrown = thrownBy(() => openAiAddress(name, {}));
    expect(thrown).toMatchObject({ code: 'USAGE', message: expect.stringMatching(message) });
    expect((thrown as Error).message).not.toContain('hunter2');
  });

  it.each(['ftp://h', 'http://user:hunter2@h/v1', 'nonsense', 'http://h/?hunter2'])(
    'is refused where OPENAI_BASE_URL is %j, which the error names',
    (OPENAI_BASE_URL) => {
      const thrown = thrownBy(() => openAiAddress('openai:m', { OPENAI_BASE_URL }));
      expect(thrown).toMatchObject({ code: 'USAGE', where: 'OPENAI_BASE_URL' });
      expect((thrown as Error).message).not.toContain('hunter2');
    },
  );

  it('of any text is an address that names itself, or USAGE', () => {
    const text = fc.oneof(
      fc.string(),
      fc
        .tuple(fc.string(), fc.webUrl({ withQueryParameters: true }))
        .map(([model, url]) => `${model}@${url}`),
    );
    fc.assert(
      fc.property(text, (rest) => {
        const address = addressOrCode(`openai:${rest}`);
        expect(typeof address === 'object' || address === 'USAGE').toBe(true);
        expect(addressOrCode(typeof address === 'object' ? address.name : `openai:${rest}`)).toEqual(address);
      }),
      { numRuns: 50 },
    );
  });
});

function thrownBy(work: () => void): unknown {
  try {
    work();
    return undefined;
  } catch (error) {
    return error;
  }
}

function addressOrCode(name: string): OpenAiAddress | string {
  try {
    return openAiAddress(name, {});
  } catch (error) {
    return (error as QuernError).code;
  }
}
