/** A map that forgets what was set longest ago, in two generations, so that it never outgrows its bound. */
export class RecentMap<Value> {
  readonly #mostOfGeneration: number;
  #young = new Map<string, Value>();
  #old = new Map<string, Value>();

  /** @param most entries kept at most */
  constructor(most: number) {
    this.#mostOfGeneration = Math.ceil(most / 2);
  }

  get isEmpty(): boolean {
    return this.#young.size === 0 && this.#old.size === 0;
  }

  get(key: string): Value | undefined {
    return this.#young.get(key) ?? this.#old.get(key);
  }

  set(key: string, value: Value): void {
    if (this.#young.size >= this.#mostOfGeneration && !this.#young.has(key)) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, value);
  }

  delete(key: string): void {
    this.#young.delete(key);
    this.#old.delete(key);
  }
}
