import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, statSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { sqliteStore, verifyAudit } from "../../src/authority/index.ts";
import { startTestAuthority } from "../support/authority.ts";

const AUTHORITY = pathToFileURL(join(import.meta.dirname, "../../src/authority/index.ts")).href;

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "machineid-ownership-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** What another process finds that wants to own the file. */
async function asAnotherProcess(path: string): Promise<string> {
  const script = `
    import { sqliteStore } from ${JSON.stringify(AUTHORITY)};
    const store = await sqliteStore(${JSON.stringify(path)}).catch((error) => error);
    console.log(store.code ?? "opened");`;
  const args = ["--input-type=module", "--eval", script];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return stdout.trim();
}

test("the owner keeps its file, whatever else its own process tries with it", async () => {
  const path = join(folder, "owned.db");
  await using authority = await startTestAuthority({ path });
  expect(authority.url).toContain("127.0.0.1");
  expect(await asAnotherProcess(path)).toBe("STORE_LOCKED");
  await expect(verifyAudit(path)).rejects.toMatchObject({ code: "STORE_LOCKED" });
  await expect(sqliteStore(path)).rejects.toMatchObject({ code: "STORE_LOCKED" });
  const link = join(folder, "link.db");
  symlinkSync(path, link);
  await expect(sqliteStore(link)).rejects.toMatchObject({ code: "STORE_LOCKED" });
  expect(await asAnotherProcess(path)).toBe("STORE_LOCKED");
  expect(await asAnotherProcess(link)).toBe("STORE_LOCKED");
});

test("a new file is its owner's alone, also when it is made through a link", async () => {
  const target = join(folder, "target.db");
  const link = join(folder, "link.db");
  symlinkSync(target, link);
  for (const path of [join(folder, "new.db"), link]) {
    const store = await sqliteStore(path);
    await store.close();
    expect(statSync(path).mode & 0o777).toBe(0o600);
  }
});
