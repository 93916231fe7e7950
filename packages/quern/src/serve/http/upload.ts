import { QuernError } from '../../errors.ts';
import type { CorpusFile } from '../data/data-names.ts';
import { tooLarge } from '../data/receive-file.ts';
import { StatusError } from './answer-error.ts';
import type { Call } from './route.ts';

/** What is uploaded. */
export interface Upload {
  /** Which file it is; throws what is wrong with the name of it. */
  readonly file: () => CorpusFile;
  /** The types that it may be sent as; one that says none is taken, too. */
  readonly types: readonly string[];
  readonly mostBytes: number;
}

/**
 * What `received` makes of the bytes of an upload, as they come. Throws 415 for another type and for what is encoded, `TOO_LARGE` for
 * what says that it is, 408 for what comes too slowly, `ABORTED` where the client goes, and what `received` throws.
 */
export async function uploaded<T>(
  { request }: Pick<Call<unknown>, 'request'>,
  { file: named, types, mostBytes }: Upload,
  received: (bytes: AsyncIterable<Uint8Array>, file: CorpusFile) => Promise<T>,
): Promise<T> {
  const { raw } = request;
  try {
    const file = named();
    checkType(request.headers, types);
    if (Number(request.headers['content-length'] ?? 0) > mostBytes) throw tooLarge(file, mostBytes);
    // Ending the reading early must not end the connection, on which the answer goes out.
    return await received(raw.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>, file);
  } catch (error) {
    if (raw.destroyed && !raw.complete)
      throw new QuernError('ABORTED', 'the client has gone', { cause: error });
    if (error instanceof QuernError && error.code === 'TIMEOUT') {
      throw new StatusError(408, 'BAD_INPUT', error.what, { hint: error.hint });
    }
    throw error;
  }
}

function checkType(headers: Call<unknown>['request']['headers'], types: readonly string[]): void {
  const encoding = headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
  if (encoding !== 'identity') {
    throw new StatusError(415, 'BAD_INPUT', 'nothing that is sent is unpacked', {
      where: 'content-encoding',
      hint: 'Send the file as it is, without Content-Encoding',
    });
  }
  const [type = '', ...parameters] = (headers['content-type'] ?? '')
    .split(';')
    .map((part) => part.trim().toLowerCase());
  const charset = parameters.find((each) => each.startsWith('charset='))?.slice('charset='.length);
  const isUtf8 = charset === undefined || /^"?utf-?8"?$/.test(charset);
  if (isUtf8 && (type === '' || types.includes(type))) return;
  throw new StatusError(
    415,
    'BAD_INPUT',
    isUtf8 ? 'is not one that this file may be sent as' : 'is not UTF-8',
    {
      where: 'content-type',
      hint: `Send it as ${types[0]}, in UTF-8`,
    },
  );
}
