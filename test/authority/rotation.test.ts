import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { SigningKeyRecord } from "../../src/authority/index.ts";
import {
  publishedKeys,
  rotateSigningKeys,
  signingKeyAt,
} from "../../src/authority/signing/rotation.ts";

const key = (kid: string, at: number): SigningKeyRecord => ({
  kid,
  publicKey: `public ${kid}`,
  privateKey: `private ${kid}`,
  createdAt: at,
  signsFrom: at,
  publishedUntil: null,
});

describe("signing keys", () => {
  it("there is always one that signs, it is published, and clients could learn it an overlap ahead", () => {
    const step = fc.record({ wait: fc.nat(100), overlap: fc.nat(40) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        let now = 1_000;
        let keys: readonly SigningKeyRecord[] = [key("0", now)];
        const announced = new Map([["0", { at: now, overlap: 0 }]]);
        for (const [index, { wait, overlap }] of steps.entries()) {
          const until = now + wait;
          for (; now < until; now += 1) {
            const signer = signingKeyAt(keys, now);
            expect(signer).toBeDefined();
            expect(publishedKeys(keys, now)).toContain(signer);
            expect(signer?.privateKey).not.toBeNull();
            const { at = 0, overlap: ahead = 0 } = announced.get(signer?.kid ?? "") ?? {};
            expect(now - at).toBeGreaterThanOrEqual(ahead);
          }
          const next = key(String(index + 1), now);
          const rotated = rotateSigningKeys(keys, next, now, overlap);
          if (rotated === undefined) continue;
          keys = rotated;
          announced.set(next.kid, { at: now, overlap });
        }
      }),
      { numRuns: 300 },
    );
  });

  it("the oldest signs when the clock was set back to before it was made", () => {
    const keys = rotateSigningKeys([key("old", 100)], key("new", 105), 105, 10) ?? [];
    expect(signingKeyAt(keys, 50)?.kid).toBe("old");
  });

  it("a stolen key neither signs nor is published from the moment of its rotation", () => {
    const keys = rotateSigningKeys([key("old", 1)], key("new", 5), 5, 0) ?? [];
    expect(publishedKeys(keys, 5).map(({ kid }) => kid)).toEqual(["new"]);
    expect(signingKeyAt(keys, 5)?.kid).toBe("new");
    expect(keys[0]?.privateKey).toBeNull();
  });

  it("with an overlap, the old key signs for that long and is published as long again", () => {
    const keys = rotateSigningKeys([key("old", 1)], key("new", 5), 5, 10) ?? [];
    const seen = [5, 14, 15, 24, 25].map((now) => [
      signingKeyAt(keys, now)?.kid,
      publishedKeys(keys, now).map(({ kid }) => kid),
    ]);
    expect(seen).toEqual([
      ["old", ["old", "new"]],
      ["old", ["old", "new"]],
      ["new", ["old", "new"]],
      ["new", ["old", "new"]],
      ["new", ["new"]],
    ]);
  });
});
