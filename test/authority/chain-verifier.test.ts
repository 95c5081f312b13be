import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { chainStart, ChainVerifier } from "../../src/authority/audit/chain-verifier.ts";
import type { ChainProblem } from "../../src/authority/audit/chain-verifier.ts";
import { auditEntry, digest } from "../../src/authority/store/audit-entry.ts";

const ORG = "org";
const WRITER = "writer";

interface Chain {
  readonly lines: readonly string[];
  readonly end: { readonly seq: number; readonly head: string };
}

const chains: fc.Arbitrary<Chain> = fc
  .array(
    fc.record({
      at: fc.nat(),
      deviceId: fc.option(fc.string({ unit: "grapheme" }), { nil: undefined }),
      code: fc.constantFrom(undefined, "ALLOW", "DEVICE_REVOKED"),
      detail: fc.constantFrom(undefined, { changed: true }, { limit: null, name: '"\\' }),
    }),
    { minLength: 1, maxLength: 12 },
  )
  .map((events) => {
    let { head } = chainStart(ORG, WRITER);
    const lines = events.map(({ at, deviceId, code, detail }, place) => {
      const line = auditEntry(place + 1, head, {
        at,
        by: "key",
        operation: "validate",
        requestId: "id",
        version: place,
        ...(deviceId === undefined ? {} : { deviceId }),
        ...(code === undefined ? {} : { code }),
        ...(detail === undefined ? {} : { detail }),
      });
      head = digest(line);
      return line;
    });
    return { lines, end: { seq: lines.length, head } };
  });

function verify(lines: readonly string[], end: Chain["end"]): ChainProblem | undefined {
  const verifier = new ChainVerifier(chainStart(ORG, WRITER));
  for (const line of lines) if (verifier.add(line) === undefined) break;
  return verifier.end(end);
}

describe("a chain", () => {
  it("verifies as it was written, whatever is in it", () => {
    fc.assert(
      fc.property(chains, ({ lines, end }) => {
        expect(verify(lines, end)).toBeUndefined();
      }),
    );
  });

  it("does not verify with any byte changed, added or removed, and the place is named", () => {
    const how = fc.constantFrom("replace", "insert", "remove");
    fc.assert(
      fc.property(chains, fc.nat(), fc.nat(), how, fc.nat(255), ({ lines, end }, ...change) => {
        const [line, place, kind, byte] = change;
        const seq = (line % lines.length) + 1;
        const bytes = Buffer.from(lines[seq - 1] ?? "", "latin1");
        const at = place % bytes.length;
        const changed = Buffer.concat([
          bytes.subarray(0, at),
          kind === "remove" ? Buffer.alloc(0) : Buffer.from([byte]),
          bytes.subarray(kind === "insert" ? at : at + 1),
        ]).toString("latin1");
        fc.pre(changed !== lines[seq - 1] && changed !== bytes.toString("latin1"));
        const problem = verify(lines.with(seq - 1, changed), end);
        // A link is broken between two entries: either may have been changed.
        expect([seq - 1, seq]).toContain(problem?.seq);
      }),
      { numRuns: 2_000 },
    );
  });

  it("does not verify with entries removed, repeated, moved, or its tail cut off", () => {
    fc.assert(
      fc.property(chains, fc.nat(), fc.nat(), ({ lines, end }, first, second) => {
        const at = first % lines.length;
        const to = second % lines.length;
        const [line = ""] = lines.slice(at);
        expect(verify(lines.toSpliced(at, 1), end)?.seq).toBe(at + 1);
        expect(verify(lines.toSpliced(at, 0, line), end)).toBeDefined();
        expect(verify(lines.slice(0, at), end)).toEqual({
          seq: at + 1,
          message: "the entry is missing",
        });
        if (at !== to) {
          const swapped = lines.with(at, lines[to] ?? "").with(to, line);
          expect(verify(swapped, end)?.seq).toBe(Math.min(at, to) + 1);
        }
        expect(verify(lines, { ...end, head: digest(end.head) })).toBeDefined();
        expect(verify(lines, { ...end, seq: end.seq - 1 })).toBeDefined();
      }),
    );
  });

  it("of one org or writer is not another's", () => {
    fc.assert(
      fc.property(chains, ({ lines }) => {
        for (const start of [chainStart("other", WRITER), chainStart(ORG, "other")]) {
          const verifier = new ChainVerifier(start);
          expect(verifier.add(lines[0] ?? "")).toBeUndefined();
          expect(verifier.problem?.seq).toBe(1);
        }
      }),
    );
  });
});
