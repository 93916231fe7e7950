/** Explicit lifetimes: what is made inside is freed at the end, unless it is returned or kept. */
import { native } from './native.ts';
import { closeScopes, enterScope, openScope, openScopes, whenInNoScope } from './scope-stack.ts';
import { isTensor, registry, type Tensor } from './tensor.ts';
import { within } from './work.ts';

whenInNoScope((tensor) => registry.register(tensor, tensor.handle, tensor));

/**
 * What `work` returns. Tensors that it makes are freed when it ends, also where it throws; those in what it returns (in lists,
 * sets, maps and objects too) live on in the scope around it, and those of which `keep()` was called live until they are freed
 * or nobody holds them. Throws `BAD_ARGUMENT` where `work` is asynchronous: other work could come in between.
 */
export function scope<T>(work: () => T): T {
  // Where there is no addon nothing is begun.
  const addon = native();
  const depth = openScopes();
  let returned: ReadonlySet<Tensor> = new Set();
  return within(
    {
      what: 'scope',
      hint: 'Await outside, and open a scope for each part between two awaits',
      enter: () => {
        openScope();
        if (depth === 0) addon.setScoped(true);
      },
      leave: () => {
        free(closeScopes(depth), returned);
        if (depth === 0) addon.setScoped(false);
      },
      finish: (result) => {
        returned = tensorsIn(result);
      },
    },
    work,
  );
}

/** Frees all of `made` but what is in `returned`, which goes into the scope around. */
function free(made: Iterable<Tensor>, returned: ReadonlySet<Tensor>): void {
  const handles: number[] = [];
  for (const tensor of made) {
    if (returned.has(tensor)) enterScope(tensor);
    else handles.push(tensor.handle);
  }
  if (handles.length > 0) native().freeAll(handles);
}

/** The tensors in a value. */
function tensorsIn(value: unknown): Set<Tensor> {
  const found = new Set<Tensor>();
  const seen = new Set<unknown>();
  const left: unknown[] = [value];
  while (left.length > 0) {
    const next = left.pop();
    if (typeof next !== 'object' || next === null || ArrayBuffer.isView(next) || seen.has(next)) continue;
    seen.add(next);
    if (isTensor(next)) found.add(next);
    else for (const item of itemsOf(next)) left.push(item);
  }
  return found;
}

function itemsOf(value: object): Iterable<unknown> {
  if (Array.isArray(value) || value instanceof Set) return value;
  return value instanceof Map ? value.values() : Object.values(value);
}
