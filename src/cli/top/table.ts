import { counted, paint, printable, table } from "../output.ts";
import { fitted, shortened, widthOf } from "../text-width.ts";
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
const HEADER = ["DEVICE", "STATUS", "SESSIONS", "LAST DECISION", "SEEN", "CHECKS/S"] as const;
/** A long id must not push the rest off the screen. */
const LONGEST_ID = 60;
const SHORTEST_ID = 12;
const BETWEEN = 2;
/** A narrower terminal has no room for when a device was seen. */
const COLUMNS_FOR_SEEN = 72;
/** A narrower one has none for its sessions. */
const COLUMNS_FOR_SESSIONS = 60;
const LEGEND = "Checks under a lease ask nobody, so they are not counted";
/** Fewer rows have none to spare for it. */
const ROWS_FOR_LEGEND = 10;
/** Stops may take that part of the rows. */
const STOPS_SHARE = 1 / 3;

/** A snapshot for people, in lines that fit. */
export function linesOf(snapshot: Snapshot, size: Size = UNBOUNDED): readonly string[] {
  const { devices, problem } = snapshot;
  const nowMs = Date.parse(snapshot.at);
  const head = [
    fit(headingOf(snapshot), size),
    ...(problem === null ? [] : [paint("yellow", fit(printable(problem), size))]),
    ...stopLines(snapshot.pendingStops, size),
    "",
  ];
  const legend = size.rows < ROWS_FOR_LEGEND ? [] : [paint("dim", fit(LEGEND, size))];
  const room = size.rows - head.length - legend.length - 1;
  const shown = devices.length <= room ? devices : devices.slice(0, Math.max(room - 1, 0));
  const all = [[...HEADER], ...shown.map((device) => cellsOf(device, nowMs))];
  const hasRoom: Partial<Record<(typeof HEADER)[number], boolean>> = {
    SEEN: size.columns >= COLUMNS_FOR_SEEN,
    SESSIONS: snapshot.sessions !== null && size.columns >= COLUMNS_FOR_SESSIONS,
  };
  const columns = HEADER.map((name) => hasRoom[name] ?? true);
  const cells = all.map((row) => row.filter((_, column) => columns[column]));
  const [header = "", ...rows] = table(withShortIds(cells, size)).split("\n");
  const hidden = devices.length - shown.length;
  return [
    ...head,
    paint("bold", fit(header, size)),
    ...rows.map((row, index) => colored(fit(row, size), shown[index])),
    ...(devices.length === 0 ? [paint("dim", fit("No devices", size))] : []),
    ...(hidden === 0 ? [] : [paint("dim", fit(`and ${hidden} more`, size))]),
    ...legend,
  ];
}

/** What the other columns leave, as far as an id can still be told from others. */
function withShortIds(
  cells: readonly (readonly string[])[],
  { columns }: Size,
): readonly (readonly string[])[] {
  const [header = []] = cells;
  const others = header
    .slice(1)
    .map((_, index) =>
      cells.reduce((most, row) => Math.max(most, widthOf(row[index + 1] ?? "")), 0),
    );
  const taken = others.reduce((sum, width) => sum + BETWEEN + width, 0);
  const longest = Math.max(Math.min(columns - taken, LONGEST_ID), SHORTEST_ID);
  return cells.map(([id = "", ...rest]) => [shortened(id, longest), ...rest]);
}

function stopLines(stops: readonly StopState[], size: Size): readonly string[] {
  const room = Math.max(Math.floor(size.rows * STOPS_SHARE), 1);
  const shown = stops.length <= room ? stops : stops.slice(0, room);
  const hidden = stops.length - shown.length;
  const lines = shown.map((stop) => stopLine(stop));
  const more = hidden === 0 ? [] : [`and ${counted(hidden, "more stop")}`];
  return [...lines, ...more].map((line) => paint("yellow", fit(line, size)));
}

function headingOf(snapshot: Snapshot): string {
  const { authority, devices, checksPerSecond, sessions, pendingStops, stopped } = snapshot;
  const revoked = devices.filter(({ status }) => status === "revoked").length;
  // What is last is cut off first.
  return [
    ...(stopped === true ? ["THE ORG IS STOPPED"] : []),
    `${counted(devices.length, "device")}, ${revoked} revoked`,
    `${checksPerSecond} checks/s`,
    ...(sessions === null ? [] : [counted(sessions, "session")]),
    counted(pendingStops.length, "pending stop"),
    printable(authority),
  ].join("  ");
}

function stopLine(stop: StopState): string {
  const { version, state, holders, fenced, drained, devices, running } = stop;
  const listed = (all: readonly string[]): string => all.map((name) => printable(name)).join(", ");
  const wentOn = running.length === 0 ? "" : `, went on after it: ${listed(running)}`;
  return `stop ${version} ${state}: of ${counted(holders, "holder")} ${fenced} fenced, ${drained} drained${wentOn}  ${listed(devices)}`;
}

function cellsOf(device: DeviceState, nowMs: number): readonly string[] {
  const { deviceId, status, lastDecision, lastSeenAt, checksPerSecond } = device;
  const { sessions, lostSessions: lost } = device;
  return [
    printable(deviceId),
    status,
    lost === null || lost === 0 ? String(sessions ?? "-") : `${sessions}, ${lost} lost`,
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

const fit = (text: string, { columns }: Size): string => fitted(text, columns);
