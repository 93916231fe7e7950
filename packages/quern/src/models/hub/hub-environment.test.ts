import { mkdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/temporary-folder.ts';
import { hubEnvironment, hubToken } from './hub-environment.ts';

const folder = temporaryFolder();
const home = join(folder, 'home');
mkdirSync(home);
writeFileSync(join(home, 'token'), 'hf_ofTheHome\n');
writeFileSync(join(folder, 'other'), 'hf_ofThePath');

describe('the variables of huggingface_hub', () => {
  it('say where the cache is, with ~ for the home folder', () => {
    expect(hubEnvironment({}).cache).toBe(join(homedir(), '.cache', 'huggingface', 'hub'));
    expect(hubEnvironment({ XDG_CACHE_HOME: '~/c' }).cache).toBe(join(homedir(), 'c', 'huggingface', 'hub'));
    expect(hubEnvironment({ XDG_CACHE_HOME: '/c', HF_HOME: '/h' }).cache).toBe(join('/h', 'hub'));
    expect(hubEnvironment({ HF_HOME: '/h', HF_HUB_CACHE: '/cache' }).cache).toBe('/cache');
  });

  it('say which hub is asked, and whether', () => {
    expect(hubEnvironment({}).endpoint.href).toBe('https://huggingface.co/');
    expect(hubEnvironment({ HF_ENDPOINT: 'http://mirror:8080/hub//' }).endpoint.href).toBe(
      'http://mirror:8080/hub',
    );
    for (const yes of ['1', 'on', 'YES', 'true']) {
      expect(hubEnvironment({ HF_HUB_OFFLINE: yes }).isOffline).toBe(true);
    }
    for (const no of [undefined, '', '0', 'false']) {
      expect(hubEnvironment({ HF_HUB_OFFLINE: no }).isOffline).toBe(false);
    }
  });

  it.each([
    'huggingface.co',
    'ftp://hub',
    'file:///x',
    'https://a:secret@hub',
    'https://hub?secret',
    'https://',
  ])('are refused for an address like %s, which is not quoted', (address) => {
    expect(() => hubEnvironment({ HF_ENDPOINT: address })).toThrow(
      expect.objectContaining({ code: 'USAGE', message: expect.not.stringContaining('secret') }),
    );
  });

  it('give the token, or the file that holds it', async () => {
    expect(await hubToken({ HF_HOME: join(folder, 'none') })).toBeUndefined();
    expect(await hubToken({ HF_HOME: home })).toBe('hf_ofTheHome');
    const both = { HF_HOME: home, HF_TOKEN_PATH: join(folder, 'other') };
    expect(await hubToken(both)).toBe('hf_ofThePath');
    expect(await hubToken({ ...both, HF_TOKEN: ' hf_given\r\n' })).toBe('hf_given');
    expect(await hubToken({ ...both, HF_TOKEN: '' })).toBe('hf_ofThePath');
  });

  it('are refused for a token that cannot be one, which is not quoted', async () => {
    for (const env of [{ HF_TOKEN: 'hf_secret\nx: y' }, { HF_TOKEN: 'hf_secret ä' }]) {
      await expect(hubToken(env)).rejects.toMatchObject({
        code: 'USAGE',
        where: 'HF_TOKEN',
        message: expect.not.stringContaining('secret'),
      });
    }
    await expect(hubToken({ HF_TOKEN_PATH: home })).rejects.toMatchObject({ code: 'IO', where: home });
  });
});
