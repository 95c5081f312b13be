import { paint, printable, table } from "../output.ts";
import type { DeviceState, Snapshot, StopState } from "./fleet.ts";

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** As large as whoever reads it likes. */
const UNBOUNDED: Size = {
  columns: Number.POSITIVE_INFINITY,
  rows: Number.POSITIVE_INFINITY,
};
const HEADER = ["DEVICE", "STATUS", "LAST DECISION", "SEEN", "CHECKS/S"] as const;
/** A long id must not push the rest off the screen. */
const LONGEST_ID = 60;

/** A snapshot for people, in lines that fit. */
export function linesOf(snapshot: Snapshot, size: Size = UNBOUNDED): readonly string[] {
  const { devices, pendingStops, problem } = snapshot;
  const nowMs = Date.parse(snapshot.at);
  const head = [
    headingOf(snapshot),
    ...(problem === null ? [] : [paint("yellow", fit(printable(problem), size))]),
    ...pendingStops.map((stop) => paint("yellow", fit(stopLine(stop), size))),
    "",
  ];
  const room = size.rows - head.length - 1;
  const shown = devices.length <= room ? devices : devices.slice(0, Math.max(room - 1, 0));
  const [header = "", ...rows] = table([
    [...HEADER],
    ...shown.map((device) => cellsOf(device, nowMs)),
  ]).split("\n");
  const hidden = devices.length - shown.length;
  return [
    fit(head[0] ?? "", size),
    ...head.slice(1),
    paint("bold", fit(header, size)),
    ...rows.map((row, index) => colored(fit(row, size), shown[index])),
    ...(hidden === 0 ? [] : [paint("dim", fit(`and ${hidden} more`, size))]),
  ];
}

function headingOf(snapshot: Snapshot): string {
  const { authority, devices, checksPerSecond, sessions, pendingStops, stopped } = snapshot;
  const revoked = devices.filter(({ status }) => status === "revoked").length;
  return [
    printable(authority),
    ...(stopped === true ? ["THE ORG IS STOPPED"] : []),
    `${devices.length} devices, ${revoked} revoked`,
    `${checksPerSecond} checks/s`,
    ...(sessions === null ? [] : [`${sessions} sessions`]),
    `${pendingStops.length} pending stops`,
  ].join("  ");
}

function stopLine({ version, state, holders, fenced, drained, devices }: StopState): string {
  const names = devices.map((deviceId) => printable(deviceId)).join(", ");
  return `stop ${version} ${state}: of ${holders} holders ${fenced} fenced, ${drained} drained  ${names}`;
}

function cellsOf(device: DeviceState, nowMs: number): readonly string[] {
  const { deviceId, status, lastDecision, lastSeenAt, checksPerSecond } = device;
  const id = printable(deviceId);
  return [
    id.length > LONGEST_ID ? `${id.slice(0, LONGEST_ID - 1)}…` : id,
    status,
    lastDecision === null ? "-" : printable(lastDecision.code),
    ageOf(lastDecision?.at ?? lastSeenAt, nowMs),
    checksPerSecond.toFixed(1),
  ];
}

function colored(row: string, device: DeviceState | undefined): string {
  if (device?.status === "revoked") return paint("red", row);
  const code = device?.lastDecision?.code ?? "ALLOW";
  return code === "ALLOW" ? row : paint("yellow", row);
}

/** How long ago something was, in its largest unit. */
function ageOf(instant: string | null, nowMs: number): string {
  if (instant === null) return "never";
  const seconds = Math.max(Math.round((nowMs - Date.parse(instant)) / 1000), 0);
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  return seconds < 86_400 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86_400)}d`;
}

const fit = (text: string, { columns }: Size): string =>
  text.length <= columns ? text : `${text.slice(0, Math.max(columns - 1, 0))}…`;
