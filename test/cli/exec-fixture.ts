import { writeFileSync } from "node:fs";
import { MachineID } from "../../src/index.ts";
import { startTestAuthority } from "../support/authority.ts";
import type { TestAuthorityOptions } from "../support/authority.ts";
import { startCli, temporaryDirectory } from "./spawn.ts";
import type { Finished, Running } from "./spawn.ts";
import { readOr } from "./family.ts";

export const DEVICE = "worker:test:program";

export interface ExecScene extends AsyncDisposable {
  readonly client: MachineID;
  readonly orgKey: string;
  /** What a command needs to talk to it. */
  readonly env: Env;
  /** A file that does not exist yet. */
  file(name: string): string;
  /** Writes a program. */
  script(name: string, text: string): string;
  exec(options: readonly string[], program: readonly string[], env?: Env): Running;
  run(options: readonly string[], program: readonly string[], env?: Env): Promise<Finished>;
  /** What the status file says. */
  status(): Record<string, unknown>;
  readonly statusFile: readonly string[];
}

type Env = Readonly<Record<string, string>>;

/** An authority that knows {@link DEVICE}, and programs that `exec` starts under it. */
export async function execScene(
  url?: string,
  options: TestAuthorityOptions = {},
): Promise<ExecScene> {
  const authority = url === undefined ? await startTestAuthority(options) : undefined;
  const directory = temporaryDirectory();
  const orgKey = authority?.ownerKey ?? "org_scripted";
  const baseUrl = url ?? authority?.url ?? "";
  const client = new MachineID({ orgKey, baseUrl });
  if (authority !== undefined) await client.register(DEVICE);
  const statusPath = directory.file("status.json");
  const env = { MACHINEID_BASE_URL: baseUrl, MACHINEID_ORG_KEY: orgKey };
  const exec: ExecScene["exec"] = (options, program, more = {}) =>
    startCli(["exec", "--device", DEVICE, "--recheck-ms", "50", ...options, "--", ...program], {
      env: { ...env, ...more },
      keepStdinOpen: true,
    });
  return {
    client,
    orgKey,
    env,
    exec,
    run: (...given) => exec(...given).finished,
    file: (name) => directory.file(name),
    script(name, text) {
      writeFileSync(directory.file(name), text, { mode: 0o755 });
      return directory.file(name);
    },
    status: () => JSON.parse(readOr(statusPath, "{}")) as Record<string, unknown>,
    statusFile: ["--status-file", statusPath],
    async [Symbol.asyncDispose]() {
      await authority?.close();
      directory[Symbol.dispose]();
    },
  };
}

/** A program in Python that says its process id, and goes on writing. */
export const PYTHON = `
import os, sys, time
open(sys.argv[1], "a").write(f"{os.getpid()}\\n")
while True:
    with open(sys.argv[1] + ".ticks", "a") as ticks:
        ticks.write("x")
    time.sleep(0.02)
`;
