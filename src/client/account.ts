const accounts = new Map<string, WeakRef<object>>();
const forgotten = new FinalizationRegistry<string>((name) => {
  if (accounts.get(name)?.deref() === undefined) accounts.delete(name);
});

/** One object per authority and key in this process. It shows neither. */
export function accountOf(baseUrl: string, key: string): object {
  const name = `${baseUrl} ${key}`;
  const known = accounts.get(name)?.deref();
  if (known !== undefined) return known;
  const account = Object.freeze({});
  accounts.set(name, new WeakRef(account));
  forgotten.register(account, name);
  return account;
}
