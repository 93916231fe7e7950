/** Names that are the same as others, in groups: a disjoint-set forest with path halving. */
export class Components {
  readonly #parents = new Map<string, string>();

  /** Makes two names, and whatever is the same as either, the same. */
  join(a: string, b: string): void {
    const [first, second] = [this.of(a), this.of(b)];
    this.#parents.set(first, first);
    this.#parents.set(second, first);
  }

  has(name: string): boolean {
    return this.#parents.has(name);
  }

  /** The name that stands for all that are the same as this one; itself where it was never joined. */
  of(name: string): string {
    let at = name;
    for (
      let parent = this.#parents.get(at);
      parent !== undefined && parent !== at;
      parent = this.#parents.get(at)
    ) {
      const grandparent = this.#parents.get(parent) ?? parent;
      this.#parents.set(at, grandparent);
      at = grandparent;
    }
    return at;
  }
}
