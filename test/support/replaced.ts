/** An object with one of its members in the place of another's. */
export function replaced<Whole extends object, Name extends keyof Whole>(
  whole: Whole,
  replacedName: Name,
  instead: Whole[Name],
): Whole {
  return new Proxy(whole, {
    get(target, name) {
      if (name === replacedName) return instead;
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}
