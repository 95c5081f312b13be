import fc from "fast-check";
import { expect, test } from "vitest";
import { sessionPage, sessionsAfter } from "../../../src/authority/leases/org-sessions.ts";
import type { SessionPage } from "../../../src/authority/leases/org-sessions.ts";

test("pages of several processes are all devices, each once, in order", () => {
  const ids = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 3 }), { minLength: 1_100 });
  const processes = fc.array(
    ids.map((all) => new Set(all)),
    { minLength: 1, maxLength: 3 },
  );
  fc.assert(
    fc.property(processes, (all) => {
      const counts = all.map((names) => ({
        sessions: 1,
        devices: new Map([...names].map((name) => [name, { sessions: 1, lost: 1 }])),
      }));
      const seen: SessionPage["devices"][number][] = [];
      for (let after: string | null = ""; after !== null;) {
        const from: string = after;
        const page: SessionPage = sessionPage(counts.map((each) => sessionsAfter(each, from)));
        expect(page.sessions).toBe(all.length);
        seen.push(...page.devices);
        after = page.next;
      }
      const names = new Set(all.flatMap((each) => [...each]));
      expect(seen.map(({ deviceId }) => deviceId)).toEqual([...names].toSorted());
      for (const { deviceId, sessions, lost } of seen) {
        const having = all.filter((each) => each.has(deviceId)).length;
        expect([sessions, lost]).toEqual([having, having]);
      }
    }),
    { numRuns: 20 },
  );
});
