/** What is done to the pages of the reference once they are written, and held of them. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The places of a page: its headings of subjects and exports, each with the name by which links find it. */
function placesOf(markdown) {
  const lines = markdown.split('\n');
  return lines.flatMap((line, at) => {
    const [, marks, title] = /^(##|###) (.*)$/.exec(line) ?? [];
    const [, id] = /^<a id="([^"]+)"><\/a>$/.exec(lines[at - 2] ?? '') ?? [];
    return marks === undefined ? [] : [{ isSubject: marks === '##', title: title.replaceAll('\\', ''), id }];
  });
}

/**
 * A page as it is read: without headings over single lines and tables that speak for themselves. Links lead to places that are named in it, under names that no heading has by itself, and under its head
 * stands a list of what is on it, by subjects.
 */
export function finishedPage(markdown) {
  const page = markdown
    .replaceAll(/^#{4,} (?:Parameters|Get Signature|Constructor)\n\n/gm, '')
    .replaceAll(/^#{4,} Returns\n\n(?:#{4,} Function\n\n)?(?=(.*))/gm, (_, line) =>
      line.startsWith('```') ? 'Returns:\n\n' : 'Returns ',
    )
    .replaceAll(/<a id="([^"]+)"><\/a>/g, '<a id="api-$1"></a>')
    .replaceAll(/(\]\([^()\s#]*#)([^()\s]+\))/g, '$1api-$2')
    .replaceAll(/^## (.*)$/gm, (heading, title) => `<a id="${subjectAnchor(title)}"></a>\n\n${heading}`);
  const lists = [];
  for (const { isSubject, title, id } of placesOf(page)) {
    if (isSubject) lists.push({ subject: `[${title}](#${id})`, links: [] });
    else lists.at(-1)?.links.push(`[\`${title}\`](#${id})`);
  }
  const at = page.indexOf('<a id="subject-');
  const contents = lists.map(({ subject, links }) => `**${subject}**: ${links.join(', ')}\n\n`);
  return `${page.slice(0, at)}${contents.join('')}${page.slice(at)}`;
}

function subjectAnchor(title) {
  return `subject-${title.toLowerCase().replaceAll(/[^a-z]+/g, '-')}`;
}

/** The links of pages that lead to no page, or to no place of it. */
export function brokenLinks(folder, names) {
  const pages = new Map(
    names.map((name) => {
      const markdown = readFileSync(join(folder, `${name}.md`), 'utf8');
      return [join(folder, `${name}.md`), markdown];
    }),
  );
  const ids = new Map(
    Array.from(pages, ([file, markdown]) => [
      file,
      new Set(Array.from(markdown.matchAll(/<a id="([^"]+)">/g), ([, id]) => id)),
    ]),
  );
  return Array.from(pages).flatMap(([file, markdown]) => {
    const links = new Set(Array.from(markdown.matchAll(/\]\(([^()\s]+)\)/g), ([, link]) => link));
    return [...links]
      .filter((link) => !/^https?:/.test(link))
      .filter((link) => {
        const [path, id] = link.split('#');
        const target = path === '' ? file : join(dirname(file), path);
        return id === undefined ? !existsSync(target) : !ids.get(target)?.has(id);
      })
      .map((link) => `${file}: ${link}`);
  });
}
