import type { FaultCounts } from '../faults.ts';
import type { Author, Post } from '../post.ts';
import { licenceOf, postUrl, siteDomain, userUrl } from '../stack-exchange.ts';
import type { Attributes } from './xml-rows.ts';

const question = '1';
const answer = '2';

/**
 * The post that a row of `Posts.xml` is. Undefined for rows that are neither question nor answer (wikis, tags' texts), and,
 * counted in `faults`, for those that lack what a post must have: an id, a kind, a body; of an answer, its question.
 */
export function dumpPost(
  row: Attributes,
  host: string,
  { where, faults }: { readonly where: string; readonly faults: FaultCounts },
): Post | undefined {
  const { Id: id, PostTypeId: kind, Body: body } = row;
  const place = id === undefined ? where : `${where}, Id ${id.slice(0, 20)}`;
  const faulty = (fault: string): undefined => {
    faults.add(fault, place);
    return undefined;
  };
  if (kind === undefined) return faulty('a row without PostTypeId');
  if (kind !== question && kind !== answer) return undefined;
  if (!isNumber(id)) return faulty('a post without an Id that is a number');
  if (body === undefined) return faulty('a post without a Body');
  const { OwnerUserId: owner, OwnerDisplayName: name, CreationDate: date } = row;
  const score = row['Score'];
  const isScore = /^-?\d{1,9}$/.test(score ?? '');
  if (!isScore) faulty('a Score that is no number, taken for 0');
  const facts = {
    body,
    isHtml: true,
    score: isScore ? Number(score) : 0,
    ...(row['DeletionDate'] !== undefined && { isDeleted: true }),
    ...authorOf(host, owner, name),
    licence: row['ContentLicense'] || licenceOf(date),
  };
  if (kind === question) {
    const { Title: title, AcceptedAnswerId: accepted } = row;
    return {
      kind: 'question',
      id: `${host}/${id}`,
      domain: siteDomain(host),
      ...(title !== undefined && { title }),
      ...(accepted !== undefined && { acceptedAnswer: `${host}/${accepted}` }),
      url: postUrl(host, 'question', id),
      ...facts,
    };
  }
  const parent = row['ParentId'];
  if (!isNumber(parent)) return faulty('an answer without a ParentId that is a number');
  return {
    kind: 'answer',
    id: `${host}/${id}`,
    question: `${host}/${parent}`,
    domain: siteDomain(host),
    url: postUrl(host, 'answer', id),
    ...facts,
  };
}

function authorOf(host: string, owner?: string, name?: string): { author?: Author } {
  const profile = isNumber(owner) ? userUrl(host, owner) : undefined;
  if (profile === undefined && !name) return {};
  return { author: { ...(name && { name }), ...(profile !== undefined && { profile }) } };
}

function isNumber(text: string | undefined): text is string {
  return text !== undefined && /^(?:0|[1-9]\d{0,14})$/.test(text);
}
