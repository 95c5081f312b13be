import { expect, test } from "vitest";
import { createAuthority, sqliteStore } from "../../src/authority/index.ts";
import type { AuthorityOptions } from "../../src/authority/index.ts";

test.each<[Partial<AuthorityOptions>]>([
  [{ trustProxy: -1 }],
  [{ trustProxy: 1.5 }],
  [{ trustProxy: Number.NaN }],
  [{ trustProxy: Number.POSITIVE_INFINITY }],
  [{ trustProxy: 101 }],
  [{ validMs: -1 }],
  [{ validMs: Number.NaN }],
  [{ maxConnections: 0 }],
  [{ requestTimeoutMs: Number.POSITIVE_INFINITY }],
])("an authority with %o is not made", async (options) => {
  const store = await sqliteStore(":memory:");
  const [name = ""] = Object.keys(options);
  const refused = new RegExp(`^${name} must be a whole number`);
  expect(() => createAuthority({ store, ...options })).toThrow(refused);
  await store.close();
});

test.each(["", "  ", "a\0b", "two\nlines", "x".repeat(101), "a\ud800"])(
  "a first org is not called %j",
  async (name) => {
    const authority = createAuthority({ store: await sqliteStore(":memory:") });
    await expect(authority.bootstrap({ name })).rejects.toThrow(/^name: /);
    await authority.close();
  },
);
