const lineFeed = 0x0a;

/** Cuts bytes that come in pieces into lines, at line feeds, whatever encoding they are in. */
export class LineSplitter {
  #pieces: Buffer[] = [];
  #pending = 0;

  /** Bytes of the line that is not complete yet. */
  get pending(): number {
    return this.#pending;
  }

  /** The lines that a piece completes, without their line feeds. */
  *lines(piece: Buffer): Generator<Buffer> {
    let start = 0;
    for (let end = piece.indexOf(lineFeed); end !== -1; end = piece.indexOf(lineFeed, start)) {
      const part = piece.subarray(start, end);
      const line = this.#pieces.length === 0 ? part : Buffer.concat([...this.#pieces, part]);
      this.#pieces = [];
      this.#pending = 0;
      start = end + 1;
      yield line;
    }
    if (start === piece.length) return;
    this.#pieces.push(piece.subarray(start));
    this.#pending += piece.length - start;
  }

  /** What follows the last line feed; undefined where nothing does. */
  end(): Buffer | undefined {
    return this.#pieces.length === 0 ? undefined : Buffer.concat(this.#pieces);
  }
}
