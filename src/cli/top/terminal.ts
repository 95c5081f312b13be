import type { Size } from "./table.ts";

const ENTER = "\u001B[?1049h\u001B[?25l";
const LEAVE = "\u001B[?25h\u001B[?1049l";
const HOME = "\u001B[H";
const CLEAR_LINE = "\u001B[K";
const CLEAR_BELOW = "\u001B[J";
const CTRL_C = "\u0003";
const CTRL_Z = "\u001A";

/** A terminal that is drawn upon, and is left as it was found, however this process ends. */
export class Terminal implements Disposable {
  readonly #onResize: () => void;
  readonly #onQuit: () => void;
  readonly #restore = (): void => this[Symbol.dispose]();
  readonly #onKey = (keys: string): void => this.#press(keys);
  #isEntered = false;

  constructor({ onQuit, onResize }: { onQuit: () => void; onResize: () => void }) {
    this.#onQuit = onQuit;
    this.#onResize = onResize;
    process.on("exit", this.#restore);
    process.stdout.on("resize", this.#onResize);
    if (process.stdin.isTTY) process.stdin.setEncoding("utf8").on("data", this.#onKey);
    this.#enter();
  }

  get size(): Size {
    const { columns, rows } = process.stdout;
    // A terminal that does not know its size says 0.
    return { columns: columns || 80, rows: rows || 24 };
  }

  draw(lines: readonly string[]): void {
    const text = lines.map((line) => line + CLEAR_LINE).join("\r\n");
    process.stdout.write(HOME + text + CLEAR_BELOW);
  }

  [Symbol.dispose](): void {
    this.#leave();
    process.removeListener("exit", this.#restore);
    process.stdout.removeListener("resize", this.#onResize);
    process.stdin.removeListener("data", this.#onKey);
    process.stdin.pause();
  }

  #enter(): void {
    this.#isEntered = true;
    if (process.stdin.isTTY) process.stdin.setRawMode(true);
    process.stdout.write(ENTER);
  }

  #leave(): void {
    if (!this.#isEntered) return;
    this.#isEntered = false;
    if (process.stdin.isTTY) process.stdin.setRawMode(false);
    process.stdout.write(LEAVE);
  }

  #press(keys: string): void {
    if (keys.includes("q") || keys.includes(CTRL_C)) this.#onQuit();
    if (!keys.includes(CTRL_Z)) return;
    this.#leave();
    process.kill(process.pid, "SIGSTOP");
    this.#enter();
    this.#onResize();
  }
}
