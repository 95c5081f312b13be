import { defineCommand } from "citty";
import { checkDeviceId } from "../../client/index.ts";
import type { MachineID } from "../../client/index.ts";
import type { GuardEvent } from "../../guard/index.ts";
import { readFeatures } from "../../wire/features.ts";
import { readDuration, readInteger, REPEATED } from "../arguments.ts";
import { connect, CONNECTION_ARGUMENTS, fromEnv, readTimeoutMs } from "../connection.ts";
import { UsageError } from "../exit-code.ts";
import { printable, printError } from "../output.ts";
import { programArguments, programEnv, refuseOthers } from "../program-arguments.ts";

const { json: _json, ...connectionArguments } = CONNECTION_ARGUMENTS;

/** `machineid exec -- CMD…`: the gate for any program in any language. */
export const command = defineCommand({
  meta: {
    name: "exec",
    description: "Run any program for as long as its device may work, and end it when it may not",
  },
  args: {
    command: { type: "positional", description: "The program, after --", required: false },
    [REPEATED]: { type: "positional", description: "Its arguments", required: false },
    device: {
      type: "string",
      description: "Device id; MACHINEID_DEVICE_ID otherwise",
      valueHint: "ID",
    },
    register: { type: "boolean", description: "Register the device first; never restores one" },
    grace: {
      type: "string",
      description: "What the program has between SIGTERM and SIGKILL",
      default: "5s",
      valueHint: "DURATION",
    },
    isolate: {
      type: "boolean",
      description: "Run it in namespaces of its own, which nothing it starts can leave (Linux)",
    },
    "status-file": {
      type: "string",
      description: "File that tells as JSON how it stands, and why it ended",
      valueHint: "FILE",
    },
    "recheck-ms": {
      type: "string",
      description: "How often it is asked about again where the authority gives no leases",
      default: "2000",
      valueHint: "MS",
    },
    verbose: { type: "boolean", description: "Say on stderr how the program is gated" },
    ...connectionArguments,
    "timeout-ms": { ...CONNECTION_ARGUMENTS["timeout-ms"], default: "2000" },
  },
  async run({ args, rawArgs }): Promise<number> {
    refuseOthers(args._, rawArgs, "The program");
    const [program, ...programArgs] = programArguments(rawArgs);
    if (program === undefined) throw new UsageError("Name the program: -- CMD…");
    const deviceId = checkDeviceId(args.device ?? fromEnv("MACHINEID_DEVICE_ID") ?? "");
    const graceMs = readDuration(args.grace, "--grace");
    const recheckMs = readInteger(args["recheck-ms"], "--recheck-ms", 1, 60_000);
    const client = connect(args);
    if (args.verbose === true) await tellEnforcement(client, recheckMs);
    const { runExec } = await import("../exec/exec.ts");
    return runExec({
      client,
      guard: {
        deviceId,
        register: args.register === true,
        checkTimeoutMs: readTimeoutMs(args["timeout-ms"]),
      },
      program: { command: program, args: programArgs },
      env: programEnv(),
      graceMs,
      recheckMs,
      isIsolated: args.isolate === true,
      statusFile: args["status-file"],
      ...(args.verbose === true ? { onEvent: tell } : {}),
    });
  },
});

async function tellEnforcement(client: MachineID, recheckMs: number): Promise<void> {
  const meta = await client.request("meta").catch(() => undefined);
  if (meta === undefined) return;
  const leases = readFeatures(meta.status, meta.body).includes("lease");
  const how = leases
    ? "by a lease; a stop is pushed"
    : `by strict checks, every ${recheckMs} ms; the authority gives no leases`;
  printError(`machineid: exec: gated ${how}`);
}

function tell(event: GuardEvent): void {
  if (event.type === "status") {
    printError(`machineid: exec: ${printable(`${event.from} → ${event.to}`)}`);
  }
}
