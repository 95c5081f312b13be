import { describe, expect, it } from "vitest";
import { createAuthority, postgresStore } from "../../src/authority/index.ts";
import { examineConformance } from "../../src/cli/conformance/run.ts";
import type { Finding } from "../../src/cli/conformance/run.ts";
import { RULES } from "../../src/cli/conformance/rules/index.ts";
import { Cluster } from "../authority/history/cluster.ts";
import { runCli } from "../cli/spawn.ts";
import { createDatabase } from "../support/postgres.ts";
import { startRoundRobin } from "./round-robin.ts";
import type { RoundRobin } from "./round-robin.ts";

const REPLICAS = 3;

/** Three replicas, each a process, on one database, behind a balancer that asks each in turn. */
interface Replicated extends AsyncDisposable {
  readonly balancer: RoundRobin;
  readonly key: string;
  readonly adminKey: string;
}

async function startReplicas(cacheMs = 0): Promise<Replicated> {
  await using stack = new AsyncDisposableStack();
  const database = stack.use(await createDatabase());
  const setUp = createAuthority({ store: await postgresStore({ url: database.url }) });
  const { ownerKey = "", adminKey = "" } = await setUp.bootstrap();
  await setUp.close();
  const databases = Array.from({ length: REPLICAS }, () => database.url);
  const cluster = stack.use(await Cluster.start(databases, cacheMs));
  const balancer = stack.use(await startRoundRobin(cluster.urls));
  const owned = stack.move();
  return {
    balancer,
    key: ownerKey,
    adminKey,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

describe("the conformance kit on three replicas over PostgreSQL", { timeout: 120_000 }, () => {
  it("finds every rule kept, whichever replica is asked", async () => {
    await using replicated = await startReplicas();
    const { balancer, key, adminKey } = replicated;
    const result = await runCli(["conformance", balancer.url, "--json"], {
      env: { MACHINEID_ORG_KEY: key, MACHINEID_ADMIN_KEY: adminKey },
    });
    expect(result.stderr).toBe("");
    const { findings, ...said } = JSON.parse(result.stdout) as Record<string, unknown>;
    expect(
      (findings as readonly Finding[]).filter(({ result: found }) => found !== "pass"),
    ).toEqual([]);
    expect(said).toMatchObject({ isConforming: true, failed: 0, notOffered: 0 });
    expect(said["passed"]).toBe(RULES.length);
    expect(result.code).toBe(0);
    // No rule was kept only because one replica answered all that it asked.
    expect(Math.min(...balancer.given)).toBeGreaterThan(RULES.length);
  });

  it("shows replicas that keep their decisions", async () => {
    await using replicated = await startReplicas(60_000);
    const { balancer, key, adminKey } = replicated;
    const { findings } = await examineConformance(
      { url: balancer.url, key, adminKey, timeoutMs: 10_000 },
      () => undefined,
    );
    const failing = findings.filter(({ result }) => result === "fail");
    expect(failing.map(({ rule }) => rule)).toContain("validate.at_once");
  });
});
