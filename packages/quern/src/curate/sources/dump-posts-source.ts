import type { Post } from '../post.ts';
import { dumpPost } from './dump-posts.ts';
import type { Dump } from './dump-source.ts';
import type { PostSource, SourceBatch } from './post-source.ts';
import { xmlRows } from './xml-rows.ts';

/** The posts of a site's dump as a source. */
export function dumpPosts(
  { posts: file, links, users }: Dump,
  { host, ...facts }: Pick<PostSource, 'title' | 'stamp' | 'file'> & { readonly host: string },
): PostSource {
  return {
    kind: 'dump',
    name: file.name,
    ...facts,
    ...(file.bytes !== undefined && { bytes: file.bytes }),
    site: { host, ...(links && { links }), ...(users && { users }) },
    async *read(from, { faults, signal }): AsyncGenerator<SourceBatch> {
      for await (const { rows, position } of xmlRows(file.read(from, signal), {
        name: file.name,
        faults,
        from,
      })) {
        const posts: Post[] = [];
        for (const { attributes, where } of rows) {
          const post = dumpPost(attributes, host, { where, faults });
          if (post) posts.push(post);
        }
        yield { posts, position, doneBytes: position.offset };
      }
    },
  };
}
