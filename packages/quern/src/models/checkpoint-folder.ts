import { QuernError } from '../errors.ts';
import { checkFolder } from './checkpoint.ts';

/**
 * The folder of the checkpoint that a string on the command line names. Throws `NOT_FOUND` where there is none, and
 * `BAD_INPUT` where it is a file.
 */
export async function checkpointFolder(named: string): Promise<string> {
  await checkFolder(named).catch((error: unknown) => {
    if (!(error instanceof QuernError) || error.code !== 'NOT_FOUND') throw error;
    throw new QuernError('NOT_FOUND', 'no such checkpoint', {
      where: named,
      hint: 'Name the folder that holds its config.json and its safetensors files',
      cause: error,
    });
  });
  return named;
}
