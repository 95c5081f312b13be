import { open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { REQUEST_ID_HEADER, ROUTES } from "../../wire/index.ts";
import { Failure } from "../failure.ts";
import { takeOver } from "../http/answer.ts";
import { authenticateAdmin } from "../http/authenticate.ts";
import type { AuthorityRoute } from "../http/route.ts";
import type { Services } from "../services.ts";
import { BackupRunningError } from "../store/backup.ts";
import type { StoreBackup } from "../store/backup.ts";
import type { Store } from "../store/store.ts";

/** A reader that takes nothing for this long is cut off, in milliseconds: a copy takes up disk. */
const STALL_MS = 60_000;

/** A copy of the whole store, made while it is in use. */
export function backupRoute(services: Services): AuthorityRoute {
  const { store, logger } = services;
  return {
    ...ROUTES.backup,
    access: "admin",
    async handle(request, reply) {
      const visitor = authenticateAdmin(request, services);
      visitor.accepted(await store.authenticateAdmin(visitor.caller));
      const copy = await takeBackup(store);
      const { size } = copy;
      // An open file is read though its name is gone, and the name is free for the next.
      const file = await openOnce(copy);
      logger.info({ request_id: request.id, bytes: size }, "backup made");
      reply
        .type("application/vnd.sqlite3")
        .header("content-length", size)
        .header("cache-control", "no-store")
        .header(REQUEST_ID_HEADER, request.id);
      const response = takeOver(reply);
      response.setTimeout(STALL_MS, () => void response.destroy());
      // A backup that did not leave whole is shorter than it said, and its reader sees that.
      await pipeline(file.createReadStream(), response).catch((error: unknown) => {
        logger.warn({ request_id: request.id, err: error }, "backup was not taken whole");
      });
      return reply;
    },
  };
}

async function openOnce(copy: StoreBackup): Promise<FileHandle> {
  try {
    return await open(copy.path);
  } finally {
    await copy[Symbol.asyncDispose]();
  }
}

async function takeBackup(store: Store): Promise<StoreBackup> {
  if (store.backup === undefined) {
    throw new Failure("ROUTE_NOT_FOUND", "This store has backups of its own; use its own tools.");
  }
  try {
    return await store.backup();
  } catch (error) {
    if (error instanceof BackupRunningError) {
      throw new Failure("CONFLICT", "A backup is being made already; wait for its end.");
    }
    throw error;
  }
}
