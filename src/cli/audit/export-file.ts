import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { auditExportSchema } from "../../wire/index.ts";
import type { AuditChainAnswer, AuditExport } from "../../wire/index.ts";
import { CommandError, EXIT } from "../exit-code.ts";

/** An export that is read from a file, line by line. */
export interface ExportFile extends AsyncDisposable {
  readonly audit: AuditExport;
  /** The lines of one chain. Chains are read in their order, each once. */
  readonly linesOf: (chain: AuditChainAnswer) => AsyncGenerator<string>;
  /** Whether anything follows the last chain. */
  isOver(): Promise<boolean>;
}

/**
 * Opens an export.
 *
 * @throws {@link CommandError} when it cannot be read, or is none
 */
export async function openExport(path: string): Promise<ExportFile> {
  const input = createReadStream(path, "utf8");
  const reader = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  const failed = new Promise<never>((_resolve, reject) => {
    input.once("error", reject);
  });
  failed.catch(() => undefined);
  const lines = reader[Symbol.asyncIterator]();
  const next = async (): Promise<string | undefined> => {
    const { value, done } = await Promise.race([lines.next(), failed]);
    return done === true ? undefined : value;
  };
  const close = async (): Promise<void> => {
    reader.close();
    input.destroy();
  };
  try {
    const audit = readHeader(path, await next());
    return {
      audit,
      async *linesOf({ cut, seq }) {
        for (let left = seq - cut; left > 0; left -= 1) {
          const line = await next();
          if (line === undefined) return;
          yield line;
        }
      },
      isOver: async () => (await next()) === undefined,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    if (error instanceof CommandError) throw error;
    const reason = error instanceof Error && "code" in error ? String(error.code) : "unreadable";
    throw new CommandError(`The export ${path} cannot be read: ${reason}`, {
      exitCode: EXIT.error,
      code: "EXPORT_UNREADABLE",
      cause: error,
    });
  }
}

function readHeader(path: string, line = ""): AuditExport {
  try {
    const { data } = auditExportSchema.safeParse(JSON.parse(line));
    if (data !== undefined) return data;
  } catch {
    // It is said below what it is not.
  }
  throw new CommandError(
    `${path} is no export of an audit: its first line does not say so. machineid audit export makes one`,
    { exitCode: EXIT.error, code: "EXPORT_UNREADABLE" },
  );
}
