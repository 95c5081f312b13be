import { renameSync, rmSync, writeFileSync } from "node:fs";

/**
 * Writes a file that is this user's alone. It appears whole, or not at all.
 *
 * @throws the error of the system
 */
export function writePrivateFile(path: string, text: string): void {
  const draft = `${path}.${process.pid}`;
  try {
    rmSync(draft, { force: true });
    writeFileSync(draft, text, { mode: 0o600, flag: "wx" });
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}
