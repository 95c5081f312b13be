import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MachineID } from "../../client/index.ts";
import { readFeatures } from "../../wire/features.ts";
import { metaAnswerSchema, orgStateAnswerSchema } from "../../wire/index.ts";
import { expectDone } from "../answer.ts";
import { CommandError, EXIT } from "../exit-code.ts";
import type { ExitCode } from "../exit-code.ts";
import { listDevices } from "../list-devices.ts";
import { print, printable, printError } from "../output.ts";
import { oneLine } from "../report-error.ts";
import { stopSignal } from "../stop-signal.ts";
import { CanaryProcess } from "./canary-process.ts";
import type { CanaryProcessOptions } from "./canary-process.ts";
import { report } from "./report.ts";
import { judge, revokeAndWait } from "./round.ts";
import type { Revoked, Round } from "./round.ts";

export interface DrillOptions {
  readonly client: MachineID;
  readonly canary: Omit<CanaryProcessOptions, "file" | "isStrict">;
  readonly count: number;
  readonly json: boolean;
}

/** Longest that a strict answer is good, and so may still be on its way, in milliseconds. */
const STRICT_MS = 2000;
/** For clocks that differ, and for the way there and back. */
const CLOCK_SHARE = 1.02;
const WAY_MS = 1000;

/**
 * Revokes a canary again and again, and measures how fast it obeys. The device is left
 * as it was found, whatever happens.
 *
 * @throws {@link CommandError} when this cannot be done here, before anything is revoked
 */
export async function runDrill(options: DrillOptions): Promise<ExitCode> {
  const { client, canary, json } = options;
  const { deviceId } = canary;
  const signal = stopSignal();
  const boundMs = await boundOf(client);
  const isNew = await refuseWhatCannotBeRestored(client, deviceId);
  const directory = mkdtempSync(join(tmpdir(), "machineid-drill-"));
  const drill = new Drill(options, boundMs, signal);
  const leave = (): void => {
    rmSync(directory, { recursive: true, force: true });
    if (!drill.isRevoked) return;
    printError(
      `machineid: ${printable(deviceId)} is still revoked. machineid unrevoke restores it`,
    );
  };
  // A second signal ends the process at once.
  process.on("exit", leave);
  let removed = false;
  try {
    await drill.run(join(directory, "side-effects"));
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    if (isNew) removed = await remove(client, deviceId);
    const isAsBefore = !drill.isRevoked && removed === isNew;
    if (isAsBefore && !json) {
      print(`${printable(deviceId)} is ${removed ? "removed again" : "restored"}`);
    }
  }
  const { rounds } = drill;
  const isKept = rounds.length === 0 || report({ ...options, deviceId, rounds, boundMs, removed });
  if (signal.aborted) return EXIT.interrupted;
  return isKept ? EXIT.ok : EXIT.error;
}

class Drill {
  readonly rounds: Round[] = [];
  isRevoked = false;
  readonly #options: DrillOptions;
  readonly #boundMs: number | undefined;
  readonly #signal: AbortSignal;

  constructor(options: DrillOptions, boundMs: number | undefined, signal: AbortSignal) {
    this.#options = options;
    this.#boundMs = boundMs;
    this.#signal = signal;
  }

  async run(file: string): Promise<void> {
    const { canary: options, count, json } = this.#options;
    const signal = this.#signal;
    const isStrict = this.#boundMs === undefined;
    await using canary = await CanaryProcess.start({ ...options, file, isStrict });
    await canary.begin(signal);
    if (!json) tellBegin(options.deviceId, count, isStrict);
    while (this.rounds.length < count && !signal.aborted) {
      if (this.rounds.length > 0) await canary.begin(signal);
      const revoked = await this.#revoke(canary);
      this.rounds.push(judge(revoked, canary.sideEffects()));
    }
  }

  /** Revokes the canary, and restores it whatever comes of it. */
  async #revoke(canary: CanaryProcess): Promise<Revoked> {
    const { client, canary: options } = this.#options;
    const { deviceId } = options;
    this.isRevoked = true;
    try {
      const given = { client, deviceId, canary, boundMs: this.#boundMs, signal: this.#signal };
      return await revokeAndWait(given);
    } finally {
      await restore(client, deviceId);
      this.isRevoked = false;
    }
  }
}

function tellBegin(deviceId: string, count: number, isStrict: boolean): void {
  print(`Drilling ${printable(deviceId)}: ${count} ${count === 1 ? "round" : "rounds"}`);
  if (isStrict) print("This authority gives no leases: the canary asks before every side effect");
}

/** How long a stop may take here until nothing begins any more, in milliseconds; undefined where nothing says so. */
async function boundOf(client: MachineID): Promise<number | undefined> {
  const { status, body } = await client.request("meta");
  const ttlMs = metaAnswerSchema.safeParse(body).data?.lease?.ttl_ms;
  if (!readFeatures(status, body).includes("lease") || ttlMs === undefined) return undefined;
  return Math.ceil(Math.max(ttlMs, STRICT_MS) * CLOCK_SHARE) + WAY_MS;
}

/** @returns whether the device is not registered yet */
async function refuseWhatCannotBeRestored(client: MachineID, deviceId: string): Promise<boolean> {
  const { devices = [] } = await listDevices(client, deviceId);
  const device = devices.find((listed) => listed.deviceId === deviceId);
  if (device?.revoked === true) {
    throw new CommandError(
      `${printable(deviceId)} is revoked. Restore it, if nobody meant it to be, or drill with another device`,
      { exitCode: EXIT.denied, code: "DEVICE_REVOKED" },
    );
  }
  // Tried before anything is revoked: whoever may not restore may not drill. The canary may be new.
  const answer = await client.request("unrevoke", { deviceId, reason: "drill" });
  if (answer.status !== 404) expectDone(answer, `Restoring ${printable(deviceId)}`);
  const { body } = await client.request("readOrg");
  const org = orgStateAnswerSchema.safeParse(body).data;
  if (org?.twoPersonRestore !== true) return device === undefined;
  throw new CommandError(
    "The org's policy wants two keys for a restore, so a drill could not end",
    {
      exitCode: EXIT.error,
      code: "RESTORE_PENDING",
    },
  );
}

/** It was registered for the drill. What went wrong before is not to be hidden by this. */
async function remove(client: MachineID, deviceId: string): Promise<boolean> {
  try {
    const answer = await client.request("remove", { deviceId, reason: "drill" });
    if (answer.status !== 404) expectDone(answer, `Removing ${printable(deviceId)}`);
    return true;
  } catch (error) {
    const why = error instanceof Error ? oneLine(error.message) : String(error);
    printError(`machineid: drill: ${printable(deviceId)} stays registered: ${why}`);
    return false;
  }
}

async function restore(client: MachineID, deviceId: string): Promise<void> {
  const body = await client.unrevoke(deviceId, { reason: "drill" });
  const answer = { status: 200, body, requestId: undefined, retryAfterMs: undefined };
  expectDone(answer, `Restoring ${printable(deviceId)}`);
}
