import type { ChangeFeed } from "../store/changes.ts";
import { effectOf } from "./effects.ts";
import type { StopOf } from "./stops.ts";

/** What the change log says of a stop. */
export interface LoggedStop {
  /** What stops wait for, read after it was committed. */
  readonly waitMs: number;
  /** undefined when the log has no stop of that version and org. */
  readonly logged: StopOf | undefined;
  /** It is the end of a key: only those are concerned who worked under it. */
  readonly isOfKey: boolean;
}

/** @throws StoreUnavailableError */
export async function readLoggedStop(
  store: Pick<ChangeFeed, "changes">,
  version: number,
  orgId: string,
): Promise<LoggedStop> {
  const { changes, terms } = await store.changes(version - 1, 1);
  const { waitMs } = terms;
  const [change] = changes;
  const effect =
    change?.version === version && change.orgId === orgId ? effectOf(change.operation) : undefined;
  const isOfKey = effect?.kind === "key_end";
  if (effect?.kind !== "stop" && !isOfKey) return { waitMs, logged: undefined, isOfKey };
  const isWide = effect.kind === "key_end" || effect.everywhere;
  const deviceIds = isWide ? undefined : change?.deviceIds;
  return { waitMs, logged: { version, orgId, deviceIds }, isOfKey };
}
