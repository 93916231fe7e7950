import { describe, expect, it } from 'vitest';
import { QuernError } from '../errors.ts';
import { isOpenSearchName, openSearchAddress } from './address.ts';

describe('openSearchAddress', () => {
  it('reads index, nodes, user and password, and names them without these', () => {
    expect(openSearchAddress('opensearch:my-corpus@https://u%40x:p%3Aw@one:9200,http://two/es/', {})).toEqual(
      {
        index: 'my-corpus',
        urls: ['https://one:9200', 'http://two/es'],
        user: 'u@x',
        password: 'p:w',
        name: 'opensearch:my-corpus@https://one:9200,http://two/es',
      },
    );
  });

  it('takes user and password of the environment where the URL has none', () => {
    const env = { OPENSEARCH_USERNAME: 'reader', OPENSEARCH_PASSWORD: 'geheim' };
    expect(openSearchAddress('opensearch:a@http://one', env)).toMatchObject({
      user: 'reader',
      password: 'geheim',
    });
    expect(openSearchAddress('opensearch:a@http://me:own@one', env)).toMatchObject({
      user: 'me',
      password: 'own',
    });
    expect(openSearchAddress('opensearch:a@http://one', {}).user).toBeUndefined();
  });

  it.each([
    'corpus@http://localhost:9200',
    'opensearch:corpus',
    'opensearch:corpus@localhost:9200',
    'opensearch:corpus@ftp://localhost',
    'opensearch:corpus@http://u:geheim@localhost:99999',
    'opensearch:corpus@http://u:geheim@localhost?x=1',
    'opensearch:corpus@http://u:geheim@localhost,v:geheim@other',
    'opensearch:corpus@http://u:geheim@localhost,http://v:geheim@other',
    'opensearch:corpus@http://u:geheim%@localhost',
    'opensearch:@http://localhost',
    'opensearch:Corpus@http://localhost',
    'opensearch:a,b@http://localhost',
    'opensearch:a*@http://localhost',
    'opensearch:../_all@http://localhost',
    'opensearch:_all@http://localhost',
    `opensearch:${'a'.repeat(256)}@http://localhost`,
  ])('refuses %s, repeating no password', (name) => {
    let refusal: unknown;
    try {
      openSearchAddress(name, {});
    } catch (error) {
      refusal = error;
    }
    expect(refusal).toBeInstanceOf(QuernError);
    expect(refusal).toMatchObject({ code: 'USAGE' });
    expect(String(refusal)).not.toContain('geheim');
  });

  it('tells names of clusters from folders', () => {
    expect(isOpenSearchName('opensearch:a@http://b')).toBe(true);
    expect(isOpenSearchName('./opensearch:a')).toBe(false);
  });
});
