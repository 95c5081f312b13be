import { createWriteStream, existsSync, renameSync, rmSync } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { defineCommand } from "citty";
import type { MachineID } from "../../../client/index.ts";
import { chainLines, readChains } from "../../audit/audit-client.ts";
import { connect, CONNECTION_ARGUMENTS } from "../../connection.ts";
import { CommandError, EXIT } from "../../exit-code.ts";
import type { ExitCode } from "../../exit-code.ts";
import { printError, printLines } from "../../output.ts";

/** `machineid audit export` */
export const command = defineCommand({
  meta: {
    name: "export",
    description: "Write the whole audit as JSON Lines, so that it can be verified elsewhere",
  },
  args: {
    output: {
      type: "string",
      alias: "o",
      description: "File to write, which must not exist; stdout otherwise",
      valueHint: "FILE",
    },
    ...CONNECTION_ARGUMENTS,
  },
  async run({ args }): Promise<ExitCode> {
    const lines = exportLines(connect(args));
    if (args.output === undefined) await printLines(lines);
    else await writeWhole(args.output, lines);
    return EXIT.ok;
  },
});

async function* exportLines(client: MachineID): AsyncGenerator<string> {
  const { org, chains, statement } = await readChains(client);
  yield JSON.stringify({ machineid_audit: 1, org, chains, statement });
  for (const chain of chains) {
    let written = 0;
    for await (const line of chainLines(client, chain)) {
      written += 1;
      yield line;
    }
    if (written !== chain.seq - chain.cut) {
      throw new CommandError(
        `The chain ${chain.chain} has ${written} entries, and not the ${chain.seq - chain.cut} it claimed. ` +
          "If old entries were removed meanwhile, export again; else look at machineid audit verify",
        { exitCode: EXIT.error, code: "EXPORT_INCOMPLETE" },
      );
    }
  }
}

/** The file appears whole, or not at all. */
async function writeWhole(path: string, lines: AsyncIterable<string>): Promise<void> {
  if (existsSync(path)) {
    throw new CommandError(`${path} exists already. Name another file with --output`, {
      exitCode: EXIT.error,
      code: "FILE_EXISTS",
    });
  }
  const draft = `${path}.${process.pid}`;
  const file = createWriteStream(draft, { flags: "wx", mode: 0o600 });
  try {
    await pipeline(Readable.from(withLineEnds(lines)), file);
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
  printError(`machineid: written to ${path}`);
}

async function* withLineEnds(lines: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const line of lines) yield `${line}\n`;
}
