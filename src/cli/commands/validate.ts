import { defineCommand } from "citty";
import { checkDeviceId } from "../../client/index.ts";
import { readDecision } from "../../wire/index.ts";
import { undecided } from "../answer.ts";
import { connect, CONNECTION_ARGUMENTS } from "../connection.ts";
import { EXIT } from "../exit-code.ts";
import type { ExitCode } from "../exit-code.ts";
import { paint, print, printable, printJson } from "../output.ts";

/** `machineid validate DEVICE`: asks for the decision, and ends with it. */
export const command = defineCommand({
  meta: { name: "validate", description: "Ask whether a device may work: 0 allowed, 3 denied" },
  args: {
    device: { type: "positional", description: "Device id" },
    ...CONNECTION_ARGUMENTS,
  },
  async run({ args }): Promise<ExitCode> {
    const deviceId = checkDeviceId(args.device);
    const client = connect(args);
    const sentAtMs = performance.now();
    const answer = await client.request("validate", { deviceId });
    const ageMs = performance.now() - sentAtMs;
    const verdict = readDecision(answer.status, answer.body, deviceId);
    if (verdict.outcome === "unavailable") throw undecided(deviceId, verdict, answer.status);
    const isStale =
      verdict.outcome === "allowed" && verdict.validMs !== undefined && ageMs > verdict.validMs;
    if (isStale) {
      const { requestId } = verdict;
      const expired = { outcome: "unavailable", code: "LEASE_EXPIRED", requestId } as const;
      throw undecided(deviceId, { ...expired, serverCode: undefined }, answer.status);
    }
    const isAllowed = verdict.outcome === "allowed";
    if (args.json === true) printJson(answer.body);
    else {
      const word = isAllowed ? paint("green", "allowed") : paint("red", "denied");
      const request = verdict.requestId === undefined ? "" : `  request ${verdict.requestId}`;
      print(`${word}  ${printable(deviceId)}  ${verdict.code}${request}`);
    }
    return isAllowed ? EXIT.ok : EXIT.denied;
  },
});
