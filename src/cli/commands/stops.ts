import { defineCommand } from "citty";
import { stopAnswerSchema } from "../../wire/index.ts";
import type { StopHolderAnswer } from "../../wire/index.ts";
import { expectDone } from "../answer.ts";
import { readInteger } from "../arguments.ts";
import { connect, CONNECTION_ARGUMENTS } from "../connection.ts";
import { EXIT } from "../exit-code.ts";
import type { ExitCode } from "../exit-code.ts";
import { paint, print, printable, printJson } from "../output.ts";
import { describeStop } from "../waiting.ts";

/** `machineid stops VERSION` */
export const command = defineCommand({
  meta: { name: "stops", description: "Show how far a stop has come, and who holds it up" },
  args: {
    version: {
      type: "positional",
      description: "Version that the stop was answered with",
      required: true,
    },
    ...CONNECTION_ARGUMENTS,
  },
  async run({ args }): Promise<ExitCode> {
    const version = readInteger(args.version, "VERSION", 1, Number.MAX_SAFE_INTEGER);
    const client = connect(args);
    let cursor: string | null | undefined;
    const holders: StopHolderAnswer[] = [];
    for (;;) {
      const answer = await client.request("readStop", { version, cursor: cursor ?? undefined });
      const body = expectDone(answer, `Reading stop ${version}`);
      const page = stopAnswerSchema.safeParse(body);
      if (!page.success) {
        printJson(body);
        return EXIT.ok;
      }
      holders.push(...page.data.holders);
      ({ cursor } = page.data);
      if (cursor !== null) continue;
      if (args.json === true) printJson({ ...body, holders });
      else {
        print(describeStop(page.data.stop));
        for (const line of holders.flatMap(describeHolder)) print(line);
      }
      return EXIT.ok;
    }
  },
});

const COLORS = {
  pending: "yellow",
  fenced: "green",
  drained: "green",
  lost: "red",
  overdue: "red",
} as const;

/** A holder on a line, and what goes on there on lines of their own. */
function describeHolder(holder: StopHolderAnswer): readonly string[] {
  const { kind, session = "", devices, devices_total: total, state, until } = holder;
  const more = total > devices.length ? ` and ${total - devices.length} more` : "";
  const names = devices.map((deviceId) => printable(deviceId)).join(", ");
  const who = kind === "session" ? `session ${printable(session)}` : "asked over HTTP";
  const over =
    until === null || state === "drained" ? "" : `  over by itself at ${printable(until)}`;
  const line = `  ${paint(COLORS[state], state.padEnd(8))} ${names}${more}  ${who}${over}`;
  const running = (holder.running ?? []).map(
    ({ device, kind, name = "" }) =>
      `           went on after it: ${printable(`${kind} ${name}`.trim())}  of ${printable(device)}`,
  );
  return [line, ...running];
}
