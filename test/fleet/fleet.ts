import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Body } from "./fleet-history.ts";
import { WorkerProcess } from "./worker-process.ts";
import type { WorkerOrder } from "./worker-process.ts";

export interface FleetOptions {
  /** Where each process finds its authority; as many processes as addresses. */
  readonly baseUrls: readonly string[];
  readonly orgKey: string;
  readonly devicesPerProcess: number;
  readonly fault?: WorkerOrder["fault"];
}

/** Many guards in several processes, with a log of all that they did. */
export class Fleet implements AsyncDisposable {
  readonly workers: readonly WorkerProcess[];
  readonly #folder: string;

  private constructor(workers: readonly WorkerProcess[], folder: string) {
    this.workers = workers;
    this.#folder = folder;
  }

  static async start(options: FleetOptions): Promise<Fleet> {
    const { baseUrls, orgKey, devicesPerProcess, fault = "none" } = options;
    const folder = mkdtempSync(join(tmpdir(), "machineid-fleet-"));
    const workers = await Promise.all(
      baseUrls.map((baseUrl, place) =>
        WorkerProcess.start({
          baseUrl,
          orgKey,
          logFile: join(folder, `${place}.log`),
          deviceIds: deviceIdsOf(place, devicesPerProcess),
          fault,
        }),
      ),
    );
    return new Fleet(workers, folder);
  }

  /** Everything that was done. Ends all processes. */
  async bodies(): Promise<Body[]> {
    return (await Promise.all(this.workers.map((worker) => worker.bodies()))).flat();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker[Symbol.asyncDispose]()));
    rmSync(this.#folder, { recursive: true });
  }
}

/** The devices of one process. */
export const deviceIdsOf = (place: number, count: number): string[] =>
  Array.from({ length: count }, (_, device) => `fleet:${place}:${device}`);
