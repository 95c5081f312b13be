/** One object per name, for as long as anybody has it. */
export class WeakCache<Value extends object> {
  readonly #values = new Map<string, WeakRef<Value>>();
  readonly #forgotten = new FinalizationRegistry<string>((name) => {
    if (this.#values.get(name)?.deref() === undefined) this.#values.delete(name);
  });

  get(name: string, make: () => Value): Value {
    const known = this.#values.get(name)?.deref();
    if (known !== undefined) return known;
    const value = make();
    this.#values.set(name, new WeakRef(value));
    this.#forgotten.register(value, name);
    return value;
  }
}
