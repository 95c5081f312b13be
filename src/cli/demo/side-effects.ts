import { appendFileSync, existsSync, readFileSync } from "node:fs";

/** One line that an agent left in the file. */
export interface SideEffect {
  readonly deviceId: string;
  /** When the check that allowed it began, in milliseconds since the epoch. */
  readonly checkedAtMs: number;
}

/** A file in which every step of every agent leaves a line. */
export class SideEffectFile {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  append(effect: SideEffect): void {
    appendFileSync(this.path, `${JSON.stringify(effect)}\n`);
  }

  read(): readonly SideEffect[] {
    if (!existsSync(this.path)) return [];
    const lines = readFileSync(this.path, "utf8").split("\n");
    return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as SideEffect);
  }

  /** Lines of one device. */
  count(deviceId: string): number {
    return this.read().filter((effect) => effect.deviceId === deviceId).length;
  }

  /** Lines of one device whose check began after an instant. */
  countCheckedAfter(deviceId: string, instantMs: number): number {
    const isLater = (effect: SideEffect): boolean =>
      effect.deviceId === deviceId && effect.checkedAtMs > instantMs;
    return this.read().filter(isLater).length;
  }
}
