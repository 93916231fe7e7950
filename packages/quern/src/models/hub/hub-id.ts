import { QuernError } from '../../errors.ts';
import type { RepositoryKind } from './hub-refusal.ts';

/** A repository of the Hugging Face hub, at a revision. */
export interface HubId {
  /** `owner/name`. */
  readonly repository: string;
  /** A branch, a tag or a commit; `main` where none is given. */
  readonly revision: string;
  /** The revision, where it is a whole commit id (40 hexadecimal digits), which never changes what it means. */
  readonly commit?: string;
}

const longest = 96;

/**
 * The repository and the revision that `owner/name` or `owner/name@revision` names. Owner and name are of letters,
 * digits, `.`, `_` and `-`, as the hub has them: no `.` or `-` at either end, and neither `..` nor `--`, which is what
 * stands between the two in the cache. A revision may be of several such parts, as in `refs/pr/1`. Throws `USAGE`,
 * in words for the `kind` of repository.
 */
export function parseHubId(id: string, kind: RepositoryKind = 'model'): HubId {
  const malformed = (fault: string): QuernError => malformedId(id, fault, kind);
  const at = id.indexOf('@');
  const repository = at < 0 ? id : id.slice(0, at);
  const parts = repository.split('/');
  if (parts.length !== 2) throw malformed('is not of the form owner/name');
  for (const part of parts) {
    const fault = partFault(part) ?? (part.includes('--') ? 'holds --' : undefined);
    if (fault !== undefined) throw malformed(`names a repository of which a part ${fault}`);
  }
  if (repository.endsWith('.git')) throw malformed('ends in .git');
  if (at < 0) return { repository, revision: 'main' };
  const revision = id.slice(at + 1);
  const fault = revision.split('/').map(partFault).find(Boolean);
  if (fault !== undefined) throw malformed(`names a revision that ${fault}`);
  if (!isCommit(revision.toLowerCase())) return { repository, revision };
  return { repository, revision: revision.toLowerCase(), commit: revision.toLowerCase() };
}

/** Whether `text` is a whole commit id: 40 hexadecimal digits, small ones. */
export function isCommit(text: string): boolean {
  return /^[0-9a-f]{40}$/.test(text);
}

function partFault(part: string): string | undefined {
  if (part === '') return 'is empty';
  if (part.length > longest) return `is longer than ${longest} characters`;
  if (/[^A-Za-z0-9._-]/.test(part)) return 'holds other characters than letters, digits, ".", "_" and "-"';
  if (part.includes('..')) return 'holds ..';
  if (/^[.-]|[.-]$/.test(part)) return 'begins or ends with "." or "-"';
  return undefined;
}

const examples: Readonly<Record<RepositoryKind, string>> = {
  model: 'TongSearch/TongSearch-QR-1.5B',
  dataset: 'HuggingFaceH4/stack-exchange-preferences',
};

function malformedId(id: string, fault: string, kind: RepositoryKind): QuernError {
  return new QuernError('USAGE', `${JSON.stringify(id.slice(0, 300))} ${fault}`, {
    where: kind === 'dataset' ? 'data set id' : 'model id',
    hint: `Write owner/name or owner/name@revision, such as ${examples[kind]}`,
  });
}
