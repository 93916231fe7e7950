/** The colours of one scheme. Text stands in `ink`, `soft`, `gain` or `loss`, on any of the others. */
export interface Palette {
  readonly paper: string;
  readonly card: string;
  readonly rule: string;
  readonly ink: string;
  readonly soft: string;
  readonly gain: string;
  readonly loss: string;
  /** Grounds of what matches a relevant document, weak to strong, and of what matches only another one. */
  readonly weak: string;
  readonly medium: string;
  readonly strong: string;
  readonly stray: string;
}

/** The colours by daylight, and in print. */
export const light: Palette = {
  paper: '#fdfdfb',
  card: '#f5f5f1',
  rule: '#dddcd5',
  ink: '#1f2124',
  soft: '#5a5e63',
  gain: '#0a685c',
  loss: '#9c420c',
  weak: '#e6f2ef',
  medium: '#c6e4dd',
  strong: '#9fd3c7',
  stray: '#fbeade',
};

/** The colours where the reader prefers a dark scheme. */
export const dark: Palette = {
  paper: '#16181b',
  card: '#1e2125',
  rule: '#383b40',
  ink: '#e8e6e1',
  soft: '#a9abac',
  gain: '#62c6b4',
  loss: '#ec9c68',
  weak: '#1b322e',
  medium: '#1e473f',
  strong: '#245f54',
  stray: '#432a1c',
};

/** The declarations of CSS variables that are named like the colours. */
export function variables(palette: Readonly<Record<keyof Palette, string>>): string {
  return Object.entries(palette)
    .map(([name, value]) => `--${name}:${value}`)
    .join(';');
}

/** The style sheet of a report. */
export const reportStyle = `
:root { color-scheme: light dark; ${variables(light)} }
@media (prefers-color-scheme: dark) { :root { ${variables(dark)} } }
* { box-sizing: border-box }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100% }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Helvetica Neue", Arial, sans-serif;
  font-variant-numeric: tabular-nums; overflow-wrap: break-word }
header, main, footer { max-width: 66rem; margin: 0 auto; padding: 0 1.5rem }
header { padding-top: 3rem }
footer { padding-top: 1rem; padding-bottom: 3rem; color: var(--soft); font-size: .85rem }
h1, h2, h3, h4 { line-height: 1.25; font-weight: 600; margin: 0; text-wrap: balance }
h1 { font-size: 1.9rem; letter-spacing: -.015em }
h2 { font-size: 1.3rem; letter-spacing: -.01em; margin: 3.2rem 0 .9rem; padding-top: 1rem; border-top: 1px solid var(--rule) }
h3 { font-size: 1rem; margin: 2rem 0 .5rem }
h4 { font-size: .8rem; color: var(--soft); margin: 1.4rem 0 .4rem }
p { margin: .5rem 0; max-width: 46rem; text-wrap: pretty }
.kicker { color: var(--soft); font-size: .85rem; margin: 0 0 .3rem }
.lede { font-size: 1.13rem; line-height: 1.5; margin: 1.2rem 0 0; max-width: 48rem }
.lede b { font-weight: 600 }
.note, figcaption { color: var(--soft); font-size: .85rem }
.note { margin: .45rem 0 }
.gain { color: var(--gain) } .loss { color: var(--loss) } .soft { color: var(--soft) }
.id { font-family: ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: .84em; overflow-wrap: anywhere }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap }
:focus-visible { outline: 2px solid var(--gain); outline-offset: 2px }

.facts { display: flex; flex-wrap: wrap; gap: .7rem 2.4rem; margin: 1.3rem 0 0 }
.facts dt { color: var(--soft); font-size: .78rem }
.facts dd { margin: 0; overflow-wrap: anywhere }

.scroll { overflow-x: auto; margin: 1.8rem 0 .6rem }
h2 + .scroll { margin-top: 0 }
table { border-collapse: collapse; font-size: .9rem; width: 100% }
caption { text-align: left; font-weight: 600; padding-bottom: .3rem }
caption span { display: inline-block; position: sticky; left: 0; max-width: min(46rem, 100vw - 2rem) }
.runs { min-width: 46rem } .runs .run { min-width: 9rem }
th, td { padding: .36rem 1.1rem .36rem 0; text-align: left; vertical-align: baseline; border-bottom: 1px solid var(--rule) }
th:last-child:not(.inner), td:last-child { padding-right: 0 }
thead th { color: var(--soft); font-size: .8rem; font-weight: 500; vertical-align: bottom }
thead [colspan] { border-bottom: 0; padding-bottom: 0 }
thead td { border-bottom: 1px solid var(--rule) }
tbody th { font-weight: 500 }
.means { width: auto }
.n { text-align: right; white-space: nowrap }
td.n b { font-weight: 600 }
.range { display: block; color: var(--soft); font-size: .8rem; font-weight: 400 }
.words { display: block; color: var(--soft); font-size: .8rem; font-weight: 400; max-width: 34rem }
.run { max-width: 15rem; overflow-wrap: anywhere }
tbody .group { font-weight: 600; padding-top: .9rem; max-width: none }

figure { margin: 1rem 0 }
figcaption { margin-bottom: 1rem }
.chart { display: block; overflow: visible; height: 15rem; width: calc(100% - 3.2rem); margin-left: 3.2rem }
.chart text { font-size: .75rem; text-anchor: end; fill: var(--soft) }
.chart line { stroke: var(--rule); stroke-width: 1 }
.chart .zero { stroke: var(--soft) }
.chart .gain, .interval circle.gain { fill: var(--gain) }
.chart .loss, .interval circle.loss { fill: var(--loss) }
.chart .level, .interval circle.even { fill: var(--soft) }
.chart .reach { fill: transparent }
.chart g:hover .reach, .chart .reach:hover { fill: var(--ink); fill-opacity: .1 }
.sides { display: flex; justify-content: space-between; gap: 1rem; max-width: none; margin: .5rem 0 0 3.2rem; font-size: .85rem }
.drawn { width: 12rem; min-width: 9rem; vertical-align: middle }
.interval { width: 100%; height: 1rem; display: block }
.interval .zero { stroke: var(--rule); fill: none }
.interval .span { stroke-width: 2; stroke: var(--soft) }
.interval .gain.span { stroke: var(--gain) } .interval .loss.span { stroke: var(--loss) }
.shares { width: 100%; height: .8rem; display: block }
.shares .gain { fill: var(--gain) } .shares .even { fill: var(--rule) } .shares .loss { fill: var(--loss) }
.shares .frame { fill: none; stroke: var(--soft); stroke-width: 1; vector-effect: non-scaling-stroke }
.caveats { max-width: 46rem; padding-left: 1.2rem; margin: .5rem 0 } .caveats li { margin: .35rem 0 }

.topic { border-top: 1px solid var(--rule) }
.topic:last-of-type { border-bottom: 1px solid var(--rule) }
summary { display: grid; grid-template-columns: 1rem 4.6rem minmax(0, 1fr); gap: 0 .5rem; padding: .75rem 0; cursor: pointer; list-style: none }
summary::-webkit-details-marker { display: none }
summary::before { content: ""; width: .42rem; height: .42rem; margin-top: .5rem; border: solid var(--soft); border-width: 0 1.5px 1.5px 0; transform: rotate(-45deg) }
[open] > summary::before { transform: rotate(45deg) }
summary .change { font-weight: 600; text-align: right; padding-right: .7rem }
summary .query { margin: 0; max-width: 46rem; text-wrap: wrap }
.topic:not([open]) .query { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2; overflow: hidden }
summary .about { grid-column: 3; color: var(--soft); font-size: .82rem; font-weight: 400; margin: .15rem 0 0 }
summary:hover .query { text-decoration: underline; text-decoration-color: var(--rule); text-underline-offset: .2em }
.inside { padding: 0 0 1.6rem 6.6rem }
.inside > :first-child h4, .inside > h4:first-child { margin-top: .3rem }
.prose { font-family: Charter, "Bitstream Charter", "Iowan Old Style", Georgia, "Noto Serif", "DejaVu Serif", serif;
  font-size: 1rem; line-height: 1.72; white-space: pre-wrap; max-width: 44rem; margin: 0; text-wrap: wrap }
.beside { display: grid; grid-template-columns: minmax(0, 1fr) 17rem; gap: 0 2.4rem; align-items: start }
.beside > * { min-width: 0 }
.sides2 { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 0 2.4rem }
.inside table { font-size: .84rem }
.inside td, .inside th { padding: .3rem .6rem .3rem 0 }
.inside tr > :last-child { padding-right: 0 }
.inside .scroll { margin: 0 }
.inside .part { padding: .3rem 0 .3rem .6rem; width: 5.2rem }
.bar { background: linear-gradient(to left, var(--medium) var(--part), transparent 0) }
.bar.stray { background-image: linear-gradient(to left, var(--stray) var(--part), transparent 0) }
.doc { overflow-wrap: anywhere; width: 100% }
.doc .caption { display: block; color: var(--soft) }
.ranks .caption { display: inline; margin-left: .7rem }
.judged { white-space: nowrap }
tr.hit td { background: linear-gradient(var(--weak), var(--weak)) }
tr.hit td:first-child { box-shadow: inset 3px 0 var(--gain); padding-left: .5rem }
.hits td:first-child, .hits th:first-child { padding-left: .5rem }

mark { color: inherit; background: none; border-radius: .12em; padding: .06em .08em; margin: 0 -.08em;
  -webkit-box-decoration-break: clone; box-decoration-break: clone }
.r1 { border-bottom: 1px solid var(--gain) } .r2 { border-bottom: 2px solid var(--gain) } .r3 { border-bottom: 3px solid var(--gain) }
.o1, .o2, .o3 { border-bottom: 2px dotted var(--loss) }
.r1.new { background: var(--weak) } .r2.new { background: var(--medium) } .r3.new { background: var(--strong) }
.o1.new, .o2.new, .o3.new { background: var(--stray) }
.legend { background: var(--card); padding: .9rem 1.1rem; margin: 1.2rem 0; border-radius: .3rem; font-size: .85rem; max-width: none }
.legend dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(12rem, 1fr)); gap: .5rem 2rem; margin: .6rem 0 0 }
.legend dt { font-family: Charter, "Bitstream Charter", "Iowan Old Style", Georgia, "Noto Serif", "DejaVu Serif", serif; font-size: 1rem }
.legend dd { margin: 0; color: var(--soft) }

@media (max-width: 50rem) {
  .beside, .sides2 { grid-template-columns: minmax(0, 1fr) }
  .beside table { max-width: 28rem }
  .inside { padding-left: 0 }
}
@media (max-width: 36rem) {
  header, main, footer { padding-left: 1rem; padding-right: 1rem }
  header { padding-top: 1.6rem }
  h1 { font-size: 1.5rem }
  .lede { font-size: 1.05rem }
  .chart { height: 12rem }
  summary { grid-template-columns: 1rem 3.9rem minmax(0, 1fr) }
  summary .change { padding-right: .2rem }
  th, td { padding-right: .8rem }
  .measure { min-width: 9rem }
}
@media print {
  :root { color-scheme: light; ${variables(light)} }
  body { font-size: 10pt; print-color-adjust: exact; -webkit-print-color-adjust: exact }
  .runs { min-width: 0 }
  header, main, footer { max-width: none; padding: 0 2px }
  details::details-content { content-visibility: visible; block-size: auto; display: block }
  .topic:not([open]) .query { display: block }
  summary::before { visibility: hidden }
  .inside { padding-left: 0 }
  tr, figure, summary { break-inside: avoid }
  h2, h3, h4 { break-after: avoid }
  .scroll { overflow: visible }
}
`;
