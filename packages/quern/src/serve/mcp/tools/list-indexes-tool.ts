import * as z from 'zod';
import type { DeclaredReasoner } from '../../configuration/service-config.ts';
import { namedMembers } from '../../../reason/several-names.ts';
import type { Service } from '../../service/service.ts';
import { mostText, tool, type Tool } from './tool.ts';

/** `list_indexes` */
export function listIndexesTool(service: Service): Tool {
  return tool({
    name: 'list_indexes',
    title: 'List indexes and reasoners',
    description:
      'Tells the names of the indexes that search takes, how many documents each has, and the names of the reasoners that ' +
      'search and reason take.',
    input: () => z.strictObject({}),
    output: z.object({
      indexes: z.array(
        z.object({
          name: z.string(),
          documents: z.number().optional(),
          analyzer: z.string().optional().describe('What makes terms of texts.'),
          texts: z
            .boolean()
            .optional()
            .describe('Whether it keeps texts: without them, hits have no titles or passages.'),
          retriever: z.string().optional(),
          unavailable: z.string().optional().describe('Why it cannot be searched now.'),
        }),
      ),
      reasoners: z.array(z.object({ name: z.string(), is: z.string().describe('What it is.') })),
      leftOut: z.number().optional().describe('How many more there are, for which there is no room here.'),
    }),
    async call(_, { signal }) {
      const reasoners = service.reasoners.all.map(({ name, declared }) => ({ name, is: kindOf(declared) }));
      const indexes: object[] = [];
      const { names } = service.indexes;
      let room =
        mostText -
        JSON.stringify({ indexes, reasoners: [], leftOut: names.length + reasoners.length }).length;
      const fits = (each: object): boolean => {
        room -= JSON.stringify(each).length + ','.length;
        return room >= 0;
      };
      const told = reasoners.filter(fits);
      for (const name of names) {
        signal.throwIfAborted();
        const facts = await factsOf(service, name);
        if (!fits(facts)) break;
        indexes.push(facts);
      }
      const leftOut = names.length - indexes.length + reasoners.length - told.length;
      return { indexes, reasoners: told, ...(leftOut > 0 && { leftOut }) };
    },
  });
}

/** What is told of an index. One that cannot be opened must not hide the others. */
async function factsOf(service: Service, name: string): Promise<object> {
  try {
    return await service.indexes.use(name, 'index', async ({ index, declared }) => ({
      name,
      documents: index.facts.documents,
      analyzer: index.analyzer,
      texts: index.hasStore,
      retriever: declared.retriever,
    }));
  } catch (error) {
    service.observer.failed(`index ${name}`, 'UNAVAILABLE', error);
    return { name, unavailable: 'it cannot be opened' };
  }
}

/** What a reasoner is, without where its model lies. */
function kindOf({ reasoner }: DeclaredReasoner): string {
  const members = namedMembers(reasoner);
  return [...new Set(members.map(({ name }) => kinds[name.split(':', 1).join()] ?? 'a language model'))].join(
    ' and ',
  );
}

const kinds: Readonly<Record<string, string>> = {
  none: 'the question as it is',
  rm3: 'the question with terms of the best documents, for searches only',
  file: 'reasoned queries that were recorded for known questions',
};
