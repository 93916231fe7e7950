import { dark, light, variables } from '../../report/style.ts';

/** The colours of runs, in their order; after the last one they begin again, in another kind of line. */
export const runColours = {
  light: ['#0a7263', '#b5480a', '#3557c4', '#a3277a', '#686500', '#5d5f66'],
  dark: ['#55c8b3', '#f0985f', '#8aabff', '#ea8cc6', '#cbc356', '#b4b6bb'],
} as const;

function runVariables(colours: readonly string[]): string {
  return colours.map((colour, i) => `--run${i}:${colour}`).join(';');
}

/** The style sheet of the page. */
export const watchStyle = `
:root { color-scheme: light dark; ${variables(light)}; ${runVariables(runColours.light)} }
@media (prefers-color-scheme: dark) { :root { ${variables(dark)}; ${runVariables(runColours.dark)} } }
* { box-sizing: border-box }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100% }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 1rem/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Helvetica Neue", Arial, sans-serif;
  font-variant-numeric: tabular-nums; overflow-wrap: break-word }
header, main { max-width: 100rem; margin: 0 auto; padding: 0 1.5rem }
#contents { font-size: .9rem } #contents a { color: var(--gain) }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0 1rem; padding-top: 1.6rem }
main { padding-bottom: 4rem }
h1, h2, h3 { line-height: 1.25; font-weight: 600; margin: 0 }
h1 { font-size: 1.5rem; letter-spacing: -.015em }
h2 { font-size: 1.1rem; margin: 2rem 0 .7rem }
h3 { font-size: .88rem; font-weight: 600 }
p { margin: 0 }
button, select, input { font: inherit; color: inherit; accent-color: var(--gain) }
button, select { background: var(--card); border: 1px solid var(--soft); border-radius: .3rem; padding: .15rem .6rem }
button:hover:not(:disabled) { background: var(--weak) }
button:disabled { opacity: .45 }
fieldset { border: 0; margin: 0; padding: 0; display: flex; gap: .3rem .8rem; align-items: baseline }
legend { float: left; padding: 0 }
:focus-visible { outline: 2px solid var(--gain); outline-offset: 2px }
[hidden] { display: none !important }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap }
.note, .soft, #connection { color: var(--soft); font-size: .85rem }
.gain { color: var(--gain) } .loss { color: var(--loss) }
#connection.loss { color: var(--loss); font-weight: 600 }

#runs { list-style: none; margin: 1rem 0 0; padding: 0; display: grid; gap: .8rem; align-items: start;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 24rem), 1fr)) }
#runs > li { background: var(--card); border-radius: .4rem; padding: .7rem .9rem; min-width: 0 }
#runs .name { display: flex; gap: .5rem; align-items: center; font-weight: 600; overflow-wrap: anywhere }
#runs .name input { flex: none; width: 1.05rem; height: 1.05rem; margin: 0 }
#runs progress { display: block; width: 100%; height: .4rem; margin: .5rem 0; border: 0; border-radius: .2rem;
  background: var(--rule); appearance: none; overflow: hidden }
#runs progress::-webkit-progress-bar { background: var(--rule) }
#runs progress::-webkit-progress-value { background: var(--soft) }
#runs progress::-moz-progress-bar { background: var(--soft) }
#runs .state { font-size: .9rem }
#runs .state b { font-weight: 600 }
#runs .error { font-size: .85rem; white-space: pre-wrap; overflow-wrap: anywhere; max-height: 8rem; overflow: auto; margin-top: .3rem }
#runs details { font-size: .85rem; margin-top: .4rem }
#runs summary { cursor: pointer; color: var(--soft) }
.swatch { flex: none; display: inline-block; width: 24px; height: 3px; border-radius: 1px; background: currentColor; vertical-align: middle }
.swatch.dashed { background: repeating-linear-gradient(90deg, currentColor 0 9px, transparent 9px 15px) }
.swatch.dotted { background: repeating-linear-gradient(90deg, currentColor 0 4px, transparent 4px 10px) }
${runColours.light.map((_, i) => `.c${i} { color: var(--run${i}) }`).join(' ')}
.facts { display: grid; grid-template-columns: minmax(7rem, auto) minmax(0, 1fr); gap: .1rem 1rem; margin: .3rem 0 0 }
.facts dt { color: var(--soft) } .facts dd { margin: 0; overflow-wrap: anywhere }

#settings, #sample-choice { display: flex; flex-wrap: wrap; gap: .4rem 1.6rem; align-items: center; font-size: .9rem }
#settings { position: sticky; top: 0; z-index: 3; background: var(--paper); padding: .5rem 0; margin-top: .8rem; border-bottom: 1px solid var(--rule) }
#settings input[type=range] { vertical-align: middle; width: 9rem }
#smoothing-value { display: inline-block; min-width: 2.2rem }
.section > h2 { margin-top: 1.3rem }
.section > summary { cursor: pointer; margin-top: 1.3rem }
.section > summary h2 { display: inline; }
.grid { display: flex; flex-wrap: wrap; gap: 1rem 1.4rem; margin-top: .5rem }
.chart { flex: 1 1 min(100%, 24rem); margin: 0; min-width: 0; border-radius: .3rem }
/* No more than three fit in a row; where that would leave one alone in the last, the last two have two each. */
.chart:nth-child(3n+1):nth-last-child(4), .chart:nth-child(3n+1):nth-last-child(4) ~ .chart { flex-basis: max(40%, min(100%, 24rem)) }
.chart figcaption { display: flex; justify-content: space-between; gap: 1rem; align-items: baseline }
.chart .at { color: var(--soft); font-size: .8rem; white-space: nowrap }
.chart .values { display: flex; flex-wrap: wrap; gap: 0 .9rem; font-size: .8rem; min-height: 1.2rem; margin: 0; padding: 0; list-style: none }
.chart .values li { display: flex; gap: .35rem; align-items: center }
.chart .drawing { height: 12rem; overflow: hidden }
.u-hz .u-cursor-x { border-right: 1px solid var(--soft) }
.u-select { background: var(--soft); opacity: .2 }

#samples { border-top: 1px solid var(--rule); margin-top: 2.5rem; scroll-margin-top: 3.5rem }
.steps { display: flex; gap: .4rem; align-items: center }
.steps input[type=range] { width: min(16rem, 36vw) }
.steps output { min-width: 3.4rem }
#sample-note { margin: .6rem 0 }
.prose { font-family: Charter, "Bitstream Charter", "Iowan Old Style", Georgia, "Noto Serif", "DejaVu Serif", serif;
  line-height: 1.6; white-space: pre-wrap; overflow-wrap: anywhere; max-width: 46rem }
.question { background: var(--card); border-radius: .4rem; padding: .8rem 1rem; margin: .6rem 0 1rem; max-width: 60rem }
.question h3 { color: var(--soft); font-weight: 500; font-size: .8rem; margin-bottom: .2rem }
.question .prose { max-height: 16rem; overflow: auto }
.question details { margin-top: .5rem; font-size: .9rem } .question summary { cursor: pointer; color: var(--soft) }
.question pre { white-space: pre-wrap; overflow-wrap: anywhere; max-height: 20rem; overflow: auto; margin: .4rem 0 0;
  font: .84rem/1.5 ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace }
#sample ol { list-style: none; margin: 0; padding: 0; max-width: 60rem }
#sample ol > li { border-top: 1px solid var(--rule); padding: .7rem 0 .8rem }
.outcome { display: flex; flex-wrap: wrap; gap: .1rem 1.2rem; font-size: .88rem; align-items: baseline; margin-bottom: .3rem }
.outcome b { font-weight: 600 } .outcome .reward { font-size: 1rem }
.folded { max-height: 9.6rem; overflow: hidden; mask-image: linear-gradient(#000 70%, transparent) }
.fold { margin-top: .3rem; font-size: .85rem }

@media (max-width: 36rem) {
  header, main { padding-left: 1rem; padding-right: 1rem }
  header { padding-top: 1rem }
  #settings { gap: .3rem 1rem; font-size: .85rem }
  #settings input[type=range] { width: 6rem }
  .grid { gap: .6rem }
  .chart .drawing { height: 8.5rem }
  #samples { scroll-margin-top: 5rem }
}
`;
