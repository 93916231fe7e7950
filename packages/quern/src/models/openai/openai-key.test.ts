import { describe, expect, it } from 'vitest';
import { isPrivateHost, serverKey } from './openai-key.ts';

const env = { OPENAI_API_KEY: ' sk-1\n', MINE: 'sk-2', EMPTY: ' ' };

describe('the key for a server', () => {
  it.each([
    ['https://api.example.com/v1', undefined, { variable: 'OPENAI_API_KEY', state: 'sent', value: 'sk-1' }],
    ['http://localhost:8000/v1', undefined, { variable: 'OPENAI_API_KEY', state: 'sent', value: 'sk-1' }],
    ['http://10.1.2.3/v1', undefined, { variable: 'OPENAI_API_KEY', state: 'sent', value: 'sk-1' }],
    ['http://api.example.com/v1', undefined, { variable: 'OPENAI_API_KEY', state: 'withheld' }],
    ['http://api.example.com/v1', 'MINE', { variable: 'MINE', state: 'sent', value: 'sk-2' }],
    [
      'http://api.example.com/v1',
      'OPENAI_API_KEY',
      { variable: 'OPENAI_API_KEY', state: 'sent', value: 'sk-1' },
    ],
    ['https://api.example.com/v1', 'EMPTY', { variable: 'EMPTY', state: 'unset' }],
    ['https://api.example.com/v1', 'NOWHERE', { variable: 'NOWHERE', state: 'unset' }],
  ])('at %s, named by %s, is %j', (url, variable, key) => {
    expect(serverKey(url, variable, env)).toEqual(key);
  });
});

describe('a host', () => {
  it.each([
    'localhost',
    'LOCALHOST',
    'localhost.',
    'a.localhost',
    'vllm',
    'host.docker.internal',
    'nas.local',
    'nas.home.arpa',
    '127.0.0.1',
    '127.9.9.9',
    '0.0.0.0',
    '10.0.0.1',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '169.254.1.1',
    '[::1]',
    '[::]',
    '[fd00::1]',
    '[fe80::1]',
    '[::ffff:192.168.0.1]',
    new URL('http://2130706433/').hostname,
  ])('%s is private', (host) => {
    expect(isPrivateHost(new URL(`http://${host}/`).hostname)).toBe(true);
  });

  it.each([
    'example.com',
    '8.8.8.8',
    '11.0.0.1',
    '172.15.0.1',
    '172.32.0.1',
    '192.169.0.1',
    '10.0.0.1.example.com',
    '127.0.0.1.nip.io',
    'localhost.example.com',
    'notlocal.com',
    'internal.example.com',
    '[2001:4860:4860::8888]',
    '[::ffff:8.8.8.8]',
    '[::2]',
  ])('%s is public', (host) => {
    expect(isPrivateHost(new URL(`http://${host}/`).hostname)).toBe(false);
  });
});
