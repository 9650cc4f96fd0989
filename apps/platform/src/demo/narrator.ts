const isTerminal = process.stdout.isTTY;

/** Colours are for people at a terminal; everything else gets plain text. */
function paint(code: number, text: string): string {
  return isTerminal ? `\u001B[${code}m${text}\u001B[0m` : text;
}
const bold = (text: string): string => paint(1, text);
const dim = (text: string): string => paint(2, text);
const green = (text: string): string => paint(32, text);
const red = (text: string): string => paint(31, text);

/** What the story said would happen did not. */
export class UnexpectedError extends Error {
  override readonly name = 'UnexpectedError';
}

/** Tells the story on the terminal: numbered chapters, one line for each thing that was seen to be true. */
export class Narrator {
  #chapter = 0;

  constructor(private readonly chapters: number) {}

  async chapter(title: string, tell: () => Promise<void>): Promise<void> {
    this.#chapter++;
    const startedAtMs = performance.now();
    console.log(`\n${dim(`[${this.#chapter}/${this.chapters}]`)} ${bold(title)}`);
    await tell();
    console.log(dim(`      ${(performance.now() - startedAtMs).toFixed(0)} ms`));
  }

  /** @throws {UnexpectedError} which ends the story */
  expect(isTrue: boolean, claim: string, seen?: unknown): void {
    console.log(`      ${isTrue ? green('ok') : red('NOT SO')}  ${claim}`);
    if (!isTrue) throw new UnexpectedError(`${claim}. Seen instead: ${JSON.stringify(seen)}`);
  }

  say(text: string): void {
    console.log(text);
  }
}
