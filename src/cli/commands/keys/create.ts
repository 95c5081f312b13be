import { defineCommand } from "citty";
import { createKeyRequestSchema, KEY_ROLES } from "../../../wire/index.ts";
import { expectDone } from "../../answer.ts";
import { readDuration, REASON_ARGUMENT } from "../../arguments.ts";
import { connect, CONNECTION_ARGUMENTS } from "../../connection.ts";
import { UsageError } from "../../exit-code.ts";
import type { ExitCode } from "../../exit-code.ts";
import { showNewKey } from "../../keys.ts";

/** `machineid keys create` */
export const command = defineCommand({
  meta: { name: "create", description: "Make a key of a role; it is shown once" },
  args: {
    role: { type: "string", required: true, description: KEY_ROLES.join(", "), valueHint: "ROLE" },
    devices: {
      type: "string",
      description: "Of an agent: its device id, or worker:prod:* for all that begin so, or *",
      valueHint: "PATTERN",
    },
    owner: {
      type: "string",
      description: "Of an agent: who owns its devices. Of an operator: whose it may restore, too",
      valueHint: "NAME",
    },
    name: { type: "string", description: "What the key is called", valueHint: "NAME" },
    "expires-in": {
      type: "string",
      description: "When it expires, for example 12h or 90d; never otherwise",
      valueHint: "DURATION",
    },
    ...REASON_ARGUMENT,
    ...CONNECTION_ARGUMENTS,
  },
  async run({ args }): Promise<ExitCode> {
    const { role, devices: devicePattern, owner: deviceOwner, name, reason } = args;
    const body = { role, devicePattern, deviceOwner, name, reason, expiresAt: expiryOf(args) };
    const given = Object.entries(body).filter(([, value]) => value !== undefined);
    const { success, error } = createKeyRequestSchema.safeParse(Object.fromEntries(given));
    if (!success) throw new UsageError(problemOf(error.issues[0]));
    const answer = await connect(args).request("createKey", body);
    return showNewKey(expectDone(answer, "Making the key"), args.json === true);
  },
});

function expiryOf(args: { readonly "expires-in"?: string | undefined }): string | undefined {
  const text = args["expires-in"];
  if (text === undefined) return undefined;
  return new Date(Date.now() + readDuration(text, "--expires-in")).toISOString();
}

const OPTIONS: Readonly<Partial<Record<PropertyKey, string>>> = {
  role: "--role",
  devicePattern: "--devices",
  deviceOwner: "--owner",
  name: "--name",
  reason: "--reason",
};

/** What is wrong with the call, in the words of the command line. */
function problemOf(issue: { readonly path: PropertyKey[]; readonly message: string } | undefined) {
  const option = OPTIONS[issue?.path[0] ?? ""];
  if (option === "--role") return `--role must be one of ${KEY_ROLES.join(", ")}`;
  if (option !== undefined) return `${option}: ${issue?.message ?? "invalid"}`;
  return 'An agent needs --devices ("*" is every device), and --devices goes with no other role; --owner goes with agent and operator';
}
