import { member, textMember } from "./message.ts";
import type { Message } from "./message.ts";

const RELATED_TASK = "io.modelcontextprotocol/related-task";
const OVER: ReadonlySet<string | undefined> = new Set(["completed", "failed", "cancelled"]);

/** The task that an answer says goes on, if it says so. */
export function taskOf({ result }: Message): string | undefined {
  const task =
    member(result, "task") ?? (member(result, "resultType") === "task" ? result : undefined);
  return OVER.has(textMember(task, "status")) ? undefined : textMember(task, "taskId");
}

/** The task that a message says is over, if it says so. */
export function endedTask({ method, params, result }: Message): string | undefined {
  if (method === undefined) {
    const related = textMember(member(member(result, "_meta"), RELATED_TASK), "taskId");
    return related ?? overIn(result);
  }
  return method.startsWith("notifications/tasks") ? overIn(params) : undefined;
}

const overIn = (task: unknown): string | undefined =>
  OVER.has(textMember(task, "status")) ? textMember(task, "taskId") : undefined;
