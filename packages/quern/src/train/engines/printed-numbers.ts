/** Numbers in lines that trainers print: untrusted, as texts of a model may stand in other lines. */

/** What Ray puts before a line of one of its processes, with colours or without. */
const ofProcess = /^(?:\p{Cc}\[\d+m)?\([\w.:]{1,100} pid=\d+(?:, ip=[\w.:]+)?\)(?:\p{Cc}\[0m)? /u;

/** A line without what Ray puts before it. */
export function withoutProcess(text: string): string {
  return text.replace(ofProcess, '');
}

const number = String.raw`(?:np\.\w+\()?(-?(?:\d[\d.]*(?:e[+-]?\d+)?|inf|nan))\)?`;

/** `name` and number of each match; `inf` and `nan` as JavaScript has them. Of names that come twice, the last. */
function found(text: string, form: RegExp): Record<string, number> {
  return Object.fromEntries(
    Array.from(text.matchAll(form), ([, name, value]) => [name, numberOf(value)] as const),
  );
}

function numberOf(text: string): number {
  if (text.endsWith('nan')) return NaN;
  return text.endsWith('inf') ? (text.startsWith('-') ? -Infinity : Infinity) : Number(text);
}

/** The numbers of a printed dictionary of Python, `{'a': 1.0, 'b': nan}`. */
export function numbersOfDictionary(text: string): Record<string, number> {
  return found(text, new RegExp(String.raw`(?<=[{ ])'([\w@./-]{1,100})': ${number}(?=[,}])`, 'g'));
}

/** The numbers of a list, `a:1.0 - b/c:np.float64(nan)`. */
export function numbersOfList(text: string): Record<string, number> {
  return found(text, new RegExp(String.raw`(?<=^| - )([\w@./-]{1,100}):${number}(?= - |\s*$)`, 'g'));
}

/** Metrics by our names for those that were found, by `names` from ours to the engine's. */
export function renamed(
  numbers: Readonly<Record<string, number>>,
  names: Readonly<Record<string, string>>,
): Record<string, number> {
  return Object.fromEntries(
    Object.entries(names).flatMap(([ours, theirs]) =>
      numbers[theirs] === undefined ? [] : [[ours, numbers[theirs]] as const],
    ),
  );
}

/** The step that quern_ray.py says a training goes on from; undefined for any other line. */
export function begunAt(text: string): number | undefined {
  const step = /^\{"begun": (\d{1,12})\}\s*$/.exec(text)?.[1];
  return step === undefined ? undefined : Number(step);
}
