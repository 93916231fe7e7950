import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Application, Comment, CommentTag, Converter, DeclarationReflection, ReflectionKind } from 'typedoc';
import { entries } from './entries.mjs';
import { brokenLinks, finishedPage } from './pages.mjs';
import { subjectOf, subjects } from './subjects.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const ownPackages = new Set(['quern', '@quern/libtorch']);
/** Behind the listeners of TypeDoc itself. */
const lastOfAll = -1e6;
const out = join(root, 'docs/reference');

/** Writes the reference into docs/reference. Returns whether nothing was wrong with the docstrings. */
export async function writeReference() {
  const app = await Application.bootstrapWithPlugins({
    name: 'The library',
    entryPoints: Object.keys(entries).map((path) => `${root}${path}`),
    tsconfig: `${root}tsconfig.json`,
    plugin: ['typedoc-plugin-markdown'],
    out,
    readme: 'none',
    logLevel: 'Warn',
    disableSources: true,
    excludeExternals: true,
    excludePrivate: true,
    excludeInternal: true,
    // `npm run types` finds errors.
    skipErrorChecking: true,
    sort: ['kind', 'alphabetical'],
    categorizeByGroup: false,
    categoryOrder: subjects,
    kindSortOrder: ['Function', 'Class', 'Interface', 'TypeAlias', 'Variable', 'Enum'],
    validation: { notExported: false, invalidLink: true, notDocumented: true, invalidPath: true },
    requiredToBeDocumented: ['Enum', 'Variable', 'Function', 'Class', 'Interface', 'TypeAlias'],
    treatValidationWarningsAsErrors: true,
    treatWarningsAsErrors: true,
    router: 'module',
    entryFileName: 'README',
    hidePageHeader: true,
    hideBreadcrumbs: true,
    hideGroupHeadings: true,
    useCodeBlocks: true,
    useHTMLAnchors: true,
    parametersFormat: 'table',
    interfacePropertiesFormat: 'table',
    classPropertiesFormat: 'table',
    typeAliasPropertiesFormat: 'table',
    enumMembersFormat: 'table',
    propertyMembersFormat: 'table',
    typeDeclarationFormat: 'table',
    indexFormat: 'table',
    tableColumnSettings: {
      hideSources: true,
      hideModifiers: true,
      hideInherited: true,
      hideOverrides: true,
      leftAlignHeaders: true,
    },
  });
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const module of project.getReflectionsByKind(ReflectionKind.Module)) {
      const path = fileOf(module, project);
      const entry = Object.keys(entries).find((each) => path.endsWith(each));
      if (entry) describeModule(module, entry);
      for (const child of module.children ?? []) putIntoSubject(child, fileOf(child, project));
    }
    for (const parameter of project.getReflectionsByKind(ReflectionKind.Parameter)) {
      if (parameter.name === '__namedParameters') parameter.name = nameByType(parameter.type);
    }
  });
  app.converter.on(Converter.EVENT_RESOLVE_END, ({ project }) => tidy(project), lastOfAll);
  const project = await app.convert();
  if (!project) return false;
  app.validate(project);
  await app.generateOutputs(project);
  const names = Object.values(entries);
  for (const name of names) {
    const file = join(out, `${name}.md`);
    writeFileSync(file, finishedPage(readFileSync(file, 'utf8')));
  }
  writeFileSync(join(out, 'README.md'), overview(project));
  const broken = brokenLinks(out, names);
  for (const link of broken) app.logger.error(`a link leads nowhere: ${link}`);
  return !app.logger.hasErrors() && !app.logger.hasWarnings();
}

/** Takes away what tells of the inside, and says of classes and interfaces that they are. */
function tidy(project) {
  for (const reflection of Object.values(project.reflections)) {
    // What a class has from an internal one is its own to whoever uses it.
    for (const inside of ['inheritedFrom', 'overwrites', 'implementationOf']) delete reflection[inside];
    if (!(reflection instanceof DeclarationReflection)) continue;
    delete reflection.typeHierarchy;
    for (const key of ['extendedTypes', 'implementedTypes']) {
      const told = reflection[key]?.filter((type) => type.reflection ?? !ownPackages.has(type.package));
      if (told?.length) reflection[key] = told;
      else delete reflection[key];
    }
    const kind = { [ReflectionKind.Class]: 'Class', [ReflectionKind.Interface]: 'Interface' }[
      reflection.kind
    ];
    if (kind) (reflection.comment ??= new Comment()).summary.unshift({ kind: 'text', text: `*${kind}.* ` });
  }
}

function fileOf(reflection, project) {
  return project.getSymbolIdFromReflection(reflection)?.fileName ?? '';
}

/** Names a module as programs import it, and has the docstring at the head of its file. */
function describeModule(module, entry) {
  module.name = entries[entry];
  const [, docstring = ''] = /^\/\*\*(.*?)\*\//s.exec(readFileSync(join(root, entry), 'utf8')) ?? [];
  const text = docstring.replaceAll(/^\s*\* ?/gm, '').trim();
  module.comment = new Comment([{ kind: 'text', text }]);
}

function putIntoSubject(reflection, path) {
  const subject = new CommentTag('@category', [{ kind: 'text', text: subjectOf(path) }]);
  for (const each of new Set([reflection, reflection.signatures?.[0] ?? reflection])) {
    each.comment ??= new Comment();
    each.comment.blockTags.push(subject.clone());
  }
}

/** A name for a parameter that the source takes apart: the last word of its type, `request` of a `SearchRequest`. */
function nameByType(type) {
  const name = type?.type === 'reference' ? /[A-Z][a-z]+$/.exec(type.name)?.[0] : undefined;
  return name?.toLowerCase() ?? 'options';
}

/** The first page: what there is. */
function overview(project) {
  const modules = new Map(project.children.map((module) => [module.name, module]));
  const lines = Object.values(entries).map((name) => {
    const { comment } = modules.get(name);
    return `- [\`${name}\`](${name}.md): ${comment.summary.map(({ text }) => text).join('')}`;
  });
  return `# The library\n\nWhat each package exports, from its docstrings. Uses of it are in the [README](../../README.md).\n\n${lines.join('\n')}\n`;
}
