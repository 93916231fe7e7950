/** Whether a text holds a letter or a digit of any script: what holds none cannot be searched, and is no reasoned query. */
export function isUsableText(text: string): boolean {
  return /[\p{L}\p{N}]/u.test(text);
}
