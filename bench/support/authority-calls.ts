/** How an authority of `authority-server.ts` is called. */
export interface BenchAuthority {
  readonly port: number;
  readonly ownerKey: string;
}

export const nameOf = (index: number): string =>
  `worker:bench:fleet:${String(index).padStart(5, "0")}`;

export async function post(
  { port, ownerKey }: BenchAuthority,
  path: string,
  body: object,
): Promise<object> {
  const response = await fetch(`http://127.0.0.1:${port}/api/v1/${path}`, {
    method: "POST",
    headers: { "x-org-key": ownerKey, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path}: ${await response.text()}`);
  return (await response.json()) as object;
}

/** Runs a job for each number, some at a time. */
export async function each(count: number, job: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < count) {
      next += 1;
      await job(next - 1);
    }
  };
  await Promise.all(Array.from({ length: 100 }, work));
}

/** A clock that reads the same in all processes of a machine, in milliseconds. */
export const sharedNow = (): number => Number(process.hrtime.bigint()) / 1e6;
